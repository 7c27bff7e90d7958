"""Deletions, restores and pushes of the same things at the same time, over HTTP and several server processes."""

import random
from collections import Counter
from datetime import UTC, datetime

import httpx
import pytest

from tests.distribution.documents import EMPTY, config, layer, manifest_of, push
from tests.distribution.test_concurrency import assert_the_sum_is_exact, together
from tests.support.accounts import api, make_project
from tests.support.http import RegistryClient
from tests.support.server import HarborServer


@pytest.fixture
def project(admin_api: httpx.Client) -> str:
    """One of its own, with a quota that is charged."""
    return make_project(admin_api, limit=1 << 40)


def trash(client: httpx.Client, project: str) -> list[int]:
    """The ids of its entries, the newest first."""
    answer = client.get(f"/projects/{project}/trash?page_size=100")
    assert answer.status_code == 200, answer.text
    return [entry["id"] for entry in answer.json() or []]


def test_one_of_many_restores_wins(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, project: str
) -> None:
    name = f"{project}/app"
    image = manifest_of(own := config(), [content := layer(5000)])
    for _ in range(3):
        push(registry, name, image, EMPTY, own, content, tag="v1")
        assert admin_api.delete(f"/projects/{project}/repositories/app").status_code == 200
        (entry,) = trash(admin_api, project)

        def restore(_client: RegistryClient, _number: int, entry: int = entry) -> int:
            with api(server.url, server.admin) as client:
                return client.post(f"/projects/{project}/trash/{entry}/restore").status_code

        assert Counter(together(server, restore)) == {200: 1, 404: 5}
        assert registry.pull(name, "v1") == image.digest
        assert_the_sum_is_exact(server, project)


def test_one_of_many_new_tags_wins(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, project: str
) -> None:
    images = [manifest_of() for _ in range(6)]
    for image in images:
        push(registry, f"{project}/app", image, EMPTY)
    for turn in range(5):

        def create(_client: RegistryClient, number: int, turn: int = turn) -> int:
            path = f"/projects/{project}/repositories/app/artifacts/{images[number].digest}/tags"
            with api(server.url, server.admin) as client:
                return client.post(path, json={"name": f"t{turn}"}).status_code

        statuses = together(server, create)

        assert Counter(statuses) == {201: 1, 409: 5}
        winner = images[statuses.index(201)]
        assert registry.get_manifest(f"{project}/app", f"t{turn}").content == winner.data
        history = admin_api.get(f"/projects/{project}/repositories/app/tag-history?q=tag=t{turn}").json()
        assert [move["digest"] for move in history] == [winner.digest]


def test_the_history_of_a_tag_that_all_push_is_a_chain(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, project: str
) -> None:
    """Also the first push of a tag that another one makes at the same moment says what it replaced."""
    name = f"{project}/app"
    registry.push_blob(name, EMPTY.data)
    images = [manifest_of() for _ in range(6)]

    together(server, lambda client, number: push(client, name, images[number], tag="contested"))

    moves = admin_api.get(f"/projects/{project}/repositories/app/tag-history?sort=id").json()
    previous = [move.get("previous_digest", "") for move in moves]
    following = [move["digest"] for move in moves]
    assert sorted(following) == sorted(image.digest for image in images)
    assert sorted(previous) == sorted(["", *(set(following) - {_last(registry, name)})])


def _last(registry: RegistryClient, name: str) -> str:
    return registry.get_manifest(name, "contested").headers["Docker-Content-Digest"]


def test_pushes_deletions_and_restores_of_the_same_images(
    server: HarborServer, registry: RegistryClient, admin_api: httpx.Client, project: str
) -> None:
    """Whatever meets: what is listed can be pulled whole, and the sum is exact."""
    name = f"{project}/app"
    pool = [layer(1000 + number) for number in range(3)]
    images = []
    for number in range(3):
        own = config()
        images.append((manifest_of(own, [pool[number], pool[(number + 1) % 3]]), own))

    def work(client: RegistryClient, number: int) -> set[int]:
        source = random.Random(number)
        seen = set()
        with api(server.url, server.admin) as rest:
            for _ in range(12):
                image, own = source.choice(images)
                match source.randrange(5):
                    case 0 | 1:
                        for blob in (own, *pool):
                            client.put(client.start_upload(name), blob.digest, blob.data)
                        answer = client.put_manifest(name, f"v{source.randrange(3)}", image)
                        assert answer.status_code in (201, 404), answer.text
                    case 2:
                        answer = client.delete_manifest(name, image.digest)
                        assert answer.status_code in (202, 404), answer.text
                    case 3 if number == 0:
                        answer = rest.delete(f"/projects/{project}/repositories/app")
                        assert answer.status_code in (200, 404), answer.text
                    case 3 if number == 1:
                        answer = rest.post(
                            f"/projects/{project}/repositories/app/restore",
                            json={"time": datetime.now(UTC).isoformat()},
                        )
                        assert answer.status_code in (200, 404, 409, 412), answer.text
                    case _:
                        for entry in trash(rest, project)[:2]:
                            answer = rest.post(f"/projects/{project}/trash/{entry}/restore")
                            assert answer.status_code in (200, 404, 409, 412), answer.text
                            seen.add(answer.status_code)
        return seen

    assert 200 in set().union(*together(server, work))

    assert_the_sum_is_exact(server, project)
    listed = admin_api.get(f"/projects/{project}/repositories/app/artifacts?page_size=100")
    for artifact in listed.json() or [] if listed.status_code == 200 else []:
        assert registry.pull(name, artifact["digest"]) == artifact["digest"]
