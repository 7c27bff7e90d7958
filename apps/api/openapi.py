"""``/openapi.json``: the description of this API, made from its routes and shapes."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.views import HarborView


class OpenApiView(HarborView):
    """Made once a process: it follows from the code alone."""

    def get(self, _request: Request) -> Response:
        """The description, for everybody."""
        return Response(_describe())


@cache
def _describe() -> dict[str, Any]:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call] # the package is half typed
    schema: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    schema["info"] = {"title": "harbor-py", "version": "2.0", "description": "Harbor's REST API"}
    return schema
