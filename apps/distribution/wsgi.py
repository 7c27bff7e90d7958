"""The entry of the data plane: a WSGI application of its own, without Django's handler."""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from django import db
from django.conf import settings

from apps.artifacts.errors import ArtifactError
from apps.common.database import connections_heal, release_connection
from apps.common.errors import DomainError
from apps.common.logs import take_request_id, write_access_line
from apps.common.metrics import get_recorder
from apps.common.origin import take_request
from apps.common.stamps import get_stamps
from apps.config.read_only import read_only_check
from apps.distribution.admission import admit
from apps.distribution.authentication import unauthorized
from apps.distribution.errors import ProtocolError, error_response
from apps.distribution.messages import REASONS, Environ, Request, Response
from apps.distribution.refusals import note_refused
from apps.distribution.routes import METHODS, OPERATIONS, PLAIN_ROUTES, REPOSITORY_ROUTES, split
from apps.distribution.transfers import uploads
from apps.oci.errors import ManifestTooLargeError, OciError, RangeUnsatisfiableError, excerpt
from apps.storage.errors import StorageError, StorageFullError

logger = logging.getLogger(__name__)

_DRAINED = 64 * 1024 * 1024
_PIECE = 256 * 1024
_SAFE_METHODS = frozenset({"GET", "HEAD"})

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request below ``/v2`` or ``/service/token``."""
    beginning = time.perf_counter()
    request = Request(environ)
    request_id = take_request_id(request.header("HTTP_X_REQUEST_ID"))
    take_request(environ)
    if (recorder := get_recorder()) is not None:
        recorder.enter()
    try:
        response = _answer(request)
    finally:
        get_stamps().forget()
        release_connection()
    status = REASONS.get(response.status) or f"{response.status} Error"
    headers = [
        *response.headers,
        ("Docker-Distribution-Api-Version", "registry/2.0"),
        ("X-Request-Id", request_id),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if recorder is not None:
        recorder.leave(
            request.method,
            response.status,
            request.operation,
            time.perf_counter() - beginning,
            request.received,
            _sent(request, response),
        )
    if settings.HARBOR.access_log:
        _log(request, response, time.perf_counter() - beginning)
    start_response(status, headers)
    body = response.body
    return [body] if isinstance(body, bytes) else body


def _answer(request: Request) -> Response:
    try:
        return _dispatch_healed(request)
    except DomainError as error:
        response = _refusal(request, error)
    except OciError as error:
        response = _oci_refusal(error)
    except StorageFullError:
        logger.exception("storage is full")
        response = error_response("UNAVAILABLE", "the registry has no room left", status=507)
    except StorageError:
        logger.exception("storage failed")
        response = error_response("UNAVAILABLE", "the storage of the registry cannot be reached; try again")
    except (db.OperationalError, db.InterfaceError):
        logger.exception("the database failed")
        response = error_response("UNAVAILABLE", "the database of the registry cannot be reached; try again")
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        response = error_response("UNKNOWN", "internal error; the registry's log has it under the request id")
    if request.method == "HEAD":
        response.body = b""
    _drain(request)
    return response


def _drain(request: Request) -> None:
    """Read what a refused client is still sending, within reason.

    The server closes a connection with an unread body, and a client that meets that while it sends never reads
    why. One that waits for ``100 Continue`` has not begun to send.
    """
    if not request.has_body or request.header("HTTP_EXPECT"):
        return
    start = request.received
    with suppress(ProtocolError), uploads.reserve(request, request.person) as transfer:
        read = transfer.reader(request.read)
        while request.received - start < _DRAINED and read(_PIECE):
            pass


def _dispatch_healed(request: Request) -> Response:
    """A read is tried once more when the database has been started anew since; a write the client repeats."""
    try:
        return _dispatch(request)
    except (db.OperationalError, db.InterfaceError):
        connections_heal()
        if request.method not in {"GET", "HEAD"}:
            raise
        logger.warning("the database failed once; asked again", exc_info=True)
        return _dispatch(request)


def _dispatch(request: Request) -> Response:
    if "%00" in request.environ.get("QUERY_STRING", ""):
        # No parameter has a use for it, and PostgreSQL takes it in no text.
        raise ProtocolError("BAD_REQUEST", "a parameter holds a NUL character")
    plain = PLAIN_ROUTES.get((request.path, request.method))
    if plain is not None:
        request.operation = OPERATIONS[request.path]
        return plain(request)
    if request.path in METHODS:
        raise _method_refused(request, request.path)
    parts = split(request.path)
    if parts is None:
        raise ProtocolError("NOT_FOUND", f"there is nothing at {excerpt(request.path)}")
    name, words, last = parts
    route = REPOSITORY_ROUTES.get((words, request.method))
    if route is None:
        raise _method_refused(request, words)
    request.operation = OPERATIONS[words]
    if request.method not in _SAFE_METHODS:
        read_only_check()
    mount_from = request.parameter("from") or "" if words == "blobs/uploads" and not last else ""
    admission = admit(request, name, route.action, mount_from)
    return route.handler(request, admission.caller, admission.target, last)


def _method_refused(request: Request, words: str) -> ProtocolError:
    return ProtocolError(
        "UNSUPPORTED",
        f"{excerpt(request.method)} is not supported here",
        headers=[("Allow", ", ".join(METHODS[words]))],
    )


def _refusal(request: Request, error: DomainError) -> Response:
    if isinstance(error, ProtocolError):
        return error_response(
            error.code, error.message, detail=error.detail, status=error.status, headers=error.headers
        )
    note_refused(request, error)
    if not isinstance(error, ArtifactError) and error.code == "UNAUTHORIZED":
        challenge = unauthorized(request, error.message)
        return error_response(error.code, error.message, headers=challenge.headers)
    return error_response(error.code, error.message, detail=error.detail)


def _oci_refusal(error: OciError) -> Response:
    status = 413 if isinstance(error, ManifestTooLargeError) else None
    if error.code == "UNSUPPORTED":
        status = 400  # The document is what is not supported, not the method.
    headers = []
    if isinstance(error, RangeUnsatisfiableError) and isinstance(error.detail, dict):
        headers.append(("Content-Range", f"bytes */{error.detail['size']}"))
    return error_response(error.code, error.message, detail=error.detail, status=status, headers=headers)


def _sent(request: Request, response: Response) -> int:
    """Bytes of the body, as announced: a blob is still to be sent."""
    if request.method == "HEAD":
        return 0
    if isinstance(response.body, bytes):
        return len(response.body)
    return next((int(value) for name, value in response.headers if name == "Content-Length"), 0)


def _log(request: Request, response: Response, seconds: float) -> None:
    write_access_line(
        request.environ,
        status=response.status,
        seconds=seconds,
        received=request.received,
        sent=_sent(request, response),
        person=request.person,
        repository=request.repository,
    )
