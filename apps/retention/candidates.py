"""What a repository holds at one moment, as the decision takes it."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apps.artifacts.models import Artifact, ArtifactLabel, ArtifactReference, Repository, Tag
from apps.retention.decision import Candidate, Fate, Links, Rule, decide


@dataclass(frozen=True, slots=True)
class Facts:
    """What the log says of an artifact, and ``tags`` with the times of their pushes, by which a change is noticed."""

    digest: str
    kind: str
    tags: dict[str, datetime]
    labels: tuple[str, ...]
    pushed: datetime
    pulled: datetime | None
    created: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The candidates of a repository, what is known of each by digest, and how its artifacts hang together."""

    candidates: list[Candidate]
    facts: dict[str, Facts]
    links: Links
    digests: frozenset[str]

    def fates(
        self, rules: list[Rule], is_immutable: Callable[[str, tuple[str, ...]], bool], *, now: float
    ) -> dict[str, Fate]:
        """See :func:`apps.retention.decision.decide`."""
        return decide(
            self.candidates,
            rules,
            self.links,
            present=self.digests.__contains__,
            is_immutable=is_immutable,
            now=now,
        )


def snapshot_load(repository: Repository) -> Snapshot:
    """Read a repository in four statements, whatever its size; what changes meanwhile is noticed at its deletion."""
    tags: dict[int, dict[str, datetime]] = defaultdict(dict)
    pulled_by_tag: dict[int, datetime] = {}
    rows = Tag.objects.filter(repository=repository).order_by("name")
    for artifact_id, name, push_time, pull_time in rows.values_list(
        "artifact_id", "name", "push_time", "pull_time"
    ):
        tags[artifact_id][name] = push_time
        if pull_time is not None:
            pulled_by_tag[artifact_id] = max(pull_time, pulled_by_tag.get(artifact_id, pull_time))
    artifacts = list(
        Artifact.objects.filter(repository=repository).values_list(
            "pk", "digest", "type", "push_time", "pull_time", "subject_digest"
        )
    )
    digests = {pk: digest for pk, digest, *_ in artifacts}
    children, held = _children(repository, digests)
    labels = _labels(repository)
    accessories: dict[str, list[str]] = defaultdict(list)
    tags_of_accessories: dict[str, tuple[str, ...]] = {}
    candidates: list[Candidate] = []
    facts: dict[str, Facts] = {}
    for pk, digest, kind, push_time, pull_time, subject in artifacts:
        own = tags.get(pk, {})
        if subject:
            accessories[subject].append(digest)
            if own:
                tags_of_accessories[digest] = tuple(own)
        elif own or digest not in held:
            pulls = [time for time in (pull_time, pulled_by_tag.get(pk)) if time is not None]
            known = Facts(
                digest,
                kind.lower(),
                own,
                tuple(labels.get(pk, ())),
                max(push_time, *own.values()) if own else push_time,
                max(pulls, default=None),
                push_time,
            )
            facts[digest] = known
            candidates.append(_candidate(pk, known))
    return Snapshot(
        candidates, facts, Links(children, accessories, tags_of_accessories), frozenset(digests.values())
    )


def _candidate(pk: int, facts: Facts) -> Candidate:
    pulled = facts.pulled.timestamp() if facts.pulled else None
    return Candidate(pk, facts.digest, tuple(facts.tags), facts.pushed.timestamp(), pulled)


def _children(repository: Repository, digests: dict[int, str]) -> tuple[dict[str, list[str]], set[str]]:
    """Children by index, and all of them."""
    children: dict[str, list[str]] = defaultdict(list)
    held: set[str] = set()
    rows = ArtifactReference.objects.filter(parent__repository=repository, child__isnull=False)
    for parent_id, child_id in rows.values_list("parent_id", "child_id"):
        parent, child = digests.get(parent_id), digests.get(child_id or 0)
        if parent is not None and child is not None:
            children[parent].append(child)
            held.add(child)
    return children, held


def _labels(repository: Repository) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    rows = ArtifactLabel.objects.filter(artifact__repository=repository).order_by("label__name")
    for artifact_id, name in rows.values_list("artifact_id", "label__name"):
        found[artifact_id].append(name)
    return found
