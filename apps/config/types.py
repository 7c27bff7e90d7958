"""Every setting that an administrator changes while the system runs: Harbor's 61 keys, types, defaults and bounds,
and a few more.

:class:`SystemSettings` is the table: a field a key, with what it is for, and by its type how it is checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

import re2
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import from_json

AuthMode = Literal["db_auth", "ldap_auth", "oidc_auth", "http_auth", "uaa_auth"]


def _(text: str) -> str:
    """Have it translated where it is shown. Django's own looks at the settings, which the command line has not set."""
    return text


AUTH_SOURCES = ("local", "ldap", "oidc", "http")
NO_LIMIT = -1
_LONGEST_TEXT = 4096
_LARGEST_STORAGE = 1 << 50
_LARGEST_TIME = 9_999_999_999
_LONGEST_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Kind:
    """Harbor's name of a type; ``is_json`` when the API writes the value as a string of JSON."""

    name: str
    is_json: bool = False
    is_secret: bool = False


BEYOND_HARBOR = "beyond"
"""The group of the settings that Harbor has not."""


@dataclass(frozen=True, slots=True)
class About:
    """Harbor's group of a setting and what it is for, in words that the portal translates."""

    group: str
    text: str


MetadataT = TypeVar("MetadataT", Kind, About)


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _quota(value: int) -> int:
    if value != NO_LIMIT and not 0 < value <= _LARGEST_STORAGE:
        raise ValueError(f"must be {NO_LIMIT} for no limit or from 1 to {_LARGEST_STORAGE}")
    return value


def _prefix(value: str) -> str:
    if not value.isascii() or not value.isprintable() or any(sign in value for sign in " :,/+"):
        raise ValueError("must be printable ASCII without blanks, colons, commas, slashes and plus signs")
    if "admin".startswith(value):
        raise ValueError("must not be the beginning of admin, who could not sign in")
    return value


def _parse_json(value: Any) -> Any:
    """Maps come as a string of JSON, as Harbor's API has them, or as they are."""
    if not isinstance(value, str):
        return value
    return from_json(value) if value.strip() else {}


Bool = Annotated[bool, Kind("Bool")]
Int = Annotated[int, Field(ge=0, le=_LARGEST_TIME), Kind("Int")]
Duration = Annotated[int, Field(ge=1, le=_LARGEST_TIME), Kind("Int")]
Duration64 = Annotated[int, Field(ge=1, le=_LARGEST_TIME), Kind("Int64")]
Text = Annotated[str, Field(max_length=_LONGEST_TEXT), Kind("String")]
LongText = Annotated[str, Field(max_length=1 << 16), Kind("String")]
NonEmpty = Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(_not_blank), Kind("NonEmptyString")]
Prefix = Annotated[
    str, Field(min_length=1, max_length=_LONGEST_PREFIX), AfterValidator(_prefix), Kind("NonEmptyString")
]
Password = Annotated[SecretStr, Field(max_length=_LONGEST_TEXT), Kind("Password", is_secret=True)]
SecretText = Annotated[SecretStr, Field(max_length=_LONGEST_TEXT), Kind("String", is_secret=True)]
LdapScope = Annotated[Literal[0, 1, 2], Kind("LdapScope")]
Quota = Annotated[int, AfterValidator(_quota), Kind("Quota")]
TextMap = Annotated[Mapping[str, str], BeforeValidator(_parse_json), Kind("StringToStringMap", is_json=True)]


def _sources(value: str) -> str:
    """Names of sources, each once, in the order of the table."""
    wanted = {name.strip() for name in value.split(",") if name.strip()}
    if unknown := wanted.difference(AUTH_SOURCES):
        raise ValueError(f"has no {min(unknown)}: the sources are {', '.join(AUTH_SOURCES)}")
    return ",".join(name for name in AUTH_SOURCES if name in wanted)


