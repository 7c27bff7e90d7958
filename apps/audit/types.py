"""A row before it is written, and where rows are forwarded to."""

from dataclasses import dataclass
from datetime import datetime

SYSLOG = "syslog"
FILE = "file"


@dataclass(slots=True)
class AuditEntry:
    """A row of the audit log, in the order of the statement that writes it. Not the model: pulls come in thousands."""

    op_time: datetime
    operation: str
    operation_description: str
    operation_result: bool
    resource: str
    resource_type: str
    username: str
    project_id: int | None = None
    address: str = ""
    method: str = ""
    credential: str = ""

    @property
    def event_name(self) -> str:
        """Harbor's name of what the row tells, such as ``create_artifact``."""
        return f"{self.operation}_{self.resource_type}".lower()


# Harbor's 18; its log has tags as well, but no purge can name them.
EVENT_TYPES = (
    "create_artifact",
    "delete_artifact",
    "pull_artifact",
    "create_project",
    "delete_project",
    "update_project",
    "delete_repository",
    "login_user",
    "logout_user",
    "create_user",
    "delete_user",
    "update_user",
    "create_robot",
    "delete_robot",
    "update_configuration",
    "create_member",
    "delete_member",
    "update_member",
)

# What the rows of our own say, in the order in which people look for it.
OPERATIONS = (
    "create",
    "delete",
    "update",
    "pull",
    "restore",
    "activate",
    "deactivate",
    "login",
    "logout",
    "confirm",
    "lock",
    "unlock",
    "read",
)
RESOURCE_TYPES = (
    "access-token",
    "artifact",
    "artifact-label",
    "configuration",
    "garbage-collection",
    "immutable-rule",
    "jobservice-monitor",
    "label",
    "member",
    "notification-policy",
    "project",
    "purge_audit",
    "push-rules",
    "quota",
    "repository",
    "robot",
    "session",
    "tag",
    "tag-retention",
    "trash",
    "user",
    "usergroup",
)
