"""Labels: of the whole installation (scope ``g``) or of one project (scope ``p``)."""

import re

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.accounts.security import SecurityContext, require_project, require_system
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, ConflictError, NotFoundError, UnauthorizedError
from apps.events.bus import publish
from apps.events.catalogue import LabelChanged
from apps.projects.models import Label, Project

MAX_NAME = 128
MAX_DESCRIPTION = 1024

# `#rgb` to `#rrggbbaa`, or a colour's name.
_COLOUR = re.compile(r"(?:#(?:[0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})|[A-Za-z]{1,16})?\Z")


def label_list(*, actor: SecurityContext, scope: str, project_id: int = 0, name: str = "") -> QuerySet[Label]:
    """Labels of a scope whose name contains ``name``; those of the installation are for everybody, as in Harbor.

    Raises BadRequestError (no such scope, no project named), ForbiddenError or UnauthorizedError, NotFoundError.
    """
    _scope_check(scope)
    labels = Label.objects.filter(scope=scope)
    if scope == Label.OF_PROJECT:
        if not project_id:
            raise BadRequestError("must with project ID when to query project labels")
        _require_project(actor, project_id, "list")
        labels = labels.filter(project_id=project_id)
    return labels.filter(name__icontains=name) if name else labels


def label_get(*, actor: SecurityContext, label_id: int) -> Label:
    """One label; raises NotFoundError, ForbiddenError or UnauthorizedError."""
    return _require(actor, Label.objects.filter(pk=label_id), label_id, "read")


def label_create(
    *,
    actor: SecurityContext,
    name: str,
    scope: str,
    project_id: int = 0,
    description: str = "",
    color: str = "",
) -> Label:
    """Make a label; ``project_id`` counts only for scope ``p``.

    Raises BadRequestError (a rule), ConflictError (name used), NotFoundError (no such project), ForbiddenError or
    UnauthorizedError.
    """
    _scope_check(scope)
    with write_atomic():
        if scope == Label.GLOBAL:
            require_system(actor, "label", "create")
            project = None
        else:
            project = _require_project(actor, project_id, "create")
        _values_check(name=name, description=description, color=color)
        label = Label(name=name, description=description, color=color, scope=scope, project=project)
        _save(label)
        _tell(actor, label, "create")
    return label


def label_update(
    *, actor: SecurityContext, label_id: int, name: str, description: str = "", color: str = ""
) -> Label:
    """Change name, description and colour; scope and project stay. Raises what :func:`label_create` does."""
    with write_atomic():
        label = _require(actor, Label.objects.select_for_update().filter(pk=label_id), label_id, "update")
        _values_check(name=name, description=description, color=color)
        label.name, label.description, label.color = name, description, color
        _save(label)
        _tell(actor, label, "update")
    return label


def label_delete(*, actor: SecurityContext, label_id: int) -> None:
    """Delete a label and take it off every artifact."""
    with write_atomic():
        label = _require(actor, Label.objects.select_for_update().filter(pk=label_id), label_id, "delete")
        _tell(actor, label, "delete")
        label.delete()


def _scope_check(scope: str) -> None:
    if scope not in {Label.GLOBAL, Label.OF_PROJECT}:
        raise BadRequestError(f"invalid scope: {scope[:16]}")


def _values_check(*, name: str, description: str, color: str) -> None:
    if not name.strip():
        raise BadRequestError("the name of a label cannot be empty")
    if len(name) > MAX_NAME:
        raise BadRequestError(f"the name of a label has at most {MAX_NAME} characters")
    if len(description) > MAX_DESCRIPTION:
        raise BadRequestError(f"the description of a label has at most {MAX_DESCRIPTION} characters")
    if not _COLOUR.match(color):
        raise BadRequestError("the color of a label is written as #RRGGBB")


def _require(actor: SecurityContext, rows: QuerySet[Label], label_id: int, action: str) -> Label:
    """The label, if the caller may do this with it. Ids say nothing: who has signed in learns that one is missing."""
    label = rows.first()
    if label is None:
        if actor.principal is None:
            raise UnauthorizedError("sign in to do this")
        raise NotFoundError(f"label {label_id} not found")
    if label.project_id is None:
        require_system(actor, "label", action)
    else:
        _require_project(actor, label.project_id, action)
    return label


def _require_project(actor: SecurityContext, project_id: int, action: str) -> Project:
    """The project; who may not see it cannot tell whether it is there."""
    project = Project.objects.filter(pk=project_id).first()
    if project is None:
        require_project(actor, 0, public=False, resource="label", action=action)
        raise NotFoundError(f"project {project_id} not found")
    require_project(actor, project.pk, public=project.public, resource="label", action=action)
    return project


def _save(label: Label) -> None:
    try:
        with transaction.atomic():
            label.save()
    except IntegrityError:
        raise ConflictError(f"label {label.name} already exists") from None


def _tell(actor: SecurityContext, label: Label, operation: str) -> None:
    publish(
        LabelChanged(
            operator=actor.name,
            operation=operation,
            label_id=label.pk,
            label_name=label.name,
            project_id=label.project_id,
        )
    )
