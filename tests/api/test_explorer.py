"""The explorer page, and pages and files that are not there."""

import re

import httpx
import pytest

from tests.support.world import World


def test_the_page_needs_nobody_else(world: World) -> None:
    page = httpx.get(f"{world.server.url}/devcenter-api-2.0")
    assert page.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 4
    for path in files:
        assert path.startswith("/static/"), "nothing comes from elsewhere"
        answer = httpx.get(f"{world.server.url}{path}")
        assert answer.status_code == 200
        assert "Access-Control-Allow-Origin" not in answer.headers
    script = httpx.get(f"{world.server.url}{files[-1]}").text
    description = re.search(r'url: "([^"]+)"', script)
    assert description is not None
    schemes = httpx.get(f"{world.server.url}{description[1]}").json()["components"]["securitySchemes"]
    assert schemes == {"basic": {"type": "http", "scheme": "basic"}}, "what the button Authorize asks for"


@pytest.mark.parametrize("path", ["/static/nothing.js", "/static/../pyproject.toml", "/nothing"])
def test_what_is_not_there_is_told_to_people(world: World, path: str) -> None:
    answer = httpx.get(f"{world.server.url}{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize("path", ["/c/nothing", "/api/nothing", "/api/v2.0/nothing"])
def test_what_is_not_there_is_told_to_programs(world: World, path: str) -> None:
    answer = httpx.get(f"{world.server.url}{path}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "NOT_FOUND")
