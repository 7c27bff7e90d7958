"""The system settings as their page shows them: which stand together, and what each is called.

What a setting is for, its type and its bounds are those of the catalogue, :class:`apps.config.types.SystemSettings`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from apps.portal.navigation import Text

_NOT_HERE = _("This registry does not sign people in with UAA: these settings are kept, and have no effect.")
_ADMIN_ALWAYS = _(
    "The first administrator can always sign in with the password here, whatever is set and whatever is out of reach."
)
_TRY = _(
    "The test tries what the fields say, saved or not; an empty password is the one that is kept. It changes nothing."
)


@dataclass(frozen=True, slots=True)
class Section:
    """Settings that are saved together; ``lead`` stands above them."""

    key: str
    title: Text
    names: Sequence[str]
    lead: Text = ""


SECTIONS = (
    Section(
        "projects",
        _("Projects"),
        ("project_creation_restriction", "quota_per_project_enable", "storage_per_project"),
    ),
    Section(
        "accounts",
        _("Accounts and expiry"),
        (
            "self_registration",
            "token_expiration",
            "session_timeout",
            "robot_token_duration",
            "robot_name_prefix",
        ),
    ),
    Section(
        "operation",
        _("Operation"),
        (
            "read_only",
            "notification_enable",
            "pull_time_update_disable",
            "pull_count_update_disable",
            "scanner_skip_update_pulltime",
        ),
    ),
    Section(
        "audit",
        _("Audit log"),
        (
            "audit_log_forward_endpoint",
            "skip_audit_log_database",
            "pull_audit_log_disable",
            "disabled_audit_log_event_types",
        ),
    ),
    Section("banner", _("Banner"), ("banner_message",)),
    Section(
        "sign-in",
        _("Signing in"),
        (
            "auth_mode",
            "auth_sources",
            "primary_auth_mode",
            "membership_check_seconds",
            "membership_grace_minutes",
        ),
        _ADMIN_ALWAYS,
    ),
    Section(
        "ldap",
        _("LDAP"),
        (
            "ldap_url",
            "ldap_verify_cert",
            "ldap_start_tls",
            "ldap_timeout",
            "ldap_search_dn",
            "ldap_search_password",
            "ldap_base_dn",
            "ldap_filter",
            "ldap_uid",
            "ldap_scope",
            "ldap_group_base_dn",
            "ldap_group_search_filter",
            "ldap_group_attribute_name",
            "ldap_group_search_scope",
            "ldap_group_membership_attribute",
            "ldap_group_admin_dn",
            "ldap_group_attach_parallel",
        ),
        _TRY,
    ),
    Section(
        "oidc",
        _("OpenID Connect"),
        (
            "oidc_name",
            "oidc_endpoint",
            "oidc_verify_cert",
            "oidc_client_id",
            "oidc_client_secret",
            "oidc_scope",
            "oidc_user_claim",
            "oidc_groups_claim",
            "oidc_group_filter",
            "oidc_admin_group",
            "oidc_auto_onboard",
            "oidc_extra_redirect_parms",
            "oidc_logout",
        ),
        _TRY,
    ),
    Section(
        "http-proxy",
        _("Authentication proxy"),
        (
            "http_authproxy_endpoint",
            "http_authproxy_tokenreview_endpoint",
            "http_authproxy_verify_cert",
            "http_authproxy_server_certificate",
            "http_authproxy_admin_groups",
            "http_authproxy_admin_usernames",
            "http_authproxy_skip_search",
        ),
        _TRY,
    ),
    Section(
        "uaa",
        _("UAA"),
        ("uaa_endpoint", "uaa_verify_cert", "uaa_client_id", "uaa_client_secret"),
        _NOT_HERE,
    ),
)

UNSHOWN = frozenset({"scan_all_policy"})
"""Without effect, and only there for clients of Harbor's API."""

