"""The catalog and the lists of tags: order, pages, and who sees what."""

import itertools

import pytest

from tests.distribution.conftest import Team
from tests.distribution.documents import EMPTY, manifest_of
from tests.support.accounts import api, make_project, unique
from tests.support.http import RegistryClient, error_codes
from tests.support.server import HarborServer

# In byte order, which is the order of no language.
TAGS = ["0", "1.10", "1.2", "A", "B-1", "Z", "_x", "a", "a.b", "aB", "ab", "b", "z_1"]


def fill(registry: RegistryClient, repository: str, *tags: str) -> None:
    registry.push_blob(repository, EMPTY.data)
    manifest = manifest_of()
    answer = registry.put_manifest(repository, manifest.digest, manifest, tag=list(tags))
    assert answer.status_code == 201, answer.text


@pytest.fixture
def tagged(registry: RegistryClient, repository: str) -> str:
    fill(registry, repository, *reversed(TAGS))
    return repository


def walk(registry: RegistryClient, answer, key: str) -> list[list[str]]:
    """The entries of this page and of all that its links lead to."""
    pages = [answer.json()[key]]
    while link := answer.links.get("next"):
        answer = registry.request("GET", link["url"])
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()[key])
    return pages


def test_tags(registry: RegistryClient, tagged: str) -> None:
    answer = registry.tags(tagged)

    assert answer.json() == {"name": tagged, "tags": TAGS}
    assert answer.headers["Content-Type"] == "application/json"
    assert "Link" not in answer.headers
    looked = registry.request("HEAD", f"/v2/{tagged}/tags/list")
    assert (looked.status_code, looked.headers["Content-Length"]) == (200, str(len(answer.content)))


@pytest.mark.parametrize("number", [1, 4, 12, 13, 14])
def test_pages_of_tags(registry: RegistryClient, tagged: str, number: int) -> None:
    pages = walk(registry, registry.tags(tagged, n=number), "tags")

    assert pages == [TAGS[start : start + number] for start in range(0, len(TAGS), number)]


@pytest.mark.parametrize("last", ["", "!", "A", "AA", "a", "zz"])
def test_tags_after_one(registry: RegistryClient, tagged: str, last: str) -> None:
    """``last`` need not be a tag that is there."""
    expected = [tag for tag in TAGS if tag > last]

    assert registry.tags(tagged, last=last).json()["tags"] == expected
    first = registry.tags(tagged, last=last, n=3)
    assert first.json()["tags"] == expected[:3]
    assert ("next" in first.links) == (len(expected) > 3)


def test_no_tags_asked_for(registry: RegistryClient, tagged: str) -> None:
    answer = registry.tags(tagged, n=0)

    assert (answer.status_code, answer.json()["tags"]) == (200, [])
    assert "Link" not in answer.headers


@pytest.mark.parametrize("number", ["-1", "x", "1.5", "", "٣", "9" * 40])
def test_a_number_that_is_none(registry: RegistryClient, tagged: str, number: str) -> None:
    for answer in (registry.tags(tagged, n=number), registry.catalog(n=number)):
        assert (answer.status_code, error_codes(answer)) == (400, ["PAGINATION_NUMBER_INVALID"])


def test_more_than_there_are(registry: RegistryClient, tagged: str) -> None:
    assert registry.tags(tagged, n=10**15).json()["tags"] == TAGS


@pytest.mark.parametrize("path", ["tags/list?last=a%00b", "referrers/{digest}?artifactType=%00"])
def test_a_nul_finds_nothing_and_breaks_nothing(registry: RegistryClient, tagged: str, path: str) -> None:
    answer = registry.request("GET", f"/v2/{tagged}/{path.format(digest=EMPTY.digest)}")

    assert (answer.status_code, error_codes(answer)) == (400, ["BAD_REQUEST"])


def test_tags_of_what_is_not_there(registry: RegistryClient, repository: str) -> None:
    answer = registry.tags(repository)

    assert (answer.status_code, error_codes(answer)) == (404, ["NAME_UNKNOWN"])


def test_a_repository_without_tags(registry: RegistryClient, repository: str) -> None:
    fill(registry, repository)

    assert registry.tags(repository).json() == {"name": repository, "tags": []}


@pytest.fixture(scope="module")
def catalogued(server: HarborServer, team: Team, public_project: str) -> list[str]:
    """Repositories whose names sort otherwise in any language, with what is not to be listed beside them."""
    names = [f"{team.project}/{name}" for name in ("a", "a/b", "a-b", "a.b", "a_b", "a0", "ab")]
    names.append(f"{public_project}/{unique('image')}")
    with RegistryClient(server.url, server.admin) as registry:
        for name in names:
            fill(registry, name)
        registry.push_blob(f"{team.project}/only-a-blob", b"blob")
        registry.post_upload(f"{team.project}/only-an-upload")
    return sorted(names)


def test_the_catalog(registry: RegistryClient, catalogued: list[str]) -> None:
    names = list(itertools.chain(*walk(registry, registry.catalog(n=3), "repositories")))

    assert names == sorted(names)
    assert set(catalogued) <= set(names)
    assert not [name for name in names if "only-a" in name]


def test_pages_of_the_catalog(registry: RegistryClient, team: Team, catalogued: list[str]) -> None:
    own = [name for name in catalogued if name.startswith(team.project)]

    answer = registry.catalog(n=4, last=f"{team.project}/")

    assert answer.json() == {"repositories": own[:4]}
    assert answer.links["next"]["rel"] == "next"
    following = registry.request("GET", answer.links["next"]["url"])
    assert following.json()["repositories"][: len(own) - 4] == own[4:]
    assert registry.catalog(n=0).json() == {"repositories": []}


@pytest.mark.parametrize("who", ["developer", "guest", "outsider", "deleting robot", None])
@pytest.mark.parametrize("by_token", [True, False], ids=["token", "basic"])
def test_the_catalog_shows_what_the_caller_may_see(
    client_of, team: Team, public_project: str, catalogued: list[str], who: str | None, by_token: bool
) -> None:
    person = team.people[who] if who else None
    client = client_of(person)
    if by_token:
        answer = client.catalog(n=1000)
    elif person:
        answer = client.http.get("/v2/_catalog", auth=person.basic)
    else:
        assert client.http.get("/v2/_catalog").status_code == 401
        return

    seen = set(itertools.chain(*walk(client, answer, "repositories")))

    private = {name for name in catalogued if name.startswith(team.project)}
    assert {name for name in catalogued if name.startswith(public_project)} <= seen
    assert seen & private == (set() if who in ("outsider", None) else private)


def test_the_catalog_of_a_deleted_repository(
    server: HarborServer, registry: RegistryClient, repository: str
) -> None:
    fill(registry, repository, "v1")
    before = repository[:-1]
    assert registry.catalog(n=1, last=before).json() == {"repositories": [repository]}
    project, _, name = repository.partition("/")

    with api(server.url, server.admin) as client:
        assert client.delete(f"/projects/{project}/repositories/{name}").status_code == 200

    assert registry.catalog(n=1, last=before).json() != {"repositories": [repository]}
    assert registry.get_manifest(repository, "v1").status_code == 404


def test_a_new_private_project_is_not_seen_by_others(server: HarborServer, registry, client_of, team) -> None:
    with api(server.url, server.admin) as client:
        project = make_project(client)
    repository = f"{project}/image"
    fill(registry, repository, "v1")

    client = client_of(team.people["developer"])

    assert repository not in client.catalog(n=10000).json()["repositories"]
    assert client.tags(repository).status_code == 401
