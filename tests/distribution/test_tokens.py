"""The token service, and which tokens open what."""

import time

import httpx
import pytest

from tests.distribution.asking import SERVICE, access_of, ask, claims_of, opens
from tests.distribution.conftest import Team
from tests.distribution.documents import EMPTY, manifest_of, push
from tests.support.accounts import Role, add_member, make_project, make_robot, make_user, unique
from tests.support.http import RegistryClient, error_codes
from tests.support.server import HarborServer

_ALL = ["delete", "pull", "push"]


def test_the_answer(http, server: HarborServer, repository: str) -> None:
    answer = ask(http, server.admin, f"repository:{repository}:pull")

    document = answer.json()
    claims = claims_of(answer)
    assert document["access_token"] == document["token"]
    assert document["expires_in"] == 1800 == claims["exp"] - claims["iat"]
    assert document["issued_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(claims["iat"]))
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("harbor-token-issuer", SERVICE, "admin")
    assert answer.headers["Cache-Control"] == "no-store"


def test_several_scopes(http, server: HarborServer, team: Team, image: str) -> None:
    first, second = team.repository(), team.repository()

    by_parameters = ask(http, server.admin, f"repository:{first}:pull", f"repository:{second}:pull,push")
    by_spaces = ask(http, server.admin, f"repository:{first}:pull repository:{second}:pull")

    assert access_of(by_parameters) == access_of(by_spaces) == {first: _ALL, second: _ALL}


@pytest.mark.parametrize(
    ("who", "actions"),
    [
        ("developer", ["pull", "push"]),
        ("guest", ["pull"]),
        ("outsider", []),
        ("deleting robot", _ALL),
        (None, []),
    ],
)
def test_scopes_are_cut_down(http, team: Team, repository: str, who: str | None, actions: list[str]) -> None:
    person = team.people[who] if who else None

    answer = ask(http, person, f"repository:{repository}:pull,push,delete")

    assert access_of(answer).get(repository, []) == actions


def test_an_anonymous_token_of_a_public_project(http, registry: RegistryClient, public_project: str) -> None:
    repository = f"{public_project}/{unique('image')}"
    push(registry, repository, manifest_of(), EMPTY, tag="v1")

    answer = ask(http, None, f"repository:{repository}:pull,push")

    assert access_of(answer) == {repository: ["pull"]}
    assert claims_of(answer)["sub"] == ""
    token = answer.json()["token"]
    assert opens(http, token, f"/v2/{repository}/manifests/v1") == 200
    assert opens(http, token, "/v2/") == 200
    headers = {"Authorization": f"Bearer {token}"}
    refused = http.post(f"/v2/{repository}/blobs/uploads/", headers=headers)
    assert (refused.status_code, error_codes(refused)) == (401, ["UNAUTHORIZED"])


def test_an_anonymous_token_for_nothing(http) -> None:
    answer = ask(http, None)

    assert (answer.status_code, error_codes(answer)) == (401, ["UNAUTHORIZED"])


def test_no_scope_is_a_login(http, server: HarborServer) -> None:
    answer = ask(http, server.admin, account="admin", client_id="docker", offline_token="true")

    assert access_of(answer) == {}
    assert opens(http, answer.json()["token"], "/v2/") == 200


def test_the_account_parameter_counts_for_nothing(http, team: Team, repository: str) -> None:
    answer = ask(http, team.people["guest"], f"repository:{repository}:push", account="admin")

    assert claims_of(answer)["sub"] == team.people["guest"].name
    assert access_of(answer) == {repository: ["pull"]}


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "x",
        "repository",
        "repository:",
        "repository:::",
        "repository:No/Name:pull",
        "repository:alone:pull",
        "repository:no-such-project/x:pull",
        "registry:other:*",
        "volume:a/b:pull",
        "repository:a/b:",
        "a b  c",
    ],
)
def test_scopes_that_name_nothing_are_left_out(http, server: HarborServer, scope: str) -> None:
    assert access_of(ask(http, server.admin, scope)) == {}


def test_a_scope_with_a_class(http, server: HarborServer, repository: str) -> None:
    assert access_of(ask(http, server.admin, f"repository(plugin):{repository}:pull")) == {repository: _ALL}


@pytest.mark.parametrize(
    "credentials",
    [("nobody-of-this-name", "wrong"), ("", ""), ("admin", ""), ("ad\0min", "x")],
)
def test_a_wrong_password(http, credentials: tuple[str, str]) -> None:
    answer = http.get("/service/token", params={"service": SERVICE, "scope": "x"}, auth=credentials)

    assert (answer.status_code, error_codes(answer)) == (401, ["UNAUTHORIZED"])


