"""Collections begun, scheduled and stopped."""

from collections.abc import Mapping
from typing import Any

from apps.accounts.security import SecurityContext, require_system
from apps.gc.selectors import RESOURCE, collection_get
from apps.gc.types import Parameters, parameters_read
from apps.jobs.models import Execution
from apps.jobs.schedules import plan_read, schedule_set
from apps.jobs.services import NewTask, execution_start, execution_stop
from apps.jobs.types import ScheduleType, Trigger, VendorType


def collection_request(
    *, actor: SecurityContext, kind: str, cron: str, parameters: Mapping[str, Any], action: str
) -> Execution | None:
    """Collect now (``kind`` Manual), by a schedule, or by none any more (None); the execution if it is now.

    ``kind``, ``cron`` and ``parameters`` are as the API has them, ``action`` is the right that it takes. Raises
    :class:`BadRequestError`.
    """
    require_system(actor, RESOURCE, action)
    plan = plan_read(kind=kind, cron=cron)
    asked = parameters_read(parameters)
    if plan.type == ScheduleType.MANUAL:
        return collection_start(parameters=asked, trigger=Trigger.MANUAL, operator=actor.name)
    schedule_set(
        vendor_type=VendorType.GARBAGE_COLLECTION,
        plan=plan,
        parameters=asked.stored(),
        operator=actor.name,
    )
    return None


def collection_stop(*, actor: SecurityContext, collection_id: int) -> None:
    """Stop a collection; one that has ended stays as it is. Needs ``garbage-collection:stop``.

    Raises :class:`NotFoundError`.
    """
    require_system(actor, RESOURCE, "stop")
    execution_stop(execution_id=collection_get(actor=actor, collection_id=collection_id).pk)


def collection_begin_scheduled(_vendor_id: int, parameters: Mapping[str, Any], operator: str) -> Execution:
    """What the schedule does when its time has come."""
    return collection_start(
        parameters=parameters_read(parameters), trigger=Trigger.SCHEDULE, operator=operator
    )


def collection_start(*, parameters: Parameters, trigger: Trigger, operator: str) -> Execution:
    """Begin a collection, which waits for one that runs. The caller has authorised it."""
    return execution_start(
        vendor_type=VendorType.GARBAGE_COLLECTION,
        trigger=trigger,
        operator=operator,
        tasks=[NewTask(parameters=parameters.stored())],
        extra_attrs=parameters.stored(),
    )
