"""mozilla-django-oidc with the settings of now in place of those of a file; see ADR 0023 for what of it is used."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from apps.common.forwarding import base_url
from apps.oidc.provider import endpoint
from apps.oidc.selectors import client_now, scopes_now
from apps.oidc.services import arrive
from apps.oidc.types import Arrival

CALLBACK_PATH = "/c/oidc/callback"
CALLBACK_NAME = "oidc-callback"
# Ours to say, whatever the setting for further parameters holds.
RESERVED = frozenset(
    {
        *(
            "response_type",
            "response_mode",
            "scope",
            "client_id",
            "client_secret",
            "redirect_uri",
            "state",
            "nonce",
        ),
        *("code_challenge", "code_challenge_method", "request", "request_uri"),
    }
)
_FIXED: dict[str, Any] = {
    "OIDC_USE_NONCE": True,
    "OIDC_USE_PKCE": True,
    "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
    "OIDC_AUTHENTICATION_CALLBACK_URL": CALLBACK_NAME,
    "OIDC_REDIRECT_FIELD_NAME": "redirect_url",
}


def library_setting(name: str, *default: Any) -> Any:
    """What the library's ``get_settings`` gives. Raises SourceUnreachableError for what only the provider knows."""
    if name == "OIDC_OP_AUTHORIZATION_ENDPOINT":
        return endpoint(client_now(), "authorization_endpoint")
    if name == "OIDC_RP_CLIENT_ID":
        return client_now().client_id
    if name == "OIDC_RP_SCOPES":
        return scopes_now()
    if name in _FIXED:
        return _FIXED[name]
    if not default:
        raise ImproperlyConfigured(f"there is no setting {name} here")
    return default[0]


def callback_url(request: HttpRequest) -> str:
    """Where the provider sends people back to, as it has to be registered there."""
    return base_url(request.META) + CALLBACK_PATH


class OidcBackend:
    """What Django's ``authenticate`` asks, which the library's callback calls."""

    def authenticate(
        self, request: HttpRequest | None, nonce: str = "", code_verifier: str | None = None
    ) -> Arrival | None:
        """Who has come back from the provider; None for a request without a code.

        Raises OidcRefusedError and SourceUnreachableError.
        """
        if request is None or not nonce:
            return None
        return arrive(
            code=request.GET.get("code", ""),
            verifier=code_verifier,
            nonce=nonce,
            redirect_uri=callback_url(request),
        )

    def get_user(self, _user_id: int) -> None:
        """Nobody: sessions are ours, not Django's."""
