"""Multi-arch images: an index with an image for each of two architectures, pushed and pulled by real clients."""

import json
from pathlib import Path

import pytest

from tests.e2e.clients import Buildah, Docker, Podman, Skopeo, expect
from tests.e2e.conftest import Tenant
from tests.support.accounts import unique
from tests.support.http import RegistryClient
from tests.support.images import make_image, make_index, write_docker_archive, write_oci_layout


@pytest.mark.parametrize("docker", [False, True], ids=["oci index", "docker list"])
def test_skopeo_copies_an_index_whole(tenant: Tenant, skopeo: Skopeo, folder: Path, docker: bool) -> None:
    index = make_index(docker=docker)
    name = unique("multi")
    expect(skopeo.login(tenant.server.host, tenant.people["developer"]))
    if docker:
        with RegistryClient(tenant.server.url, tenant.server.admin) as registry:
            registry.push(f"{tenant.project}/source", index, tag=name)
        source = f"docker://{tenant.reference('source', name)}"
    else:
        source = f"oci:{write_oci_layout(folder / 'layout', index)}:latest"

    expect(skopeo.copy(source, f"docker://{tenant.reference(name, 'v1')}", "--all", "--preserve-digests"))

    with RegistryClient(tenant.server.url, tenant.people["guest"]) as registry:
        assert registry.pull(f"{tenant.project}/{name}", "v1") == index.digest
        assert registry.get_manifest(f"{tenant.project}/{name}", "v1").content == index.manifest.data


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_docker_and_podman_pull_their_architecture(
    tenant: Tenant, docker: Docker, podman: Podman, architecture: str
) -> None:
    name = unique("multi")
    index = make_index(docker=True)
    wanted = next(image for image in index.images if image.platform["architecture"] == architecture)
    with RegistryClient(tenant.server.url, tenant.people["developer"]) as registry:
        registry.push(f"{tenant.project}/{name}", index, tag="v1")
    reference = tenant.reference(name, "v1")

    for client in (docker, podman):
        expect(client.login(tenant.server.host, tenant.people["guest"]))
    expect(docker.run("pull", "--platform", f"linux/{architecture}", reference))
    expect(podman.run_remote("pull", "--arch", architecture, reference))

    assert docker.config_digest(reference) == wanted.config.digest
    assert podman.config_digest(reference) == wanted.config.digest


def test_docker_pulls_an_index_by_digest(tenant: Tenant, docker: Docker) -> None:
    name = unique("multi")
    index = make_index()
    with RegistryClient(tenant.server.url, tenant.people["developer"]) as registry:
        registry.push(f"{tenant.project}/{name}", index)
    expect(docker.login(tenant.server.host, tenant.people["guest"]))

    expect(docker.run("pull", "--platform", "linux/arm64", tenant.reference(name, index.digest)))

    assert docker.config_digest(tenant.reference(name, index.digest)) == index.images[1].config.digest


@pytest.mark.parametrize("program", ["podman", "buildah"])
def test_podman_and_buildah_make_and_push_an_index(
    tenant: Tenant, request: pytest.FixtureRequest, program: str, folder: Path
) -> None:
    client: Podman | Buildah = request.getfixturevalue(program)
    name = unique("multi")
    expect(client.login(tenant.server.host, tenant.people["developer"]))
    expect(client.run("manifest", "create", "several"))
    for architecture in ("amd64", "arm64"):
        image = make_image(docker=True, architecture=architecture)
        local = f"localhost/part:{architecture}"
        archive = write_docker_archive(folder / f"{architecture}.tar", image, name=local)
        expect(client.run("pull", f"docker-archive:{archive}"))
        source = local if program == "buildah" else f"containers-storage:{local}"
        expect(client.run("manifest", "add", "--arch", architecture, "several", source))

    target = f"docker://{tenant.reference(name, 'v1')}"
    expect(client.run("manifest", "push", "--all", *client.remote_options, "several", target))

    with RegistryClient(tenant.server.url, tenant.people["guest"]) as registry:
        registry.pull(f"{tenant.project}/{name}", "v1")
        document = json.loads(registry.get_manifest(f"{tenant.project}/{name}", "v1").content)
    assert {child["platform"]["architecture"] for child in document["manifests"]} == {"amd64", "arm64"}
