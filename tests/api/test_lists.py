"""What every list does alike, tried on each list that the description names."""

import re
from typing import Any

import httpx
import pytest

from apps.api.description import describe
from tests.support.world import REPOSITORY, World

_BASE = "/api/v2.0"
_PARAMETER = re.compile(r"{(\w+)}")
# Without these a list is refused before its pages are looked at.
_NEEDED = {"groupname": "a", "username": "a", "scope": "g"}
# Lists of one policy or execution need one: they are tried where those are made.
_PLACES = {"project_name", "project_name_or_id", "repository_name", "reference", "user_id", "group_id"}
_LISTS = {
    path.removeprefix(_BASE): {one["name"] for one in methods["get"].get("parameters", ())}
    for path, methods in describe()["paths"].items()
    if "get" in methods
    and _PLACES.issuperset(_PARAMETER.findall(path))
    and not any(one["name"] == "policy_id" for one in methods["get"].get("parameters", ()))
    and any(one["name"] == "page" for one in methods["get"].get("parameters", ()))
    and "X-Total-Count" in methods["get"]["responses"]["200"].get("headers", {})
}
_WITH_Q = sorted(path for path, names in _LISTS.items() if "q" in names)
_WITH_SORT = sorted(path for path, names in _LISTS.items() if "sort" in names)


@pytest.fixture
def values(world: World) -> dict[str, str]:
    return {
        "project_name": world.private,
        "project_name_or_id": world.private,
        "repository_name": REPOSITORY.replace("/", "%252F"),
        "reference": world.digest,
        "user_id": "current",
        "group_id": _group(world),
    }


def _group(world: World) -> str:
    """A local group; there is one for all these tests."""
    found = world.admin.get("/usergroups", params={"group_name": "listed"}).json()
    if found:
        return str(found[0]["id"])
    answer = world.admin.post("/usergroups", json={"group_name": "listed", "group_type": 4})
    return answer.headers["Location"].rpartition("/")[2]


def ask(world: World, values: dict[str, str], path: str, **query: Any) -> httpx.Response:
    needed = {name: value for name, value in _NEEDED.items() if name in _LISTS[path]}
    path = _PARAMETER.sub(lambda match: values[match[1]], path)
    return world.admin.get(path, params=needed | query)


every_list = pytest.mark.parametrize("path", sorted(_LISTS))


def test_there_are_lists() -> None:
    assert len(_LISTS) > 20


@every_list
def test_it_counts_and_pages(world: World, values: dict[str, str], path: str) -> None:
    answer = ask(world, values, path)
    assert answer.status_code == 200, answer.text
    total = int(answer.headers["X-Total-Count"])
    rows = answer.json()
    assert len(rows) == min(total, 10)
    assert ('rel="next"' in answer.headers.get("Link", "")) == (total > 10)
    assert 'rel="prev"' not in answer.headers.get("Link", "")

    beyond = ask(world, values, path, page=10**6, page_size=100)
    assert (beyond.status_code, beyond.json()) == (200, [])
    assert int(beyond.headers["X-Total-Count"]) >= total
    assert "Link" not in beyond.headers


@every_list
def test_links_lead_through_it_once(world: World, values: dict[str, str], path: str) -> None:
    answer = ask(world, values, path, page_size=2)
    pages = [answer.json()]
    while len(pages) < 4 and (found := re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))):
        answer = world.admin.get(f"{world.server.url}{found[1]}")
        assert answer.status_code == 200, answer.text
        assert 'rel="prev"' in answer.headers["Link"]
        pages.append(answer.json())
    shown = [repr(row) for page in pages for row in page]
    assert all(len(page) == 2 for page in pages[:-1])
    assert len(shown) == len(set(shown))


@every_list
@pytest.mark.parametrize("name", ["page", "page_size"])
@pytest.mark.parametrize("value", ["x", "1.5", "9" * 30, "٣"])
def test_pages_are_numbers(world: World, values: dict[str, str], path: str, name: str, value: str) -> None:
    answer = ask(world, values, path, **{name: value})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["code"] == "UNPROCESSABLE_ENTITY"
    assert name in error["message"]


@every_list
def test_a_page_has_at_most_a_hundred_rows(world: World, values: dict[str, str], path: str) -> None:
    assert ask(world, values, path, page_size=100).status_code == 200
    assert ask(world, values, path, page_size=101).status_code == 422


@every_list
@pytest.mark.parametrize("size", [0, -1])
def test_no_size_means_every_row(world: World, values: dict[str, str], path: str, size: int) -> None:
    answer = ask(world, values, path, page_size=size)
    assert answer.status_code == 200
    assert "Link" not in answer.headers
    assert len(answer.json()) == min(int(answer.headers["X-Total-Count"]), 1000)


@pytest.mark.parametrize("path", _WITH_Q)
def test_a_malformed_q_is_400(world: World, values: dict[str, str], path: str) -> None:
    for query in ("name", "=a", "name=", "id=[1]", "id=[~]", "id=[1~2~3]", "id={1 2", "a\x00=b"):
        answer = ask(world, values, path, q=query)
        assert answer.status_code == 400, (query, answer.text)
        assert answer.json()["errors"][0]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("path", _WITH_Q)
def test_an_unknown_key_of_q_is_ignored(world: World, values: dict[str, str], path: str) -> None:
    every = ask(world, values, path)
    asked = ask(world, values, path, q="no_such_key=1,another=~x")
    assert asked.status_code == 200
    assert bool(asked.json()) == bool(every.json())


@pytest.mark.parametrize("path", _WITH_SORT)
def test_an_unknown_key_of_sort_is_ignored(world: World, values: dict[str, str], path: str) -> None:
    every = ask(world, values, path)
    asked = ask(world, values, path, sort="no_such_key,-another,-,")
    assert (asked.status_code, bool(asked.json())) == (200, bool(every.json()))
