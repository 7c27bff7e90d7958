"""What every operation does alike: ids, errors, bodies, pages."""

import json
import re
import uuid

import httpx
import pytest

from tests.support.accounts import unique
from tests.support.world import World


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    (error,) = answer.json()["errors"]
    return answer.status_code, error["code"], error["message"]


def test_request_id_is_echoed_or_made(world: World) -> None:
    assert world.admin.get("/ping", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"] == "mine-1"
    assert uuid.UUID(world.admin.get("/ping").headers["X-Request-Id"]).version == 4
    harmful = world.admin.get("/ping", headers={"X-Request-Id": 'x" y'}).headers["X-Request-Id"]
    assert uuid.UUID(harmful).version == 4


def test_errors_have_an_id_and_the_envelope_too(world: World) -> None:
    answer = world.admin.get("/projects/no-such-project")
    assert error_of(answer) == (404, "NOT_FOUND", "project no-such-project not found")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.content.endswith(b"\n")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/nonsense", "/projects/library/nonsense", "/users/", "/../nonsense", "/"])
def test_unknown_routes_get_the_envelope(world: World, path: str) -> None:
    assert error_of(world.admin.get(path))[:2] == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/users"), ("OPTIONS", "/projects"), ("PATCH", "/health"), ("BREW", "/ping")],
)
def test_unknown_methods_get_405(world: World, method: str, path: str) -> None:
    answer = world.admin.request(method, path)
    assert error_of(answer)[:2] == (405, "METHOD_NOT_ALLOWED")


def test_slashes_are_merged(world: World) -> None:
    assert world.admin.get(f"{world.server.url}/api//v2.0///ping").text == "Pong"


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.9", "nonsense", ""])
def test_accept_does_not_matter(world: World, accept: str) -> None:
    assert world.admin.get("/systeminfo", headers={"Accept": accept}).json()["auth_mode"] == "db_auth"


def test_what_is_no_json_is_400(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"nope", b"\xff\xfe", b'{"project_name": NaN}', b"[" * 5000):
        answer = world.admin.post("/projects", content=body, headers=headers)
        assert error_of(answer)[:2] == (400, "BAD_REQUEST"), body[:20]


@pytest.mark.parametrize(
    "body",
    [[], "text", 7, {"project_name": {}}, {"project_name": True}, {"metadata": "x"}, {"public": "so so"}],
)
def test_json_of_another_shape_is_400(world: World, body: object) -> None:
    assert error_of(world.admin.post("/projects", json=body))[:2] == (400, "BAD_REQUEST")


