"""Harbor's own description of its API, where the folder with it is beside the project, and checks against it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema

FILE = Path(__file__).parents[2].parent / "shared" / "contract" / "api-v2.0.json"
BASE = "/api/v2.0"
_METHODS = {"get", "put", "post", "delete", "patch", "head"}


@dataclass(frozen=True)
class Operation:
    """One operation of the contract; ``raw`` is its description with nothing resolved but the references."""

    method: str
    path: str
    raw: dict[str, Any]

    @property
    def name(self) -> str:
        return self.raw["operationId"]

    @property
    def tag(self) -> str:
        return self.raw["tags"][0]

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return self.raw.get("parameters", [])

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of the request's body."""
        return next((one["schema"] for one in self.parameters if one["in"] == "body"), None)

    def answer(self, status: int) -> dict[str, Any] | None:
        """What is documented for a status."""
        return self.raw["responses"].get(str(status))

    @property
    def success(self) -> int:
        """The status of success; of several the one that says more, as Harbor does where it documents both."""
        return max(int(status) for status in self.raw["responses"] if status.startswith("2"))


@cache
def contract() -> dict[str, Any]:
    """The whole of it."""
    return json.loads(FILE.read_text("utf-8"))


def resolve(node: Any, spec: dict[str, Any], seen: tuple[str, ...] = ()) -> Any:
    """``node`` with its references replaced; one that leads into itself becomes any value."""
    if isinstance(node, list):
        return [resolve(item, spec, seen) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return {key: resolve(value, spec, seen) for key, value in node.items()}
    if reference in seen:
        return {}
    target: Any = spec
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    return resolve(target, spec, (*seen, reference))


@cache
def operations() -> list[Operation]:
    """Every operation of the contract; none where the file is not there."""
    if not FILE.exists():
        return []
    spec = contract()
    return [
        Operation(method.upper(), path, resolve(raw, spec))
        for path, methods in spec["paths"].items()
        for method, raw in methods.items()
        if method in _METHODS
    ]


@cache
def _patterns() -> list[tuple[re.Pattern[str], int, list[Operation]]]:
    by_path: dict[str, list[Operation]] = {}
    for operation in operations():
        by_path.setdefault(operation.path, []).append(operation)
    return [
        (re.compile(re.sub(r"{\w+}", "[^/]+", path) + r"\Z"), path.count("{"), found)
        for path, found in by_path.items()
    ]


def operation_of(method: str, path: str) -> Operation | None:
    """The operation of a request; a path with fewer parameters wins, as in a router."""
    if not path.startswith(BASE):
        return None
    below = path.removeprefix(BASE)
    matches = sorted(
        ((parameters, found) for pattern, parameters, found in _patterns() if pattern.match(below)),
        key=lambda match: match[0],
    )
    return next((one for _, found in matches[:1] for one in found if one.method == method), None)


def check_answer(answer: httpx.Response) -> None:
    """A hook for httpx: the answer is what the contract documents for it, as far as it documents it."""
    path = answer.request.url.raw_path.decode().partition("?")[0]
    operation = operation_of(answer.request.method, path)
    if operation is None:
        return
    answer.read()
    problems = list(_problems(operation, answer))
    assert not problems, (
        f"{answer.request.method} {path} ({operation.name}): {problems}\n{answer.text[:2000]}"
    )


def _problems(operation: Operation, answer: httpx.Response) -> Iterator[str]:
    if not answer.headers.get("X-Request-Id"):
        yield "no X-Request-Id"
    documented = operation.answer(answer.status_code)
    if answer.is_success:
        if documented is None:
            yield f"success with the undocumented status {answer.status_code}"
            return
        yield from _body_problems(documented.get("schema"), answer)
        for header in documented.get("headers", {}):
            if header in _headers_sent(operation) and header not in answer.headers:
                yield f"no {header}"
    elif documented is not None and documented.get("schema", {}).get("type") == "array":
        yield from _body_problems(documented["schema"], answer)
    elif answer.is_client_error and operation.method != "HEAD":
        errors = answer.json().get("errors")
        if not errors or not all(error.get("code") and error.get("message") for error in errors):
            yield "an error without code and message"


def _headers_sent(operation: Operation) -> set[str]:
    """Harbor documents a Location for new tags that it does not send."""
    return {"X-Total-Count"} if operation.name == "createTag" else {"X-Total-Count", "Location"}


def _body_problems(schema: dict[str, Any] | None, answer: httpx.Response) -> Iterator[str]:
    if schema is None or schema.get("type") in {"string", "file"}:
        return
    if not answer.content:
        return  # Harbor sends nothing for an object that is not there.
    validator = jsonschema.Draft4Validator(_nullable(schema))
    for error in validator.iter_errors(answer.json()):
        yield f"{error.json_path}: {error.message[:300]}"


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as Harbor's generated code keeps it: lists, objects and pointers may be null."""
    kept = {key: value for key, value in schema.items() if key not in {"required", "format", "example"}}
    if "properties" in kept:
        kept["properties"] = {name: _nullable(one) for name, one in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = _nullable(kept[key])
    kind = kept.get("type")
    if kind == "object" and not {"properties", "additionalProperties"} & set(kept):
        # An object of which nothing is said is any value in that code.
        del kept["type"]
    elif kind in {"array", "object"} or schema.get("x-nullable"):
        kept["type"] = [kind, "null"]
    return kept
