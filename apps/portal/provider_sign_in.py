"""The OpenID provider on the page to sign in: its button, and what went wrong on the way to it and back."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.config.selectors import system_settings
from apps.oidc.selectors import is_oidc_enabled

# By what `/c/oidc/…` leads here with; the log has more.
PROBLEMS = {
    "off": gettext_lazy("Signing in by OpenID Connect is not switched on here."),
    "unreachable": gettext_lazy("The provider cannot be reached now. Try again in a minute."),
    "denied": gettext_lazy("The provider did not let you in."),
    "refused": gettext_lazy("What the provider sent was not accepted, or it took too long. Sign in again."),
    "conflict": gettext_lazy(
        "You may not come in: your user name belongs to somebody else here, or your account is suspended."
        " Ask an administrator."
    ),
}


def provider_context(request: HttpRequest, following: str) -> dict[str, Any]:
    """For the page's template; ``following`` is where the visitor was going."""
    problem = PROBLEMS.get(request.GET.get("oidc", ""), "")
    if not is_oidc_enabled():
        return {"provider_problem": problem}
    values = system_settings()
    is_first = values.primary_auth_mode and "local" not in request.GET and request.method in {"GET", "HEAD"}
    onward = {"redirect_url": following}
    return {
        "provider": values.oidc_name or _("OpenID Connect"),
        "provider_url": f"{reverse('oidc-login')}?{urlencode(onward)}",
        "provider_problem": problem,
        "is_provider_first": is_first,
        "local_url": f"{request.path}?{urlencode({'local': '1', 'next': following})}",
    }
