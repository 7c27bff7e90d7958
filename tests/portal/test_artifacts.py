"""The artifacts of a repository in the portal: the list, one step down, and what is done with several at once."""

import json
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import make_project, unique
from tests.support.browsing import SIGN_IN, Page
from tests.support.contents import make_chart, make_manifest
from tests.support.http import RegistryClient
from tests.support.images import OCI_INDEX, Content, Image, Index, make_image
from tests.support.world import REPOSITORY, World

COSIGN = "application/vnd.dev.cosign.artifact.sig.v1+json"


@dataclass(frozen=True)
class Place:
    """A repository of a test's own in the world's private project, or in another one."""

    world: World
    path: str
    other_project: str = ""

    @property
    def project(self) -> str:
        return self.other_project or self.world.private

    @property
    def name(self) -> str:
        return f"{self.project}/{self.path}"

    @property
    def project_id(self) -> int:
        return int(self.world.admin.get(f"/projects/{self.project}").json()["project_id"])

    @property
    def url(self) -> str:
        """Of the list in the portal."""
        return f"/harbor/projects/{self.project_id}/repositories/{self.path}"

    @property
    def api(self) -> str:
        """Of the artifacts in the API."""
        encoded = quote(quote(self.path, safe=""), safe="")
        return f"/projects/{self.project}/repositories/{encoded}/artifacts"

    def artifact_url(self, digest: str) -> str:
        return f"{self.url}/-/artifacts/{digest}"

    def push(self, content: Image | Index, tag: str | None = None) -> str:
        with RegistryClient(self.world.server.url, self.world.server.admin) as client:
            client.push(self.name, content, tag=tag)
        return content.manifest.digest

    def rows(self) -> dict[str, int]:
        """Ids by digest, as the API has them."""
        answer = self.world.admin.get(self.api, params={"page_size": 100})
        return {row["digest"]: row["id"] for row in answer.json()}

    def one(self, digest: str, **parameters: str) -> httpx.Response:
        return self.world.admin.get(f"{self.api}/{digest}", params=parameters)


@pytest.fixture
def place(world: World) -> Place:
    """An empty place with a slash in its name."""
    return Place(world, f"{unique('team')}/app")


def index_of(*images: Image) -> Index:
    """An index of images for linux."""
    manifests = [
        {**image.manifest.descriptor, "platform": {"os": "linux", "architecture": architecture}}
        for image, architecture in zip(images, ("amd64", "arm64", "s390x"), strict=False)
    ]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return Index(Content(json.dumps(document).encode(), OCI_INDEX), images)


def digests(page: Page) -> list[str]:
    """The digests of the rows of a list, in its order."""
    return [str(button["data-copy"]) for button in page.document.select("tbody td [data-copy]")]


@pytest.mark.parametrize(
    "identity", ["guest", "developer", "maintainer", "project_admin", "sysadmin", "auditor"]
)
def test_who_may_see_the_project_sees_its_artifacts(world: World, browse: Browse, identity: str) -> None:
    place = Place(world, REPOSITORY)
    page = browse(identity).open(place.url)
    assert page.status == 200
    assert world.digest in digests(page)
    page = browse(identity).open(place.artifact_url(world.digest))
    assert page.status == 200
    assert world.digest in page.text


def test_others_do_not(world: World, browse: Browse) -> None:
    place = Place(world, REPOSITORY)
    for path in (place.url, place.artifact_url(world.digest), f"{place.artifact_url(world.digest)}/manifest"):
        assert browse("outsider").open(path).status == 403
        assert browse("anonymous").open(path).path.startswith(SIGN_IN)
    public = int(world.admin.get(f"/projects/{world.public}").json()["project_id"])
    page = browse("anonymous").open(f"/harbor/projects/{public}/repositories/{REPOSITORY}")
    assert world.digest in digests(page)
    assert not page.has("[name=artifact]")


def test_buttons_are_for_who_may(world: World, browse: Browse) -> None:
    place = Place(world, REPOSITORY)
    expected = {
        "guest": (False, False),
        "developer": (True, False),
        "maintainer": (True, True),
        "auditor": (False, False),
    }
    for identity, (may_label, may_delete) in expected.items():
        page = browse(identity).open(place.url)
        assert page.has("[formaction$='/selected/label']") == may_label
        assert page.has("[formaction$='/selected/delete']") == may_delete
        # Guests and auditors may push nowhere.
        assert page.has("[name=artifact]") == may_label
        links = browse(identity).open(place.artifact_url(world.digest)).links()
        assert any("/selected/delete" in link for link in links) == may_delete
        assert any(link.endswith("/deactivate") for link in links) == may_delete
        assert any(link.endswith("/tags/new") for link in links) == may_label


def test_the_list_is_filtered_and_sorted(world: World, browse: Browse, place: Place) -> None:
    first, second = place.push(make_image(), "alpha"), place.push(make_image(), "beta")
    chart = place.push(make_chart({}), "1.0.0")
    bare = place.push(make_image())
    label = world.admin.post("/labels", json={"name": unique("label"), "scope": "g"})
    label_id = int(label.headers["Location"].rpartition("/")[2])
    world.admin.post(f"{place.api}/{second}/labels", json={"id": label_id})

    def found(query: str) -> list[str]:
        page = browse("developer").open(f"{place.url}?{query}")
        assert page.status == 200
        return digests(page)

    assert found("") == [bare, chart, second, first]
    assert found("sort=pushed") == [first, second, chart, bare]
    sizes = {digest: place.one(digest).json()["size"] for digest in (first, second, chart, bare)}
    assert [sizes[digest] for digest in found("sort=-size")] == sorted(sizes.values(), reverse=True)
    assert set(found("sort=pulled")) == set(sizes)
    assert found("type=CHART") == [chart]
    assert found("search=alph") == [first]
    assert found(f"search={first[:20]}") == [first]
    assert found("tagged=no") == [bare]
    assert found("tagged=yes") == [chart, second, first]
    assert found(f"label={label_id}") == [second]
    assert found("label=x&type=&tagged=perhaps") == [bare, chart, second, first]
    assert "No artifact matches" in browse("developer").open(f"{place.url}?search=nothing").text
    page = browse("developer").open(f"{place.url}?page_size=2")
    assert digests(browse("developer").open(str(page.document.select_one("a[rel=next]")["href"]))) == [
        second,
        first,
    ]


