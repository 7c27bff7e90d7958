"""Changes to push rules. They hold from the answer on, in every process, for what is pushed then."""

from django.db import IntegrityError

from apps.accounts.security import SecurityContext, require_project
from apps.common.database import again_after_deadlock, write_atomic
from apps.common.errors import NotFoundError
from apps.common.stamps import project_key, touch
from apps.events.bus import publish
from apps.events.catalogue import PushRulesChanged
from apps.projects.models import Project
from apps.push_rules.models import PushRules
from apps.push_rules.types import PushRulesValues, push_rules_check


@again_after_deadlock
def push_rules_set(*, actor: SecurityContext, project: Project, values: PushRulesValues) -> None:
    """Replace what may be pushed into a project; needs ``metadata:update``.

    Raises BadRequestError for rules that cannot be, NotFoundError for a project that went at this moment.
    """
    require_project(actor, project.pk, public=project.public, resource="metadata", action="update")
    push_rules_check(values)
    try:
        with write_atomic():
            PushRules.objects.update_or_create(
                project=project,
                defaults={
                    "media_types": list(values.media_types),
                    "required_annotations": list(values.required_annotations),
                    "allow_foreign_urls": values.allow_foreign_urls,
                    "allow_sparse_indexes": values.allow_sparse_indexes,
                },
            )
            _tell(actor, project, "update")
    except IntegrityError:
        raise NotFoundError(f"project {project.name} not found") from None


@again_after_deadlock
def push_rules_delete(*, actor: SecurityContext, project: Project) -> None:
    """Allow everything again; needs ``metadata:update``. Nothing happens when there are no rules."""
    require_project(actor, project.pk, public=project.public, resource="metadata", action="update")
    with write_atomic():
        deleted, _ = PushRules.objects.filter(project=project).delete()
        if deleted:
            _tell(actor, project, "delete")


def _tell(actor: SecurityContext, project: Project, operation: str) -> None:
    touch(project_key(project.name))
    publish(
        PushRulesChanged(
            operator=actor.name, operation=operation, project_id=project.pk, project_name=project.name
        )
    )
