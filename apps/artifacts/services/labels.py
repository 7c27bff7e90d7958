"""Labels on artifacts."""

from django.db import IntegrityError, transaction

from apps.accounts.security import SecurityContext
from apps.artifacts.models import Artifact, ArtifactLabel, Repository
from apps.artifacts.selectors import artifact_row, repository_require
from apps.common.database import write_atomic
from apps.common.errors import ConflictError, NotFoundError
from apps.events.bus import publish
from apps.events.catalogue import ArtifactLabelChanged
from apps.projects.models import Label


def artifact_label_add(
    *, actor: SecurityContext, repository_name: str, reference: str, label_id: int
) -> None:
    """Put a label on an artifact: one of the installation or of the artifact's own project.

    Raises NotFoundError (no such label here), ManifestUnknownError, ConflictError (it has the label already).
    """
    repository = repository_require(
        actor=actor, name=repository_name, resource="artifact-label", action="create"
    )
    label = Label.objects.filter(pk=label_id).first()
    if label is None or label.project_id not in {None, repository.project_id}:
        raise NotFoundError(f"project id {repository.project_id}, label {label_id} not found")
    artifact = artifact_row(repository, reference)
    with write_atomic():
        # Kept from being deleted until the commit, and the artifact first: so do those who delete one.
        rows = Artifact.objects.select_for_update(no_key=True).filter(pk=artifact.pk)
        labels = Label.objects.select_for_update(no_key=True).filter(pk=label_id)
        if not rows.only("pk").exists() or not labels.only("pk").exists():
            raise NotFoundError("the artifact or the label was deleted at this moment")
        try:
            with transaction.atomic():
                ArtifactLabel.objects.create(artifact=artifact, label=label)
        except IntegrityError:
            raise ConflictError(f"label {label_id} is already added to the artifact {artifact.pk}") from None
        _tell(actor, repository, artifact, label, "create")


def artifact_label_remove(
    *, actor: SecurityContext, repository_name: str, reference: str, label_id: int
) -> None:
    """Take a label off an artifact; raises NotFoundError if it has none of this id, ManifestUnknownError."""
    repository = repository_require(
        actor=actor, name=repository_name, resource="artifact-label", action="delete"
    )
    artifact = artifact_row(repository, reference)
    with write_atomic():
        link = (
            ArtifactLabel.objects.select_for_update(of=("self",))
            .select_related("label")
            .filter(artifact=artifact, label_id=label_id)
            .first()
        )
        if link is None:
            raise NotFoundError(f"reference of label {label_id} and artifact {artifact.pk} not found")
        link.delete()
        _tell(actor, repository, artifact, link.label, "delete")


def _tell(
    actor: SecurityContext, repository: Repository, artifact: Artifact, label: Label, operation: str
) -> None:
    publish(
        ArtifactLabelChanged(
            operator=actor.name,
            operation=operation,
            project_id=repository.project_id,
            repository_id=repository.pk,
            repository_name=repository.name,
            artifact_id=artifact.pk,
            digest=artifact.digest,
            label_id=label.pk,
            label_name=label.name,
        )
    )
