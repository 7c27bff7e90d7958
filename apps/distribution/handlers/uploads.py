"""Uploads: started, appended to, looked at, finished, thrown away (Distribution specification, pushing blobs)."""

import contextlib
from typing import NoReturn

from django.conf import settings

from apps.artifacts.errors import BlobSizeError
from apps.artifacts.selectors import repository_find
from apps.artifacts.services.blobs import blob_commit, blob_mount
from apps.artifacts.services.links import storage_check, storage_room
from apps.artifacts.services.uploads import (
    Received,
    upload_append,
    upload_cancel,
    upload_create,
    upload_require,
)
from apps.common.database import release_connection
from apps.common.errors import DomainError
from apps.distribution.access import Caller, actions_now, project_of
from apps.distribution.errors import ProtocolError
from apps.distribution.messages import Headers, Request, Response
from apps.distribution.target import Target
from apps.distribution.transfers import uploads as slots
from apps.distribution.upload_state import UploadState, state_read, state_sign
from apps.oci.digests import ALGORITHMS, Digest, parse_digest
from apps.oci.errors import OciError
from apps.oci.ranges import parse_content_range
from apps.storage.errors import OffsetMismatchError, UploadBusyError


def start(request: Request, caller: Caller, target: Target, last: str) -> Response:
    """``POST /v2/<name>/blobs/uploads/``: mount, one-request upload, or a session to go on with."""
    if last:
        raise ProtocolError("UNSUPPORTED", "an upload that exists is gone on with by PATCH or PUT")
    if mount := request.parameter("mount"):
        digest = parse_digest(mount)
        if _mount(request, caller, target, digest):
            return _created(target, digest)
    wanted = request.parameter("digest")
    digest_given = parse_digest(wanted) if wanted else None
    algorithm = digest_given.algorithm if digest_given else request.parameter("digest-algorithm") or "sha256"
    if algorithm not in ALGORITHMS:
        raise ProtocolError(
            "DIGEST_INVALID", f"digest-algorithm must be one of {', '.join(sorted(ALGORITHMS))}"
        )
    # One byte at least: to a project that is full nothing can be added, whatever its length.
    needed = max(request.content_length or 0, 1)
    _check_size(request.content_length)
    storage_check(
        project_id=target.project.id, needed=needed, operator=caller.name, repository_name=target.name
    )
    release_connection()
    upload_id = upload_create(repository_name=target.name)
    if digest_given is not None:
        try:
            received = _receive(request, caller, target, upload_id, UploadState(0, algorithm, ""), 0)
            return _commit(caller, target, upload_id, digest_given, received)
        except (DomainError, OciError):
            # One request is all there was: nobody can go on with what is left.
            with contextlib.suppress(DomainError):
                upload_cancel(repository_name=target.name, upload_id=upload_id)
            raise
    return _accepted(target, upload_id, UploadState(0, algorithm, ""))


def _mount(request: Request, caller: Caller, target: Target, digest: Digest) -> bool:
    source_name = request.parameter("from")
    source = None
    if source_name:
        source_project = project_of(source_name)
        if source_project is None or "pull" not in caller.actions(source_project, source_name):
            # A client that has no right to the source pushes the bytes itself, as the specification says.
            return False
        source = repository_find(source_name)
        if source is None:
            return False
    return blob_mount(
        actor=caller.context_in(target.project, target.name),
        project=target.project,
        repository_name=target.name,
        digest=digest,
        source=source,
        may_read=lambda name: "pull" in actions_now(caller.principal, target.project, name),
    )


def status(request: Request, caller: Caller, target: Target, upload_id: str) -> Response:  # noqa: ARG001
    """``GET`` of an upload: how many bytes have arrived."""
    size = upload_require(repository_name=target.name, upload_id=upload_id)
    known = state_read(target.name, upload_id, request.parameter("_state"))
    if known is None or known.offset != size:
        known = UploadState(size, known.algorithm if known else "sha256", "")
    return _accepted(target, upload_id, known, status=204)


def append(request: Request, caller: Caller, target: Target, upload_id: str) -> Response:
    """``PATCH``: one more chunk, or the whole as a stream."""
    state = _state(request, target, upload_id)
    received = _receive(request, caller, target, upload_id, state, _offset(request, target, upload_id, state))
    digest = received.digest
    return _accepted(target, upload_id, UploadState(received.offset, state.algorithm, digest))


def finish(request: Request, caller: Caller, target: Target, upload_id: str) -> Response:
    """``PUT ?digest=``: the last chunk, if any, and the commit."""
    digest = parse_digest(request.parameter("digest") or "")
    state = _state(request, target, upload_id)
    offset = _offset(request, target, upload_id, state)
    if request.has_body:
        wanted = UploadState(state.offset, digest.algorithm, state.digest)
        received = _receive(request, caller, target, upload_id, wanted, offset)
    elif offset == 0:
        received = Received(0, "")
    else:
        received = Received(state.offset, state.digest if state.algorithm == digest.algorithm else "")
    return _commit(caller, target, upload_id, digest, received)


