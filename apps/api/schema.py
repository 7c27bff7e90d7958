"""How the OpenAPI description finds out what our views take and answer."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse


class ShapeSchema(AutoSchema):
    """Reads ``takes`` and ``answers`` of a view: shapes by method; a list of one shape stands for a list."""

    def get_request_serializer(self) -> Any:
        """The input of the operation, if it has one."""
        shape = self.view.takes.get(self.method.lower())
        return None if shape is None else shape()

    def get_response_serializers(self) -> Any:
        """The answer of the operation by status; errors look the same everywhere and are left out."""
        shape = self.view.answers.get(self.method.lower())
        status = 201 if self.method == "POST" else 200
        if shape is None:
            return {status: OpenApiResponse(description="Done; no body")}
        return {status: shape[0](many=True) if isinstance(shape, list) else shape()}

    def get_tags(self) -> list[str]:
        """The noun after the version, or the project's part that it is about."""
        words = [word for word in self.path.split("/") if word and not word.startswith("{")][2:]
        return [words[-1] if words else "version"]
