"""Every event: a fact, told in ids, strings and times only, so that it can be stored and sent.

Events cannot veto: what may refuse a change is a gate (:mod:`apps.artifacts.gates`).
"""

from dataclasses import dataclass
from datetime import datetime

from apps.events.event import Event
from apps.events.logins import *  # noqa: F403 (part of the catalogue, where they are looked up by name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCreated(Event):
    project_id: int
    project_name: str
    storage_limit: int
    """Bytes, -1 for no limit, 0 for the installation's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectUpdated(Event):
    project_id: int
    project_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDeleted(Event):
    project_id: int
    project_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChanged(Event):
    """``operation`` is create, update or delete."""

    operation: str
    project_id: int
    project_name: str
    member_name: str
    role: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(Event):
    """``operation`` is create, update or delete; ``description`` says what in words."""

    operation: str
    user_id: int
    username: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationUpdated(Event):
    """``keys`` of the settings that changed; never their values, some of which are secrets."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChanged(Event):
    """``operation`` is create, update or delete; ``description`` says what in words, a changed member too."""

    operation: str
    group_id: int
    group_name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChanged(Event):
    """A personal access token; ``operation`` is create, update or delete, ``username`` its owner's."""

    operation: str
    token_id: int
    label: str
    user_id: int
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotChanged(Event):
    """``operation`` is create, update or delete; ``project_id`` is None at system level.

    ``description`` says in words what changed, where that is not plain.
    """

    operation: str
    robot_id: int
    robot_name: str
    project_id: int | None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryUpdated(Event):
    project_id: int
    repository_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryDeleted(Event):
    project_id: int
    repository_id: int
    repository_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactPushed(Event):
    project_id: int
    repository_id: int
    repository_name: str
    artifact_id: int
    digest: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDeleted(Event):
    project_id: int
    repository_id: int
    repository_name: str
    artifact_id: int
    digest: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCreated(Event):
    """A tag was made, or moved from another artifact (``previous_digest``, "" if it was not there)."""

    project_id: int
    repository_id: int
    repository_name: str
    tag: str
    digest: str
    previous_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagDeleted(Event):
    project_id: int
    repository_id: int
    repository_name: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagExpiryChanged(Event):
    """``expires_at`` in RFC 3339; "" for never."""

    project_id: int
    repository_name: str
    tag: str
    digest: str
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDeactivated(Event):
    """It stays, and cannot be pulled any more; ``reason`` is "" where nobody has given one."""

    project_id: int
    repository_name: str
    digest: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactActivated(Event):
    """A deactivated one can be pulled again."""

    project_id: int
    repository_name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRestored(Event):
    """Out of the trash, with ``tags``; ``digest`` is what had been deleted, what belongs to it came along."""

    project_id: int
    repository_id: int
    repository_name: str
    digest: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRestored(Event):
    """Out of the trash."""

    project_id: int
    repository_id: int
    repository_name: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryRestored(Event):
    """Out of the trash, or its tags as they were at ``time`` (RFC 3339, "" for the former); ``tags`` came or moved."""

    project_id: int
    repository_id: int
    repository_name: str
    time: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashForgotten(Event):
    """An entry of the trash is gone for ever; ``kind`` is repository, artifact or tag."""

    project_id: int
    repository_name: str
    kind: str
    digest: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImmutableRuleChanged(Event):
    """``operation`` is create, update or delete."""

    operation: str
    project_id: int
    project_name: str
    rule_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRulesChanged(Event):
    """What may be pushed into a project; ``operation`` is update or delete."""

    operation: str
    project_id: int
    project_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicyChanged(Event):
    """``operation`` is create, update or delete, and of a run run or dry-run (begun), or stop."""

    operation: str
    project_id: int
    project_name: str
    policy_id: int


@dataclass(frozen=True, slots=True)
class Retired:
    """An artifact that retention deleted, with the tags that it had."""

    digest: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionFinished(Event):
    """A policy went through a repository and deleted something; a dry run tells nothing.

    ``total`` is how many artifacts it decided on, ``retained`` how many of them stayed. ``deleted`` are the first
    thousand of the others. ``rules`` is the policy's, as the API has them, in JSON.
    """

    project_id: int
    project_name: str
    repository_id: int
    repository_name: str
    policy_id: int
    execution_id: int
    task_id: int
    rules: str
    status: str
    """Success or, if somebody stopped it, Stopped."""
    total: int
    retained: int
    deleted: tuple[Retired, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPolicyChanged(Event):
    """``operation`` is create, update or delete."""

    operation: str
    project_id: int
    project_name: str
    policy_id: int
    policy_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionAsked(Event):
    """Of garbage collection: ``operation`` is create (one was begun), update or delete (its schedule) or stop.

    ``description`` says in words with which parameters.
    """

    operation: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsControlled(Event):
    """``operation`` is stop, pause or resume; ``target`` is ``job`` or ``queue`` with its id or name, or all."""

    operation: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChanged(Event):
    """``operation`` is create, update or delete; ``project_id`` is None for a label of the installation."""

    operation: str
    label_id: int
    label_name: str
    project_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactLabelChanged(Event):
    """A label was put on an artifact (``operation`` is create) or taken off (delete)."""

    operation: str
    project_id: int
    repository_id: int
    repository_name: str
    artifact_id: int
    digest: str
    label_id: int
    label_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUpdated(Event):
    """An administrator changed the limit; ``hard`` in bytes, -1 for none."""

    project_id: int
    project_name: str
    hard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaExceeded(Event):
    """A push was refused; ``needed``, ``used`` and ``hard`` in bytes, ``details`` in words."""

    project_id: int
    needed: int
    used: int
    hard: int
    repository_name: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaWarned(Event):
    """A project passed 85 per cent of its limit; ``used`` and ``hard`` in bytes, ``details`` in words."""

    project_id: int
    used: int
    hard: int
    repository_name: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull of a manifest, as the spool has it."""

    project_id: int
    repository_id: int
    repository_name: str
    artifact_id: int
    digest: str
    tag: str
    operator: str
    occurred_at: datetime
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactsPulled(Event):
    """Pulls in bulk, from one spool file."""

    pulls: tuple[Pull, ...]