def test_a_wrong_password_of_somebody(http, admin_api) -> None:
    # Not admin's: the name is refused from here for a second and a half, which other tests would meet.
    person = make_user(admin_api)
    answer = http.get("/service/token", params={"service": SERVICE}, auth=(person.name, "wrong"))

    assert (answer.status_code, error_codes(answer)) == (401, ["UNAUTHORIZED"])


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !",
        "Basic YWRtaW4=",
        "Basic /w==",
        "Bearer x",
        "Other YQ==",
        "Basic " + "A" * 9000,
    ],
)
@pytest.mark.parametrize("path", ["/service/token?scope=x", "/v2/"])
def test_credentials_that_are_none(http, header: str, path: str) -> None:
    answer = http.get(path, headers={"Authorization": header})

    assert (answer.status_code, error_codes(answer)) == (401, ["UNAUTHORIZED"])


def test_another_service(http, server: HarborServer) -> None:
    answer = http.get("/service/token", params={"service": "other"}, auth=server.admin.basic)

    assert (answer.status_code, error_codes(answer)) == (400, ["BAD_REQUEST"])


def form(http: httpx.Client, **fields: str) -> httpx.Response:
    defaults = {"grant_type": "password", "service": SERVICE, "client_id": "tests"}
    return http.post("/service/token", data=defaults | fields)


def test_the_form(http, server: HarborServer, repository: str) -> None:
    name, password = server.admin.basic
    scope = f"repository:{repository}:pull repository:{repository}-2:pull"

    answer = form(http, username=name, password=password, scope=scope, access_type="offline")

    assert access_of(answer) == {repository: _ALL, f"{repository}-2": _ALL}


def test_a_wrong_password_in_the_form(http) -> None:
    for fields in ({"username": "admin", "password": "wrong"}, {"username": "admin"}, {}):
        answer = form(http, **fields)
        assert (answer.status_code, error_codes(answer)) == (401, ["UNAUTHORIZED"])


def test_a_colon_in_the_form_s_name(http, server: HarborServer) -> None:
    """Name and password are not put together and taken apart again elsewhere."""
    name, password = server.admin.basic

    answer = form(http, username=f"{name}:{password}", password="")

    assert answer.status_code == 401


@pytest.mark.parametrize("grant_type", ["refresh_token", "authorization_code", ""])
def test_other_grants(http, grant_type: str) -> None:
    """A client then falls back to GET, as it does at Harbor's 405."""
    answer = form(http, grant_type=grant_type, refresh_token="x")

    assert (answer.status_code, error_codes(answer)) == (405, ["UNSUPPORTED"])


def test_a_form_without_end(http) -> None:
    answer = http.post("/service/token", content=b"a=" + b"x" * 100_000)

    assert (answer.status_code, error_codes(answer)) == (413, ["SIZE_INVALID"])


def test_a_token_opens_its_repositories_only(
    http, registry, server: HarborServer, team: Team, image: str
) -> None:
    token = ask(http, server.admin, f"repository:{team.repository()}:pull").json()["token"]

    answer = http.get(image, headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, error_codes(answer)) == (401, ["UNAUTHORIZED"])
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_the_token_of_a_deleted_person_dies(
    http, server: HarborServer, admin_api: httpx.Client, team: Team, image: str
) -> None:
    person = make_user(admin_api)
    add_member(admin_api, project=team.project, person=person, role=Role.GUEST)
    repository = image.removeprefix("/v2/").partition("/manifests")[0]
    token = ask(http, person, f"repository:{repository}:pull").json()["token"]
    assert opens(http, token, image) == 200

    assert admin_api.delete(f"/users/{person.id}").status_code == 200

    for _ in range(8):  # Whichever process answers.
        with httpx.Client(base_url=server.url) as other:
            assert opens(other, token, image) == 401
            assert other.get(image, auth=person.basic).status_code == 401


def test_the_token_of_a_changed_password_dies(
    http, server: HarborServer, admin_api: httpx.Client, team: Team, image: str
) -> None:
    person = make_user(admin_api)
    add_member(admin_api, project=team.project, person=person, role=Role.GUEST)
    repository = image.removeprefix("/v2/").partition("/manifests")[0]
    token = ask(http, person, f"repository:{repository}:pull").json()["token"]
    assert opens(http, token, image) == 200

    body = {"new_password": "Another-Horse-8-Battery"}
    assert admin_api.put(f"/users/{person.id}/password", json=body).status_code == 200

    assert opens(http, token, image) == 401
    # The new one first: after a wrong password a name is frozen for a moment.
    assert http.get(image, auth=(person.name, "Another-Horse-8-Battery")).status_code == 200
    assert http.get(image, auth=person.basic).status_code == 401


