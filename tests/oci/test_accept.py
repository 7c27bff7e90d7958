import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.oci.accept import choose
from apps.oci.media_types import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1,
    DOCKER_SCHEMA1_SIGNED,
    DOCUMENT_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
)

DOCKER_PULL = f"application/json, {OCI_INDEX}, {DOCKER_MANIFEST}, {DOCKER_LIST}, {DOCKER_SCHEMA1_SIGNED}, {OCI_MANIFEST}"
CONTAINERD = f"{DOCKER_MANIFEST}, {DOCKER_LIST}, {OCI_MANIFEST}, {OCI_INDEX}, */*"
CONTAINERS_IMAGE = (
    f"{OCI_MANIFEST},{DOCKER_MANIFEST},{DOCKER_SCHEMA1_SIGNED},{DOCKER_SCHEMA1},{DOCKER_LIST},{OCI_INDEX}"
)
OLD_DOCKER = f"{DOCKER_MANIFEST}, {DOCKER_SCHEMA1_SIGNED}"


@pytest.mark.parametrize("media_type", sorted(DOCUMENT_TYPES))
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "  ",
        ",,",
        "*/*",
        "application/*",
        "text/html, */*;q=0.1",
        "APPLICATION/*;Q=1",
        "application/json",
        f"{DOCKER_SCHEMA1_SIGNED}, application/json",
        DOCKER_PULL,
        CONTAINERD,
        CONTAINERS_IMAGE,
        "not a media type",
        "*/json",
        "text/html;q=abc",
        "text/html;q=2",
    ],
)
def test_clients_that_take_every_document(header, media_type):
    assert choose(header, media_type) is True


@pytest.mark.parametrize(
    ("header", "media_type", "expected"),
    [
        (OLD_DOCKER, DOCKER_MANIFEST, True),
        (OLD_DOCKER, OCI_MANIFEST, False),
        (OLD_DOCKER, DOCKER_LIST, False),
        (DOCKER_SCHEMA1_SIGNED, DOCKER_MANIFEST, False),
        (f"{OCI_MANIFEST};q=0", OCI_MANIFEST, False),
        (f"{OCI_MANIFEST};q=0, */*", OCI_MANIFEST, False),
        (f"{OCI_MANIFEST};q=0.000, */*", OCI_INDEX, True),
        (f"{OCI_MANIFEST};q=0.001", OCI_MANIFEST, True),
        (f"{OCI_MANIFEST}; charset=utf-8 ; q=0", OCI_MANIFEST, False),
        (f"{OCI_MANIFEST};charset=utf-8", OCI_MANIFEST, True),
        (f"{OCI_MANIFEST};q=0, {OCI_MANIFEST}", OCI_MANIFEST, True),
        (OCI_MANIFEST.upper(), OCI_MANIFEST, True),
        ("*/*, application/*;q=0", OCI_MANIFEST, False),
        ("application/*, */*;q=0", OCI_MANIFEST, True),
        ("*/*;q=0", OCI_MANIFEST, False),
        ("application/json;q=0, */*", OCI_MANIFEST, True),
        ("application/json;q=0", OCI_MANIFEST, False),
        ("application/json", "application/octet-stream", False),
        ("application/json", "application/json", True),
        ("text/*", OCI_MANIFEST, False),
        ("text/html", OCI_MANIFEST, False),
        (f"garbage, {OCI_INDEX}", OCI_MANIFEST, False),
        (f"garbage, {OCI_INDEX}", OCI_INDEX, True),
        (f"{OCI_MANIFEST};q=x, text/html", OCI_MANIFEST, False),
    ],
)
def test_what_a_header_takes(header, media_type, expected):
    assert choose(header, media_type) is expected


def test_a_long_header_is_read_like_a_short_one():
    padding = ",".join(f"text/x{number}" for number in range(1000))
    assert choose(f"{padding},{OCI_MANIFEST}", OCI_MANIFEST) is True
    assert choose(padding, OCI_MANIFEST) is False


@given(noise=st.lists(st.text()), position=st.integers(0, 5))
def test_noise_never_hides_a_type_that_is_listed(noise, position):
    parts = [part.replace(",", " ") for part in noise]
    parts.insert(position, OCI_MANIFEST)
    assert choose(",".join(parts), OCI_MANIFEST) is True
