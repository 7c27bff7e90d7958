"""Settings changed by those who may."""

import socket

import pytest

from apps.accounts.configuration import configuration_list, configuration_update
from apps.accounts.models import User
from apps.accounts.selectors import ADMIN_ID
from apps.audit.models import AuditLog
from apps.common.errors import BadRequestError, ForbiddenError, UnauthorizedError
from apps.config import selectors
from apps.config.models import Setting
from apps.config.selectors import system_settings
from apps.config.types import SystemSettings, secret_settings
from apps.events import bus
from apps.events.catalogue import ConfigurationUpdated
from apps.projects.contexts import AnonymousContext
from tests.support.people import acting, person, seen_events

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver():
    """A syslog receiver that can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_change_is_told_by_its_keys_and_never_by_its_values(boss, monkeypatch):
    events = seen_events(monkeypatch, bus)
    configuration_update(
        actor=boss,
        changes={"oidc_client_secret": "geheim", "token_expiration": 5, "session_timeout": 60, "unknown": 1},
    )

    assert set(Setting.objects.values_list("name", flat=True)) == {"oidc_client_secret", "token_expiration"}
    (event,) = [event for event in events if isinstance(event, ConfigurationUpdated)]
    assert (event.operator, event.keys) == ("boss", ("oidc_client_secret", "token_expiration"))
    assert not any("geheim" in value for row in AuditLog.objects.values_list() for value in map(str, row))


def test_what_stays_as_it_is_is_not_told(boss, monkeypatch):
    events = seen_events(monkeypatch, bus)
    configuration_update(actor=boss, changes={"token_expiration": 30})
    assert (events, Setting.objects.count()) == ([], 0)


def test_secrets_are_not_shown(boss):
    configuration_update(
        actor=boss, changes={"uaa_client_secret": "geheim", "ldap_search_password": "geheim"}
    )
    shown = configuration_list(actor=boss)
    assert len(shown) == len(SystemSettings.model_fields) - len(secret_settings())
    assert "geheim" not in str(shown)


def test_one_bad_value_and_nothing_changes(boss):
    with pytest.raises(BadRequestError, match="session_timeout"):
        configuration_update(actor=boss, changes={"token_expiration": 5, "session_timeout": 0})
    assert system_settings().token_expiration == 30


def test_only_those_who_may():
    for actor, error in ((acting(person("anna")), ForbiddenError), (AnonymousContext(), UnauthorizedError)):
        with pytest.raises(error):
            configuration_list(actor=actor)
        with pytest.raises(error):
            configuration_update(actor=actor, changes={"token_expiration": 5})


def test_the_way_to_sign_in_is_fixed_once_there_are_people():
    admin = acting(User.objects.create(id=ADMIN_ID, username="admin", sysadmin_flag=True))
    assert configuration_list(actor=admin)["auth_mode"].editable
    configuration_update(actor=admin, changes={"auth_mode": "ldap_auth"})
    person("anna")

    assert not configuration_list(actor=admin)["auth_mode"].editable
    configuration_update(actor=admin, changes={"auth_mode": "ldap_auth", "token_expiration": 5})
    with pytest.raises(BadRequestError, match="auth mode"):
        configuration_update(actor=admin, changes={"auth_mode": "db_auth"})
    assert system_settings().auth_mode == "ldap_auth"


def test_the_log_is_not_dropped_before_it_is_forwarded(boss, receiver):
    with pytest.raises(BadRequestError, match="skip_audit_log_database"):
        configuration_update(actor=boss, changes={"skip_audit_log_database": True})
    configuration_update(
        actor=boss, changes={"skip_audit_log_database": True, "audit_log_forward_endpoint": receiver}
    )
    with pytest.raises(BadRequestError, match="skip_audit_log_database"):
        configuration_update(actor=boss, changes={"audit_log_forward_endpoint": ""})
    assert system_settings().audit_log_forward_endpoint == receiver


@pytest.mark.parametrize("endpoint", ["nowhere", "127.0.0.1:1"])
def test_an_endpoint_that_cannot_be_reached(boss, endpoint):
    with pytest.raises(BadRequestError):
        configuration_update(actor=boss, changes={"audit_log_forward_endpoint": endpoint})
    assert system_settings().audit_log_forward_endpoint == ""


def test_the_environment_fixes_every_setting(boss, settings):
    fixed = settings.HARBOR.model_copy(update={"config_overwrite_json": '{"token_expiration": 7}'})
    settings.HARBOR = fixed
    selectors.overwrites.cache_clear()
    try:
        shown = configuration_list(actor=boss)
        assert shown["token_expiration"].value == 7
        assert not any(item.editable for item in shown.values())
        with pytest.raises(ForbiddenError, match="CONFIG_OVERWRITE_JSON"):
            configuration_update(actor=boss, changes={"session_timeout": 5})
    finally:
        selectors.overwrites.cache_clear()
