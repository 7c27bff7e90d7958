"""Our description of the API holds everything of Harbor's: operations, parameters, bodies and answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.accounts import api
from tests.support.contract import BASE, FILE, Operation, operations, resolve

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="Harbor's description is not beside the project")

# The operations that are there; the others come with their features.
_TAGS = frozenset(
    [
        "artifact",
        "auditlog",
        "configure",
        "gc",
        "health",
        "icon",
        "immutable",
        "jobservice",
        "label",
        "member",
        "permissions",
        "ping",
        "project",
        "projectMetadata",
        "purge",
        "quota",
        "repository",
        "Retention",
        "robot",
        "scan",
        "schedule",
        "search",
        "statistic",
        "SystemCVEAllowlist",
        "systeminfo",
        "user",
        "usergroup",
        "webhook",
        "webhookjob",
    ]
)
_OPERATIONS = [operation for operation in operations() if operation.tag in _TAGS]
_TYPES = {"integer": "integer", "number": "number", "string": "string", "boolean": "boolean"}


@pytest.fixture(scope="session")
def described(embedded_server) -> dict[str, Any]:
    with api(embedded_server.url) as client:
        return client.get("/openapi.json").json()


@pytest.fixture
def ours(described: dict[str, Any], operation: Operation) -> dict[str, Any]:
    methods = described["paths"].get(f"{BASE}{operation.path}", {})
    # HEAD is answered by GET's route without a description of its own.
    method = "get" if operation.method == "HEAD" and "head" not in methods else operation.method.lower()
    assert method in methods, "the operation is missing"
    return resolve(methods[method], described)


# What Harbor describes and never sends.
_NEVER_SENT = {"ListRobot": "answer[].secret", "GetRobotByID": "answer.secret"}
by_operation = pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda operation: operation.name)


@by_operation
def test_the_operation_has_harbors_name(operation: Operation, ours: dict[str, Any]) -> None:
    if operation.method != "HEAD":
        assert (ours["operationId"], ours["tags"]) == (operation.name, [operation.tag])


@by_operation
def test_it_can_be_asked_the_same(operation: Operation, ours: dict[str, Any]) -> None:
    if operation.method == "HEAD":
        pytest.skip("described with GET")
    known = {(one["in"], one["name"].lower()): one for one in ours.get("parameters", [])}
    problems = []
    for wanted in operation.parameters:
        if wanted["in"] == "body":
            continue
        found = known.get((wanted["in"], wanted["name"].lower()))
        if found is None:
            problems.append(f"{wanted['in']} {wanted['name']} is missing")
        elif found["schema"].get("type") != wanted["type"]:
            problems.append(f"{wanted['name']} is {found['schema']}, not {wanted['type']}")
        elif bool(found.get("required")) != bool(wanted.get("required")):
            problems.append(f"{wanted['name']}: required is {found.get('required')}")
        elif wanted["in"] == "query" and found["schema"].get("default") != wanted.get("default"):
            problems.append(
                f"{wanted['name']}: default {found['schema'].get('default')}, not {wanted.get('default')}"
            )
    assert problems == []


@by_operation
def test_it_takes_the_same_body(operation: Operation, ours: dict[str, Any]) -> None:
    if operation.body is None:
        return
    content = ours.get("requestBody", {}).get("content", {})
    assert content, "no body is described"
    schema = content["application/json"]["schema"]
    assert list(_differences(operation.body, schema, "body")) == []


@by_operation
def test_it_answers_the_same(operation: Operation, ours: dict[str, Any]) -> None:
    status = str(operation.success)
    assert status in ours["responses"], f"success is {list(ours['responses'])}, not {status}"
    wanted = operation.answer(operation.success) or {}
    found = ours["responses"][status]
    # A media type is no header of an answer in OpenAPI 3.
    headers = set(wanted.get("headers", {})) - set(found.get("headers", {})) - {"Content-Type"}
    assert not headers, f"headers that are missing: {headers}"
    schema = wanted.get("schema")
    if schema is None or schema.get("type") in {"string", "file"} or operation.method == "HEAD":
        return
    content = found.get("content", {})
    assert content, "no answer is described"
    differences = list(_differences(schema, content["application/json"]["schema"], "answer"))
    never = f"{_NEVER_SENT.get(operation.name)} is missing"
    assert [one for one in differences if one != never] == []


def _differences(wanted: dict[str, Any], found: dict[str, Any], place: str) -> Iterator[str]:
    """What of the contract's schema is not in ours; what ours has beyond it is no difference."""
    found = _merged(found)
    kind = wanted.get("type") or ("object" if "properties" in wanted else None)
    if kind is None:
        return
    if kind in _TYPES:
        if found.get("type") != kind:
            yield f"{place} is {found.get('type')}, not {kind}"
    elif found.get("type") != kind:
        yield f"{place} is {found.get('type')}, not {kind}"
    elif kind == "array":
        yield from _differences(wanted["items"], found["items"], f"{place}[]")
    else:
        known = found.get("properties", {})
        for name, schema in wanted.get("properties", {}).items():
            if name in known:
                yield from _differences(schema, known[name], f"{place}.{name}")
            else:
                yield f"{place}.{name} is missing"


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the ``allOf`` that the description wraps a reference in."""
    merged = dict(schema)
    for part in merged.pop("allOf", ()):
        merged |= _merged(part)
    return merged