def _expression(value: str) -> str:
    """An expression of RE2, as Harbor takes them."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(value, options)
    except re2.error:
        raise ValueError("must be a regular expression of RE2") from None
    return value


AnyMap = Annotated[Mapping[str, Any], BeforeValidator(_parse_json), Kind("Map", is_json=True)]

Expression = Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(_expression), Kind("String")]

Sources = Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(_sources), Kind("String")]

_NO_SECRET = SecretStr("")


class SystemSettings(BaseModel):
    """The settings as they are now, by Harbor's keys, in the units of Harbor."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    auth_mode: Annotated[AuthMode, Kind("AuthMode"), About("basic", _("How people sign in."))] = "db_auth"
    primary_auth_mode: Annotated[
        Bool, About("basic", _("Whether the portal offers the other way to sign in first."))
    ] = False
    auth_sources: Annotated[
        Sources,
        About(
            BEYOND_HARBOR,
            _(
                "Where people who sign in come from, comma separated: local, ldap, oidc, http; empty for what auth_mode says."
            ),
        ),
    ] = ""
    membership_check_seconds: Annotated[
        Annotated[int, Field(ge=1, le=86_400), Kind("Int")],
        About(
            BEYOND_HARBOR,
            _(
                "Seconds after which a directory is asked again whether somebody is still there, and in which groups."
            ),
        ),
    ] = 240
    membership_grace_minutes: Annotated[
        Int,
        About(
            BEYOND_HARBOR,
            _("Minutes for which what a directory said last holds while it cannot be reached."),
        ),
    ] = 60
    ldap_base_dn: Annotated[NonEmpty, About("ldapbasic", _("Where people are searched."))] = ""
    ldap_filter: Annotated[Text, About("ldapbasic", _("What people must match, besides their name."))] = ""
    ldap_group_base_dn: Annotated[Text, About("ldap", _("Where groups are searched."))] = ""
    ldap_group_admin_dn: Annotated[
        Text, About("ldap", _("The group whose members are system administrators."))
    ] = ""
    ldap_group_attribute_name: Annotated[Text, About("ldap", _("The attribute that names a group."))] = ""
    ldap_group_search_filter: Annotated[Text, About("ldap", _("What groups must match."))] = ""
    ldap_group_search_scope: Annotated[
        LdapScope, About("ldap", _("How deep groups are searched: 0 base, 1 one level, 2 subtree."))
    ] = 2
    ldap_scope: Annotated[
        LdapScope, About("ldapbasic", _("How deep people are searched: 0 base, 1 one level, 2 subtree."))
    ] = 2
    ldap_search_dn: Annotated[Text, About("ldapbasic", _("Who searches."))] = ""
    ldap_search_password: Annotated[Password, About("ldapbasic", _("The password of who searches."))] = (
        _NO_SECRET
    )
    ldap_timeout: Annotated[Int, About("ldapbasic", _("Seconds to wait for the directory."))] = 5
    ldap_uid: Annotated[NonEmpty, About("ldapbasic", _("The attribute that people sign in with."))] = "cn"
    ldap_url: Annotated[
        NonEmpty,
        About(
            "ldapbasic",
            _("The directory, as ldap(s)://host:port; several, comma separated, are tried in order."),
        ),
    ] = ""
    ldap_verify_cert: Annotated[Bool, About("ldapbasic", _("Whether its certificate is checked."))] = True
    ldap_start_tls: Annotated[
        Bool, About(BEYOND_HARBOR, _("Whether connections to ldap:// change to TLS before anything is sent."))
    ] = False
    ldap_group_membership_attribute: Annotated[
        Text, About("ldapbasic", _("The attribute of people that names their groups."))
    ] = "memberof"
    ldap_group_attach_parallel: Annotated[
        Bool, About("ldapbasic", _("Whether a person's groups are looked up side by side."))
    ] = False
    scan_all_policy: Annotated[
        AnyMap, About("basic", _("The schedule of older releases; without effect."))
    ] = {}
    project_creation_restriction: Annotated[
        Literal["everyone", "adminonly"],
        Kind("ProjectCreationRestriction"),
        About("basic", _("Who makes projects.")),
    ] = "everyone"
    read_only: Annotated[Bool, About("basic", _("Whether nothing may be changed or pushed."))] = False
    self_registration: Annotated[Bool, About("basic", _("Whether people make their own accounts."))] = False
    token_expiration: Annotated[Duration, About("basic", _("Minutes that a registry token lives."))] = 30
    uaa_client_id: Annotated[Text, About("uaa", _("The name of this client."))] = ""
    uaa_client_secret: Annotated[SecretText, About("uaa", _("The password of this client."))] = _NO_SECRET
    uaa_endpoint: Annotated[Text, About("uaa", _("The server's URL."))] = ""
    uaa_verify_cert: Annotated[Bool, About("uaa", _("Whether its certificate is checked."))] = False
    http_authproxy_endpoint: Annotated[Text, About("httpauth", _("The proxy's URL."))] = ""
    http_authproxy_tokenreview_endpoint: Annotated[
        Text, About("httpauth", _("The URL that tells whose a token is."))
    ] = ""
    http_authproxy_admin_groups: Annotated[
        Text, About("httpauth", _("Groups, comma separated, of system administrators."))
    ] = ""
    http_authproxy_admin_usernames: Annotated[
        Text, About("httpauth", _("People, comma separated, who are system administrators."))
    ] = ""
    http_authproxy_verify_cert: Annotated[
        Bool, About("httpauth", _("Whether its certificate is checked."))
    ] = True
    http_authproxy_skip_search: Annotated[
        Bool, About("httpauth", _("Whether people are taken as members without a search."))
    ] = False
    http_authproxy_server_certificate: Annotated[
        LongText, About("httpauth", _("The certificate to trust, in PEM."))
    ] = ""
    oidc_name: Annotated[Text, About("oidc", _("The provider's name, as people see it."))] = ""
    oidc_endpoint: Annotated[Text, About("oidc", _("The provider's URL."))] = ""
    oidc_client_id: Annotated[Text, About("oidc", _("The name of this client."))] = ""
    oidc_client_secret: Annotated[Password, About("oidc", _("The password of this client."))] = _NO_SECRET
    oidc_groups_claim: Annotated[Text, About("oidc", _("The claim with a person's groups."))] = ""
    oidc_admin_group: Annotated[
        Text, About("oidc", _("The group whose members are system administrators."))
    ] = ""
    oidc_group_filter: Annotated[
        Expression, About("oidc", _("A regular expression that groups must match."))
    ] = ""
    oidc_scope: Annotated[Text, About("oidc", _("The scopes that are asked for, comma separated."))] = ""
    oidc_user_claim: Annotated[Text, About("oidc", _("The claim with a person's name."))] = ""
    oidc_verify_cert: Annotated[Bool, About("oidc", _("Whether its certificate is checked."))] = True
    oidc_auto_onboard: Annotated[Bool, About("oidc", _("Whether people need not choose a name."))] = False
    oidc_extra_redirect_parms: Annotated[
        TextMap, About("oidc", _("Parameters to add to the URL that people are sent to."))
    ] = {}
    oidc_logout: Annotated[Bool, About("oidc", _("Whether signing out here signs out there."))] = False
    robot_token_duration: Annotated[
        Duration, About("basic", _("Days that a robot account lives by default."))
    ] = 30
    robot_name_prefix: Annotated[Prefix, About("basic", _("How the names of robot accounts begin."))] = (
        "robot$"
    )
    notification_enable: Annotated[Bool, About("basic", _("Whether webhooks are sent."))] = True
    quota_per_project_enable: Annotated[Bool, About("quota", _("Whether projects' limits are enforced."))] = (
        True
    )
    storage_per_project: Annotated[
        Quota, About("quota", _("Bytes that a new project may hold, -1 for no limit."))
    ] = NO_LIMIT
    pull_time_update_disable: Annotated[Bool, About("basic", _("Whether pulls leave no time."))] = False
    pull_count_update_disable: Annotated[Bool, About("basic", _("Whether pulls are not counted."))] = False
    pull_audit_log_disable: Annotated[Bool, About("basic", _("Whether pulls are not in the audit log."))] = (
        False
    )
    audit_log_forward_endpoint: Annotated[
        Text, About("basic", _("The syslog server, as host:port (TCP), that gets the audit log as well."))
    ] = ""
    skip_audit_log_database: Annotated[
        Bool, About("basic", _("Whether the audit log is forwarded only, and not kept here."))
    ] = False
    scanner_skip_update_pulltime: Annotated[
        Bool, About("basic", _("Whether pulls of scanners leave no time."))
    ] = False
    disabled_audit_log_event_types: Annotated[
        Text, About("basic", _("Event types, comma separated, that are not in the audit log."))
    ] = ""
    session_timeout: Annotated[Duration64, About("basic", _("Minutes after which an idle session ends."))] = (
        60
    )
    banner_message: Annotated[Text, About("basic", _("The portal's banner, as JSON."))] = ""


