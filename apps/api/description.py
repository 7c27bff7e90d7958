"""The description of the API, made from its routes and shapes."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator


@cache
def describe() -> dict[str, Any]:
    """The description of every operation."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call] # the package is half typed
    schema: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    schema["info"] = {"title": "harbor-py", "version": "2.0", "description": "Harbor's REST API"}
    for name, component in schema["components"]["schemas"].items():
        if name.endswith(("Shape", "Input")):
            _as_harbor_writes(component)
    return schema


def _as_harbor_writes(component: dict[str, Any]) -> None:
    """What is zero is left out, and a list without items, or what a client leaves out, is ``null``."""
    component.pop("required", None)
    for described in component.get("properties", {}).values():
        if described.get("type") in {"array", "object"} or not described.get("readOnly"):
            described["nullable"] = True
