import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.oci.digests import digest_of
from apps.oci.errors import (
    ManifestInvalidError,
    ManifestUnsupportedError,
    OciError,
)
from apps.oci.manifests import MAX_SIZE, parse_manifest
from apps.oci.media_types import (
    DOCKER_FOREIGN_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)
from tests.oci.documents import descriptor, image, index

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
annotations = st.dictionaries(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), st.just("v")
)
descriptors = st.builds(
    lambda content, notes, foreign, embed: descriptor(
        content,
        DOCKER_FOREIGN_LAYER if foreign else OCI_LAYER_GZIP,
        annotations=notes,
        **({"data": base64.b64encode(content).decode()} if embed else {}),
    ),
    st.binary(max_size=8),
    annotations,
    st.booleans(),
    st.booleans(),
)
images = st.builds(lambda config, layers, notes: image(config=config, layers=layers, annotations=notes),
                   descriptors, st.lists(descriptors, max_size=4), annotations)  # fmt: skip
indexes = st.builds(lambda manifests: index(manifests=manifests), st.lists(descriptors, max_size=4))


@given(document=images, custom=json_values)
def test_any_well_formed_image_is_taken(document, custom):
    raw = orjson.dumps({**document, "custom": custom})
    manifest = parse_manifest(raw, content_type=OCI_MANIFEST)
    assert [str(layer.digest) for layer in manifest.layers] == [
        layer["digest"] for layer in document["layers"]
    ]
    assert manifest.annotations == document["annotations"]
    wanted = {
        layer["digest"]: layer["size"]
        for layer in [document["config"], *document["layers"]]
        if layer is document["config"] or layer["mediaType"] != DOCKER_FOREIGN_LAYER
    }
    assert [str(blob.digest) for blob in manifest.blobs] == list(wanted)
    assert manifest.total_size == len(raw) + sum(wanted.values())


@given(document=images | indexes, data=st.data())
def test_any_damage_is_refused_or_harmless(document, data):
    node = document
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = data.draw(json_values)
    raw = orjson.dumps(document)
    try:
        manifest = parse_manifest(raw, content_type=None)
    except (ManifestInvalidError, ManifestUnsupportedError):
        return
    assert manifest.digest == digest_of(raw)
    assert manifest.total_size <= MAX_SIZE


@given(raw=st.binary() | json_values.map(orjson.dumps), content_type=st.none() | st.text())
def test_any_bytes_that_are_no_manifest_are_refused(raw, content_type):
    with pytest.raises(OciError):
        parse_manifest(raw, content_type=content_type)
