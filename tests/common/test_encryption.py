"""Secrets at rest."""

import pytest

from apps.common.encryption import UndecipherableError, decrypt, encrypt


def test_what_is_encrypted_comes_back_for_the_same_purpose_only():
    stored = encrypt("geheim ✓", purpose="setting:a")

    assert "geheim" not in stored
    assert stored.startswith("v1:")
    assert decrypt(stored, purpose="setting:a") == "geheim ✓"
    with pytest.raises(UndecipherableError):
        decrypt(stored, purpose="setting:b")


def test_the_same_text_never_looks_the_same():
    assert len({encrypt("geheim", purpose="a") for _ in range(10)}) == 10


@pytest.mark.parametrize("change", [lambda text: text[:-8], lambda text: text[:10] + "AAAA" + text[14:]])
def test_what_was_changed_is_refused(change):
    with pytest.raises(UndecipherableError):
        decrypt(change(encrypt("geheim", purpose="a")), purpose="a")


@pytest.mark.parametrize("stored", ["", "v1:", "v1:%%%", "v2:AAAA", "geheim", "v1:AAAA"])
def test_what_we_never_wrote_is_refused(stored):
    with pytest.raises(UndecipherableError):
        decrypt(stored, purpose="a")


def test_another_installation_cannot_read_it(settings):
    stored = encrypt("geheim", purpose="a")
    settings.SECRET_KEY = "another"

    with pytest.raises(UndecipherableError):
        decrypt(stored, purpose="a")
