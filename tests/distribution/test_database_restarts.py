"""The database goes away and comes back under a running server."""

import uuid

import httpx
import psycopg

from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.server import HarborServer


def end_every_connection(server: HarborServer) -> int:
    """What a restart of PostgreSQL does to the server; returns how many connections it had."""
    with psycopg.connect(server.env["HARBOR_DATABASE_URL"], autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return len(rows)


def test_reads_do_not_notice_and_writes_go_on(cluster_server: HarborServer) -> None:
    repository = f"library/restart-{uuid.uuid4().hex[:8]}"
    with RegistryClient(cluster_server.url, cluster_server.admin) as client:
        client.push(repository, make_image(), tag="1")
        token = client.token(f"repository:{repository}:pull")
        assert end_every_connection(cluster_server) > 0
        # A tag that is not there is not remembered: it asks the database. A connection each, so that both of the
        # server's processes are asked.
        for _ in range(16):
            answer = httpx.get(
                f"{cluster_server.url}/v2/{repository}/manifests/none-{uuid.uuid4().hex[:6]}",
                headers={"Authorization": f"Bearer {token}"},
            )
            assert answer.status_code == 404
        client.push(repository, make_image(), tag="2")


def test_the_api_heals_too(cluster_server: HarborServer) -> None:
    url = f"{cluster_server.url}/api/v2.0/projects"
    auth = (cluster_server.admin.name, cluster_server.admin.password)
    assert end_every_connection(cluster_server) > 0
    answers = [httpx.get(url, auth=auth).status_code for _ in range(20)]
    # Once in each of the two processes at most: what is broken is thrown away by the first who meets it.
    assert answers.count(503) <= 2
    assert answers.count(200) >= 18
