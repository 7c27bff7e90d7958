import orjson
import pytest

from apps.oci.errors import (
    ManifestInvalidError,
    ManifestTooLargeError,
)
from apps.oci.manifests import MAX_MANIFEST_SIZE, MAX_SIZE, parse_manifest
from apps.oci.media_types import (
    OCI_MANIFEST,
)
from tests.oci.documents import descriptor, image, index, parse, without

DEEP = b'{"schemaVersion":2,"deep":' + b"[" * 5000 + b"]" * 5000 + b"}"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1}x',
        b"{'a':1}",
        b"\xff",
        b'{"a":"\xff"}',
        DEEP,
        b"\xef\xbb\xbf{}",
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00"}',
        b'{"a":"\xed\xa0\x80"}',
        b"\x1f\x8b\x08\0",
    ],
)
def test_not_json(raw):
    with pytest.raises(ManifestInvalidError, match="not valid JSON") as caught:
        parse_manifest(raw, content_type=OCI_MANIFEST)
    assert caught.value.code == "MANIFEST_INVALID"


@pytest.mark.parametrize("raw", [b"null", b"[]", b"1", b'"x"', b"true"])
def test_not_an_object(raw):
    with pytest.raises(ManifestInvalidError, match="not a JSON object"):
        parse_manifest(raw, content_type=OCI_MANIFEST)


def test_size_limit():
    empty = orjson.dumps(image())
    raw = empty + b" " * (MAX_MANIFEST_SIZE - len(empty))
    assert len(parse_manifest(raw, content_type=None).raw) == MAX_MANIFEST_SIZE
    with pytest.raises(ManifestTooLargeError) as caught:
        parse_manifest(raw + b" ", content_type=None)
    assert caught.value.code == "SIZE_INVALID"


@pytest.mark.parametrize("version", [None, True, 0, 3, -1, "2", 2.0, [2]])
def test_schema_version(version):
    with pytest.raises(ManifestInvalidError, match=r"^schemaVersion: must be the number 2"):
        parse(image(schemaVersion=version))


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (image(mediaType=1), "mediaType"),
        (image(artifactType=1), "artifactType"),
        (image(artifactType="a\nb"), "artifactType"),
        (image(artifactType="a" * 256), "artifactType"),
        (image(config=None), "config"),
        (image(config=[]), "config"),
        (without(image(), "config"), "config"),
        (without(image(), "layers"), "layers"),
        (image(layers=None), "layers"),
        (image(layers={}), "layers"),
        (image(layers=[descriptor(), None]), "layers[1]"),
        (image(layers=[[descriptor()]]), "layers[0]"),
        (without(index(), "manifests"), "manifests"),
        (index(manifests=None), "manifests"),
        (index(manifests=["x"]), "manifests[0]"),
        (image(subject="x"), "subject"),
        (image(subject={}), "subject.size"),
        (image(annotations=[]), "annotations"),
        (image(annotations={"a": 1}), "annotations[a]"),
        (image(annotations={"a": None}), "annotations[a]"),
        (image(annotations={"a": "\0"}), "annotations[a]"),
        (image(annotations={"\0": "a"}), "annotations[\\x00]"),
    ],
)
def test_wrong_field_is_named(document, field):
    with pytest.raises(ManifestInvalidError) as caught:
        parse(document)
    assert caught.value.detail == {"field": field}
    assert caught.value.message.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mediaType", [None, "", 1, [], " x", "x\n", "x" * 256, "é"]),
        ("digest", [None, "", 1, "sha256:abc", "md5:abc", "sha256:" + "A" * 64, {}]),
        ("size", [None, "1", -1, 1.0, True, False, MAX_SIZE + 1, 2**64 - 1, []]),
        ("urls", ["x", {}, 1]),
        ("urls[0]", [1, None]),
        ("annotations", ["x", [], 1]),
        ("annotations[a]", [1, None, {}]),
        ("data", [1, "!", "e30", "e30=\n", "é", "W10=", "e30=e30="]),
        ("artifactType", [1, "a\tb", []]),
        ("platform", ["linux", [], 1]),
        ("platform.os", [1, []]),
        ("platform.architecture", [{}]),
        ("platform.os.features", ["a", {}]),
        ("platform.os.features[0]", [1]),
    ],
)
def test_wrong_descriptor_field_is_named(name, values):
    for value in values:
        wrong = {
            "urls[0]": {"urls": [value]},
            "annotations[a]": {"annotations": {"a": value}},
            "platform.os": {"platform": {"os": value}},
            "platform.architecture": {"platform": {"architecture": value}},
            "platform.os.features": {"platform": {"os.features": value}},
            "platform.os.features[0]": {"platform": {"os.features": [value]}},
        }.get(name, {name: value})
        for document, where in (
            (image(layers=[descriptor()] * 3 + [descriptor() | wrong]), "layers[3]"),
            (image(config=descriptor() | wrong), "config"),
            (image(subject=descriptor() | wrong), "subject"),
            (index(manifests=[descriptor() | wrong]), "manifests[0]"),
        ):
            with pytest.raises(ManifestInvalidError) as caught:
                parse(document)
            assert caught.value.detail == {"field": f"{where}.{name}"}, value
            assert caught.value.message.startswith(f"{where}.{name}: ")


@pytest.mark.parametrize("name", ["mediaType", "digest", "size"])
def test_missing_descriptor_field_is_named(name):
    with pytest.raises(ManifestInvalidError, match=rf"^layers\[0\]\.{name}: "):
        parse(image(layers=[without(descriptor(), name)]))


@pytest.mark.parametrize(
    ("data", "problem"),
    [("e30", "must be base64"), ("e30x", "has 3 bytes, the descriptor says 2"), ("W10=", "digest")],
)
def test_embedded_data_that_is_not_the_content(data, problem):
    with pytest.raises(ManifestInvalidError, match=rf"^config\.data: .*{problem}"):
        parse(image(config=descriptor(b"{}", data=data)))


def test_sizes_whose_sum_no_column_holds():
    layers = [descriptor(b"1") | {"size": MAX_SIZE}, descriptor(b"2")]
    with pytest.raises(ManifestInvalidError, match="add up to more than"):
        parse(image(layers=layers))
