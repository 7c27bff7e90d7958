"""Copies between repositories, and deletion, by real clients."""

import pytest

from tests.e2e.clients import Docker, Skopeo, expect
from tests.e2e.conftest import Tenant
from tests.support.accounts import Role, add_member, api, make_project, unique
from tests.support.http import RegistryClient
from tests.support.images import make_image


def test_docker_mounts_layers_that_it_has_pushed_to_another_repository(
    tenant: Tenant, docker: Docker
) -> None:
    image = make_image(docker=True)
    first, second = (tenant.reference(unique("image"), "v1") for _ in range(2))
    expect(docker.login(tenant.server.host, tenant.people["developer"]))
    expect(docker.push(image, first))

    expect(docker.run("tag", first, second))
    text = expect(docker.run("push", second))

    assert text.count("Mounted from ") == len(image.layers), text
    with RegistryClient(tenant.server.url, tenant.people["guest"]) as registry:
        registry.pull(second.removeprefix(f"{tenant.server.host}/").rpartition(":")[0], "v1")


def test_skopeo_mounts_when_it_copies_between_repositories(tenant: Tenant, skopeo: Skopeo) -> None:
    image = make_image()
    first, second = unique("image"), unique("image")
    expect(skopeo.login(tenant.server.host, tenant.people["developer"]))
    expect(skopeo.push(image, tenant.reference(first, "v1")))

    text = expect(
        skopeo.copy(f"docker://{tenant.reference(first, 'v1')}", f"docker://{tenant.reference(second, 'v1')}")
    )

    assert text.count("mount OK") == len(image.layers), text
    # Of all bytes only the config's are sent: skopeo does not mount that.
    assert text.count('msg="PATCH ') == 1, text
    with RegistryClient(tenant.server.url, tenant.people["guest"]) as registry:
        assert registry.pull(f"{tenant.project}/{second}", "v1") == image.digest


def test_docker_uploads_where_it_may_not_mount(tenant: Tenant, docker: Docker) -> None:
    """The layers are in a project that this person cannot read: no mount, and the push works all the same."""
    image = make_image(docker=True)
    with api(tenant.server.url, tenant.server.admin) as admin:
        secret, own = make_project(admin), make_project(admin)
        add_member(admin, project=own, person=tenant.people["outsider"], role=Role.DEVELOPER)
    first, second = f"{tenant.server.host}/{secret}/image:v1", f"{tenant.server.host}/{own}/image:v1"
    expect(docker.login(tenant.server.host, tenant.server.admin))
    expect(docker.push(image, first))

    expect(docker.login(tenant.server.host, tenant.people["outsider"]))
    expect(docker.run("tag", first, second))
    text = expect(docker.run("push", second))

    assert "Mounted from" not in text
    assert text.count("Pushed") == len(image.layers), text


def test_a_maintainer_deletes_with_skopeo(tenant: Tenant, skopeo: Skopeo) -> None:
    image = make_image()
    name = unique("image")
    with RegistryClient(tenant.server.url, tenant.people["developer"]) as registry:
        registry.push(f"{tenant.project}/{name}", image, tag="v1")
    expect(skopeo.login(tenant.server.host, tenant.people["maintainer"]))

    expect(skopeo.run("delete", "--tls-verify=false", f"docker://{tenant.reference(name, 'v1')}"))

    gone = skopeo.pull(tenant.reference(name, image.digest))
    assert not gone.ok
    assert "unknown" in gone.text.lower() or "not found" in gone.text.lower(), gone.text


@pytest.mark.parametrize("who", ["guest", "pull robot", "outsider"])
def test_others_may_not_delete(tenant: Tenant, skopeo: Skopeo, who: str) -> None:
    image = make_image()
    name = unique("image")
    with RegistryClient(tenant.server.url, tenant.people["developer"]) as registry:
        registry.push(f"{tenant.project}/{name}", image, tag="v1")
    expect(skopeo.login(tenant.server.host, tenant.people[who]))

    refused = skopeo.run("delete", "--tls-verify=false", f"docker://{tenant.reference(name, 'v1')}")

    assert not refused.ok
    assert "denied" in refused.text.lower() or "unauthorized" in refused.text.lower(), refused.text
    with RegistryClient(tenant.server.url, tenant.people["developer"]) as registry:
        assert registry.pull(f"{tenant.project}/{name}", "v1") == image.digest
