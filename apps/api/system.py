"""What the installation tells of itself: ping, version, health, system info."""

from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.security import require_system
from apps.api.shapes import Shape, TimeField
from apps.api.views import HarborView
from apps.catalog.health import health
from apps.common.errors import NotFoundError
from apps.common.forwarding import base_url
from apps.common.release import HARBOR_RELEASE
from apps.config.selectors import system_settings
from apps.config.types import SystemSettings
from apps.storage.selectors import get_driver
from apps.storage.storage_url import parse_storage_url

_STORAGE_NAMES = {"file": "filesystem", "s3": "s3", "memory": "inmemory"}


class PingView(HarborView):
    """``GET /ping``, without a look at anything, the caller included."""

    authentication_classes = []

    def get(self, _request: Request) -> HttpResponse:
        """Alive."""
        return HttpResponse("Pong", content_type="text/plain; charset=utf-8")


class VersionView(HarborView):
    """``GET /api/version``."""

    def get(self, _request: Request) -> Response:
        """The version of the API."""
        return Response({"version": "v2.0"})


class ComponentShape(Shape):
    name = serializers.CharField()
    status = serializers.CharField()
    error = serializers.CharField()


class HealthShape(Shape):
    status = serializers.CharField()
    components = ComponentShape(many=True)


class HealthView(HarborView):
    """``GET /health``: unlike Harbor not 200 but 503 when this process cannot serve, for load balancers."""

    answers = {"get": HealthShape}

    def get(self, _request: Request) -> Response:
        """The state of every component."""
        found = health()
        status = HTTPStatus.OK if found.can_serve else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(HealthShape(found).data, status=status)


class ProxySettingsShape(Shape):
    endpoint = serializers.CharField()
    tokenreivew_endpoint = serializers.CharField()  # As Harbor spells it.
    skip_search = serializers.BooleanField()
    verify_cert = serializers.BooleanField()
    server_certificate = serializers.CharField()


class SystemInfoShape(Shape):
    """Pointers in Harbor: what is there is shown even if it is false."""

    keep: ClassVar[frozenset[str]] = frozenset(
        {
            "primary_auth_mode",
            "self_registration",
            "has_ca_root",
            "read_only",
            "notification_enable",
        }
    )

    auth_mode = serializers.CharField()
    primary_auth_mode = serializers.BooleanField()
    self_registration = serializers.BooleanField()
    banner_message = serializers.CharField()
    oidc_provider_name = serializers.CharField()
    authproxy_settings = ProxySettingsShape()


class FullSystemInfoShape(SystemInfoShape):
    """For those who have signed in."""

    current_time = TimeField()
    registry_url = serializers.CharField()
    external_url = serializers.CharField()
    harbor_version = serializers.CharField()
    project_creation_restriction = serializers.CharField()
    has_ca_root = serializers.BooleanField()
    registry_storage_provider_name = serializers.CharField()
    # Declared fields do not become attributes, so that this does not hide the attribute of the same name.
    read_only = serializers.BooleanField()  # type: ignore[assignment]
    notification_enable = serializers.BooleanField()


class SystemInfoView(HarborView):
    """``GET /systeminfo``: little for anonymous callers."""

    answers = {"get": FullSystemInfoShape}

    def get(self, request: Request) -> Response:
        """How to sign in and, for those who have, what this is."""
        now = system_settings()
        info = _sign_in(now)
        if self.actor.principal is None:
            return Response(SystemInfoShape(info).data)
        external = base_url(request.META)
        info |= {
            "current_time": datetime.now(UTC),
            "registry_url": urlsplit(external).netloc,
            "external_url": external,
            "harbor_version": f"{HARBOR_RELEASE}-py{version('harbor-py')}",
            "project_creation_restriction": now.project_creation_restriction,
            "has_ca_root": _authority() is not None,
            "registry_storage_provider_name": _STORAGE_NAMES[
                parse_storage_url(settings.HARBOR.blobs_url).scheme
            ],
            "read_only": now.read_only,
            "notification_enable": now.notification_enable,
        }
        return Response(FullSystemInfoShape(info).data)


def _sign_in(now: SystemSettings) -> dict[str, Any]:
    """What people have to know before they sign in."""
    is_oidc, is_proxy = now.auth_mode == "oidc_auth", now.auth_mode == "http_auth"
    proxy = {
        "endpoint": now.http_authproxy_endpoint,
        "tokenreivew_endpoint": now.http_authproxy_tokenreview_endpoint,
        "skip_search": now.http_authproxy_skip_search,
        "verify_cert": now.http_authproxy_verify_cert,
        "server_certificate": now.http_authproxy_server_certificate,
    }
    return {
        "auth_mode": now.auth_mode,
        "primary_auth_mode": now.primary_auth_mode,
        "self_registration": now.self_registration,
        "banner_message": now.banner_message,
        "oidc_provider_name": now.oidc_name if is_oidc else "",
        "authproxy_settings": proxy if is_proxy else None,
    }


class VolumeShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"total", "free"})

    total = serializers.IntegerField()
    free = serializers.IntegerField()


class VolumesShape(Shape):
    lists: ClassVar[frozenset[str]] = frozenset({"storage"})

    storage = VolumeShape(many=True)


class VolumesView(HarborView):
    """``GET /systeminfo/volumes``."""

    answers = {"get": VolumesShape}

    def get(self, _request: Request) -> Response:
        """Bytes of the disk with the blobs; no volume where there are no bounds, as in a bucket."""
        require_system(self.actor, "system-volumes", "read")
        found = get_driver().capacity()
        return Response(VolumesShape({"storage": [] if found is None else [found]}).data)


class CertificateView(HarborView):
    """``GET /systeminfo/getcert``, for anybody."""

    sends = {"get": ("Content-Disposition",)}

    def get(self, _request: Request) -> HttpResponse:
        """The certificate authority to trust."""
        authority = _authority()
        if authority is None:
            raise NotFoundError("there is no certificate of an authority")
        answer = HttpResponse(authority.read_bytes(), content_type="application/octet-stream")
        answer["Content-Disposition"] = "attachment; filename=ca.crt"
        return answer


def _authority() -> Path | None:
    """The file with the authority's certificate, if one is set and there."""
    path: Path | None = settings.HARBOR.ca_certificate_file
    return path if path is not None and path.is_file() else None
