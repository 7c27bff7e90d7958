"""The routes of the data plane in one table.

Repository names may contain ``blobs`` or ``manifests``, so a path is read from its end, where the words are fixed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from apps.distribution.access import Caller
from apps.distribution.handlers import base, blobs, exchange, manifests, uploads
from apps.distribution.messages import Request, Response
from apps.distribution.target import Target

PULL = "pull"
PUSH = "push"
DELETE = "delete"


Handler = Callable[[Request, Caller, Target, str], Response]
"""A handler of a repository's route; the text is the part of the path behind the fixed words."""


@dataclass(frozen=True, slots=True)
class Route:
    """``action`` is what the caller must be allowed to do on the repository."""

    action: str
    handler: Handler


# (fixed words, method) to route; a path is /v2/<name>/<words>/<last>.
REPOSITORY_ROUTES: dict[tuple[str, str], Route] = {
    ("manifests", "GET"): Route(PULL, manifests.get),
    ("manifests", "HEAD"): Route(PULL, manifests.get),
    ("manifests", "PUT"): Route(PUSH, manifests.put),
    ("manifests", "DELETE"): Route(DELETE, manifests.delete),
    ("blobs", "GET"): Route(PULL, blobs.get),
    ("blobs", "HEAD"): Route(PULL, blobs.get),
    ("blobs", "DELETE"): Route(DELETE, blobs.delete),
    ("blobs/uploads", "POST"): Route(PUSH, uploads.start),
    ("blobs/uploads", "GET"): Route(PUSH, uploads.status),
    ("blobs/uploads", "HEAD"): Route(PUSH, uploads.status),
    ("blobs/uploads", "PATCH"): Route(PUSH, uploads.append),
    ("blobs/uploads", "PUT"): Route(PUSH, uploads.finish),
    ("blobs/uploads", "DELETE"): Route(PUSH, uploads.cancel),
    ("tags/list", "GET"): Route(PULL, manifests.tags),
    ("tags/list", "HEAD"): Route(PULL, manifests.tags),
    ("referrers", "GET"): Route(PULL, manifests.referrers),
    ("referrers", "HEAD"): Route(PULL, manifests.referrers),
}

PLAIN_ROUTES: dict[tuple[str, str], Callable[[Request], Response]] = {
    ("/v2/", "GET"): base.version,
    ("/v2/", "HEAD"): base.version,
    ("/v2", "GET"): base.version,
    ("/v2", "HEAD"): base.version,
    ("/v2/_catalog", "GET"): base.catalog,
    ("/v2/_catalog", "HEAD"): base.catalog,
    ("/service/token", "GET"): base.token_get,
    ("/service/token", "POST"): base.token_post,
    ("/service/token/exchange", "POST"): exchange.exchange,
}

# Fixed words or plain path to what the metrics call it: Harbor's names, and ours where it has none.
OPERATIONS = {
    "manifests": "v2_manifest",
    "blobs": "v2_blob",
    "blobs/uploads": "v2_blob_upload",
    "tags/list": "v2_tags",
    "referrers": "v2_referrers",
    "/v2/_catalog": "v2_catalog",
    "/v2/": "v2_base",
    "/v2": "v2_base",
    "/service/token": "service_token",
    "/service/token/exchange": "service_token",
}

# Fixed words or plain path to the methods there.
METHODS = {
    words: sorted({method for other, method in (*REPOSITORY_ROUTES, *PLAIN_ROUTES) if other == words})
    for words, _ in (*REPOSITORY_ROUTES, *PLAIN_ROUTES)
}


def split(path: str) -> tuple[str, str, str] | None:
    """``(name, words, last)`` of a repository's path, or None: ``last`` is "" where nothing follows the words."""
    if not path.startswith("/v2/"):
        return None
    head, _, last = path[4:].rpartition("/")
    if head.endswith("/blobs/uploads"):
        return head[:-14], "blobs/uploads", last
    if last == "uploads" and head.endswith("/blobs"):
        return head[:-6], "blobs/uploads", ""
    if last == "list" and head.endswith("/tags"):
        return head[:-5], "tags/list", ""
    for words in ("manifests", "blobs", "referrers"):
        if head.endswith(f"/{words}"):
            return head[: -len(words) - 1], words, last
    return None
