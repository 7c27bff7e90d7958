"""Whose password is not asked here, and what is asked of the provider."""

import pytest

from apps.accounts.types import Source
from apps.oidc.selectors import is_of_provider, is_oidc_enabled, scopes_now
from tests.support.people import person, settings_are

pytestmark = pytest.mark.django_db

PROVIDER = {"oidc_endpoint": "https://idp.example", "oidc_client_id": "registry"}


@pytest.mark.parametrize(
    ("settings", "theirs", "unknown"),
    [
        ({}, False, False),
        ({"auth_mode": "oidc_auth", **PROVIDER}, True, True),
        ({"auth_sources": "local,oidc", **PROVIDER}, True, False),
        # Whoever is not here yet may come from the other directory.
        ({"auth_mode": "oidc_auth", "auth_sources": "local,ldap,oidc", **PROVIDER}, True, False),
        ({"auth_mode": "oidc_auth"}, False, False),
    ],
)
def test_whose_password_is_asked_elsewhere(settings: dict, theirs: bool, unknown: bool) -> None:
    settings_are(**settings)
    local, external = person(), person()
    external.source = Source.OIDC
    external.save()
    assert is_oidc_enabled() is theirs
    assert is_of_provider(external.username) is theirs
    assert is_of_provider(local.username) is False
    assert is_of_provider("nobody-of-this-name") is unknown
    assert is_of_provider("no\x00body") is False


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        ("", "openid"),
        ("openid,email", "openid email"),
        (" email , openid,,email groups", "openid email groups"),
    ],
)
def test_scopes(scope: str, asked: str) -> None:
    settings_are(oidc_scope=scope)
    assert scopes_now() == asked
