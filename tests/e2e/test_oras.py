"""What the Python package ``oras`` does with the registry: files by tag and by digest."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import oras.client
import oras.decorator
import pytest

from tests.e2e.conftest import Tenant
from tests.support.accounts import Person, Role, api, make_member, make_project, unique
from tests.support.http import RegistryClient
from tests.support.images import digest_of

_PIECE = 64 * 1024


@pytest.fixture(params=["token", "basic"])
def backend(request: pytest.FixtureRequest) -> str:
    """The two ways in which the package authenticates."""
    return request.param


@contextmanager
def oras_as(
    person: Person | None, tenant: Tenant, backend: str = "token"
) -> Iterator[oras.client.OrasClient]:
    client = oras.client.OrasClient(
        hostname=tenant.server.host, insecure=True, tls_verify=False, auth_backend=backend
    )
    if person is not None:
        client.auth.set_basic_auth(*person.basic)
    try:
        yield client
    finally:
        client.session.close()


def write_file(folder: Path, size: int = 300_000) -> Path:
    path = folder / f"{os.urandom(6).hex()}.bin"
    path.write_bytes(os.urandom(size))
    return path


def push(client: oras.client.OrasClient, target: str, path: Path, **options: Any) -> Any:
    return client.push(target=target, files=[str(path)], disable_path_validation=True, **options)


@pytest.mark.parametrize("who", ["admin", "developer", "robot"])
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_pushes_and_pulls(tenant: Tenant, backend: str, folder: Path, who: str, chunked: bool) -> None:
    path = write_file(folder)
    name = unique("files")

    with oras_as(tenant.people[who], tenant, backend) as client:
        answer = push(client, tenant.reference(name, "v1"), path, do_chunked=chunked, chunk_size=_PIECE)
        digest = answer.headers["Docker-Content-Digest"]

        assert client.get_tags(tenant.reference(name, "v1")) == ["v1"]
        for tag in ("v1", digest):
            outdir = folder / tag.replace(":", "-")
            (pulled,) = client.pull(target=tenant.reference(name, tag), outdir=str(outdir))
            assert Path(pulled).read_bytes() == path.read_bytes()


def test_pulls_without_login_from_a_public_project(tenant: Tenant, folder: Path) -> None:
    with api(tenant.server.url, tenant.server.admin) as admin:
        public = make_project(admin, public=True)
    path = write_file(folder)
    target = f"{tenant.server.host}/{public}/files:v1"
    with oras_as(tenant.server.admin, tenant) as client:
        push(client, target, path)

    with oras_as(None, tenant) as nobody:
        (pulled,) = nobody.pull(target=target, outdir=str(folder / "out"))

    assert Path(pulled).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("who", ["guest", "pull robot"])
def test_may_not_push_what_it_may_only_pull(tenant: Tenant, folder: Path, who: str) -> None:
    path = write_file(folder)
    name = unique("files")

    with (
        oras_as(tenant.people[who], tenant) as client,
        pytest.raises(ValueError, match="unauthorized to access"),
    ):
        push(client, tenant.reference(name, "v1"), path)

    with RegistryClient(tenant.server.url, tenant.server.admin) as registry:
        assert registry.head_blob(f"{tenant.project}/{name}", digest_of(path.read_bytes())).status_code == 404


def test_a_wrong_password_gets_nothing(
    tenant: Tenant, backend: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its retries wait for minutes in all. They are all sent here too, only sooner.
    monkeypatch.setattr(oras.decorator.time, "sleep", lambda _seconds: None)
    with api(tenant.server.url, tenant.server.admin) as admin:
        somebody = make_member(admin, project=tenant.project, role=Role.DEVELOPER)
    stranger = Person(somebody.name, "Wrong-Password-1")

    with (
        oras_as(stranger, tenant, backend) as client,
        pytest.raises(ValueError, match=r"wrong user name or|authentication"),
    ):
        push(client, tenant.reference(unique("files")), write_file(folder))
