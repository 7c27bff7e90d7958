"""The security matrix, asked of a running server, and a check that no route is missing from it."""

import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern

from apps.api import sessions
from apps.api.urls import urlpatterns
from harbor_py import urls
from tests.api.security_matrix import ROWS, Row
from tests.support.world import REPOSITORY, World

_METHODS = ("get", "post", "put", "patch", "delete")
_PARAMETER = re.compile(r"<str:(\w+)>")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_each_identity_gets_its_status(world: World, row: Row) -> None:
    path = _path(world, row)
    got = {}
    for identity in row.expected:
        client = world.clients[identity]
        base = world.server.url if path.startswith("/") else f"{world.server.url}/api/"
        answer = client.request(row.method, f"{base}{path}", json=row.body)
        got[identity] = answer.status_code
    assert got == row.expected


def test_every_route_and_method_is_in_the_matrix() -> None:
    assert {(row.method, row.route) for row in ROWS} == set(_routes())


def _routes() -> Iterator[tuple[str, str]]:
    yield from _methods(urlpatterns)
    yield from ((method, f"/c/{route}") for method, route in _methods(sessions.urlpatterns))
    pages = [pattern for pattern in urls.urlpatterns if isinstance(pattern, URLPattern)]
    yield from ((method, f"/{route}") for method, route in _methods(pages))


def _methods(patterns: list[URLPattern]) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        if not route:  # the end of the table: what is no route
            continue
        # A repository's name with plain slashes leads to the same views.
        route = route.replace("<path:", "<str:")
        view = getattr(pattern.callback, "cls", None)
        if view is None:
            yield "GET", route
            continue
        for method in _METHODS:
            if hasattr(view, method):
                yield method.upper(), route
        if "head" in vars(view):
            yield "HEAD", route


def _path(world: World, row: Row) -> str:
    project = world.public if row.public else world.private
    values = {
        "project_name": project,
        "project_name_or_id": project,
        "repository_name": REPOSITORY.replace("/", "%252F"),
        "reference": world.digest,
    } | row.values
    path = _PARAMETER.sub(lambda match: values[match[1]], row.route)
    return f"{path}?{row.query}" if row.query else path
