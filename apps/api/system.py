"""What the installation tells of itself: ping, version, health, system info."""

from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.shapes import Shape, TimeField
from apps.api.views import HarborView
from apps.catalog.health import health
from apps.common.forwarding import base_url
from apps.storage.storage_url import parse_storage_url

# The release of Harbor whose API this is; clients compare it before they use newer operations.
HARBOR_RELEASE = "v2.16.0"

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
        status = HTTPStatus.OK if found.is_healthy else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(HealthShape(found).data, status=status)


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
        info: dict[str, Any] = {
            "auth_mode": "db_auth",
            "primary_auth_mode": False,
            "self_registration": False,
            "banner_message": "",
        }
        if self.actor.principal is None:
            return Response(SystemInfoShape(info).data)
        external = base_url(request.META)
        info |= {
            "current_time": datetime.now(UTC),
            "registry_url": urlsplit(external).netloc,
            "external_url": external,
            "harbor_version": f"{HARBOR_RELEASE}-py{version('harbor-py')}",
            "project_creation_restriction": "everyone",
            "has_ca_root": False,
            "registry_storage_provider_name": _STORAGE_NAMES[
                parse_storage_url(settings.HARBOR.blobs_url).scheme
            ],
            "read_only": False,
            "notification_enable": False,
        }
        return Response(FullSystemInfoShape(info).data)
