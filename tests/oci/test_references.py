import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.oci.digests import Digest
from apps.oci.errors import DigestInvalidError, NameInvalidError, TagInvalidError
from apps.oci.references import check_repository_name, check_tag, parse_reference

# As the distribution specification prints them.
NAME_GRAMMAR = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
TAG_GRAMMAR = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"


@given(
    name=st.from_regex(NAME_GRAMMAR, fullmatch=True) | st.text("aA0._-/", max_size=12) | st.text(max_size=8)
)
def test_repository_name_follows_the_grammar(name):
    if re.fullmatch(NAME_GRAMMAR, name) and len(name) <= 255:
        assert check_repository_name(name) == name
    else:
        with pytest.raises(NameInvalidError) as caught:
            check_repository_name(name)
        assert caught.value.message.isprintable()


@given(
    tag=st.from_regex(TAG_GRAMMAR, fullmatch=True) | st.text("aA0_.-:/", max_size=12) | st.text(max_size=8)
)
def test_tag_follows_the_grammar(tag):
    if re.fullmatch(TAG_GRAMMAR, tag):
        assert check_tag(tag) == tag
    else:
        with pytest.raises(TagInvalidError) as caught:
            check_tag(tag)
        assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "name", ["a", "library/busybox", "a.b/c_d/e__f/g-h/i---j", "0/1/2", "a" * 255, "a/" * 127 + "a"]
)
def test_good_repository_names(name):
    assert check_repository_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "A/b",
        "a/B",
        "a..b",
        "a___b",
        "a._b",
        "-a",
        "a-",
        "a_/b",
        "a b",
        "a\n",
        "a/..",
        "a:b",
        "a@b",
        "ä",
        "\u00b2",
        "a" * 256,
        "a/" * 127 + "ab",
    ],
)
def test_bad_repository_names(name):
    with pytest.raises(NameInvalidError) as caught:
        check_repository_name(name)
    assert caught.value.code == "NAME_INVALID"


def test_a_long_repository_name_is_not_repeated_whole():
    with pytest.raises(NameInvalidError, match="at most 255") as caught:
        check_repository_name("a" * 100_000)
    assert len(str(caught.value.detail)) < 200


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a" * 129, "a/b", "a b", "latest\n", "ä", "a+b"])
def test_bad_tags(tag):
    with pytest.raises(TagInvalidError) as caught:
        check_tag(tag)
    assert caught.value.code == "TAG_INVALID"


@pytest.mark.parametrize("tag", ["latest", "1.0", "_", "A" * 128, "sha256-" + "0" * 64 + ".sig", "v1.-_"])
def test_reference_without_colon_is_a_tag(tag):
    assert parse_reference(tag) == tag


def test_reference_with_colon_is_a_digest():
    assert parse_reference("sha256:" + "a" * 64) == Digest("sha256", "a" * 64)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("sha256:abc", DigestInvalidError),
        (":", DigestInvalidError),
        ("a:b", DigestInvalidError),
        ("", TagInvalidError),
        ("..", TagInvalidError),
        ("sha256", None),
    ],
)
def test_malformed_reference(text, error):
    if error is None:
        assert parse_reference(text) == text
    else:
        with pytest.raises(error):
            parse_reference(text)


@given(text=st.text())
def test_any_text_is_a_reference_or_refused(text):
    expected = DigestInvalidError if ":" in text else TagInvalidError
    try:
        found = parse_reference(text)
    except expected:
        return
    assert str(found) == text
