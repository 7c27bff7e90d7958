"""Reads of push rules."""

from apps.accounts.security import SecurityContext, require_project
from apps.common.caches import StampedCache
from apps.common.stamps import project_key
from apps.projects.models import Project
from apps.push_rules.models import PushRules
from apps.push_rules.types import ALLOW_ALL, PushRulesValues

_rules: StampedCache[PushRulesValues] = StampedCache(max_entries=4096, max_age=60)


def push_rules_get(*, actor: SecurityContext, project: Project) -> PushRulesValues:
    """What may be pushed into a project; needs ``metadata:read``."""
    require_project(actor, project.pk, public=project.public, resource="metadata", action="read")
    return _load(project.pk)


def push_rules_of(*, project_id: int, project_name: str) -> PushRulesValues:
    """As :func:`push_rules_get`, for the gate; no SQL when warm, whether there are rules or not."""
    return _rules.get(project_id, (project_key(project_name),), lambda: _load(project_id)) or ALLOW_ALL


def _load(project_id: int) -> PushRulesValues:
    row = PushRules.objects.filter(project_id=project_id).first()
    if row is None:
        return ALLOW_ALL
    return PushRulesValues(
        media_types=tuple(row.media_types),
        required_annotations=tuple(row.required_annotations),
        allow_foreign_urls=row.allow_foreign_urls,
        allow_sparse_indexes=row.allow_sparse_indexes,
    )
