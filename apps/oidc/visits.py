"""A browser before and after the provider: the session that begins, the session that ends, and where it goes on to."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from apps.accounts.cookies import SESSION_COOKIE, session_cookie_set
from apps.accounts.security import Principal
from apps.accounts.sessions import session_close, session_principal, session_source, session_start
from apps.accounts.types import Source
from apps.common.forwarding import base_url, client_address
from apps.common.metrics import get_recorder
from apps.common.origin import take_credential
from apps.oidc.flow import FlowSession
from apps.oidc.services import leave

NEXT = "oidc_login_next"
"""What the library calls it in the session of the way."""

_LONGEST_URL = 2048


def own_page(url: str, otherwise: str) -> str:
    """A path of ours to go on to; ``otherwise`` in place of anything else."""
    is_ours = (
        url.startswith("/")
        and len(url) <= _LONGEST_URL
        and url.isprintable()
        and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    )
    return url if is_ours else otherwise


def page_after(flow: FlowSession) -> str:
    """The page of ours that somebody was on the way to when they left for the provider; the projects for none."""
    return own_page(str(flow.get(NEXT) or ""), reverse("portal:projects"))


def begin_session(request: HttpRequest, response: HttpResponse, principal: Principal) -> None:
    """A new session, never under the key that the browser brought."""
    take_credential("oidc")
    key = session_start(
        principal=principal,
        address=client_address(request.META),
        replaces=request.COOKIES.get(SESSION_COOKIE, ""),
        agent=request.headers.get("User-Agent", ""),
    )
    session_cookie_set(request, response, key)
    rotate_token(request)
    if (recorder := get_recorder()) is not None:
        recorder.login("success")


def end_session(request: HttpRequest, *, back: str) -> str:
    """End the session; where the browser has to go to be signed out at the provider as well, "" for nowhere.

    ``back`` is the path of ours that the provider sends it to afterwards.
    """
    key = request.COOKIES.get(SESSION_COOKIE, "")
    principal = session_principal(key, renew=False) if session_source(key) == Source.OIDC else None
    session_close(key)
    return "" if principal is None else leave(user_id=principal.id, back=base_url(request.META) + back)


def way_to_confirm(following: str) -> str:
    """Where people go who have to prove again who they are, and from there on to ``following``."""
    return f"{reverse('oidc-login')}?{urlencode({'confirm': '1', 'redirect_url': following})}"
