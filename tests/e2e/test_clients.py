"""What docker, podman, buildah and skopeo do with the registry, each as every kind of person."""

import pytest

from tests.e2e.clients import Client, expect
from tests.e2e.conftest import Tenant
from tests.support.accounts import Person, Role, api, make_member, make_project, make_robot, unique
from tests.support.http import RegistryClient
from tests.support.images import make_image

PUSHERS = ("admin", "maintainer", "developer", "robot")
PULLERS = ("guest", "pull robot")
REFUSED = ("denied", "unauthorized", "authentication required", "insufficient_scope", "forbidden")


def _is_refusal(text: str) -> bool:
    return any(word in text.lower() for word in REFUSED)


@pytest.mark.parametrize("who", PUSHERS)
def test_pushes_and_pulls_by_tag_and_by_digest(tenant: Tenant, client: Client, who: str) -> None:
    image = make_image(docker=True)
    name = unique("image")
    reference = tenant.reference(name, "v1")
    expect(client.login(tenant.server.host, tenant.people[who]))

    expect(client.push(image, reference))
    client_has = image.config.digest

    with RegistryClient(tenant.server.url, tenant.people[who]) as registry:
        # What is stored is whole, whichever form the client has given it.
        digest = registry.pull(f"{tenant.project}/{name}", "v1")
    expect(client.pull(reference))
    assert client.config_digest(reference) == client_has
    client.forget(reference)
    by_digest = tenant.reference(name, digest)
    expect(client.pull(by_digest))
    assert client.config_digest(by_digest) == client_has


@pytest.mark.parametrize("who", PULLERS)
def test_pulls_but_may_not_push(tenant: Tenant, client: Client, who: str) -> None:
    image = make_image(docker=True)
    name = unique("image")
    with RegistryClient(tenant.server.url, tenant.server.admin) as registry:
        registry.push(f"{tenant.project}/{name}", image, tag="v1")
    expect(client.login(tenant.server.host, tenant.people[who]))

    expect(client.pull(tenant.reference(name, "v1")))
    assert client.config_digest(tenant.reference(name, "v1")) == image.config.digest
    refused = client.push(make_image(docker=True), tenant.reference(name, "v2"))

    assert not refused.ok
    assert _is_refusal(refused.text), refused.text
    with RegistryClient(tenant.server.url, tenant.server.admin) as registry:
        assert registry.tags(f"{tenant.project}/{name}").json()["tags"] == ["v1"]


def test_an_outsider_gets_nothing(tenant: Tenant, client: Client) -> None:
    name = unique("image")
    with RegistryClient(tenant.server.url, tenant.server.admin) as registry:
        registry.push(f"{tenant.project}/{name}", make_image(docker=True), tag="v1")
    expect(client.login(tenant.server.host, tenant.people["outsider"]))

    for outcome in (
        client.pull(tenant.reference(name, "v1")),
        client.push(make_image(docker=True), tenant.reference(name, "v2")),
    ):
        assert not outcome.ok
        assert _is_refusal(outcome.text), outcome.text


def test_anyone_pulls_from_a_public_project_without_login(tenant: Tenant, client: Client) -> None:
    image = make_image(docker=True)
    with api(tenant.server.url, tenant.server.admin) as admin:
        public = make_project(admin, public=True)
    with RegistryClient(tenant.server.url, tenant.server.admin) as registry:
        registry.push(f"{public}/image", image, tag="v1")
        registry.push(f"{tenant.project}/image", image, tag="v1")

    reference = f"{tenant.server.host}/{public}/image:v1"
    expect(client.pull(reference))
    assert client.config_digest(reference) == image.config.digest

    refused = client.pull(tenant.reference("image", "v1"))
    assert not refused.ok
    assert _is_refusal(refused.text), refused.text
    refused = client.push(make_image(docker=True), f"{tenant.server.host}/{public}/image:v2")
    assert not refused.ok
    assert _is_refusal(refused.text), refused.text


@pytest.mark.parametrize("kind", ["person", "robot"])
def test_a_wrong_password_is_called_so(tenant: Tenant, client: Client, kind: str) -> None:
    # Somebody whom no other test needs: after a wrong password the name is refused for a moment.
    with api(tenant.server.url, tenant.server.admin) as admin:
        if kind == "person":
            somebody = make_member(admin, project=tenant.project, role=Role.DEVELOPER)
        else:
            somebody = make_robot(admin, project=tenant.project, actions=("pull", "push"))

    refused = client.login(tenant.server.host, Person(somebody.name, "Wrong-Password-1"))

    assert not refused.ok
    # docker and skopeo print what the server says; podman and buildah have words of their own.
    assert any(text in refused.text for text in ("wrong user name or password", "invalid username/password"))


def test_what_does_not_exist_is_called_so(tenant: Tenant, client: Client) -> None:
    expect(client.login(tenant.server.host, tenant.people["developer"]))

    missing = client.pull(tenant.reference(unique("nothing")))

    assert not missing.ok
    assert "not found" in missing.text.lower() or "unknown" in missing.text.lower(), missing.text


def test_the_tag_moves_with_a_second_push(tenant: Tenant, client: Client) -> None:
    reference = tenant.reference(unique("image"), "latest")
    expect(client.login(tenant.server.host, tenant.people["developer"]))
    images = [make_image(docker=True) for _ in range(2)]

    for image in images:
        expect(client.push(image, reference))
        client.forget(reference)
        expect(client.pull(reference))
        assert client.config_digest(reference) == image.config.digest


def test_a_push_over_the_quota_is_refused_and_says_why(tenant: Tenant, client: Client) -> None:
    with api(tenant.server.url, tenant.server.admin) as admin:
        small = make_project(admin, limit=64 * 1024)
    expect(client.login(tenant.server.host, tenant.server.admin))

    expect(client.push(make_image(docker=True), f"{tenant.server.host}/{small}/image:fits"))
    refused = client.push(
        make_image(docker=True, layer_size=100_000), f"{tenant.server.host}/{small}/image:not"
    )

    assert not refused.ok
    assert "will exceed the configured upper limit of 64.0 KiB" in refused.text, refused.text
