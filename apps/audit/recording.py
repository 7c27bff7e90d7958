"""The one way into the audit log: a row for our table, and one for each destination that it is forwarded to.

All are written in the transaction of the change. What an administrator has switched off is written nowhere.
"""

from collections.abc import Sequence
from datetime import datetime

import orjson
from django.conf import settings
from django.db import connection

from apps.audit.models import AuditForward
from apps.audit.selectors import full_destinations
from apps.audit.types import FILE, SYSLOG, AuditEntry
from apps.common.origin import ANONYMOUS
from apps.config.selectors import system_settings
from apps.config.types import SystemSettings

PULL_EVENT = "pull_artifact"

_INSERT = (
    "INSERT INTO audit_log_ext (op_time, operation, operation_description, operation_result, resource, resource_type,"
    " username, project_id, address, method, credential) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


def audit_entry(
    *,
    at: datetime,
    operator: str,
    operation: str,
    resource_type: str,
    resource: str,
    project_id: int | None = None,
    description: str = "",
    succeeded: bool = True,
    address: str = "",
    method: str = "",
    credential: str = "",
) -> AuditEntry:
    """A row that fits its columns whatever a client sent: names at a login are what somebody typed."""
    return AuditEntry(
        op_time=at,
        operation=operation,
        operation_description=clip(description or f"{operation} {resource_type}: {resource}", 1024),
        operation_result=succeeded,
        resource=clip(resource, 1024),
        resource_type=resource_type,
        username=clip(operator or ANONYMOUS, 511),
        project_id=project_id,
        address=clip(address, 64),
        method=clip(method, 16),
        credential=credential,
    )


def clip(text: str, length: int) -> str:
    """``text`` as a column of ``length`` characters takes it: PostgreSQL has no NUL and no half characters."""
    return text.replace("\x00", "\ufffd")[:length].encode("utf-8", "replace").decode()


def audit_record(rows: Sequence[AuditEntry]) -> None:
    """Write rows down, as the settings say; call it inside the transaction of what they tell.

    With ``skip_audit_log_database`` a row is forwarded only, unless nothing takes it: no destination is set, or
    the queue of one is full.
    """
    now = system_settings()
    if now.disabled_audit_log_event_types or now.pull_audit_log_disable:
        rows = _wanted(rows, now)
    if not rows:
        return
    destinations = forward_destinations(now)
    open_ones = destinations - full_destinations() if destinations else destinations
    if open_ones:
        _enqueue(rows, open_ones)
    if not (now.skip_audit_log_database and destinations and open_ones == destinations):
        _insert(rows)


def forward_destinations(now: SystemSettings) -> frozenset[str]:
    """Where rows are forwarded to by the settings ``now``."""
    names = {SYSLOG: now.audit_log_forward_endpoint, FILE: settings.HARBOR.audit_log_file}
    return frozenset(name for name, place in names.items() if place)


def _wanted(rows: Sequence[AuditEntry], now: SystemSettings) -> Sequence[AuditEntry]:
    disabled = {name.strip().lower() for name in now.disabled_audit_log_event_types.split(",")}

    def is_wanted(row: AuditEntry) -> bool:
        name = row.event_name
        # A pull that was refused is no pull: it is a sign of an attack, not of a busy registry.
        quiet = now.pull_audit_log_disable and name == PULL_EVENT and row.operation_result
        return name not in disabled and not quiet

    return [row for row in rows if is_wanted(row)]


def _enqueue(rows: Sequence[AuditEntry], destinations: frozenset[str]) -> None:
    AuditForward.objects.bulk_create(
        [
            AuditForward(
                destination=destination,
                op_time=row.op_time,
                name=row.event_name,
                line=_line(row),
            )
            for row in rows
            for destination in sorted(destinations)
        ],
        batch_size=500,
    )


def _line(row: AuditEntry) -> str:
    """A row as the receivers get it: Harbor's names, and every field always."""
    return orjson.dumps(
        {
            "op_time": row.op_time,
            "operation": row.operation,
            "resource_type": row.resource_type,
            "resource": row.resource,
            "username": row.username,
            "operation_result": row.operation_result,
            "operation_description": row.operation_description,
            "project_id": row.project_id,
            "address": row.address,
            "method": row.method,
            "credential": row.credential,
        },
        option=orjson.OPT_UTC_Z,
    ).decode()


def _insert(rows: Sequence[AuditEntry]) -> None:
    """Not by the ORM: a busy registry has ten thousand pulls a second."""
    moment = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.executemany(
            _INSERT,
            [
                (
                    moment(row.op_time),
                    row.operation,
                    row.operation_description,
                    row.operation_result,
                    row.resource,
                    row.resource_type,
                    row.username,
                    row.project_id,
                    row.address,
                    row.method,
                    row.credential,
                )
                for row in rows
            ],
        )
