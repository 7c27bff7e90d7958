"""Pipelines that push and pull with the token of their job, from an issuer that the test runs."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.distribution.asking import SERVICE, claims_of
from tests.support.accounts import API, Person, api, make_project, make_robot, unique
from tests.support.http import RegistryClient, error_codes
from tests.support.images import make_image
from tests.support.issuer import KEYS, Issuer, SigningKey
from tests.support.server import HarborServer
from tests.support.waiting import eventually

AUDIENCE = "https://hub.example.com"
SUBJECT = "repo:org/app:ref:refs/heads/main"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
EXCHANGE = "/service/token/exchange"


@dataclass
class Pipeline:
    """A robot account of a project that trusts an issuer."""

    server: HarborServer
    admin: httpx.Client
    issuer: Issuer
    project: str
    robot: Person
    claims: dict[str, Any] = field(default_factory=lambda: {"aud": AUDIENCE, "sub": SUBJECT})

    def trust(self, robot: Person | None = None, **changes: Any) -> int:
        """Have the robot account trust the issuer; the id."""
        body = {"issuer": self.issuer.url, "audience": AUDIENCE, "subject": SUBJECT} | changes
        answer = self.admin.post(f"/robots/{(robot or self.robot).id}/trusts", json=body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def token(self, **changes: Any) -> str:
        """A token of a job."""
        return self.issuer.token(**(self.claims | changes))

    def client(self, token: str, robot: Person | None = None) -> RegistryClient:
        """A client that has logged in with a token; the caller closes it."""
        return RegistryClient(self.server.url, Person((robot or self.robot).name, token))

    def status(self, token: str, name: str = "") -> int:
        """What the token service says, as docker login asks it."""
        auth = (name or self.robot.name, token)
        parameters = {"service": SERVICE, "account": auth[0]}
        return httpx.get(
            f"{self.server.url}/service/token", params=parameters, auth=auth, timeout=60
        ).status_code

    def log(self) -> str:
        """The server's log."""
        return self.server.log.read_text("utf-8", "replace")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer(algorithm="RS256") as running:
        yield running


@pytest.fixture
def untrusted(server: HarborServer, admin_api: httpx.Client, issuer: Issuer) -> Pipeline:
    """A pipeline whose robot account trusts nobody yet."""
    project = make_project(admin_api)
    robot = make_robot(admin_api, project=project, actions=("pull", "push", "list", "read"))
    return Pipeline(server, admin_api, issuer, project, robot)


@pytest.fixture
def pipeline(untrusted: Pipeline) -> Pipeline:
    untrusted.trust()
    return untrusted


