"""Artifacts and repositories as lists show them: Harbor's special filters, counts and accessories in batches."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from apps.artifacts.models import Artifact, ArtifactReference, Tag
from apps.common.errors import BadRequestError
from apps.common.query import Condition, Form

# By the artifact type (or config type) of a manifest with a subject; others are plain accessories.
ACCESSORY_TYPES: Mapping[str, str] = {
    "application/vnd.dev.cosign.artifact.sig.v1+json": "signature.cosign",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "signature.cosign",
    "application/vnd.cncf.notary.signature": "signature.notation",
    "application/vnd.goharbor.harbor.sbom.v1": "sbom.harbor",
}
_OTHER_ACCESSORY = "subject.accessory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accessory:
    """An artifact that says something about another one (its subject); ``size`` in bytes."""

    id: int
    artifact_id: int
    subject_artifact_id: int
    subject_artifact_digest: str
    subject_artifact_repo: str
    size: int
    digest: str
    type: str
    creation_time: datetime


def artifact_counts(repository_ids: Iterable[int]) -> dict[int, int]:
    """Artifacts that a list shows, by repository; repositories without any are missing."""
    rows = shown_artifacts(Artifact.objects.filter(repository_id__in=list(repository_ids)))
    return dict(rows.values_list("repository_id").annotate(Count("id")))


def shown_artifacts(rows: QuerySet[Artifact]) -> QuerySet[Artifact]:
    """Harbor's base list: no accessories, and of the untagged ones only those that no index refers to."""
    return rows.filter(Q(_tagged()) | ~Q(_referenced()), subject_digest="")


def filter_artifacts(rows: QuerySet[Artifact], conditions: Iterable[Condition]) -> QuerySet[Artifact]:
    """Apply the keys of ``q`` that only artifacts have: ``tags``, ``labels`` and ``base``.

    ``base=*`` adds the children of indexes; without it the list is :func:`shown_artifacts`.
    Raises :class:`BadRequestError` for a form that ``tags`` does not know.
    """
    every = False
    for condition in conditions:
        match condition.key:
            case "tags":
                rows = rows.filter(_by_tags(condition))
            case "base":
                every = every or condition.values == ("*",)
            case "labels":
                # No artifact has a label as long as there are none.
                rows = rows.none()
    return rows.filter(subject_digest="") if every else shown_artifacts(rows)


def accessories_of(artifacts: Iterable[Artifact]) -> dict[int, list[Accessory]]:
    """The accessories of these artifacts by artifact id, in two statements at most."""
    subjects = {(row.repository_id, row.digest): row.pk for row in artifacts}
    if not subjects:
        return {}
    repository_ids = {repository_id for repository_id, _ in subjects}
    rows = (
        Artifact.objects.filter(
            repository_id__in=repository_ids, subject_digest__in={digest for _, digest in subjects}
        )
        .exclude(subject_digest="")
        .select_related("repository")
        .defer("manifest", "extra_attrs", "annotations")
        .order_by("id")
    )
    found: defaultdict[int, list[Accessory]] = defaultdict(list)
    for row in rows:
        subject_id = subjects.get((row.repository_id, row.subject_digest))
        if subject_id is not None:
            found[subject_id].append(_accessory(row, subject_id))
    return dict(found)


def _accessory(row: Artifact, subject_id: int) -> Accessory:
    kind = ACCESSORY_TYPES.get(row.artifact_type) or ACCESSORY_TYPES.get(row.config_media_type)
    return Accessory(
        id=row.pk,
        artifact_id=row.pk,
        subject_artifact_id=subject_id,
        subject_artifact_digest=row.subject_digest,
        subject_artifact_repo=row.repository.name,
        size=row.size,
        digest=row.digest,
        type=kind or _OTHER_ACCESSORY,
        creation_time=row.push_time,
    )


def _tagged() -> Exists:
    return Exists(Tag.objects.filter(artifact=OuterRef("pk")))


def _referenced() -> Exists:
    return Exists(ArtifactReference.objects.filter(child=OuterRef("pk")))


def _by_tags(condition: Condition) -> Q:
    match condition.form, condition.values:
        case Form.EQUAL, ("*",):
            return Q(_tagged())
        case Form.EQUAL, ("nil",):
            return ~Q(_tagged())
        case Form.EQUAL, (name,):
            return Q(Exists(Tag.objects.filter(artifact=OuterRef("pk"), name=name)))
        case Form.CONTAINS, (part,):
            return Q(Exists(Tag.objects.filter(artifact=OuterRef("pk"), name__icontains=part)))
        case Form.ONE_OF, names:
            return Q(Exists(Tag.objects.filter(artifact=OuterRef("pk"), name__in=names)))
        case _:
            raise BadRequestError("tags takes *, nil, a name, ~part of a name or {several names}")