def cancel(request: Request, caller: Caller, target: Target, upload_id: str) -> Response:  # noqa: ARG001
    """``DELETE`` of an upload: what arrived is thrown away."""
    upload_cancel(repository_name=target.name, upload_id=upload_id)
    return Response(204, [("Docker-Upload-UUID", upload_id)])


def _state(request: Request, target: Target, upload_id: str) -> UploadState:
    """What is known of the upload: its real size, and the digest so far if the client's state is of that size."""
    size = upload_require(repository_name=target.name, upload_id=upload_id)
    state = state_read(target.name, upload_id, request.parameter("_state"))
    algorithm = state.algorithm if state else "sha256"
    if state is None or state.offset != size:
        return UploadState(size, algorithm, "")
    return state


def _offset(request: Request, target: Target, upload_id: str, state: UploadState) -> int:
    """Where the body belongs; raises 416 with the Range that we have when the client believes otherwise."""
    value = request.header("HTTP_CONTENT_RANGE")
    if value is None:
        return state.offset
    first, last = parse_content_range(value)
    if first != state.offset:
        _refuse_range(target, upload_id, state)
    if request.content_length is not None and request.content_length != last - first + 1:
        raise ProtocolError(
            "SIZE_INVALID",
            f"Content-Range speaks of {last - first + 1} bytes, Content-Length of {request.content_length}",
        )
    return first


def _refuse_range(target: Target, upload_id: str, state: UploadState) -> NoReturn:
    raise ProtocolError(
        "RANGE_INVALID",
        f"the upload has {state.offset} bytes; go on from there",
        detail={"size": state.offset},
        headers=_upload_headers(target, upload_id, state),
    )


def _receive(
    request: Request, caller: Caller, target: Target, upload_id: str, state: UploadState, offset: int
) -> Received:
    room = storage_room(project_id=target.project.id)
    most = settings.HARBOR.max_blob_size
    _check_size(offset + (request.content_length or 0))
    if request.content_length and room is not None and request.content_length > room:
        storage_check(
            project_id=target.project.id,
            needed=request.content_length,
            operator=caller.name,
            repository_name=target.name,
        )
    limits = [limit for limit in (room, most - offset if most else None) if limit is not None]
    release_connection()
    try:
        with slots.reserve(request, caller.name) as transfer:
            return upload_append(
                repository_name=target.name,
                upload_id=upload_id,
                offset=offset,
                read=transfer.reader(request.read),
                limit=min(limits, default=None),
                algorithm=state.algorithm,
                expected=_expected(request),
            )
    except OffsetMismatchError as error:
        _refuse_range(target, upload_id, UploadState(error.size, state.algorithm, ""))
    except UploadBusyError:
        raise ProtocolError(
            "RANGE_INVALID",
            "another request is writing to this upload",
            headers=_upload_headers(target, upload_id, state),
        ) from None
    except BlobSizeError:
        if room is not None and request.received > room:
            storage_check(
                project_id=target.project.id,
                needed=request.received,
                operator=caller.name,
                repository_name=target.name,
            )
        raise


def _expected(request: Request) -> int | None:
    """Bytes that the body has to have: by Content-Length, or by Content-Range where it comes in chunks."""
    if request.content_length is not None:
        return request.content_length
    if value := request.header("HTTP_CONTENT_RANGE"):
        first, last = parse_content_range(value)
        return last - first + 1
    return None


def _check_size(size: int | None) -> None:
    most = settings.HARBOR.max_blob_size
    if most and size is not None and size > most:
        raise ProtocolError("SIZE_INVALID", f"a blob may have {most} bytes here", status=413)


def _commit(caller: Caller, target: Target, upload_id: str, digest: Digest, received: Received) -> Response:
    blob_commit(
        actor=caller.context_in(target.project, target.name),
        project=target.project,
        repository_name=target.name,
        upload_id=upload_id,
        digest=digest,
        received=received,
    )
    return _created(target, digest)


def _created(target: Target, digest: Digest) -> Response:
    return Response(
        201,
        [
            ("Location", f"/v2/{target.name}/blobs/{digest}"),
            ("Docker-Content-Digest", str(digest)),
            ("Content-Length", "0"),
        ],
    )


def _accepted(target: Target, upload_id: str, state: UploadState, status: int = 202) -> Response:
    return Response(status, _upload_headers(target, upload_id, state))


def _upload_headers(target: Target, upload_id: str, state: UploadState) -> Headers:
    signed = state_sign(target.name, upload_id, state)
    headers: Headers = [
        ("Location", f"/v2/{target.name}/blobs/uploads/{upload_id}?_state={signed}"),
        ("Docker-Upload-UUID", upload_id),
        ("Range", f"0-{max(state.offset - 1, 0)}"),
    ]
    return headers
