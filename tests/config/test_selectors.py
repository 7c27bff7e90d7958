"""Settings as they are read: cached, current, and never the reason why nothing works."""

import pytest

from apps.common.database import write_atomic
from apps.config.models import Setting
from apps.config.selectors import system_settings
from apps.config.services import settings_store
from apps.config.types import SystemSettings, settings_parse

pytestmark = pytest.mark.django_db(transaction=True)


def store(**values: object) -> None:
    with write_atomic():
        settings_store(settings_parse(values, strict=True), names=values)


def test_a_change_is_seen_at_once_and_reading_again_costs_no_sql(django_assert_num_queries):
    assert system_settings() == SystemSettings()
    store(token_expiration=7, oidc_extra_redirect_parms='{"a": "b"}')

    with django_assert_num_queries(1):
        for _ in range(3):
            settings = system_settings()
    assert (settings.token_expiration, settings.oidc_extra_redirect_parms) == (7, {"a": "b"})


def test_secrets_are_encrypted_in_the_database_and_read_from_it():
    store(oidc_client_secret="geheim-1", ldap_search_password="geheim-2")

    assert not any("geheim" in value for value in Setting.objects.values_list("value", flat=True))
    assert system_settings().oidc_client_secret.get_secret_value() == "geheim-1"
    assert system_settings().ldap_search_password.get_secret_value() == "geheim-2"


def test_what_cannot_be_read_has_its_default_and_the_rest_holds(settings, caplog):
    store(oidc_client_secret="geheim", token_expiration=7)
    Setting.objects.create(name="session_timeout", value="-3")
    Setting.objects.create(name="ldap_timeout", value="{")
    Setting.objects.create(name="of_another_release", value="1")
    settings.SECRET_KEY = "another"

    now = system_settings()

    assert now == settings_parse({"token_expiration": 7}, strict=True)
    for name in ("oidc_client_secret", "session_timeout", "ldap_timeout"):
        assert name in caplog.text
    assert "geheim" not in caplog.text