def test_a_lone_surrogate_and_a_nul_are_400(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    for name in (r"\u0000", r"\ud800"):
        body = f'{{"project_name": "a{name}b"}}'.encode()
        assert world.admin.post("/projects", content=body, headers=headers).status_code == 400


def test_a_missing_body_is_422_by_its_name(world: World) -> None:
    answer = world.admin.post("/projects")
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY", "project in body is required")


def test_too_long_a_value_is_422(world: World) -> None:
    answer = world.admin.post("/projects", json={"project_name": "a" * 256})
    assert error_of(answer)[:2] == (422, "UNPROCESSABLE_ENTITY")


def test_another_content_type_is_415(world: World) -> None:
    answer = world.admin.post("/projects", data={"project_name": "abc"})
    assert error_of(answer)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_too_large_a_body_is_413(world: World) -> None:
    body = json.dumps({"project_name": "a" * (1 << 20)}).encode()
    answer = world.admin.post("/projects", content=body, headers={"Content-Type": "application/json"})
    assert error_of(answer)[:2] == (413, "REQUEST_ENTITY_TOO_LARGE")


def test_a_chunked_body_is_read(world: World) -> None:
    name = unique("chunked")
    pieces = (f'{{"project_name": "{name}"'.encode(), b"}")
    answer = world.admin.post(
        "/projects", content=(piece for piece in pieces), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201, answer.text
    assert world.admin.delete(answer.headers["Location"].removeprefix("/api/v2.0")).status_code == 200


def test_null_is_absence(world: World) -> None:
    answer = world.admin.post(
        "/projects", json={"project_name": None, "public": None, "metadata": {"public": None}}
    )
    assert error_of(answer)[:2] == (400, "BAD_REQUEST")


@pytest.mark.parametrize("query", ["q=%zz", "q=%", "a=1;b=2", "q=name%3D%00"])
def test_a_query_that_is_not_well_encoded_is_400(world: World, query: str) -> None:
    assert error_of(world.admin.get(f"/projects?{query}"))[:2] == (400, "BAD_REQUEST")


def test_a_nul_in_the_path_is_400(world: World) -> None:
    assert error_of(world.admin.get("/projects/a%00b"))[:2] == (400, "BAD_REQUEST")


@pytest.mark.parametrize("path", ["/users/abc", "/users/99999999999999999999", "/quotas/1x", "/robots/-"])
def test_a_path_that_is_no_number_is_422(world: World, path: str) -> None:
    assert error_of(world.admin.get(path))[:2] == (422, "UNPROCESSABLE_ENTITY")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic YWRtaW4=",
        "Basic " + "/w==",
        "Bearer abc",
        "Basic bm9ib2R5Ondyb25n",  # nobody:wrong; a wrong password of admin would freeze that name for other tests
    ],
)
def test_wrong_credentials_are_an_anonymous_caller(world: World, header: str) -> None:
    client = world.clients["anonymous"]
    headers = {"Authorization": header}
    assert client.get("/systeminfo", headers=headers).status_code == 200
    answer = client.get("/users/current", headers=headers)
    assert error_of(answer)[:2] == (401, "UNAUTHORIZED")
    assert "WWW-Authenticate" not in answer.headers, "browsers would ask for a password"


def test_pages_counts_and_links(world: World) -> None:
    prefix = unique("paged")
    for number in range(5):
        assert world.admin.post("/projects", json={"project_name": f"{prefix}-{number}"}).status_code == 201
    seen = []
    url: str | None = f"/api/v2.0/projects?q=name%3D~{prefix}&page_size=2"
    while url:
        answer = world.admin.get(f"{world.server.url}{url}")
        assert answer.headers["X-Total-Count"] == "5"
        seen += [project["name"] for project in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert seen == [f"{prefix}-{number}" for number in range(5)]
    middle = world.admin.get(f"/projects?q=name%3D~{prefix}&page_size=2&page=2").headers["Link"]
    assert middle.count("cursor=") == 1, "the first page needs none"
    assert re.sub("cursor=[A-Za-z0-9_-]+&", "", middle) == (
        f'</api/v2.0/projects?page=1&page_size=2&q=name=~{prefix}>; rel="prev" , '
        f'</api/v2.0/projects?page=3&page_size=2&q=name=~{prefix}>; rel="next"'
    )


def test_beyond_the_end_is_an_empty_list_with_a_count(world: World) -> None:
    answer = world.admin.get("/projects?page=9223372036854775807&page_size=100")
    assert answer.json() == []
    assert int(answer.headers["X-Total-Count"]) > 0
    assert "Link" not in answer.headers


def test_no_page_size_limit_below_one(world: World) -> None:
    total = int(world.admin.get("/projects?page_size=1").headers["X-Total-Count"])
    assert len(world.admin.get("/projects?page_size=-1").json()) == total


def test_sort_and_unknown_keys(world: World) -> None:
    down = [p["name"] for p in world.admin.get("/projects?sort=-name&page_size=100&q=colour=red").json()]
    up = [p["name"] for p in world.admin.get("/projects?sort=colour&page_size=100").json()]
    assert down == sorted(up, reverse=True)
    assert len(up) > 1


def test_the_description_of_the_api_names_every_operation(world: World) -> None:
    description = world.clients["anonymous"].get("/openapi.json").json()
    assert description["openapi"].startswith("3.")
    post = description["paths"]["/api/v2.0/projects"]["post"]
    shape = post["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert "project_name" in description["components"]["schemas"][shape]["properties"]
    names = [
        operation["operationId"] for path in description["paths"].values() for operation in path.values()
    ]
    assert len(names) == len(set(names)) > 50
