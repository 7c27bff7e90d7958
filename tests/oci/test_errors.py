import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.oci import errors
from apps.oci.media_types import DOCKER_LAYER, OCI_LAYER, OCI_LAYER_GZIP, essence, is_foreign_layer


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.DigestInvalidError, "DIGEST_INVALID"),
        (errors.NameInvalidError, "NAME_INVALID"),
        (errors.TagInvalidError, "TAG_INVALID"),
        (errors.ManifestInvalidError, "MANIFEST_INVALID"),
        (errors.ManifestUnsupportedError, "UNSUPPORTED"),
        (errors.ManifestTooLargeError, "SIZE_INVALID"),
        (errors.RangeInvalidError, "RANGE_INVALID"),
        (errors.RangeUnsatisfiableError, "RANGE_INVALID"),
        (errors.MultipleRangesError, "RANGE_INVALID"),
    ],
)
def test_code_message_and_detail(error, code):
    raised = pickle.loads(pickle.dumps(error("what is wrong", detail={"field": "x"})))
    assert isinstance(raised, errors.OciError)
    assert (raised.code, raised.message, raised.detail) == (code, "what is wrong", {"field": "x"})
    assert str(raised) == "what is wrong"
    assert error("x").detail is None


@given(text=st.text(st.characters(), max_size=300))
def test_excerpt_is_short_printable_and_encodable(text):
    found = errors.excerpt(text)
    assert found.isprintable()
    assert found.encode("utf-8").decode("utf-8") == found
    assert len(found) <= 128 * len(r"\U0010ffff") + 1
    assert found.endswith("…") == (len(text) > 128)


@pytest.mark.parametrize("compression", ["", "+gzip", "+zstd"])
def test_nondistributable_layers_are_foreign(compression):
    assert is_foreign_layer(f"application/vnd.oci.image.layer.nondistributable.v1.tar{compression}")


@pytest.mark.parametrize("compression", ["", ".gzip", ".zstd"])
def test_docker_foreign_layers_are_foreign(compression):
    assert is_foreign_layer(f"application/vnd.docker.image.rootfs.foreign.diff.tar{compression}")


@pytest.mark.parametrize(
    "media_type",
    [
        OCI_LAYER,
        OCI_LAYER_GZIP,
        DOCKER_LAYER,
        "",
        "application/vnd.oci.image.layer.nondistributable.v1.tarball",
    ],
)
def test_other_layers_are_not_foreign(media_type):
    assert not is_foreign_layer(media_type)


@pytest.mark.parametrize("header", ["text/plain", "Text/Plain; charset=utf-8", " text/plain ;a=b;c=d"])
def test_essence_of_a_content_type(header):
    assert essence(header) == "text/plain"
