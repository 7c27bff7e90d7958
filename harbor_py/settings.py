"""Django's settings, all derived from :class:`apps.common.configuration.Configuration`."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from apps.common.configuration import Configuration, load_configuration

HARBOR: Configuration = load_configuration(os.environ)

SECRET_KEY = HARBOR.secret_key()
DEBUG = False
ALLOWED_HOSTS = ["*"]  # Nothing trusts Host but the challenge, which answers the caller with its own.
ROOT_URLCONF = "harbor_py.urls"
WSGI_APPLICATION = "harbor_py.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
# What people read is translated in one place, wherever it is written.
LOCALE_PATHS = [Path(__file__).parents[1] / "apps/portal/locale"]
LANGUAGE_COOKIE_NAME = "harbor-language"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
# Asked by the OpenID Connect library only: everybody else goes by apps.accounts.authentication.
AUTHENTICATION_BACKENDS = ["apps.oidc.backend.OidcBackend"]
STATIC_URL = "/static/"

INSTALLED_APPS = [
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "drf_spectacular_sidecar",
    "rest_framework",
    "apps.common",
    "apps.events",
    "apps.storage",
    "apps.config",
    "apps.accounts",
    "apps.jobs",
    "apps.projects",
    "apps.robots",
    "apps.http_auth",
    "apps.oidc",
    "apps.ldap",
    "apps.access_tokens",
    "apps.artifacts",
    "apps.quotas",
    "apps.immutability",
    "apps.push_rules",
    "apps.webhooks",
    "apps.gc",
    "apps.retention",
    "apps.audit",
    "apps.catalog",
    "apps.usage",
    "apps.distribution",
    "apps.api",
    "apps.portal",
    # Its templates of forms, behind the portal's.
    "django.forms",
]

MIDDLEWARE = [
    "apps.api.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.api.csrf.CsrfMiddleware",
]
CSRF_HEADER_NAME = "HTTP_X_HARBOR_CSRF_TOKEN"
CSRF_COOKIE_NAME = "_harbor_csrf"
CSRF_COOKIE_AGE = None
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "apps.portal.errors.csrf_failed"
# What a page says once after a change: it travels in a signed cookie, and is no secret.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
FORM_RENDERER = "apps.portal.forms.PortalFormRenderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Files of pages are served from where they are installed: there is no step that collects them.
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
# The folders there have a version in their names.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/vendor/"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# 7 MiB and five passes a hash: Django's own 100 MiB would double the process.
PASSWORD_HASHERS = ["apps.accounts.hashers.Argon2Hasher"]


def _database(configuration: Configuration) -> dict[str, Any]:
    url = configuration.database_url
    if not url or url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:///") or str(configuration.data_dir / "harbor.db")
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path if path.startswith("/") or not url else f"/{path}",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                # FULL: what was answered 201 survives a power cut, not only a crash of this process.
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                    "PRAGMA journal_size_limit=67108864;"
                    # KiB for each of many threads' connections; the system's page cache serves them all.
                    "PRAGMA cache_size=-512;"
                ),
            },
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        # A check is a round trip each time that a request takes a connection, a tenth of a push. Instead,
        # whoever meets a broken one has the pool checked (apps.common.database.connections_heal).
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {
            # To compile a query of a list takes longer than to run it, and with 4 MB two indexes of a large table
            # are combined by reading most of the table. `?options=` in the URL leaves this out, for PgBouncer.
            "options": "-c jit=off -c work_mem=16MB",
            **dict(parse_qsl(parts.query, keep_blank_values=True)),
            "pool": {"min_size": 1, "max_size": configuration.database_pool_size, "timeout": 30},
        },
    }


DATABASES = {"default": _database(HARBOR)}

# One refusal is a list: of whom an import did not find.
SPECTACULAR_SETTINGS = {"ENABLE_LIST_MECHANICS_ON_NON_2XX": True}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.api.authentication.HarborAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["apps.api.renderers.HarborJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "apps.api.schema.ShapeSchema",
    "EXCEPTION_HANDLER": "apps.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "UNICODE_JSON": True,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "apps.common.logs.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": HARBOR.log_level},
    "loggers": {
        # Answers of 4xx and 5xx are in the access log; Django would write each a second time.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "ERROR"},
    },
}