LABELS: Mapping[str, Text] = {
    "auth_mode": _("How people sign in"),
    "auth_sources": _("Where people come from"),
    "membership_check_seconds": _("Seconds until a directory is asked again"),
    "membership_grace_minutes": _("Minutes for which a directory may be out of reach"),
    "primary_auth_mode": _("Offer the other way to sign in first"),
    "ldap_start_tls": _("StartTLS"),
    "ldap_base_dn": _("Base DN of people"),
    "ldap_filter": _("Filter of people"),
    "ldap_group_base_dn": _("Base DN of groups"),
    "ldap_group_admin_dn": _("DN of the administrators' group"),
    "ldap_group_attribute_name": _("Name attribute of groups"),
    "ldap_group_search_filter": _("Filter of groups"),
    "ldap_group_search_scope": _("Search scope of groups"),
    "ldap_scope": _("Search scope of people"),
    "ldap_search_dn": _("DN to search with"),
    "ldap_search_password": _("Password to search with"),
    "ldap_timeout": _("Time limit in seconds"),
    "ldap_uid": _("Name attribute of people"),
    "ldap_url": _("Address of the directory"),
    "ldap_verify_cert": _("Check the certificate of the directory"),
    "ldap_group_membership_attribute": _("Groups attribute of people"),
    "ldap_group_attach_parallel": _("Look up groups side by side"),
    "project_creation_restriction": _("Who may make projects"),
    "read_only": _("Read-only mode"),
    "self_registration": _("People may sign up by themselves"),
    "token_expiration": _("Life of registry tokens in minutes"),
    "uaa_client_id": _("Client id"),
    "uaa_client_secret": _("Client secret"),
    "uaa_endpoint": _("Address of UAA"),
    "uaa_verify_cert": _("Check the certificate of UAA"),
    "http_authproxy_endpoint": _("Address of the proxy"),
    "http_authproxy_tokenreview_endpoint": _("Address for token reviews"),
    "http_authproxy_admin_groups": _("Groups of administrators"),
    "http_authproxy_admin_usernames": _("Names of administrators"),
    "http_authproxy_verify_cert": _("Check the certificate of the proxy"),
    "http_authproxy_skip_search": _("Take people as members without a search"),
    "http_authproxy_server_certificate": _("Certificate of the proxy"),
    "oidc_name": _("Name of the provider"),
    "oidc_endpoint": _("Address of the provider"),
    "oidc_client_id": _("Client id"),
    "oidc_client_secret": _("Client secret"),
    "oidc_groups_claim": _("Claim with the groups"),
    "oidc_admin_group": _("Group of administrators"),
    "oidc_group_filter": _("Filter of groups"),
    "oidc_scope": _("Scopes"),
    "oidc_user_claim": _("Claim with the user name"),
    "oidc_verify_cert": _("Check the certificate of the provider"),
    "oidc_auto_onboard": _("Let people in without asking for a name"),
    "oidc_extra_redirect_parms": _("Further parameters, as JSON"),
    "oidc_logout": _("Sign out at the provider too"),
    "robot_token_duration": _("Life of robot accounts in days"),
    "robot_name_prefix": _("Prefix of robot accounts"),
    "notification_enable": _("Send webhooks"),
    "quota_per_project_enable": _("Enforce the limits of projects"),
    "storage_per_project": _("Storage limit of new projects"),
    "pull_time_update_disable": _("Keep no time of the last pull"),
    "pull_count_update_disable": _("Count no pulls"),
    "pull_audit_log_disable": _("Keep pulls out of the audit log"),
    "audit_log_forward_endpoint": _("Syslog server"),
    "skip_audit_log_database": _("Only forward the audit log"),
    "scanner_skip_update_pulltime": _("Keep no time of scanners' pulls"),
    "disabled_audit_log_event_types": _("Events that are not logged"),
    "session_timeout": _("Minutes until an idle session ends"),
    "banner_message": _("Message"),
}

CHOICES: Mapping[str | int, Text] = {
    "everyone": _("everybody who is signed in"),
    "adminonly": _("system administrators only"),
    "db_auth": _("with a password of this registry"),
    "ldap_auth": _("with LDAP"),
    "oidc_auth": _("with OpenID Connect"),
    "http_auth": _("by an authentication proxy"),
    "uaa_auth": _("with UAA"),
    "local": _("accounts of this registry"),
    "ldap": _("LDAP or Active Directory"),
    "oidc": _("OpenID Connect"),
    "http": _("an authentication proxy"),
    0: _("the entry itself"),
    1: _("one level below"),
    2: _("everything below"),
}
