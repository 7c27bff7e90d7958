"""From events to rows of the audit log, in the transaction of the change: no change without its row.

Operations, resource types and resources are written as Harbor writes them, so that its filters find them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.audit.privacy import on_user_deleted
from apps.audit.recording import audit_entry, audit_record
from apps.audit.refusals import refusal_allowed
from apps.audit.types import AuditEntry
from apps.common.origin import ANONYMOUS, current_credential, current_method
from apps.events import catalogue, logins
from apps.events.bus import subscribe
from apps.events.catalogue import ArtifactsPulled, Pull, UserChanged, UserLoggedIn
from apps.events.event import Event
from apps.events.logins import SignInLocked
from apps.projects.models import Project
from apps.projects.types import Role

Text = Callable[[Any], str]


def _of(name: str) -> Text:
    def text(event: Any) -> str:
        return str(getattr(event, name))

    return text


_OPERATOR = _of("operator")


@dataclass(frozen=True, slots=True)
class Row:
    """How an event becomes a row. ``operation`` "" is the event's own; without ``description`` it is made of the rest."""

    operation: str
    resource_type: str
    resource: Text
    description: Text | None = None
    succeeded: bool = True
    operator: Text = _OPERATOR


def _artifact(event: Any) -> str:
    """By its first tag or else by its digest."""
    return (
        f"{event.repository_name}:{event.tags[0]}"
        if event.tags
        else f"{event.repository_name}@{event.digest}"
    )


def _artifact_words(verb: str) -> Text:
    """The digest is in the description always."""

    def words(event: Any) -> str:
        tags = f" with {', '.join(event.tags)}" if event.tags else ""
        return f"{verb} artifact: {event.repository_name}@{event.digest}{tags}"

    return words


def _tag(event: Any) -> str:
    return f"{event.repository_name}:{event.tag}"


def _tag_created_words(event: Any) -> str:
    moved = f", before at {event.previous_digest}" if event.previous_digest else ""
    return f"create tag: {_tag(event)} at {event.digest}{moved}"


def _member_words(event: Any) -> str:
    role = Role(event.role).name.lower().replace("_", " ")
    return f"{event.operation} member of project {event.project_name}: {event.member_name}, {role}"


def _limit_words(event: Any) -> str:
    limit = "none" if event.hard == -1 else f"{event.hard} bytes"
    return f"update quota: {event.project_name}, limit {limit}"


def _immutable_rule_words(event: Any) -> str:
    return f"{event.operation} immutable rule {event.rule_id} of project {event.project_name}"


def _retention_words(event: Any) -> str:
    return f"{event.operation} retention policy {event.policy_id} of project {event.project_name}"


def _collection_words(event: Any) -> str:
    return f"{event.operation} garbage collection: {event.description}"


def _webhook_policy_words(event: Any) -> str:
    return f"{event.operation} webhook policy {event.policy_name} of project {event.project_name}"


def _robot_words(event: Any) -> str:
    words = f"{event.operation} robot: {event.robot_name}"
    return f"{words}: {event.description}" if event.description else words


def _login_words(event: Any) -> str:
    return f"login user: {event.username} from {event.address}"


def _locked(event: Any) -> str:
    """Whose name it was, or where from."""
    return str(event.username or event.network)


def _locked_words(event: Any) -> str:
    who = f"{event.username or 'everybody who is new'} from {event.network or 'new addresses'}"
    return f"lock login: {who} until {event.until:%Y-%m-%dT%H:%M:%SZ} after {event.failures} wrong passwords"


def _token_words(event: Any) -> str:
    return f"{event.operation} access token {event.token_id} of {event.username}: {event.label}"


def _quota_words(event: Any) -> str:
    return f"push refused by the quota: {event.needed} bytes more, {event.used} of {event.hard} bytes used"


def _digest(event: Any) -> str:
    return f"{event.repository_name}@{event.digest}"


def _deactivated_words(event: Any) -> str:
    reason = f", {event.reason}" if event.reason else ""
    return f"deactivate artifact: {_digest(event)}{reason}"


def _settings_words(event: Any) -> str:
    """Never the values: some are secrets."""
    return f"update configuration: {', '.join(event.keys)}"


def _artifact_label_words(event: Any) -> str:
    return f"{event.operation} artifact label: {event.label_name} at {_digest(event)}"


def _expiry_words(event: Any) -> str:
    return f"update tag: {_tag(event)} expires {event.expires_at or 'never'}"


def _restored_words(event: Any) -> str:
    what = f"{event.repository_name} as it was at {event.time}" if event.time else event.repository_name
    return f"restore repository: {what}, {len(event.tags)} tags"


def _trash(event: Any) -> str:
    if event.kind == "repository":
        return str(event.repository_name)
    return _tag(event) if event.kind == "tag" else _digest(event)


def _trash_words(event: Any) -> str:
    return f"delete trash: {event.kind} {_trash(event)} for ever"


def _project_name(event: Any) -> str:
    return Project.objects.filter(pk=event.project_id).values_list("name", flat=True).first() or ""


_PROJECT = _of("project_name")
_REPOSITORY = _of("repository_name")