def test_a_job_pushes_and_pulls_with_its_token(pipeline: Pipeline) -> None:
    image, repository, token = make_image(), f"{pipeline.project}/{unique('app')}", pipeline.token()
    with pipeline.client(token) as job:
        digest = job.push(repository, image, tag="v1")
        assert job.pull(repository, "v1") == digest
    with pipeline.client(pipeline.token()) as next_job:
        assert next_job.pull(repository, "v1") == digest
    assert token not in pipeline.log()
    assert token.split(".")[2] not in pipeline.log()


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_skopeo(pipeline: Pipeline, tmp_path) -> None:
    repository, token = f"{pipeline.project}/{unique('app')}", pipeline.token()
    with pipeline.client(token) as job:
        job.push(repository, make_image(), tag="v1")
    source = f"docker://{pipeline.server.host}/{repository}:v1"
    done = subprocess.run(
        [
            "skopeo", "copy", "--src-tls-verify=false", "--src-creds", f"{pipeline.robot.name}:{token}",
            source, f"dir:{tmp_path / 'image'}",
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.replace(token, "…")
    assert (tmp_path / "image" / "manifest.json").is_file()


RECIPES: dict[str, tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = {
    "github": (
        {"subject": "repo:org/app:ref:refs/heads/*", "claims": {"repository_id": "74", "event_name": "push"}},
        {
            "sub": "repo:org/app:ref:refs/heads/main",
            "repository": "org/app",
            "repository_id": "74",
            "repository_owner": "org",
            "event_name": "push",
            "ref": "refs/heads/main",
            "job_workflow_ref": "org/app/.github/workflows/build.yml@refs/heads/main",
        },
        [
            {"sub": "repo:org/app:pull_request"},
            {"sub": "repo:org/app-fork:ref:refs/heads/main"},
            {"sub": "repo:mallory/app:ref:refs/heads/main"},
            {"sub": "repo:org/app:ref:refs/heads/feature/x"},
            {"repository_id": "75"},
            {"event_name": "workflow_dispatch"},
        ],
    ),
    "github with ids": (
        {"subject": "repo:org@12/app@34:environment:production"},
        {"sub": "repo:org@12/app@34:environment:production"},
        [
            {"sub": "repo:org/app:environment:production"},
            {"sub": "repo:org@13/app@34:environment:production"},
            {"sub": "repo:org@12/app@34:environment:test"},
        ],
    ),
    "gitlab": (
        {
            "subject": "project_path:group/app:ref_type:branch:ref:main",
            "claims": {"ref_protected": "true", "namespace_id": "72"},
        },
        {
            "sub": "project_path:group/app:ref_type:branch:ref:main",
            "project_path": "group/app",
            "project_id": "20",
            "namespace_id": "72",
            "ref": "main",
            "ref_type": "branch",
            "ref_protected": "true",
        },
        [
            {"sub": "project_path:group/app:ref_type:tag:ref:main"},
            {"sub": "project_path:group/app:ref_type:branch:ref:other"},
            {"ref_protected": "false"},
            {"namespace_id": "73"},
        ],
    ),
    "kubernetes": (
        {
            "subject": "system:serviceaccount:team:builder",
            "claims": {"kubernetes.io/serviceaccount/uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"},
        },
        {
            "aud": [AUDIENCE],
            "sub": "system:serviceaccount:team:builder",
            "kubernetes.io": {
                "namespace": "team",
                "pod": {"name": "build-1", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3"},
                "serviceaccount": {"name": "builder", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"},
            },
        },
        [
            {"sub": "system:serviceaccount:other:builder"},
            {"sub": "system:serviceaccount:team:default"},
            {"kubernetes.io": {"serviceaccount": {"name": "builder", "uid": "another"}}},
            {"kubernetes.io": None},
            {"aud": ["https://kubernetes.default.svc.cluster.local"]},
        ],
    ),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_recipes_of_the_documentation(untrusted: Pipeline, recipe: str) -> None:
    trust, claims, others = RECIPES[recipe]
    untrusted.trust(**trust)
    untrusted.claims |= claims
    assert untrusted.status(untrusted.token()) == 200
    for changes in others:
        assert untrusted.status(untrusted.token(**changes)) == 401, changes


def _hs256(pipeline: Pipeline) -> str:
    """Signed with the public key, which everybody has, as if it were a secret."""
    key = pipeline.issuer.keys[0]
    pem = key.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = _part({"alg": "HS256", "typ": "JWT", "kid": key.kid})
    signed = f"{head}.{pipeline.token().split('.')[1]}"
    return f"{signed}.{_encoded(hmac.digest(pem, signed.encode(), hashlib.sha256))}"


def _none(pipeline: Pipeline) -> str:
    return f"{_part({'alg': 'none'})}.{pipeline.token().split('.')[1]}.AAAA"


def _part(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _of_another_key(pipeline: Pipeline) -> str:
    kid = pipeline.issuer.keys[0].kid
    return pipeline.token(key=SigningKey("ES256", ec.generate_private_key(ec.SECP256R1()), kid))


REFUSED: dict[str, Callable[[Pipeline], str]] = {
    "issuer": lambda one: one.token(iss="https://issuer.example.com"),
    "audience": lambda one: one.token(aud="https://other.example.com"),
    "subject": lambda one: one.token(sub="repo:org/other:ref:refs/heads/main"),
    "claim": lambda one: one.token(environment="test"),
    "expired": lambda one: one.token(exp=int(time.time()) - 2),
    "not yet": lambda one: one.token(nbf=int(time.time()) + 600),
    "no end": lambda one: one.token(exp=None),
    "no signature": _none,
    "symmetric": _hs256,
    "another key": _of_another_key,
    "cut off": lambda one: one.token(environment="production")[:-8],
    "ours": lambda one: one.admin.get(
        f"{one.server.url}/service/token", params={"service": SERVICE, "scope": "repository:a/b:pull"}
    ).json()["token"],
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(untrusted: Pipeline, what: str) -> None:
    untrusted.trust(claims={"environment": "production"})
    assert untrusted.status(untrusted.token(environment="production")) == 200
    token = REFUSED[what](untrusted)
    assert untrusted.status(token) == 401
    assert _exchange(untrusted, token).json()["error"] == "invalid_grant"
    assert token not in untrusted.log()


def test_another_robot_account(pipeline: Pipeline) -> None:
    other = make_robot(pipeline.admin, project=pipeline.project, actions=("pull",))
    token = pipeline.token()
    assert pipeline.status(token, other.name) == 401
    assert pipeline.status(token, "robot$nobody") == 401
    assert pipeline.status(token, "admin") == 401
    pipeline.trust(other, subject="repo:org/other:**")
    assert pipeline.status(token, other.name) == 401
    assert pipeline.status(token) == 200
    with api(pipeline.server.url, pipeline.robot) as client:
        assert client.get("/users/current").status_code == 412, "its secret is good as well"


def test_a_wrong_token_does_not_freeze_a_good_one(pipeline: Pipeline) -> None:
    for number in range(15):
        assert pipeline.status(pipeline.token(sub=f"job:{number}")) == 401
    assert pipeline.status(pipeline.token()) == 200
    assert pipeline.status(pipeline.robot.password) == 200


def test_a_long_token(pipeline: Pipeline) -> None:
    assert pipeline.status(pipeline.token(groups=["x" * 50] * 150)) == 200
    assert pipeline.status(pipeline.token(groups=["x" * 50] * 300)) == 401
    assert pipeline.status("x" * 4000) == 401


def test_keys_turn_over(pipeline: Pipeline) -> None:
    old = pipeline.issuer.keys[0]
    assert pipeline.status(pipeline.token(key=old)) == 200
    pipeline.issuer.rotate()

    def old_ones() -> set[int]:
        # Each process has keys of its own, and fetches them for the first token by the new one.
        assert pipeline.status(pipeline.token()) == 200
        return {pipeline.status(pipeline.token(key=old)) for _ in range(4)}

    eventually(old_ones, lambda statuses: statuses == {401})


def test_an_issuer_that_is_away(pipeline: Pipeline) -> None:
    """Keys that a process has are used; where there are none, the answer is 401 and the log says why."""
    other = Issuer().start()
    robot = make_robot(pipeline.admin, project=pipeline.project, actions=("pull",))
    pipeline.trust(robot, issuer=other.url)
    other.stop()
    token = other.token(**pipeline.claims)
    assert pipeline.status(token, robot.name) == 401
    assert (
        f"a token for {robot.name} cannot be checked, its issuer cannot be used: no connection to"
        in pipeline.log()
    )
    assert token not in pipeline.log()


def test_keys_outlive_their_issuer(pipeline: Pipeline) -> None:
    # So often that both processes of the server have the keys.
    assert {pipeline.status(pipeline.token()) for _ in range(24)} == {200}
    pipeline.issuer.stop()
    assert {pipeline.status(pipeline.token()) for _ in range(4)} == {200}


def test_the_end_of_a_trust_ends_its_tokens(pipeline: Pipeline) -> None:
    path = f"/robots/{pipeline.robot.id}/trusts"
    [trust] = pipeline.admin.get(path).json()
    repository, token = f"{pipeline.project}/app", pipeline.token()
    with pipeline.client(token) as job:
        job.push(repository, make_image(), tag="v1")
        access = _exchange(pipeline, token).json()["access_token"]
        assert job.get_manifest(repository, "v1").status_code == 200
        assert pipeline.admin.delete(f"{path}/{trust['id']}").status_code == 200
        answer = job.get_manifest(repository, "v1")
        assert (answer.status_code, error_codes(answer)) == (401, ["UNAUTHORIZED"])
        assert job.token_request().status_code == 401
    assert _rest(pipeline, access) == 401
    assert _manifest(pipeline, access, repository) == 401


def test_a_registry_token_ends_with_the_token_of_the_job(pipeline: Pipeline) -> None:
    end = int(time.time()) + 100
    with pipeline.client(pipeline.token(exp=end)) as job:
        answer = job.token_request([f"repository:{pipeline.project}/app:pull"])
        claims = claims_of(answer)
        assert end - 2 <= claims["exp"] <= end
        assert answer.json()["expires_in"] <= 100
        assert claims["account"][4:] == ["federated", end]
    # In a second its end has come, and nothing is left over for clocks that differ.
    short = int(time.time()) + 2
    with pipeline.client(pipeline.token(exp=short)) as job:
        answer = job.token_request([f"repository:{pipeline.project}/app:pull"])
        if answer.status_code == 200:
            token = answer.json()["token"]
            eventually(
                lambda: _manifest(pipeline, token, f"{pipeline.project}/app"), lambda status: status == 401
            )
            assert time.time() >= short - 1
        eventually(lambda: job.token_request().status_code, lambda status: status == 401)
        assert time.time() >= short - 1


# --- token exchange ---------------------------------------------------------------------------------------------


def _exchange(pipeline: Pipeline, token: str, **changes: Any) -> httpx.Response:
    form = {
        "grant_type": GRANT,
        "subject_token": token,
        "subject_token_type": JWT_TYPE,
        "client_id": pipeline.robot.name,
    } | changes
    form = {name: value for name, value in form.items() if value is not None}
    return httpx.post(f"{pipeline.server.url}{EXCHANGE}", data=form, timeout=60)


def _rest(pipeline: Pipeline, token: str) -> int:
    """What the REST API answers who asks for the repositories of the project."""
    url = f"{pipeline.server.url}{API}/projects/{pipeline.project}/repositories"
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code


def _manifest(pipeline: Pipeline, token: str, repository: str) -> int:
    url = f"{pipeline.server.url}/v2/{repository}/manifests/v1"
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code


def test_an_exchange(pipeline: Pipeline) -> None:
    repository = f"{pipeline.project}/app"
    with pipeline.client(pipeline.token()) as job:
        job.push(repository, make_image(), tag="v1")
    end = int(time.time()) + 120
    token = pipeline.token(exp=end)
    answer = _exchange(pipeline, token)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert set(made) == {"access_token", "issued_token_type", "token_type", "expires_in"}
    assert made["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert made["token_type"] == "Bearer"
    assert 110 < made["expires_in"] <= 120
    assert answer.headers["Cache-Control"] == "no-store"
    access = made["access_token"]
    claims = jwt.decode(access, options={"verify_signature": False})
    assert (claims["aud"], claims["sub"]) == ("harbor-access", pipeline.robot.name)
    assert claims["exp"] <= end
    # On the REST API, in the registry, and at the token service.
    assert _rest(pipeline, access) == 200
    assert _manifest(pipeline, access, repository) == 200
    headers = {"Authorization": f"Bearer {access}"}
    parameters = {"service": SERVICE, "scope": f"repository:{repository}:pull"}
    got = httpx.get(f"{pipeline.server.url}/service/token", params=parameters, headers=headers, timeout=60)
    assert claims_of(got)["exp"] <= end
    assert _manifest(pipeline, got.json()["token"], repository) == 200
    assert _rest(pipeline, got.json()["token"]) == 401, "a token of the registry is for the registry"
    # It allows what the robot account may, and no more.
    with RegistryClient(pipeline.server.url) as client:
        digest = client.http.get(f"/v2/{repository}/manifests/v1", headers=headers).headers[
            "Docker-Content-Digest"
        ]
        deleted = client.http.delete(f"/v2/{repository}/manifests/{digest}", headers=headers)
        assert (deleted.status_code, error_codes(deleted)) == (403, ["DENIED"])
        catalog = client.http.get("/v2/_catalog", headers=headers)
        assert repository in catalog.json()["repositories"]
        version = client.http.get("/v2/", headers=headers)
        assert version.status_code == 200
    with httpx.Client(headers=headers, base_url=f"{pipeline.server.url}{API}", timeout=60) as client:
        assert client.post("/projects", json={"project_name": unique("x")}).status_code == 403
        assert client.get("/users").status_code == 403
    for text in (token, access):
        assert text not in pipeline.log()


def test_disabling_the_robot_account_ends_an_access_token(pipeline: Pipeline) -> None:
    access = _exchange(pipeline, pipeline.token()).json()["access_token"]
    assert _rest(pipeline, access) == 200
    robot = pipeline.admin.get(f"/robots/{pipeline.robot.id}").json()
    assert (
        pipeline.admin.put(f"/robots/{pipeline.robot.id}", json=robot | {"disable": True}).status_code == 200
    )
    assert _rest(pipeline, access) == 401
    assert _exchange(pipeline, pipeline.token()).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"client_id": None}, "invalid_request"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"client_id": ["robot$a", "robot$b"]}, "invalid_request"),
        ({"scope": "repository:a/b:pull"}, "invalid_scope"),
        ({"audience": "https://other.example.com"}, "invalid_target"),
        ({"resource": "https://other.example.com"}, "invalid_target"),
        ({"subject_token": "x"}, "invalid_grant"),
        ({"subject_token": "Harbor12345!Tests", "client_id": "admin"}, "invalid_grant"),
        ({"client_id": "robot$nobody"}, "invalid_grant"),
        ({"client_id": "admin"}, "invalid_grant"),
        ({"audience": SERVICE}, ""),
        ({"audience": [SERVICE, "{url}"], "resource": "{url}/"}, ""),
        (
            {
                "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
                "requested_token_type": JWT_TYPE,
            },
            "",
        ),
    ],
)
def test_forms_of_an_exchange(pipeline: Pipeline, changes: dict[str, Any], error: str) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(one) for one in value]
        return value.replace("{url}", pipeline.server.url) if value else value

    changes = {name: filled(value) for name, value in changes.items()}
    answer = _exchange(pipeline, pipeline.token(), **changes)
    assert answer.json().get("error", "") == error, answer.text
    assert answer.status_code == (400 if error else 200)
    assert answer.headers["Cache-Control"] == "no-store"
    if error:
        assert set(answer.json()) == {"error", "error_description"}


def test_a_robots_secret_is_not_exchanged(pipeline: Pipeline) -> None:
    assert _exchange(pipeline, pipeline.robot.password).json()["error"] == "invalid_grant"


def test_other_forms_and_methods(server: HarborServer) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        answer = client.post(EXCHANGE, json={"grant_type": GRANT})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        answer = client.post(EXCHANGE)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        answer = client.get(EXCHANGE)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        large = client.post(EXCHANGE, data={"grant_type": GRANT, "subject_token": "x" * 70_000})
        assert large.status_code == 413


def test_an_access_token_is_nobody_elses(pipeline: Pipeline) -> None:
    """Neither a forged one, nor one of the registry with another audience in it."""
    access = _exchange(pipeline, pipeline.token()).json()["access_token"]
    claims = jwt.decode(access, options={"verify_signature": False})
    key = (pipeline.server.data_dir / "secrets" / "token-key.pem").read_text("ascii")
    assert _rest(pipeline, jwt.encode(claims, key, "ES256")) == 200
    for changes in (
        {"aud": "other"},
        {"aud": SERVICE},
        {"iss": "other"},
        {"exp": int(time.time()) - 90},
        {"account": [*claims["account"][:2], claims["account"][2] + 1, *claims["account"][3:]]},
        {"account": [*claims["account"][:5], time.time() - 1]},
    ):
        assert _rest(pipeline, jwt.encode(claims | changes, key, "ES256")) == 401, changes
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert _rest(pipeline, jwt.encode(claims, stranger, "ES256")) == 401
    assert pipeline.status(access) == 401, "it is no password"


def test_keys_are_asked_for_only_where_the_issuer_is_trusted(untrusted: Pipeline) -> None:
    assert untrusted.status(untrusted.token()) == 401
    assert untrusted.issuer.asked == []
    untrusted.trust()
    assert untrusted.status(untrusted.token()) == 200
    assert KEYS in untrusted.issuer.asked
