"""What a process remembers of tokens has a bound in bytes, whatever is asked for."""

import pytest

from apps.distribution import tokens
from apps.distribution.access import Grant
from apps.distribution.tokens import token_issue, token_verify

pytestmark = pytest.mark.django_db

_GRANT = Grant(1, frozenset({"pull"}))


@pytest.mark.parametrize(("count", "remembered"), [(8, True), (100, False)])
def test_large_tokens_are_not_remembered(monkeypatch, count: int, remembered: bool) -> None:
    monkeypatch.setattr(tokens, "_issued", {})
    monkeypatch.setattr(tokens, "_verified", {})
    grants = tuple((f"project/repository-{number}", _GRANT) for number in range(count))
    text = token_issue(principal=None, grants=grants, catalog=False).text
    assert token_verify(text).grants == dict(grants)
    assert (bool(tokens._issued), bool(tokens._verified)) == (remembered, remembered)
