"""Ping, version, health, system info."""

import shutil
from pathlib import Path

import pytest

from tests.support.accounts import api
from tests.support.server import HarborServer
from tests.support.waiting import eventually
from tests.support.world import World


def test_ping_is_plain_text(world: World) -> None:
    answer = world.clients["anonymous"].get("/ping")
    assert (answer.text, answer.headers["Content-Type"]) == ("Pong", "text/plain; charset=utf-8")


def test_version(world: World) -> None:
    assert world.admin.get(f"{world.server.url}/api/version").json() == {"version": "v2.0"}


def test_health_lists_what_is_there(world: World) -> None:
    # The background process starts beside the server.
    client = world.clients["anonymous"]
    health = eventually(lambda: client.get("/health").json(), lambda found: found["status"] == "healthy")
    names = ["core", "jobservice", "database", "registry"] + (
        ["redis"] if "HARBOR_REDIS_URL" in world.server.env else []
    )
    assert health == {"status": "healthy", "components": [{"name": n, "status": "healthy"} for n in names]}


def test_anonymous_callers_learn_how_to_sign_in_and_no_more(world: World) -> None:
    assert world.clients["anonymous"].get("/systeminfo").json() == {
        "auth_mode": "db_auth",
        "primary_auth_mode": False,
        "self_registration": False,
    }


def test_signed_in_callers_learn_more(world: World) -> None:
    info = world.clients["guest"].get("/systeminfo").json()
    assert info["registry_url"] == world.server.host
    assert info["external_url"] == world.server.url
    assert info["harbor_version"].startswith("v2.")
    assert (info["read_only"], info["has_ca_root"]) == (False, False)
    assert info["registry_storage_provider_name"] == "filesystem"


def test_the_disk_of_the_blobs(world: World) -> None:
    disk = shutil.disk_usage(world.server.data_dir)
    (volume,) = world.admin.get("/systeminfo/volumes").json()["storage"]
    assert volume["total"] == disk.total
    assert 0 < volume["free"] <= disk.total


@pytest.mark.slow
def test_the_certificate_of_the_authority(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    with (
        HarborServer({"HARBOR_CA_CERTIFICATE_FILE": str(authority)}) as server,
        api(server.url, server.admin) as admin,
        api(server.url) as anybody,
    ):
        answer = anybody.get("/systeminfo/getcert")
        assert (answer.status_code, answer.content) == (200, authority.read_bytes())
        assert answer.headers["Content-Disposition"] == "attachment; filename=ca.crt"
        assert admin.get("/systeminfo").json()["has_ca_root"] is True
