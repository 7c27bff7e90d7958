"""Artifacts and repositories as lists show them: Harbor's special filters, counts and accessories in batches."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from apps.artifacts.icons import icon_digest
from apps.artifacts.models import Artifact, ArtifactLabel, ArtifactReference, Repository, Tag
from apps.common.caches import StampedCache
from apps.common.errors import BadRequestError
from apps.common.query import Condition, Form, read_int
from apps.common.stamps import repository_key
from apps.immutability.selectors import immutable_tags
from apps.projects.models import Label

_MOST_LABELS = 32

_LARGE_REPOSITORY = 10_000
_hidden_in_large: StampedCache[int] = StampedCache(max_entries=1024, max_age=60)


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
    icon: str
    creation_time: datetime


def artifact_counts(repositories: Iterable[Repository]) -> dict[int, int]:
    """Artifacts that a list shows, by repository; repositories without any are missing.

    What is not shown is counted by itself: to ask each artifact for its tags takes ten times as long. For large
    repositories that number is remembered as long as nothing changes them.
    """
    names = {repository.pk: repository.name for repository in repositories}
    rows = Artifact.objects.filter(repository_id__in=names, subject_digest="")
    counts: Counter[int] = Counter(dict(rows.values_list("repository_id").annotate(Count("id"))))
    large = {pk for pk, count in counts.items() if count > _LARGE_REPOSITORY}
    hidden = _hidden_counts(names.keys() - large)
    for pk in large:
        hidden[pk] = _hidden_in_large.get(pk, (repository_key(names[pk]),), partial(_hidden_count, pk)) or 0
    counts.subtract(hidden)
    return dict(+counts)


def _hidden_count(repository_id: int) -> int:
    return _hidden_counts([repository_id]).get(repository_id, 0)


def _hidden_counts(repository_ids: Iterable[int]) -> dict[int, int]:
    rows = Artifact.objects.filter(repository_id__in=list(repository_ids), subject_digest="")
    hidden = rows.filter(~Q(_tagged()), pk__in=ArtifactReference.objects.values("child_id"))
    return dict(hidden.values_list("repository_id").annotate(Count("id")))


def shown_artifacts(rows: QuerySet[Artifact]) -> QuerySet[Artifact]:
    """Harbor's base list: no accessories, and of the untagged ones only those that no index refers to."""
    return rows.filter(Q(_tagged()) | ~Q(_referenced()), subject_digest="")


def filter_artifacts(rows: QuerySet[Artifact], conditions: Iterable[Condition]) -> QuerySet[Artifact]:
    """Apply the keys of ``q`` that only artifacts have: ``tags``, ``labels`` and ``base``.

    ``base=*`` adds the children of indexes; without it the list is :func:`shown_artifacts`.
    Raises :class:`BadRequestError` for a form that ``tags`` or ``labels`` does not know.
    """
    every = False
    conditions = list(conditions)
    # Each id of "all of" is a condition of its own for the database, and SQLite nests no more than 1000.
    if sum(len(part.values) for part in conditions if part.key == "labels") > _MOST_LABELS:
        raise BadRequestError(f"q can name at most {_MOST_LABELS} labels")
    for condition in conditions:
        match condition.key:
            case "tags":
                rows = rows.filter(_by_tags(condition))
            case "base":
                every = every or condition.values == ("*",)
            case "labels":
                rows = rows.filter(_by_labels(condition))
    return rows.filter(subject_digest="") if every else shown_artifacts(rows)


def latest_artifacts(project_id: int, conditions: Iterable[Condition]) -> QuerySet[Artifact]:
    """The artifact that was pushed last in each repository of a project, of those of one media or artifact type.

    Raises :class:`BadRequestError` unless exactly one of ``media_type`` and ``artifact_type`` is asked for.
    """
    lookups = {"mediatype": "config_media_type", "artifacttype": "artifact_type"}
    asked = [part for part in conditions if part.key in lookups and part.form is Form.EQUAL]
    if len(asked) != 1:
        raise BadRequestError(
            "either 'media_type' or 'artifact_type' must be specified, but not both, when querying with"
            " latest_in_repository"
        )
    of_type = {lookups[asked[0].key]: asked[0].values[0]}
    newest = (
        shown_artifacts(Artifact.objects.filter(repository=OuterRef("pk"), **of_type))
        .order_by("-push_time", "-id")
        .values("pk")[:1]
    )
    repositories = Repository.objects.filter(project_id=project_id, listed=True)
    return Artifact.objects.filter(pk__in=repositories.values_list(Subquery(newest)))


def accessories_of(artifacts: Iterable[Artifact]) -> dict[int, list[Accessory]]:
    """The accessories of these artifacts by artifact id, in one statement."""
    return _accessories({(row.repository_id, row.digest): row.pk for row in artifacts})


