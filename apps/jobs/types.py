"""States of work, what begins it, and the kinds of work that Harbor names."""

from enum import StrEnum


class Status(StrEnum):
    """Of a task and of an execution, in Harbor's words. The last three are final."""

    PENDING = "Pending"
    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    SUCCESS = "Success"
    ERROR = "Error"
    STOPPED = "Stopped"


UNFINISHED = (Status.PENDING, Status.SCHEDULED, Status.RUNNING)
FINAL = frozenset({Status.SUCCESS, Status.ERROR, Status.STOPPED})


class Trigger(StrEnum):
    """What began an execution."""

    MANUAL = "MANUAL"
    SCHEDULE = "SCHEDULE"
    EVENT = "EVENT"


class VendorType(StrEnum):
    """Kinds of work, and the queues of the same names, in the order that Harbor lists its queues."""

    GARBAGE_COLLECTION = "GARBAGE_COLLECTION"
    PURGE_AUDIT_LOG = "PURGE_AUDIT_LOG"
    P2P_PREHEAT = "P2P_PREHEAT"
    IMAGE_SCAN = "IMAGE_SCAN"
    REPLICATION = "REPLICATION"
    RETENTION = "RETENTION"
    SCAN_DATA_EXPORT = "SCAN_DATA_EXPORT"
    SCHEDULER = "SCHEDULER"
    SLACK = "SLACK"
    SYSTEM_ARTIFACT_CLEANUP = "SYSTEM_ARTIFACT_CLEANUP"
    WEBHOOK = "WEBHOOK"
    EXECUTION_SWEEP = "EXECUTION_SWEEP"
    AUDIT_LOGS_GDPR_COMPLIANT = "AUDIT_LOGS_GDPR_COMPLIANT"


class ScheduleType(StrEnum):
    """How the API names a schedule."""

    HOURLY = "Hourly"
    DAILY = "Daily"
    WEEKLY = "Weekly"
    CUSTOM = "Custom"
    MANUAL = "Manual"
    NONE = "None"