ROWS: dict[type[Event], Row] = {
    catalogue.ProjectCreated: Row("create", "project", _PROJECT),
    catalogue.ProjectUpdated: Row("update", "project", _PROJECT),
    catalogue.ProjectDeleted: Row("delete", "project", _PROJECT),
    catalogue.MemberChanged: Row("", "member", _of("member_name"), _member_words),
    catalogue.UserChanged: Row("", "user", _of("username"), _of("description")),
    catalogue.UserLoggedIn: Row("login", "user", _of("username"), _login_words, operator=_of("username")),
    catalogue.RobotChanged: Row("", "robot", _of("robot_name"), _robot_words),
    catalogue.RepositoryUpdated: Row("update", "repository", _REPOSITORY),
    catalogue.RepositoryDeleted: Row("delete", "repository", _REPOSITORY),
    catalogue.ArtifactPushed: Row("create", "artifact", _artifact, _artifact_words("push")),
    catalogue.ArtifactDeleted: Row("delete", "artifact", _artifact, _artifact_words("delete")),
    catalogue.TagCreated: Row("create", "tag", _tag, _tag_created_words),
    catalogue.TagDeleted: Row(
        "delete", "tag", _tag, lambda event: f"delete tag: {_tag(event)} at {event.digest}"
    ),
    catalogue.QuotaUpdated: Row("update", "quota", _PROJECT, _limit_words),
    catalogue.UserLoggedOut: Row("logout", "user", _of("username"), operator=_of("username")),
    catalogue.ConfigurationUpdated: Row(
        "update", "configuration", lambda _: "configuration", _settings_words
    ),
    # A push that was refused: the resource is the project.
    catalogue.QuotaExceeded: Row("create", "artifact", _project_name, _quota_words, succeeded=False),
    catalogue.GroupChanged: Row("", "usergroup", _of("group_name"), _of("description")),
    # Beyond Harbor.
    logins.SignInLocked: Row("lock", "user", _locked, _locked_words, succeeded=False),
    logins.SignInUnlocked: Row("unlock", "user", _of("username")),
    logins.SessionsEnded: Row("delete", "session", _of("username"), _of("description")),
    logins.PasswordConfirmed: Row(
        "confirm", "user", _of("username"), lambda event: f"confirm password: {event.username}"
    ),
    catalogue.TokenChanged: Row("", "access-token", _of("label"), _token_words),
    catalogue.LabelChanged: Row("", "label", _of("label_name")),
    catalogue.ArtifactLabelChanged: Row("", "artifact-label", _digest, _artifact_label_words),
    catalogue.TagExpiryChanged: Row("update", "tag", _tag, _expiry_words),
    catalogue.ArtifactDeactivated: Row("deactivate", "artifact", _digest, _deactivated_words),
    catalogue.ArtifactActivated: Row("activate", "artifact", _digest),
    catalogue.ArtifactRestored: Row("restore", "artifact", _artifact, _artifact_words("restore")),
    catalogue.TagRestored: Row(
        "restore", "tag", _tag, lambda event: f"restore tag: {_tag(event)} at {event.digest}"
    ),
    catalogue.RepositoryRestored: Row("restore", "repository", _REPOSITORY, _restored_words),
    catalogue.TrashForgotten: Row("delete", "trash", _trash, _trash_words),
    catalogue.ImmutableRuleChanged: Row("", "immutable-rule", _PROJECT, _immutable_rule_words),
    catalogue.PushRulesChanged: Row("", "push-rules", _PROJECT),
    catalogue.WebhookPolicyChanged: Row("", "notification-policy", _PROJECT, _webhook_policy_words),
    catalogue.RetentionPolicyChanged: Row("", "tag-retention", _PROJECT, _retention_words),
    catalogue.CollectionAsked: Row(
        "", "garbage-collection", lambda _: "garbage collection", _collection_words
    ),
    catalogue.JobsControlled: Row("", "jobservice-monitor", _of("target")),
}

# Facts about the state of things that nobody did, and sums of what has rows of its own.
NO_ROW: frozenset[type[Event]] = frozenset({catalogue.QuotaWarned, catalogue.RetentionFinished})


def on_event(event: Event) -> None:
    """The row of any event of the table."""
    row = ROWS[type(event)]
    operation = row.operation or str(getattr(event, "operation"))  # noqa: B009 (not every event has one)
    audit_record(
        [
            audit_entry(
                at=event.occurred_at,
                operator=row.operator(event),
                operation=operation,
                resource_type=row.resource_type,
                resource=row.resource(event),
                project_id=getattr(event, "project_id", None),
                description=row.description(event) if row.description else "",
                succeeded=row.succeeded and bool(getattr(event, "succeeded", True)),
                address=event.address,
                method=current_method(),
                credential=current_credential(),
            )
        ]
    )


def on_user_logged_in(event: UserLoggedIn) -> None:
    """As any event; failures count as refusals, of which there is a budget: guessing names fills no disk."""
    if event.succeeded or refusal_allowed():
        on_event(event)


def on_sign_in_locked(event: SignInLocked) -> None:
    """As a failure: many names can be locked in a minute."""
    if refusal_allowed():
        on_event(event)


def on_artifacts_pulled(event: ArtifactsPulled) -> None:
    """A ``pull artifact`` each."""
    audit_record([_pull_row(pull) for pull in event.pulls])


def _pull_row(pull: Pull) -> AuditEntry:
    digest = f"{pull.repository_name}@{pull.digest}"
    return AuditEntry(
        op_time=pull.occurred_at,
        operation="pull",
        operation_description=f"pull artifact: {digest}",
        operation_result=True,
        resource=f"{pull.repository_name}:{pull.tag}" if pull.tag else digest,
        resource_type="artifact",
        username=pull.operator or ANONYMOUS,
        project_id=pull.project_id,
        address=pull.address,
        method="GET" if pull.address else "",
    )


def register() -> None:
    """Subscribe to every event that leaves a row."""
    for kind in ROWS:
        if kind not in {UserLoggedIn, SignInLocked}:
            subscribe(kind, on_event)
    subscribe(UserLoggedIn, on_user_logged_in)
    subscribe(SignInLocked, on_sign_in_locked)
    subscribe(ArtifactsPulled, on_artifacts_pulled)
    subscribe(UserChanged, on_user_deleted)
