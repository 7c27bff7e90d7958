"""From what has happened to deliveries: rows of the transaction in which it happens, so that none is lost."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator

from apps.jobs.models import Execution
from apps.jobs.services import NewExecution, NewTask, executions_start
from apps.jobs.types import Trigger, VendorType
from apps.webhooks.formats import Notice, message_for
from apps.webhooks.selectors import ActivePolicy
from apps.webhooks.types import NotifyType

_VENDORS = {NotifyType.HTTP: VendorType.WEBHOOK, NotifyType.SLACK: VendorType.SLACK}


def deliveries_begin(
    *,
    notices: Iterable[Notice],
    policies: Iterable[ActivePolicy],
    trigger: Trigger = Trigger.EVENT,
    is_test: bool = False,
) -> list[Execution]:
    """Begin to tell each notice to every target of the policies that want its event; a test whatever they want.

    Inside the transaction of the event. An execution each, with the event type and what is sent as attributes.
    """
    policies = list(policies)
    return executions_start(
        executions=[
            one
            for notice in notices
            for policy in policies
            if is_test or notice.event_type in policy.event_types
            for one in _of(notice, policy, trigger, is_test=is_test)
        ]
    )


def _of(notice: Notice, policy: ActivePolicy, trigger: Trigger, *, is_test: bool) -> Iterator[NewExecution]:
    for number, (notify_type, payload_format) in enumerate(policy.targets):
        event_id = str(uuid.uuid4())
        message = message_for(
            notice,
            notify_type=notify_type,
            payload_format=payload_format,
            policy_id=policy.id,
            event_id=event_id,
        )
        yield NewExecution(
            vendor_type=_VENDORS[NotifyType(notify_type)],
            vendor_id=policy.id,
            trigger=trigger,
            operator=notice.operator,
            extra_attrs={"event_type": notice.event_type, "payload": message.body},
            task=NewTask(
                parameters={
                    "target": number,
                    "event_id": event_id,
                    "content_type": message.content_type,
                    "is_test": is_test,
                },
                order_key=_order_key(policy.id, number, notice.subject),
            ),
        )


def _order_key(policy_id: int, number: int, subject: str) -> str:
    """What is told of one thing to one target goes out in order, and waits for nothing else."""
    return f"{policy_id}:{number}:{hashlib.sha256(subject.encode()).hexdigest()}"
