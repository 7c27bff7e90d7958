"""A server without the extra ``ldap``."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.accounts import api
from tests.support.server import HarborServer

INSTALL = "pip install 'harbor-py[ldap]'"


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[httpx.Client]:
    # Python imports this file first, and takes None for what is not there.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['ldap'] = sys.modules['django_auth_ldap'] = None\n"
    )
    with HarborServer({"PYTHONPATH": str(tmp_path)}) as server, api(server.url, server.admin) as client:
        yield client


def test_it_says_how_to_install_it(admin: httpx.Client) -> None:
    for change in ({"auth_sources": "local,ldap"}, {"auth_mode": "ldap_auth"}, {"ldap_url": "ldap://dc1"}):
        answer = admin.put("/configurations", json=change)
        assert answer.status_code == 400, change
        assert INSTALL in answer.json()["errors"][0]["message"]
    answer = admin.post("/ldap/ping", json={"ldap_url": "ldap://dc1"})
    assert answer.status_code == 412
    assert INSTALL in answer.json()["errors"][0]["message"]
    assert admin.get("/users/current").status_code == 200
