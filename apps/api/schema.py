"""How the OpenAPI description finds out what our views are asked, take and answer."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from apps.api.operations import OPERATIONS, operation_name
from apps.api.parameters import IS_RESOURCE_NAME, PAGE, PATH_INTEGERS, REQUEST_ID, Parameter

BASE = "/api/v2.0"
_PATH_PARAMETER = re.compile(r"{(\w+)}")


class ErrorShape(serializers.Serializer[Any]):
    code = serializers.CharField(required=False)
    message = serializers.CharField(required=False)


class ErrorsShape(serializers.Serializer[Any]):
    """The body of every error."""

    errors = ErrorShape(many=True, required=False)  # type: ignore[assignment] # hides an attribute of the same name


class BasicScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # half typed
    """How the description names our authentication; the package finds this class by itself."""

    target_class = "apps.api.authentication.HarborAuthentication"
    name = "basic"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:  # noqa: ARG002 (its signature)
        """HTTP Basic with the name and password of a person or a robot account."""
        return {"type": "http", "scheme": "basic"}


class ShapeSchema(AutoSchema):
    """Reads ``asks``, ``takes``, ``answers``, ``statuses`` and ``refusals`` of a view, each by method.

    A list of one shape stands for a list of it.
    """

    def get_override_parameters(self) -> Any:
        """Every parameter besides the path's strings, and the headers of the answer."""
        return [*self._asked(), *self._answer_headers()]

    def _asked(self) -> Iterator[OpenApiParameter]:
        yield REQUEST_ID.described()
        if "{project_name_or_id}" in self.path:
            yield IS_RESOURCE_NAME.described()
        for name in _PATH_PARAMETER.findall(self.path):
            if name in PATH_INTEGERS:
                yield OpenApiParameter(name=name, type=int, location=OpenApiParameter.PATH, required=True)
        for parameter in self._parameters():
            yield parameter.described()

    def _answer_headers(self) -> Iterator[OpenApiParameter]:
        def header(name: str, kind: type, status: int) -> OpenApiParameter:
            return OpenApiParameter(name, kind, OpenApiParameter.HEADER, response=[status])

        status = self._status()
        yield header("X-Request-Id", str, status)
        if status == 201:
            yield header("Location", str, status)
        is_paged = any(parameter.name == PAGE.name for parameter in self._parameters())
        if is_paged and isinstance(self._declared("answers"), list):
            yield header("X-Total-Count", int, status)
            yield header("Link", str, status)
        for name in self._declared("sends") or ():
            yield header(name, str, status)

    def get_request_serializer(self) -> Any:
        """The input of the operation, if it has one."""
        shape = self._declared("takes")
        return None if shape is None else shape()

    def get_response_serializers(self) -> Any:
        """The answer of the operation by status, and what every error looks like."""
        shape = self._declared("answers")
        own = {status: _made(one) for status, one in (self._declared("refusals") or {}).items()}
        errors = {**own, "4XX": ErrorsShape, "5XX": ErrorsShape}
        if shape is None:
            return {self._status(): OpenApiResponse(description="Done; no body"), **errors}
        return {self._status(): _made(shape), **errors}

    def _status(self) -> int:
        declared: int | None = self._declared("statuses")
        return declared or (201 if self.method == "POST" else 200)

    def _parameters(self) -> tuple[Parameter, ...]:
        return tuple(self._declared("asks") or ())

    def _declared(self, name: str) -> Any:
        declared: Mapping[str, Any] = getattr(self.view, name)
        return declared.get(self.method.lower())

    def _operation(self) -> tuple[str, str] | None:
        return OPERATIONS.get(f"{self.method} {self.path.removeprefix(BASE)}")

    def get_operation_id(self) -> str:
        """See :func:`apps.api.operations.operation_name`."""
        return operation_name(str(self.method), self.path)

    def get_tags(self) -> list[str]:
        """Harbor's tag, or the last word of the path that is no parameter."""
        if operation := self._operation():
            return [operation[1]]
        words = [word for word in self.path.split("/") if word and not word.startswith("{")][2:]
        return [words[-1] if words else "version"]


def _made(shape: Any) -> Any:
    return shape[0](many=True) if isinstance(shape, list) else shape()