def test_a_row_tells_what_an_artifact_is(world: World, browse: Browse, place: Place) -> None:
    image, other = make_image(), make_image()
    index = place.push(index_of(image, other), "many")
    signature = make_manifest(Content(b"{}", COSIGN), subject=index_of(image, other).manifest.descriptor)
    place.push(signature)
    page = browse("developer").open(place.url)
    assert digests(page) == [index]
    row = " ".join(page.document.select_one("tbody tr").get_text(" ").split())
    for words in ("many", "Index", "linux/amd64", "linux/arm64", "Cosign signature : 1"):
        assert words in row

    page = browse("developer").open(f"{place.artifact_url(index)}/children")
    assert digests(page) == [image.digest, other.digest]
    page = browse("developer").open(place.artifact_url(image.digest))
    assert "Indexes that contain it" in page.text
    assert place.artifact_url(index) in page.links()
    page = browse("developer").open(place.artifact_url(index))
    assert place.artifact_url(signature.digest) in page.links()
    page = browse("developer").open(place.artifact_url(signature.digest))
    assert "It belongs to:" in page.text
    assert place.artifact_url(index) in page.links()


def test_several_are_deleted_and_what_cannot_be_is_told(world: World, browse: Browse, place: Place) -> None:
    image = make_image()
    index = place.push(index_of(image), "many")
    gone, kept = place.push(make_image(), "one"), place.push(make_image(), unique("kept"))
    tag = place.one(kept).json()["tags"][0]["name"]
    rule = {
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tag}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
        },
    }
    assert world.admin.post(f"/projects/{world.private}/immutabletagrules", json=rule).status_code == 201
    ids = place.rows()
    browser = browse("maintainer")
    page = browser.open(place.url)
    form = "main form[action$='/selected/copy']"
    assert page.has(f"{form} [formaction$='/selected/delete']")
    question = (
        f"{place.url}/-/selected/delete?artifact={ids[gone]}&artifact={ids[kept]}&artifact={ids[index]}"
    )
    page = browser.open(question)
    assert "Delete 3 artifacts?" in page.text
    assert "trash" in page.text
    assert "immutable" in page.text
    page = browser.send(page)
    assert page.status == 409
    assert "2 artifacts are deleted, the others are not." in page.text
    assert f"the tag {tag} configured as immutable" in page.text
    assert set(place.rows()) == {kept}
    assert place.one(image.digest).status_code == 404

    assert browser.open(f"{place.url}/-/selected/delete").status == 400
    assert browser.open(f"{place.url}/-/selected/delete?artifact={ids[gone]}").status == 404
    assert browse("developer").open(question).status == 403
    assert browse("developer").post(question).status == 403


def test_several_are_labelled(world: World, browse: Browse, place: Place) -> None:
    one, two = place.push(make_image(), "one"), place.push(make_image(), "two")
    name = unique("label")
    answer = world.admin.post("/labels", json={"name": name, "scope": "p", "project_id": place.project_id})
    label_id = int(answer.headers["Location"].rpartition("/")[2])
    world.admin.post(f"{place.api}/{one}/labels", json={"id": label_id})
    ids = place.rows()
    path = f"{place.url}/-/selected/label?artifact={ids[one]}&artifact={ids[two]}"
    page = browse("developer").submit(path, label=label_id)
    assert "The label is put on." in page.text
    for digest in (one, two):
        labels = place.one(digest, with_label="true").json()["labels"]
        assert [label["name"] for label in labels] == [name]
    page = browse("developer").open(place.artifact_url(two))
    assert name in page.text
    page = browse("developer").submit(f"{place.artifact_url(two)}/labels/{label_id}/remove")
    assert "The label is taken off." in page.text
    assert not place.one(two, with_label="true").json()["labels"]
    assert browse("guest").open(path).status == 403
    assert browse("developer").submit(path, label=999999999).status == 422


def test_they_are_copied_to_where_one_may_push(world: World, browse: Browse, place: Place) -> None:
    digest = place.push(make_image(), "one")
    world.admin.post(f"{place.api}/{digest}/tags", json={"name": "two"})
    path = f"{place.url}/-/selected/copy?artifact={place.rows()[digest]}"
    page = browse("developer").open(path)
    options = {option.get_text() for option in page.document.select("[name=project] option")}
    assert world.private in options
    assert world.public not in options
    target = unique("copied")
    page = browse("developer").send(page, repository=f"to/{target}")
    assert "1 artifact is copied." in page.text
    copied = Place(world, f"to/{target}").one(digest).json()
    assert {tag["name"] for tag in copied["tags"]} == {"one", "two"}
    page = browse("developer").submit(path, repository=f"bare/{target}", with_tags=None)
    assert not Place(world, f"bare/{target}").one(digest).json()["tags"]
    assert browse("developer").submit(path, repository="Not A Name").status == 400
    other = make_project(world.admin)
    other_id = world.admin.get(f"/projects/{other}").json()["project_id"]
    assert browse("developer").submit(path, project=other_id).status == 422
    assert browse("guest").open(path).status == 403
    assert browse("anonymous").open(path).path.startswith(SIGN_IN)