def kind_of(name: str) -> Kind:
    """Harbor's type of a setting."""
    return _metadata(name, Kind)


def about(name: str) -> About:
    """The group of a setting and what it is for."""
    return _metadata(name, About)


@cache
def secret_settings() -> frozenset[str]:
    """Those that are encrypted where they are kept, and never shown."""
    return frozenset(name for name in SystemSettings.model_fields if kind_of(name).is_secret)


def _metadata(name: str, of: type[MetadataT]) -> MetadataT:
    found = [item for item in SystemSettings.model_fields[name].metadata if isinstance(item, of)]
    return found[-1]


def settings_parse(values: Mapping[str, Any], *, strict: bool) -> SystemSettings:
    """``values`` by key, checked; the others have their defaults. Keys that are none are ignored.

    ``strict`` refuses text for numbers and flags. Raises :class:`ValueError`, which names the key and no value.
    """
    try:
        return SystemSettings.model_validate(dict(values), strict=strict)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise ValueError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


def overwrite_parse(text: str) -> Mapping[str, Any]:
    """``CONFIG_OVERWRITE_JSON`` by key; numbers and flags may be text there, as in Harbor.

    Raises :class:`ValueError`, which names what is wrong and no value.
    """
    if not text:
        return {}
    try:
        values = from_json(text)
    except ValueError:
        raise ValueError("it is not JSON") from None
    if not isinstance(values, dict):
        raise ValueError("it must be an object of settings by name")  # noqa: TRY004 (its caller shows what is wrong)
    for name in values:
        if name not in SystemSettings.model_fields:
            raise ValueError(f"there is no setting {name}")
    settings_parse(values, strict=False)
    return values