def inherited_accessories_of(artifacts: Iterable[Artifact]) -> dict[int, list[Accessory]]:
    """The accessories of the indexes that these artifacts are children of, by the child's id, in two statements."""
    links = list(
        ArtifactReference.objects.filter(child_id__in=[row.pk for row in artifacts]).values_list(
            "child_id", "parent_id", "parent__repository_id", "parent__digest"
        )
    )
    found = _accessories(
        {(repository_id, digest): parent_id for _, parent_id, repository_id, digest in links}
    )
    inherited: defaultdict[int, list[Accessory]] = defaultdict(list)
    for child_id, parent_id in dict.fromkeys((link[0], link[1]) for link in links):
        if child_id is not None:
            inherited[child_id] += found.get(parent_id, [])
    return dict(inherited)


def accessory_list(subject: Artifact) -> QuerySet[Artifact]:
    """The accessories of one artifact, as rows without their bytes."""
    return _accessory_rows().filter(repository_id=subject.repository_id, subject_digest=subject.digest)


def accessory_of(row: Artifact, subject_id: int) -> Accessory:
    """An artifact as the accessory that it is; ``row`` has its repository loaded."""
    return Accessory(
        id=row.pk,
        artifact_id=row.pk,
        subject_artifact_id=subject_id,
        subject_artifact_digest=row.subject_digest,
        subject_artifact_repo=row.repository.name,
        size=row.size,
        digest=row.digest,
        type=row.accessory_type,
        icon=icon_digest(row.accessory_type),
        creation_time=row.push_time,
    )


def labels_of(artifacts: Iterable[Artifact]) -> dict[int, list[Label]]:
    """The labels of these artifacts by artifact id, in the order in which they were put on; one statement."""
    links = ArtifactLabel.objects.filter(artifact_id__in=[row.pk for row in artifacts])
    found: defaultdict[int, list[Label]] = defaultdict(list)
    for link in links.select_related("label").order_by("id"):
        found[link.artifact_id].append(link.label)
    return dict(found)


def immutable_tags_of(artifacts: Iterable[Artifact], names: Mapping[int, str]) -> set[tuple[int, str]]:
    """(repository id, tag) of those tags of these artifacts that a rule keeps; ``names`` of repositories by id."""
    tags: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for row in artifacts:
        tags[row.project_id, row.repository_id] += [tag.name for tag in row.tags.all()]
    return {
        (repository_id, tag)
        for (project_id, repository_id), found in tags.items()
        for tag in immutable_tags(project_id=project_id, repository_name=names[repository_id], tags=found)
    }


def _accessories(subjects: Mapping[tuple[int, str], int]) -> dict[int, list[Accessory]]:
    """The accessories of what is at (repository id, digest), by the id that is given for it."""
    if not subjects:
        return {}
    rows = _accessory_rows().filter(
        repository_id__in={repository_id for repository_id, _ in subjects},
        subject_digest__in={digest for _, digest in subjects},
    )
    found: defaultdict[int, list[Accessory]] = defaultdict(list)
    for row in rows.order_by("id"):
        subject_id = subjects.get((row.repository_id, row.subject_digest))
        if subject_id is not None:
            found[subject_id].append(accessory_of(row, subject_id))
    return dict(found)


def _accessory_rows() -> QuerySet[Artifact]:
    """What is an accessory, as rows without their bytes; :func:`accessory_of` needs nothing else."""
    return (
        Artifact.objects.exclude(subject_digest="")
        .select_related("repository")
        .defer("manifest", "extra_attrs", "annotations")
    )


def _tagged() -> Exists:
    return Exists(Tag.objects.filter(artifact=OuterRef("pk")))


def _referenced() -> Exists:
    return Exists(ArtifactReference.objects.filter(child=OuterRef("pk")))


def _tags_of_repository() -> QuerySet[Tag]:
    """Tags of the outer artifact. Its repository is named too: names are found by it through an index."""
    return Tag.objects.filter(artifact=OuterRef("pk"), repository=OuterRef("repository"))


def _by_tags(condition: Condition) -> Q:
    match condition.form, condition.values:
        case Form.EQUAL, ("*",):
            return Q(_tagged())
        case Form.EQUAL, ("nil",):
            return ~Q(_tagged())
        case Form.EQUAL, (name,):
            return Q(Exists(_tags_of_repository().filter(name=name)))
        case Form.CONTAINS, (part,):
            return Q(Exists(_tags_of_repository().filter(name__icontains=part)))
        case Form.ONE_OF, names:
            return Q(Exists(_tags_of_repository().filter(name__in=names)))
        case _:
            raise BadRequestError("tags takes *, nil, a name, ~part of a name or {several names}")


def _by_labels(condition: Condition) -> Q:
    if condition.form not in {Form.EQUAL, Form.ONE_OF, Form.ALL_OF}:
        raise BadRequestError("labels takes an id, {several ids} or (all of several ids)")
    ids = [read_int(value) for value in condition.values]
    links = ArtifactLabel.objects.filter(artifact=OuterRef("pk"))
    if condition.form is Form.ALL_OF:
        return Q(*(Exists(links.filter(label_id=label_id)) for label_id in ids))
    return Q(Exists(links.filter(label_id__in=ids)))
