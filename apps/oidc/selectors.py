"""Reads of how people come by the OpenID provider."""

from apps.accounts.directories import enabled_sources
from apps.accounts.models import User
from apps.accounts.types import Source
from apps.config.selectors import system_settings
from apps.oidc.types import Client

_LONGEST_SCOPES = 1024


def is_oidc_enabled() -> bool:
    """Whether people may come by the provider, and it is known which one that is."""
    values = system_settings()
    return Source.OIDC in enabled_sources() and bool(values.oidc_endpoint and values.oidc_client_id)


def client_now() -> Client:
    """What we are to the provider."""
    values = system_settings()
    return Client(
        issuer=values.oidc_endpoint,
        client_id=values.oidc_client_id,
        client_secret=values.oidc_client_secret.get_secret_value(),
        verify_tls=values.oidc_verify_cert,
    )


def scopes_now() -> str:
    """The scopes that are asked for, with spaces between them; ``openid`` is always one."""
    named = [scope.strip() for scope in system_settings().oidc_scope.replace(" ", ",").split(",")]
    return " ".join(dict.fromkeys(["openid", *filter(None, named)]))[:_LONGEST_SCOPES]


def is_of_provider(username: str) -> bool:
    """Whether the person of this name signs in at the provider and nowhere else.

    So does, in Harbor's mode for it, whoever has no account here yet.
    """
    if not is_oidc_enabled() or "\x00" in username:
        return False
    source = User.objects.filter(username=username, deleted=False).values_list("source", flat=True).first()
    if source is not None:
        return source == Source.OIDC
    others = enabled_sources() - {Source.OIDC, Source.LOCAL}
    return system_settings().auth_mode == "oidc_auth" and not others
