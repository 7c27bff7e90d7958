"""What the portal tells the audit log about those whom it refuses."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest

from apps.artifacts.gates import GateRefusedError, StorageRefusedError
from apps.audit.refusals import refusal_reason, refusal_record
from apps.common.logs import PERSON
from apps.projects.models import Project


def note_refused(
    request: HttpRequest, error: Exception, status: int, resource_type: str, words: Mapping[str, Any]
) -> None:
    """Record the request if the answer ``status`` to ``error`` refuses somebody who is signed in.

    ``words`` are those of the route. Not visitors: they are led to the page to sign in.
    """
    person = str(request.META.get(PERSON, ""))
    if not person or isinstance(error, StorageRefusedError):
        return  # The quota's refusals have a row of their own.
    if status != HTTPStatus.FORBIDDEN and not isinstance(error, GateRefusedError):
        return
    operation = "read" if request.method in {"GET", "HEAD"} else "update"
    project = _project_name(words["project_id"]) if "project_id" in words else ""
    repository = str(words.get("repository", ""))
    resource = f"{project}/{repository}" if repository else project or request.path_info
    refusal_record(
        operator=person,
        operation=operation,
        resource_type=resource_type,
        resource=resource,
        project=project,
        reason=refusal_reason(operation, resource_type, resource, error),
    )


def _project_name(project_id: int) -> str:
    return Project.objects.filter(pk=project_id).values_list("name", flat=True).first() or ""
