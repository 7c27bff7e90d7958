"""The table of the settings against Harbor's, and what values it takes."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from apps.config.types import (
    BEYOND_HARBOR,
    SystemSettings,
    about,
    kind_of,
    overwrite_parse,
    secret_settings,
    settings_parse,
)

_FACTS = Path(__file__).parents[2].parent / "shared" / "contract" / "harbor-facts.md"
_ROW = re.compile(r"^\| (\w+) \| (\w+) \| `(.*?)` \| (\w+) \|$", re.MULTILINE)


@pytest.mark.skipif(not _FACTS.exists(), reason="the facts of Harbor are not beside the project")
def test_every_setting_of_harbor_with_its_type_default_and_group() -> None:
    wanted = [row for row in _ROW.findall(_FACTS.read_text("utf-8")) if row[0] != "key"]
    found = [
        (name, kind_of(name).name, _written(name), about(name).group)
        for name in SystemSettings.model_fields
        if about(name).group != BEYOND_HARBOR
    ]
    assert found == wanted


def _written(name: str) -> str:
    value = getattr(SystemSettings(), name)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if name == "scan_all_policy":
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_secrets_do_not_show_themselves() -> None:
    assert secret_settings() == {"ldap_search_password", "uaa_client_secret", "oidc_client_secret"}
    assert "geheim" not in repr(settings_parse(dict.fromkeys(secret_settings(), "geheim"), strict=True))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token_expiration", 0),
        ("token_expiration", 10_000_000_000),
        ("token_expiration", "30"),
        ("token_expiration", True),
        ("token_expiration", 1.5),
        ("session_timeout", 0),
        ("robot_token_duration", -1),
        ("read_only", "true"),
        ("read_only", 1),
        ("auth_mode", "no_auth"),
        ("project_creation_restriction", "nobody"),
        ("ldap_scope", 3),
        ("ldap_url", " "),
        ("ldap_filter", 7),
        ("ldap_filter", "x" * 5000),
        ("ldap_search_password", 7),
        ("storage_per_project", 0),
        ("storage_per_project", -2),
        ("storage_per_project", 1 << 51),
        ("robot_name_prefix", ""),
        ("robot_name_prefix", "ad"),
        ("robot_name_prefix", "a:b"),
        ("oidc_extra_redirect_parms", "{"),
        ("oidc_extra_redirect_parms", '{"a": 1}'),
        ("oidc_extra_redirect_parms", "[]"),
    ],
)
def test_values_that_a_setting_cannot_have(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name}"):
        settings_parse({name: value}, strict=True)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("token_expiration", 9_999_999_999, 9_999_999_999),
        ("storage_per_project", -1, -1),
        ("storage_per_project", 1 << 50, 1 << 50),
        ("robot_name_prefix", "robot_", "robot_"),
        ("oidc_extra_redirect_parms", '{"prompt": "login"}', {"prompt": "login"}),
        ("oidc_extra_redirect_parms", "", {}),
        ("ldap_scope", 0, 0),
    ],
)
def test_values_that_it_can_have(name: str, value: Any, kept: Any) -> None:
    assert getattr(settings_parse({name: value}, strict=True), name) == kept


def test_the_environment_may_write_numbers_and_flags_as_text() -> None:
    values = overwrite_parse('{"ldap_verify_cert": "false", "token_expiration": "5"}')
    settings = settings_parse(values, strict=False)
    assert (settings.ldap_verify_cert, settings.token_expiration) == (False, 5)


@pytest.mark.parametrize("text", ["{", "[]", '{"no_such": 1}', '{"token_expiration": "geheim"}'])
def test_an_environment_that_makes_no_sense(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        overwrite_parse(text)
    assert "geheim" not in str(caught.value)
