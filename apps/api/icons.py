"""Pictures of artifacts: ``/icons/{digest}``."""

import base64
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.shapes import Shape
from apps.api.views import HarborView
from apps.artifacts.icons import icon_type
from apps.artifacts.selectors import icon_bytes


class IconShape(Shape):
    content = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """One of the keys has a dash, which no attribute can have."""
        fields: dict[str, Any] = super().get_fields()
        return {"content-type": serializers.CharField()} | fields


class IconView(HarborView):
    """``/icons/{digest}``."""

    answers = {"get": IconShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """A PNG, JPEG or GIF, for everybody: of a type of artifact, or one that an artifact brings."""
        data = icon_bytes(self.kwargs["digest"])
        values = {"content-type": icon_type(data), "content": base64.b64encode(data).decode()}
        return Response(IconShape(values).data)
