"""What the REST API tells the audit log about those whom it refuses: denied changes, and reads of private things.

Not a wrong password, which leaves the row of a failed login, and not an anonymous look at what is nobody's in
particular: pages ask who is signed in before anybody is.
"""

from http import HTTPStatus
from urllib.parse import unquote

from rest_framework.request import Request

from apps.artifacts.gates import GateRefusedError, StorageRefusedError
from apps.audit.refusals import refusal_reason, refusal_record
from apps.common.logs import PERSON
from apps.common.origin import ANONYMOUS, current_credential

_BASE = "/api/v2.0/"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPERATIONS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}

# A word of a path → the audit log's resource type; the last word of a path that is here decides.
_TYPES = {
    "access-tokens": "access-token",
    "artifacts": "artifact",
    "audit-logs": "audit-log",
    "auditlog-exts": "audit-log",
    "configurations": "configuration",
    "immutabletagrules": "immutable-rule",
    "labels": "label",
    "logs": "audit-log",
    "members": "member",
    "metadatas": "metadata",
    "projects": "project",
    "push-rules": "push-rules",
    "quotas": "quota",
    "repositories": "repository",
    "robots": "robot",
    "tags": "tag",
    "trash": "trash",
    "usergroups": "usergroup",
    "users": "user",
}


def note_refused(request: Request, error: Exception, status: int, path_words: dict[str, str]) -> None:
    """Record the request if the answer ``status`` to ``error`` is a refusal; ``path_words`` are the route's."""
    is_gate = isinstance(error, GateRefusedError)
    if isinstance(error, StorageRefusedError):
        return  # The quota's refusals have a row of their own.
    if not is_gate and status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return
    person = str(request.META.get(PERSON, ""))
    if not person and current_credential() != ANONYMOUS:
        return
    method = str(request.method)
    project = path_words.get("project_name") or path_words.get("project_name_or_id") or ""
    if method in _SAFE and not person and not project:
        return
    operation = _OPERATIONS.get(method, "read")
    resource_type, resource = _resource(request.path_info, path_words, project)
    refusal_record(
        operator=person,
        operation=operation,
        resource_type=resource_type,
        resource=resource,
        project=project,
        reason=refusal_reason(operation, resource_type, resource, error),
    )


def _resource(path: str, path_words: dict[str, str], project: str) -> tuple[str, str]:
    """Type and name of what was asked for: the repository, else the project, else the path."""
    below = path.removeprefix(_BASE)
    known = [_TYPES[word] for word in below.split("/") if word in _TYPES]
    resource_type = known[-1] if known else "api"
    if repository := path_words.get("repository_name"):
        return resource_type, f"{project}/{unquote(unquote(repository))}"
    return resource_type, project or below
