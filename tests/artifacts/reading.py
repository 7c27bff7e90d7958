"""What the database holds of a repository, in values that can be compared."""

from typing import Any

from apps.accounts.security import SecurityContext
from apps.artifacts.models import Artifact, ArtifactBlob, ProjectBlob, Tag, TrashEntry
from apps.artifacts.services.restores import trash_restore
from apps.artifacts.types import Restored
from apps.projects.models import Project
from apps.projects.types import ProjectRef
from apps.quotas.models import Quota
from tests.distribution.inside import Place


def rows_of(repository: str) -> list[dict[str, Any]]:
    """Every artifact with its columns, blobs, references, labels and tags; without ids, by digest."""
    shown = []
    for artifact in Artifact.objects.filter(repository__name=repository).order_by("digest"):
        columns = {
            column.attname: getattr(artifact, column.attname)
            for column in Artifact._meta.concrete_fields
            if column.attname not in {"id", "repository_id", "manifest"}
        }
        references = artifact.references.order_by("id").values_list(
            "child_digest", "child__digest", "platform", "annotations", "urls"
        )
        shown.append(
            columns
            | {
                "manifest": bytes(artifact.manifest),
                "blobs": sorted(
                    ArtifactBlob.objects.filter(artifact=artifact).values_list("blob__digest", flat=True)
                ),
                "references": list(references),
                "labels": sorted(artifact.label_links.values_list("label_id", flat=True)),
                "tags": list(
                    artifact.tags.order_by("name").values_list("name", "push_time", "pull_time", "expires_at")
                ),
            }
        )
    return shown


def tags_of(repository: str) -> dict[str, str]:
    """Digests by tag."""
    return dict(Tag.objects.filter(repository__name=repository).values_list("name", "artifact__digest"))


def paid(project_id: int) -> int:
    """Bytes that the quota says, after a check that the links say the same."""
    used = Quota.objects.get(project_id=project_id).used
    linked = sum(ProjectBlob.objects.filter(project_id=project_id).values_list("blob__size", flat=True))
    assert used == linked
    return used


def restore(place: Place, entry: TrashEntry, *, actor: SecurityContext | None = None) -> Restored:
    """One entry, by somebody who may."""
    return trash_restore(actor=actor or place.actor, project_id=place.project_id, entry_id=entry.pk)


def project_of(place: Place) -> ProjectRef:
    """What services want to know of the project."""
    row = Project.objects.get(pk=place.project_id)
    return ProjectRef(row.pk, row.name, row.public)
