"""Manifests, tag lists and referrers."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from django.conf import settings

from apps.artifacts.errors import ArtifactDeactivatedError, ManifestUnknownError
from apps.artifacts.gates import Pull, gates
from apps.artifacts.selectors import manifest_find, referrers_find, repository_find, tag_names
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.manifests import manifest_push
from apps.artifacts.services.tags import tag_delete
from apps.artifacts.types import RepositoryRef
from apps.common.caches import StampedCache
from apps.common.database import release_connection
from apps.common.forwarding import client_address
from apps.common.stamps import project_key, repository_key
from apps.distribution.access import Caller
from apps.distribution.errors import ProtocolError
from apps.distribution.messages import Headers, Request, Response
from apps.distribution.paging import json_response, next_link, page_of
from apps.distribution.target import Target
from apps.distribution.transfers import short_bodies
from apps.events.spool import Spool, pull_line
from apps.oci.accept import choose
from apps.oci.digests import Digest, parse_digest
from apps.oci.manifests import MAX_MANIFEST_SIZE, parse_manifest
from apps.oci.media_types import OCI_INDEX
from apps.oci.references import check_tag, parse_reference

_MOST_TAGS = 100
# Of one page: each may bring annotations of 64 KiB.
_MOST_REFERRERS = 1000


@dataclass(frozen=True, slots=True)
class Served:
    """A manifest that the pull gates let through, with the answer ready, or the ``refusal`` of a deactivated one."""

    digest: str
    media_type: str
    raw: bytes
    headers: Headers
    repository_id: int
    artifact_id: int
    refusal: str


_served: StampedCache[Served] = StampedCache(
    max_entries=8192, max_age=10, max_weight=16 * 1024 * 1024, weigh=lambda served: len(served.raw) + 512
)
_spool = Spool(settings.HARBOR.spool_folder)
_accepts = lru_cache(maxsize=4096)(choose)


def get(request: Request, caller: Caller, target: Target, reference: str) -> Response:
    """``GET`` and ``HEAD /v2/<name>/manifests/<reference>``. Warm it needs no SQL."""
    key = (target.name, reference)
    stamps = (repository_key(target.name), project_key(target.project.name))
    served = _served.get(key, stamps, lambda: _load(target, reference))
    if served is None:
        raise _unknown(target.name, reference)
    if served.refusal:
        raise ArtifactDeactivatedError(served.refusal)
    if not _accepts(request.header("HTTP_ACCEPT"), served.media_type):
        raise ManifestUnknownError(
            f"{reference} is a {served.media_type}, which the Accept header does not list"
        )
    if request.knows(served.digest):
        return Response(304, served.headers[1:])
    if request.method == "HEAD":
        return Response(200, served.headers)
    pull = (
        target.project.id,
        served.repository_id,
        target.name,
        served.artifact_id,
        served.digest,
        "" if reference == served.digest else reference,
        caller.name,
    )
    _spool.append(pull_line(pull, time.time(), client_address(request.environ)))
    return Response(200, served.headers, served.raw)


def _load(target: Target, reference: str) -> Served | None:
    parse_reference(reference)
    repository = repository_find(target.name)
    stored = manifest_find(repository.id, reference) if repository is not None else None
    if repository is None or stored is None:
        return None
    pull = Pull(
        project_id=target.project.id,
        repository_name=target.name,
        artifact_id=stored.artifact_id,
        digest=stored.digest,
        media_type=stored.media_type,
    )
    for gate in gates.pull:
        gate.check_pull(pull)
    headers = [
        ("Content-Length", str(len(stored.raw))),
        ("Content-Type", stored.media_type),
        ("Docker-Content-Digest", stored.digest),
        ("ETag", f'"{stored.digest}"'),
    ]
    return Served(
        stored.digest,
        stored.media_type,
        stored.raw,
        headers,
        repository.id,
        stored.artifact_id,
        stored.refusal,
    )


def _unknown(name: str, reference: str) -> ManifestUnknownError | ProtocolError:
    if repository_find(name) is None:
        return ProtocolError(
            "NAME_UNKNOWN", f"repository {name} is not known to the registry", detail={"name": name}
        )
    return ManifestUnknownError(
        f"{name}{'@' if ':' in reference else ':'}{reference} is not known to the registry",
        detail={"reference": reference},
    )


def put(request: Request, caller: Caller, target: Target, reference: str) -> Response:
    """``PUT /v2/<name>/manifests/<reference>``, by digest with any number of ``tag`` parameters."""
    named = parse_reference(reference)
    tags = _tags(request, named)
    raw = _body(request)
    algorithm = named.algorithm if isinstance(named, Digest) else "sha256"
    manifest = parse_manifest(raw, content_type=request.header("CONTENT_TYPE"), algorithm=algorithm)
    if isinstance(named, Digest) and manifest.digest != named:
        raise ProtocolError(
            "DIGEST_INVALID",
            f"the manifest has the digest {manifest.digest}, not {named}",
            detail={"digest": str(manifest.digest)},
        )
    manifest_push(
        actor=caller.context_in(target.project, target.name),
        project=target.project,
        repository_name=target.name,
        manifest=manifest,
        tags=tags,
    )
    headers: Headers = [
        ("Location", f"/v2/{target.name}/manifests/{manifest.digest}"),
        ("Docker-Content-Digest", str(manifest.digest)),
        ("Content-Length", "0"),
    ]
    if manifest.subject is not None:
        headers.append(("OCI-Subject", str(manifest.subject.digest)))
    headers += [("OCI-Tag", tag) for tag in tags]
    return Response(201, headers)


def _tags(request: Request, named: Digest | str) -> tuple[str, ...]:
    if isinstance(named, str):
        return (named,)
    tags = tuple(dict.fromkeys(request.query.get("tag", [])))
    if len(tags) > _MOST_TAGS:
        raise ProtocolError("SIZE_INVALID", f"at most {_MOST_TAGS} tags a request", status=414)
    for tag in tags:
        check_tag(tag)
    return tags


def _body(request: Request) -> bytes:
    """The whole body, which may not be longer than a manifest may be nor shorter than announced."""
    if (request.content_length or 0) > MAX_MANIFEST_SIZE:
        raise _too_large()
    pieces: list[bytes] = []
    with short_bodies.reserve(request, request.person) as transfer:
        read = transfer.reader(request.read)
        while piece := read(MAX_MANIFEST_SIZE + 1 - request.received):
            pieces.append(piece)
            if request.received > MAX_MANIFEST_SIZE:
                raise _too_large()
    if request.content_length is not None and request.received != request.content_length:
        raise ProtocolError(
            "SIZE_INVALID",
            f"the request announced {request.content_length} bytes and sent {request.received}",
        )
    return b"".join(pieces)


def _too_large() -> ProtocolError:
    return ProtocolError("SIZE_INVALID", f"a manifest may have {MAX_MANIFEST_SIZE} bytes", status=413)


def delete(request: Request, caller: Caller, target: Target, reference: str) -> Response:  # noqa: ARG001
    """``DELETE``: by digest the manifest with its tags goes, by tag only the tag."""
    named = parse_reference(reference)
    actor = caller.context_in(target.project, target.name)
    if isinstance(named, Digest):
        artifact_delete(actor=actor, repository_name=target.name, reference=reference)
    else:
        tag_delete(actor=actor, repository_name=target.name, tag=named)
    return Response(202, [("Content-Length", "0")])


def tags(request: Request, caller: Caller, target: Target, last: str) -> Response:  # noqa: ARG001
    """``GET /v2/<name>/tags/list``: in byte order, by pages."""
    page = page_of(request)
    repository = _repository(target.name)
    names = tag_names(repository_id=repository.id, after=page.last, limit=page.limit + 1)
    shown = names[: page.limit]
    headers = next_link(request, page, shown) if len(names) > page.limit and shown else []
    return json_response(request, {"name": target.name, "tags": shown}, headers)


def referrers(request: Request, caller: Caller, target: Target, digest: str) -> Response:  # noqa: ARG001
    """``GET /v2/<name>/referrers/<digest>``: an index of the manifests that name the subject, there or not."""
    subject = str(parse_digest(digest))
    kind = request.parameter("artifactType") or ""
    page = page_of(request, largest=_MOST_REFERRERS)
    repository = repository_find(target.name)
    found = (
        referrers_find(
            repository_id=repository.id,
            subject=subject,
            artifact_type=kind,
            after=page.last,
            limit=page.limit + 1,
        )
        if repository is not None
        else []
    )
    release_connection()
    shown = found[: page.limit]
    headers: Headers = [("OCI-Filters-Applied", "artifactType")] if kind else []
    if len(found) > page.limit and shown:
        others = {"artifactType": kind} if kind else {}
        headers += next_link(request, page, [referrer.digest for referrer in shown], **others)
    manifests: list[dict[str, object]] = []
    for referrer in shown:
        descriptor: dict[str, object] = {
            "mediaType": referrer.media_type,
            "digest": referrer.digest,
            "size": referrer.size,
        }
        if referrer.artifact_type:
            descriptor["artifactType"] = referrer.artifact_type
        if referrer.annotations:
            descriptor["annotations"] = referrer.annotations
        manifests.append(descriptor)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return json_response(request, index, headers, OCI_INDEX)


def _repository(name: str) -> RepositoryRef:
    repository = repository_find(name)
    if repository is None:
        raise cast("ProtocolError", _unknown(name, ""))
    return repository
