"""django-oauth-toolkit as an OpenID provider: a program of its own, as ``python -m tests.support.toolkit_provider PORT FOLDER``.

The provider is the toolkit's; what is ours is the page to sign in and ``POST /control``, by which tests say who there
is (JSON, see :func:`control`). It rotates refresh tokens, insists on PKCE, and takes the password in a header.
"""

import json
import os
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

CLIENT_ID = "harbor"
CLIENT_SECRET = "client: pass&word%"

_SIGN_IN = """<!doctype html><title>Provider</title><h1>Sign in at the provider</h1>
<form method="post">{% csrf_token %}{{ form.as_p }}<button>Log in</button></form>"""
_SIGNED_OUT = "<!doctype html><title>Provider</title><h1>Really?</h1>"


def configure(port: int, folder: Path) -> None:
    """Django's settings, for this process alone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    templates = {"registration/login.html": _SIGN_IN, "oauth2_provider/logout_confirm.html": _SIGNED_OUT}
    settings.configure(
        SECRET_KEY="of the provider, in tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "provider.db")}},
        INSTALLED_APPS=[
            *("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"),
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        # Cookies do not tell ports apart: ours would be those of the registry that is tested.
        SESSION_COOKIE_NAME=f"provider{port}",
        CSRF_COOKIE_NAME=f"provider-csrf{port}",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [("django.template.loaders.locmem.Loader", templates)],
                    "context_processors": ["django.template.context_processors.request"],
                },
            }
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOGIN_URL="/sign-in",
        USE_TZ=True,
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": pem.decode(),
            "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
            "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
            "OAUTH2_VALIDATOR_CLASS": f"{__name__}.Validator",
            "SCOPES": {"openid": "who", "profile": "name", "email": "address", "groups": "groups"},
            "ACCESS_TOKEN_EXPIRE_SECONDS": 300,
            "ID_TOKEN_EXPIRE_SECONDS": 300,
        },
    )
    django.setup()


def make_routes() -> None:
    """Routes and claims; only now can the toolkit be imported."""
    from django.contrib.auth.models import Group, User  # noqa: PLC0415
    from django.contrib.auth.views import LoginView  # noqa: PLC0415
    from django.http import HttpRequest, JsonResponse  # noqa: PLC0415
    from django.urls import include, path  # noqa: PLC0415
    from django.views.decorators.csrf import csrf_exempt  # noqa: PLC0415
    from oauth2_provider.models import Application, RefreshToken  # noqa: PLC0415
    from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: PLC0415

    class Validator(OAuth2Validator):
        oidc_claim_scope = {**OAuth2Validator.oidc_claim_scope, "groups": "groups"}

        def get_additional_claims(self, request):
            user = request.user
            return {
                "preferred_username": user.username,
                "name": user.get_full_name(),
                "email": user.email,
                "groups": sorted(user.groups.values_list("name", flat=True)),
            }

    @csrf_exempt
    def control(request: HttpRequest) -> JsonResponse:
        """``client``: ``{redirect, back}``; ``person``: ``{name, password, full_name, groups}``; ``end``: a name."""
        asked = json.loads(request.body)
        if client := asked.get("client"):
            Application.objects.update_or_create(
                client_id=CLIENT_ID,
                defaults={
                    "client_secret": CLIENT_SECRET,
                    "client_type": Application.CLIENT_CONFIDENTIAL,
                    "authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE,
                    "redirect_uris": client["redirect"],
                    "post_logout_redirect_uris": client["back"],
                    "skip_authorization": True,
                    "algorithm": Application.RS256_ALGORITHM,
                },
            )
        if person := asked.get("person"):
            user, _ = User.objects.get_or_create(username=person["name"])
            user.set_password(person["password"])
            user.email = f"{person['name']}@example.com"
            user.first_name, _, user.last_name = person.get("full_name", "").partition(" ")
            user.save()
            user.groups.set([Group.objects.get_or_create(name=name)[0] for name in person["groups"]])
        if name := asked.get("end"):
            for token in RefreshToken.objects.filter(user__username=name, revoked__isnull=True):
                token.revoke()
        live = RefreshToken.objects.filter(revoked__isnull=True)
        return JsonResponse({"live": list(live.values_list("user__username", flat=True))})

    globals()["Validator"] = Validator
    globals()["urlpatterns"] = [
        path("control", control),
        path("sign-in", LoginView.as_view()),
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    ]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, *_arguments) -> None:
        """Nobody reads it."""


def main() -> None:
    """Serve until killed."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    configure(port, folder)
    make_routes()

    from django.core.management import call_command  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    make_server("127.0.0.1", port, get_wsgi_application(), _Server, _Handler).serve_forever()


if __name__ == "__main__":
    main()
