"""The settings of the installation for those who administer it: shown without secrets, changed with an audit row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.accounts.directories import directory_of, enabled_sources
from apps.accounts.security import SecurityContext, require_system
from apps.accounts.selectors import ADMIN_ID, live_users
from apps.accounts.types import Source
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, ForbiddenError
from apps.common.syslog import forward_endpoint_check
from apps.config.selectors import is_read_only, system_settings
from apps.config.services import settings_lock, settings_store
from apps.config.types import SystemSettings, secret_settings, settings_parse
from apps.events import bus
from apps.events.catalogue import ConfigurationUpdated


@dataclass(frozen=True, slots=True)
class ConfigurationItem:
    """A setting as it is now, and whether it can be changed."""

    value: Any
    editable: bool


def configuration_list(*, actor: SecurityContext) -> dict[str, ConfigurationItem]:
    """Every setting but the secrets, by key; needs ``configuration:read``."""
    require_system(actor, "configuration", "read")
    values = system_settings()
    editable = not is_read_only()
    return {
        name: ConfigurationItem(
            value=getattr(values, name),
            editable=editable and (name != "auth_mode" or _is_auth_mode_free()),
        )
        for name in SystemSettings.model_fields
        if name not in secret_settings()
    }


def configuration_update(*, actor: SecurityContext, changes: Mapping[str, Any]) -> None:
    """Change settings by key; needs ``configuration:update``. Keys that are none are ignored, as in Harbor.

    Raises BadRequestError (type, bound, choice, or settings that do not fit together; nothing is changed then), or
    ForbiddenError while the environment has the settings.
    """
    require_system(actor, "configuration", "update")
    if is_read_only():
        raise ForbiddenError("the configuration is set by CONFIG_OVERWRITE_JSON and cannot be changed here")
    given = {name: value for name, value in changes.items() if name in SystemSettings.model_fields}
    try:
        wanted = settings_parse(given, strict=True)
    except ValueError as error:
        raise BadRequestError(f"invalid configuration: {error}") from None
    endpoint = wanted.audit_log_forward_endpoint
    if endpoint and endpoint != system_settings().audit_log_forward_endpoint:
        # Before the transaction: this waits for the network.
        forward_endpoint_check(endpoint)
    with write_atomic():
        current = settings_lock()
        changed = sorted(name for name in given if getattr(wanted, name) != getattr(current, name))
        after = current.model_copy(update={name: getattr(wanted, name) for name in changed})
        _check(current, after)
        if not changed:
            return
        settings_store(after, names=changed)
        bus.publish(ConfigurationUpdated(operator=actor.name, keys=tuple(changed)))


def _check(current: SystemSettings, after: SystemSettings) -> None:
    if after.auth_mode != current.auth_mode and not _is_auth_mode_free():
        raise BadRequestError("the auth mode cannot be changed any more: there are other users than admin")
    wanted = enabled_sources(after) - enabled_sources(current)
    if after.ldap_url not in ("", current.ldap_url):
        wanted |= {Source.LDAP}
    for source in sorted(wanted):
        directory = directory_of(source)
        if directory is not None and (reason := directory.unavailable()):
            raise BadRequestError(reason)
    if after.skip_audit_log_database and not after.audit_log_forward_endpoint:
        raise BadRequestError("skip_audit_log_database needs an audit_log_forward_endpoint")


def _is_auth_mode_free() -> bool:
    return not live_users().exclude(id=ADMIN_ID).exists()
