"""Collections begun, scheduled and stopped."""

from collections.abc import Mapping
from typing import Any

from apps.accounts.security import SecurityContext, require_system
from apps.common.database import write_atomic
from apps.events.bus import publish
from apps.events.catalogue import CollectionAsked
from apps.gc.selectors import COLLECTIONS
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
    require_system(actor, COLLECTIONS.resource, action)
    plan = plan_read(kind=kind, cron=cron)
    asked = parameters_read(parameters)
    with write_atomic():
        if plan.type == ScheduleType.MANUAL:
            _tell(actor.name, "create", asked.words)
            return collection_start(parameters=asked, trigger=Trigger.MANUAL, operator=actor.name)
        schedule_set(
            vendor_type=VendorType.GARBAGE_COLLECTION,
            plan=plan,
            parameters=asked.stored(),
            operator=actor.name,
        )
        if plan.type == ScheduleType.NONE:
            _tell(actor.name, "delete", "no schedule")
        else:
            _tell(actor.name, "update", f"schedule {plan.cron}, {asked.words}")
    return None


def collection_stop(*, actor: SecurityContext, execution_id: int) -> None:
    """Stop a collection; one that has ended stays as it is. Needs ``garbage-collection:stop`` and ``read``.

    Raises :class:`NotFoundError`.
    """
    require_system(actor, COLLECTIONS.resource, "stop")
    collection = COLLECTIONS.execution(actor=actor, execution_id=execution_id)
    with write_atomic():
        if execution_stop(execution_id=collection.pk):
            _tell(actor.name, "stop", f"number {collection.pk}")


def collection_begin_scheduled(_vendor_id: int, parameters: Mapping[str, Any], operator: str) -> Execution:
    """What the schedule does when its time has come, inside its transaction."""
    asked = parameters_read(parameters)
    _tell(operator, "create", f"by schedule, {asked.words}")
    return collection_start(parameters=asked, trigger=Trigger.SCHEDULE, operator=operator)


def collection_start(*, parameters: Parameters, trigger: Trigger, operator: str) -> Execution:
    """Begin a collection, which waits for one that runs. The caller has authorised it."""
    return execution_start(
        vendor_type=VendorType.GARBAGE_COLLECTION,
        trigger=trigger,
        operator=operator,
        tasks=[NewTask(parameters=parameters.stored())],
        extra_attrs=parameters.stored(),
    )


def _tell(operator: str, operation: str, words: str) -> None:
    publish(CollectionAsked(operator=operator, operation=operation, description=words))
