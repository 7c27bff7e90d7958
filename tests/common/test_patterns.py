"""Doublestar patterns: the table of the facts, and any pattern against a matcher that is slow but plain."""

import contextlib
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.common.errors import BadRequestError
from apps.common.patterns import MAX_LENGTH, any_matches, matches, pattern_check

TABLE = [
    ("", "anything/at all", True),
    ("*", "latest", True),
    ("*", "a/b", False),
    ("**", "latest", True),
    ("**", "a/b/c", True),
    ("a/**", "a/b/c", True),
    ("a/**", "a", False),
    ("**/c", "c", True),
    ("**/c", "a/b/c", True),
    ("a/**/c", "a/c", True),
    ("a/**/c", "a/x/y/c", True),
    ("a/**/c", "ac", False),
    ("v?", "v1", True),
    ("v?", "v12", False),
    ("a?b", "a/b", False),
    ("[abc]x", "bx", True),
    ("[abc]x", "dx", False),
    ("v[0-9]", "v7", True),
    ("v[0-9]", "va", False),
    ("[^x]", "y", True),
    ("[^x]", "x", False),
    ("[!x]", "y", True),
    ("[!x]", "x", False),
    ("a[^x]b", "a/b", False),
    ("{a,b}", "a", True),
    ("{a,b}", "b", True),
    ("{a,b}", "c", False),
    ("{a,b/c}/d", "b/c/d", True),
    ("{x,{y,z}}1", "z1", True),
    ("{,r}1", "1", True),
    ("{abc}", "abc", True),
    ("{1..3}", "2", False),
    ("{1..3}", "1..3", True),
    ("${a,b}", "$a", True),
    ("\\*", "*", True),
    ("\\*", "a", False),
    ("{a\\,b,c}", "a,b", True),
    ("[{,}]", ",", True),
    ("Release-*", "release-1", False),
    ("Release-*", "Release-1", True),
    ("late", "latest", False),
    ("test", "latest", False),
    ("a", "a\n", False),
    ("*.hidden", ".hidden", True),
    ("!a", "b", False),
    ("+(a)", "aa", False),
    ("a**b", "a/b", False),
    ("a**b", "axyb", True),
    ("v*.*.*", "v1.20.3", True),
    ("application/vnd.oci.image.*", "application/vnd.oci.image.manifest.v1+json", True),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), TABLE)
def test_the_table_of_the_facts(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "[abc",
        "a[",
        "[]",
        "{a,b",
        "{a,{b}",
        "a\\",
        "[a/b]",
        "x" * (MAX_LENGTH + 1),
        "{a,b}" * 10,
        "{" + "a," * 20 + "b}" + "x" * 400,
        "**/a/" * 4,
    ],
)
def test_what_cannot_be_parsed_is_refused(pattern: str) -> None:
    with pytest.raises(BadRequestError):
        pattern_check(pattern)
    with pytest.raises(BadRequestError):
        matches(pattern, "a")


def test_any_of_several() -> None:
    assert any_matches(["a*", "b*"], "beta")
    assert not any_matches(["a*", "b*"], "gamma")
    assert not any_matches([], "gamma")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("{a," * 100 + "b" + "}" * 100, "c"),
        ("*a" * 100 + "*b", "a" * 255),
        ("*[ab]" * 60 + "c", "a" * 255),
        ("**/a/**/a/b", "a/" * 127 + "c"),
        ("{*a,*b,*c}" * 3 + "d", "abc" * 85),
        ("*" * 512, "a" * 200 + "/a"),
        ("{*,x}{*,y}/a/" * 3 + "b", "a/" * 127 + "c"),
    ],
)
def test_a_hostile_pattern_keeps_nobody_busy(pattern: str, text: str) -> None:
    """Without the limits these take from minutes to for ever."""
    with contextlib.suppress(BadRequestError):
        assert not matches(pattern, text)


def plain_matches(pattern: list[str], text: str) -> bool:
    """Tokens of a pattern (one of ``* ? **/`` or a character) against a text, by trying everything."""
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "**/":
        ends = [0] + [index + 1 for index, character in enumerate(text) if character == "/"]
        return any(plain_matches(rest, text[end:]) for end in ends)
    if head == "*":
        reach = text.find("/") if "/" in text else len(text)
        return any(plain_matches(rest, text[end:]) for end in range(reach + 1))
    if head == "?":
        return bool(text) and text[0] != "/" and plain_matches(rest, text[1:])
    return text.startswith(head) and plain_matches(rest, text[1:])


parts = st.lists(st.sampled_from(["a", "b", "-", "?", "*"]), min_size=1, max_size=4).filter(
    # Two stars in a row are for the table: whether they are `**` depends on what stands around them.
    lambda tokens: all(pair != ("*", "*") for pair in pairwise(tokens))
)


@given(
    st.lists(parts | st.just(["**/"]), min_size=1, max_size=4).filter(lambda all_: all_.count(["**/"]) <= 2),
    st.lists(st.text("ab-", min_size=1, max_size=4), min_size=1, max_size=4),
)
@example([["**/"], ["a"]], ["a"])
def test_any_pattern_matches_as_the_plain_matcher_says(pattern: list[list[str]], text: list[str]) -> None:
    tokens: list[str] = []
    for index, part in enumerate(pattern):
        last = index == len(pattern) - 1
        if part == ["**/"]:
            tokens += ["**/", "a"] if last else ["**/"]
        else:
            tokens += part if last else [*part, "/"]
    joined = "/".join(text)
    assert matches("".join(tokens), joined) is plain_matches(tokens, joined)


@given(st.text("ab*?[]{}\\,^!-/$|&~(+@).:", max_size=30), st.text("ab/{}[],", max_size=10))
def test_no_pattern_does_anything_but_answer_or_refuse(pattern: str, text: str) -> None:
    try:
        assert matches(pattern, text) in (True, False)
    except BadRequestError:
        with pytest.raises(BadRequestError):
            pattern_check(pattern)


@given(st.text(min_size=1, max_size=20).filter(lambda text: "/" not in text and "\0" not in text))
def test_an_escaped_text_matches_itself(text: str) -> None:
    escaped = "".join("\\" + character for character in text)
    assert matches(escaped, text)
    assert not matches(escaped, text + "x")
