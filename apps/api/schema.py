"""How the OpenAPI description finds out what our views take and answer."""

import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

_WORD = re.compile("[a-z0-9]+")


class BasicScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # half typed
    """How the description names our authentication; the package finds this class by itself."""

    target_class = "apps.api.authentication.HarborAuthentication"
    name = "basic"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:  # noqa: ARG002 (its signature)
        """HTTP Basic with the name and password of a person or a robot account."""
        return {"type": "http", "scheme": "basic"}


class ShapeSchema(AutoSchema):
    """Reads ``takes`` and ``answers`` of a view: shapes by method; a list of one shape stands for a list."""

    def get_request_serializer(self) -> Any:
        """The input of the operation, if it has one."""
        shape = self._declared("takes").get(self.method.lower())
        return None if shape is None else shape()

    def get_response_serializers(self) -> Any:
        """The answer of the operation by status; errors look the same everywhere and are left out."""
        shape = self._declared("answers").get(self.method.lower())
        status = 201 if self.method == "POST" else 200
        if shape is None:
            return {status: OpenApiResponse(description="Done; no body")}
        return {status: shape[0](many=True) if isinstance(shape, list) else shape()}

    def _declared(self, name: str) -> Mapping[str, Any]:
        declared: Mapping[str, Any] = getattr(self.view, name)
        return declared

    def get_operation_id(self) -> str:
        """The method and every word of the path, so that no two are the same."""
        slash = "_all" if self.path.endswith("/") else ""
        return f"{self.method.lower()}_{'_'.join(_WORD.findall(self.path.removeprefix('/api/').removeprefix('v2.0/')))}{slash}"

    def get_tags(self) -> list[str]:
        """The noun after the version, or the project's part that it is about."""
        words = [word for word in self.path.split("/") if word and not word.startswith("{")][2:]
        return [words[-1] if words else "version"]
