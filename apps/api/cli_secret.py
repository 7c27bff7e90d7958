"""What people may do over the REST API with the secret that they have for docker: what Harbor's clients do with it."""

import re

_PROJECT = r"/api/v2\.0/projects"
_REPOSITORIES = rf"{_PROJECT}/[^/]+/repositories"
_ARTIFACTS = rf"{_REPOSITORIES}/.+/artifacts"
_ALLOWED = (
    ("GET", re.compile(r"/api/version")),
    ("GET", re.compile(r"/api/v2\.0/(?:systeminfo|labels|projects)")),
    ("POST", re.compile(_PROJECT)),
    ("GET", re.compile(_REPOSITORIES)),
    ("GET", re.compile(_ARTIFACTS)),
    ("DELETE", re.compile(rf"{_ARTIFACTS}/[^/]+/tags/[^/]+")),
)


def takes_cli_secret(method: str, path: str) -> bool:
    """Whether this operation of the REST API may be done by it; docker's own are elsewhere."""
    return any(method == allowed and route.fullmatch(path) for allowed, route in _ALLOWED)
