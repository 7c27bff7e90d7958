"""What the settings page tries when somebody presses Test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.security import SecurityContext
from apps.common.errors import BadRequestError, PreconditionError
from apps.config.selectors import system_settings
from apps.config.types import SystemSettings, settings_parse
from apps.http_auth.services import proxy_ping
from apps.ldap.services import PING_KEYS, ldap_ping
from apps.oidc.services import oidc_ping
from apps.portal.errors import problem_text

Ping = Callable[..., None]
"""Takes ``actor`` and ``values``; raises BadRequestError, which says what is wrong."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test has found."""

    is_good: bool
    text: str


def _ldap(*, actor: SecurityContext, values: SystemSettings) -> None:
    given = {name: getattr(values, name) for name in PING_KEYS if name in SystemSettings.model_fields}
    given["ldap_search_password"] = values.ldap_search_password.get_secret_value()
    result = ldap_ping(actor=actor, given=given)
    if not result.is_good:
        raise BadRequestError(result.message)


def _oidc(*, actor: SecurityContext, values: SystemSettings) -> None:
    oidc_ping(actor=actor, url=values.oidc_endpoint, verify_tls=values.oidc_verify_cert)


PINGS: Mapping[str, Ping] = {"http-proxy": proxy_ping, "ldap": _ldap, "oidc": _oidc}
"""By the section of the settings."""


def settings_try(*, actor: SecurityContext, section: str, changes: Mapping[str, Any]) -> Tested:
    """Whether the settings of a section would work with these changes, which are not kept."""
    try:
        PINGS[section](actor=actor, values=_changed(changes))
    except (BadRequestError, PreconditionError) as error:
        return Tested(is_good=False, text=problem_text(error))
    return Tested(
        is_good=True, text=_("It works: the connection is made and the answers are as they should be.")
    )


def _changed(changes: Mapping[str, Any]) -> SystemSettings:
    try:
        wanted = settings_parse(changes, strict=True)
    except ValueError as error:
        raise BadRequestError(f"invalid configuration: {error}") from None
    return system_settings().model_copy(update={name: getattr(wanted, name) for name in changes})
