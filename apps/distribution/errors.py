"""Every error code with its status, and the envelope (Distribution specification, error codes)."""

import orjson

from apps.common.errors import DomainError
from apps.distribution.messages import Headers, Response

STATUSES: dict[str, int] = {
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_INVALID": 400,
    "BLOB_UPLOAD_UNKNOWN": 404,
    "DIGEST_INVALID": 400,
    "MANIFEST_BLOB_UNKNOWN": 404,
    "MANIFEST_INVALID": 400,
    "MANIFEST_UNKNOWN": 404,
    "NAME_INVALID": 400,
    "NAME_UNKNOWN": 404,
    "PAGINATION_NUMBER_INVALID": 400,
    "RANGE_INVALID": 416,
    "SIZE_INVALID": 400,
    "TAG_INVALID": 400,
    "UNAUTHORIZED": 401,
    "DENIED": 403,
    "FORBIDDEN": 403,
    "UNSUPPORTED": 405,
    "TOOMANYREQUESTS": 429,
    "BAD_REQUEST": 400,
    "NOT_FOUND": 404,
    "PRECONDITION": 412,
    "PROJECTPOLICYVIOLATION": 412,
    "VIOLATE_FOREIGN_KEY_CONSTRAINT": 412,
    "UNAVAILABLE": 503,
    "UNKNOWN": 500,
}

# What other parts of the product call by another name than the specification does.
_NAMES = {"FORBIDDEN": "DENIED"}


class ProtocolError(DomainError):
    """A refusal of the protocol itself; ``status`` and ``headers`` where the table's are not enough."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        detail: object = None,
        status: int | None = None,
        headers: Headers | None = None,
    ) -> None:
        super().__init__(message, detail=detail)
        self.code = code
        self.status = status or STATUSES[code]
        self.headers = headers or []


def error_response(
    code: str,
    message: str,
    *,
    detail: object = None,
    status: int | None = None,
    headers: Headers | None = None,
) -> Response:
    """The specification's envelope, with the status of the table unless another is given."""
    entry: dict[str, object] = {"code": _NAMES.get(code, code), "message": message}
    if detail is not None:
        entry["detail"] = detail
    body = orjson.dumps({"errors": [entry]}, option=orjson.OPT_APPEND_NEWLINE)
    return Response(
        status or STATUSES.get(code, 500),
        [
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Length", str(len(body))),
            *(headers or []),
        ],
        body,
    )
