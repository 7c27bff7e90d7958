import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.oci.digests import ALGORITHMS, Digest, digest_of, new_hasher, parse_digest
from apps.oci.errors import DigestInvalidError

ZEROS = "0" * 64
HEX = "0123456789abcdef"


@given(data=st.binary(), algorithm=st.sampled_from(ALGORITHMS))
def test_digest_of_is_the_standard_hash_and_survives_its_text_form(data, algorithm):
    digest = digest_of(data, algorithm)
    assert digest == Digest(algorithm, hashlib.new(algorithm, data).hexdigest())
    assert parse_digest(str(digest)) == digest


@given(pieces=st.lists(st.binary()), algorithm=st.sampled_from(ALGORITHMS))
def test_hasher_takes_pieces_and_can_be_copied(pieces, algorithm):
    hasher = new_hasher(algorithm)
    for piece in pieces:
        hasher.update(piece)
    copy = hasher.copy()
    copy.update(b"more")
    assert hasher.hexdigest() == digest_of(b"".join(pieces), algorithm).hex
    assert copy.hexdigest() == digest_of(b"".join([*pieces, b"more"]), algorithm).hex


@given(algorithm=st.sampled_from(ALGORITHMS), encoded=st.text(HEX, max_size=130))
def test_only_the_exact_length_is_taken(algorithm, encoded):
    text = f"{algorithm}:{encoded}"
    if len(encoded) == {"sha256": 64, "sha512": 128}[algorithm]:
        assert str(parse_digest(text)) == text
    else:
        with pytest.raises(DigestInvalidError):
            parse_digest(text)


@given(text=st.text())
def test_any_other_text_is_refused_with_a_message_that_can_be_sent(text):
    with pytest.raises(DigestInvalidError) as caught:
        parse_digest(text)
    assert caught.value.message.isprintable()
    assert caught.value.message.encode("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ZEROS,
        "sha256:",
        f"sha256:{ZEROS[:-1]}",
        f"sha256:{ZEROS}0",
        f"sha512:{ZEROS}",
        f"sha256:{'A' * 64}",
        f"sha256:{'g' * 64}",
        f"SHA256:{ZEROS}",
        f" sha256:{ZEROS}",
        f"sha256:{ZEROS}\n",
        "sha256:" + "\u0660" * 64,
        f"sha256:{ZEROS[:-1]}\udc80",
        f"sha256::{ZEROS}",
        f"sha256@{ZEROS}",
    ],
)
def test_malformed_digest_is_refused(text):
    with pytest.raises(DigestInvalidError, match="invalid digest") as caught:
        parse_digest(text)
    assert caught.value.code == "DIGEST_INVALID"


@pytest.mark.parametrize("text", ["sha384:abc", f"md5:{ZEROS}", "blake3:AZaz09=_-", "sha256+b64u.v1:abc"])
def test_unsupported_algorithm_is_told_which_are(text):
    with pytest.raises(DigestInvalidError, match="supported are sha256 and sha512"):
        parse_digest(text)


@pytest.mark.parametrize("algorithm", ["md5", "", "SHA256"])
def test_no_hasher_for_another_algorithm(algorithm):
    with pytest.raises(DigestInvalidError, match="supported are sha256 and sha512"):
        new_hasher(algorithm)
    with pytest.raises(DigestInvalidError):
        digest_of(b"", algorithm)
