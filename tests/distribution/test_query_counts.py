"""SQL statements a request costs: none on a warm pull, a recorded few elsewhere."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.common.stamps import get_stamps, project_key, repository_key
from tests.distribution.documents import EMPTY, config, index_of, layer, manifest_of
from tests.distribution.inside import Place, call, make_place
from tests.support.images import Content, digest_of

pytestmark = pytest.mark.django_db(transaction=True)

LAYER = layer(1000)
CONFIG = config()
MANIFEST = manifest_of(CONFIG, [LAYER])

# Statements with cold caches, on the database that needs more; BEGIN and COMMIT count. A change is a line to review.
MOST = {
    "HEAD blob": 3,
    "GET blob": 3,
    "GET manifest": 3,
    "POST blob": 9,
    # Cold it also loads the push rules and the webhooks of the project.
    "PUT manifest": 22,
    "PUT manifest, warm": 19,
    "GET tags": 3,
    "GET referrers": 3,
}


@pytest.fixture
def place() -> Iterator[Place]:
    place = make_place()
    place.push(MANIFEST, CONFIG, LAYER)
    return place


def cold(place: Place) -> None:
    """As after a change by somebody else: every entry under these stamps is loaded again."""
    project = place.repository.partition("/")[0]
    get_stamps().bump(repository_key(place.repository), project_key(project))


def statements(
    place: Place, method: str, rest: str, *, data: bytes = b"", status: int = 200, **headers
) -> list:
    with CaptureQueriesContext(connection) as captured:
        answer = place.call(method, rest, data=data, **headers)
    assert answer.status == status, answer.body
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "rest",
    ["manifests/v1", f"manifests/{MANIFEST.digest}", f"blobs/{LAYER.digest}", f"blobs/{CONFIG.digest}"],
    ids=["tag", "digest", "layer", "config"],
)
def test_a_warm_pull_does_no_sql(place: Place, method: str, rest: str) -> None:
    cold(place)
    assert statements(place, method, rest) != []

    for _ in range(3):
        assert statements(place, method, rest) == []
    range_header = {"HTTP_RANGE": "bytes=0-9"}
    if rest.startswith("blobs") and method == "GET":
        assert statements(place, method, rest, status=206, **range_header) == []
    assert statements(place, method, rest, status=304, HTTP_IF_NONE_MATCH=_digest(rest)) == []


def _digest(rest: str) -> str:
    reference = rest.rpartition("/")[2]
    return MANIFEST.digest if reference == "v1" else reference


def test_a_warm_refusal_does_no_sql(place: Place) -> None:
    """A client that asks for what its token does not open costs as little as one that is let in."""
    other = make_place()
    path = f"/v2/{place.repository}/manifests/v1"
    assert call("GET", path, HTTP_AUTHORIZATION=other.bearer).status == 401

    with CaptureQueriesContext(connection) as captured:
        assert call("GET", path, HTTP_AUTHORIZATION=other.bearer).status == 401
        assert call("GET", path).status == 401

    assert captured.captured_queries == []


@pytest.mark.parametrize(
    ("name", "method", "rest", "status"),
    [
        ("HEAD blob", "HEAD", f"blobs/{LAYER.digest}", 200),
        ("GET blob", "GET", f"blobs/{LAYER.digest}", 200),
        ("GET manifest", "GET", "manifests/v1", 200),
        ("GET manifest", "GET", f"manifests/{MANIFEST.digest}", 200),
        ("GET tags", "GET", "tags/list", 200),
        ("GET referrers", "GET", f"referrers/{MANIFEST.digest}", 200),
    ],
)
def test_a_cold_read(place: Place, name: str, method: str, rest: str, status: int) -> None:
    cold(place)

    done = statements(place, method, rest, status=status)

    assert 0 < len(done) <= MOST[name], done


def test_a_cold_push(place: Place) -> None:
    new = layer(500)
    document = manifest_of(CONFIG, [new, LAYER])

    cold(place)
    posted = statements(place, "POST", f"blobs/uploads/?digest={new.digest}", data=new.data, status=201)
    cold(place)
    put = statements(
        place,
        "PUT",
        "manifests/v2",
        data=document.data,
        status=201,
        CONTENT_TYPE=document.media_type,
    )

    assert len(posted) <= MOST["POST blob"], posted
    assert len(put) <= MOST["PUT manifest"], put


def test_a_warm_push(place: Place) -> None:
    """What it costs beside what it writes: the history of the tag is the last of these."""
    for _ in range(2):
        document = manifest_of(CONFIG, [LAYER])
        done = statements(
            place, "PUT", "manifests/v1", data=document.data, status=201, CONTENT_TYPE=document.media_type
        )
    assert len(done) <= MOST["PUT manifest, warm"], done


def test_upload_requests_without_a_commit_write_nothing(place: Place) -> None:
    started = place.call("POST", "blobs/uploads/")
    rest = started.headers["Location"].partition("/image/")[2]

    for method, status in (("PATCH", 202), ("GET", 204), ("DELETE", 204)):
        done = statements(place, method, rest, data=b"data" if method == "PATCH" else b"", status=status)
        assert [sql for sql in done if not sql.startswith("SELECT")] == []


@pytest.mark.parametrize("layers", [1, 20])
def test_a_push_costs_the_same_whatever_its_layers(place: Place, layers: int) -> None:
    contents = [layer(10) for _ in range(layers)]
    document = manifest_of(CONFIG, contents)
    for content in contents:
        answer = place.call("POST", f"blobs/uploads/?digest={content.digest}", data=content.data)
        assert answer.status == 201
    cold(place)

    done = statements(
        place, "PUT", "manifests/v3", data=document.data, status=201, CONTENT_TYPE=document.media_type
    )

    assert len(done) <= MOST["PUT manifest"], done


def test_lists_cost_the_same_whatever_their_length(place: Place) -> None:
    def count(rest: str) -> int:
        cold(place)
        return len(statements(place, "GET", rest))

    few = count("tags/list"), count(f"referrers/{MANIFEST.digest}")
    for number in range(10):
        place.push(manifest_of(subject=MANIFEST.descriptor), tag=f"t{number}")

    assert (count("tags/list"), count(f"referrers/{MANIFEST.digest}")) == few


def test_an_index_costs_the_same_whatever_its_children(place: Place) -> None:
    def cost(children: list[Content]) -> int:
        index = index_of(children)
        cold(place)
        return len(
            statements(
                place, "PUT", "manifests/i", data=index.data, status=201, CONTENT_TYPE=index.media_type
            )
        )

    children = [manifest_of() for _ in range(10)]
    for child in children:
        place.push(child)

    cost(children[:2])
    # Each moves the tag from now on, which asks for the rules of immutable tags.
    assert cost(children[:1]) == cost(children)


def test_a_missing_blob_stays_missing_until_it_is_pushed(place: Place) -> None:
    """What is not there is not remembered past the push that brings it."""
    new = layer(50)
    assert place.call("HEAD", f"blobs/{new.digest}").status == 404

    assert place.call("POST", f"blobs/uploads/?digest={new.digest}", data=new.data).status == 201

    assert place.call("GET", f"blobs/{new.digest}").body == new.data
    assert digest_of(new.data) == new.digest
    assert place.call("HEAD", f"blobs/{EMPTY.digest}").status == 200
