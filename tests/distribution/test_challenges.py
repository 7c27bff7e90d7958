"""The challenge tells clients where to get a token, by the URL that they reached us by."""

import re
from typing import Any

import httpx
import pytest

from tests.distribution.inside import call
from tests.support.http import RegistryClient, error_codes
from tests.support.server import HarborServer

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


def challenge(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 401
    assert error_codes(answer) == ["UNAUTHORIZED"]
    header = answer.headers["WWW-Authenticate"]
    assert header.startswith("Bearer ")
    return dict(_PARAMETER.findall(header))


def test_of_the_version_check(server: HarborServer) -> None:
    answer = httpx.get(f"{server.url}/v2/")

    assert challenge(answer) == {"realm": f"{server.url}/service/token", "service": "harbor-registry"}
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize(
    ("method", "rest", "actions"),
    [
        ("GET", "manifests/v1", "pull"),
        ("PUT", "manifests/v1", "pull,push"),
        ("DELETE", "manifests/v1", "delete"),
        ("POST", "blobs/uploads/", "pull,push"),
        ("GET", "tags/list", "pull"),
        ("GET", "referrers/sha256:x", "pull"),
    ],
)
def test_of_a_repository(server: HarborServer, repository: str, method: str, rest: str, actions: str) -> None:
    answer = httpx.request(method, f"{server.url}/v2/{repository}/{rest}")

    assert challenge(answer)["scope"] == f"repository:{repository}:{actions}"


def test_of_a_mount(server: HarborServer, team: Any, repository: str) -> None:
    source = team.repository()
    url = f"{server.url}/v2/{repository}/blobs/uploads/"

    answer = httpx.post(url, params={"mount": "sha256:x", "from": source})

    assert challenge(answer)["scope"] == f"repository:{repository}:pull,push repository:{source}:pull"


def test_of_the_catalog(server: HarborServer) -> None:
    assert challenge(httpx.get(f"{server.url}/v2/_catalog"))["scope"] == "registry:catalog:*"


def test_what_is_private_and_what_is_not_there_look_the_same(
    server: HarborServer, registry: RegistryClient, repository: str, client_of: Any, team: Any
) -> None:
    registry.push_blob(repository, b"secret")
    other = f"{repository.partition('/')[0]}-missing/image"

    for client in (client_of(None), client_of(team.people["outsider"])):
        answers = [client.tags(name) for name in (repository, other)]
        assert [answer.status_code for answer in answers] == [401, 401]
        texts = {
            answer.text.replace(name, "NAME")
            for answer, name in zip(answers, (repository, other), strict=True)
        }
        assert len(texts) == 1


def test_the_realm_follows_the_host(server: HarborServer) -> None:
    answer = httpx.get(f"{server.url}/v2/", headers={"Host": "registry.example.com:5000"})

    assert challenge(answer)["realm"] == "http://registry.example.com:5000/service/token"


def test_a_wrong_password_is_asked_for_again(server: HarborServer) -> None:
    """Not for a token: a client that has sent a password is told that it was wrong."""
    answer = httpx.get(f"{server.url}/v2/", auth=("nobody-of-this-name", "wrong"))

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="harbor"')


_FORWARDED = {
    "HTTP_HOST": "inside:8080",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "registry.example.com",
}


@pytest.mark.parametrize(
    ("configuration", "realm"),
    [
        ({}, "http://inside:8080"),
        ({"trusted_proxies": "198.51.100.0/24"}, "http://inside:8080"),
        ({"trusted_proxies": "192.0.2.0/24"}, "https://registry.example.com"),
        ({"external_url": "https://other.example.com/"}, "https://other.example.com"),
        (
            {"external_url": "https://other.example.com", "trusted_proxies": "192.0.2.0/24"},
            "https://other.example.com",
        ),
    ],
)
def test_behind_a_proxy(settings: Any, configuration: dict[str, str], realm: str) -> None:
    settings.HARBOR = type(settings.HARBOR)(**configuration)

    answer = call("GET", "/v2/", **_FORWARDED)

    assert answer.status == 401
    assert f'realm="{realm}/service/token"' in answer.headers["WWW-Authenticate"]


def test_a_host_cannot_add_parameters() -> None:
    answer = call("GET", "/v2/", HTTP_HOST='a",scope="registry:catalog:*')

    assert answer.headers["WWW-Authenticate"].count('"') == 4


@pytest.mark.parametrize("value", ["Basic \xe9", "Bearer \xe9.\xe9.\xe9", "\xe9", "Basic", " "])
def test_credentials_that_are_no_text(value: str) -> None:
    answer = call("GET", "/v2/", HTTP_AUTHORIZATION=value)

    assert (answer.status, answer.codes) == (401, ["UNAUTHORIZED"])