def test_a_token_loses_what_its_account_loses(http, admin_api: httpx.Client, team: Team, image: str) -> None:
    person = make_user(admin_api)
    member = add_member(admin_api, project=team.project, person=person, role=Role.DEVELOPER)
    repository = image.removeprefix("/v2/").partition("/manifests")[0]
    token = ask(http, person, f"repository:{repository}:pull,push").json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    members = f"/projects/{team.project}/members/{member}"
    named = {"X-Is-Resource-Name": "true"}
    assert http.post(f"/v2/{repository}/blobs/uploads/", headers=headers).status_code == 202

    changed = admin_api.put(members, json={"role_id": int(Role.GUEST)}, headers=named)
    assert changed.status_code == 200
    assert http.post(f"/v2/{repository}/blobs/uploads/", headers=headers).status_code == 401
    assert opens(http, token, image) == 200

    assert admin_api.delete(members, headers=named).status_code == 200
    assert opens(http, token, image) == 401


def test_the_token_of_a_deleted_robot_dies(http, admin_api: httpx.Client, team: Team, image: str) -> None:
    robot = make_robot(admin_api, project=team.project, actions=("pull",))
    repository = image.removeprefix("/v2/").partition("/manifests")[0]
    token = ask(http, robot, f"repository:{repository}:pull").json()["token"]
    assert opens(http, token, image) == 200

    assert admin_api.delete(f"/robots/{robot.id}").status_code == 200

    assert opens(http, token, image) == 401
    assert http.get(image, auth=robot.basic).status_code == 401


def test_a_project_of_the_same_name_is_another(
    http, registry: RegistryClient, server: HarborServer, admin_api: httpx.Client
) -> None:
    """A token for the old project opens nothing of the new one."""
    project = make_project(admin_api)
    repository = f"{project}/image"
    token = ask(http, server.admin, f"repository:{repository}:pull,push").json()["token"]
    assert opens(http, token, f"/v2/{repository}/tags/list") == 404
    assert admin_api.delete(f"/projects/{project}", headers={"X-Is-Resource-Name": "true"}).status_code == 200
    assert opens(http, token, f"/v2/{repository}/tags/list") == 401

    make_project(admin_api, name=project)

    headers = {"Authorization": f"Bearer {token}"}
    assert opens(http, token, f"/v2/{repository}/tags/list") == 401
    assert http.post(f"/v2/{repository}/blobs/uploads/", headers=headers).status_code == 401
    new = ask(http, server.admin, f"repository:{repository}:pull").json()["token"]
    assert opens(http, new, f"/v2/{repository}/tags/list") == 404


@pytest.mark.parametrize(
    ("who", "pull", "push_status"),
    [("developer", 200, 202), ("guest", 200, 403), ("outsider", 403, 403), ("deleting robot", 200, 202)],
)
def test_basic_on_v2(http, team: Team, image: str, who: str, pull: int, push_status: int) -> None:
    person = team.people[who]
    repository = image.removeprefix("/v2/").partition("/manifests")[0]

    assert http.get("/v2/", auth=person.basic).status_code == 200
    assert http.get(image, auth=person.basic).status_code == pull
    uploaded = http.post(f"/v2/{repository}/blobs/uploads/", auth=person.basic)
    assert uploaded.status_code == push_status
    if push_status == 403:
        assert error_codes(uploaded) == ["DENIED"]
    assert http.get(image, auth=(person.name, "wrong")).status_code == 401


def test_very_many_scopes(http, server: HarborServer, repository: str) -> None:
    """Each becomes a part of the token, and the token is remembered."""
    scopes = [("scope", f"repository:{repository}-{number}:pull") for number in range(101)]
    refused = http.get("/service/token", params=scopes, auth=server.admin.basic)
    assert (refused.status_code, error_codes(refused)) == (400, ["BAD_REQUEST"])
    taken = http.get("/service/token", params=scopes[1:], auth=server.admin.basic)
    assert len(access_of(taken)) == 100
    token = {"Authorization": f"Bearer {taken.json()['token']}"}
    assert http.get("/v2/", headers=token).status_code == 200
