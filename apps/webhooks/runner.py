"""One delivery: a request, and whether the receiver has taken it."""

import time
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings

from apps.common.database import release_connection
from apps.common.encryption import UndecipherableError
from apps.common.outgoing import OutgoingAnswer, OutgoingError, outgoing_request, url_checked
from apps.jobs.context import JobContext, JobFailedError, JobStoppedError
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.types import Target

_PAUSE = 5
_LONGEST_PAUSE = timedelta(minutes=10)
# Bytes of a refusal that go into the log.
_SHOWN = 500


def pause_before(attempt: int) -> timedelta:
    """5, 20, 80 seconds and so on before a delivery is tried again."""
    return min(timedelta(seconds=_PAUSE * 4 ** min(attempt - 1, 5)), _LONGEST_PAUSE)


def deliver(context: JobContext) -> None:
    """Send what the execution says to the target as the policy has it now.

    At least once: a worker that dies after the receiver has it leaves it to be sent again, under the same id.
    """
    target = _target(context)
    parts = url_checked(target.address)
    context.log.write(
        f"{context.task.execution.extra_attrs['event_type']} to {parts.scheme}://{parts.netloc}"
    )
    headers = {
        "Content-Type": context.parameters["content_type"],
        "User-Agent": "harbor-py",
        "X-Harbor-Event-Id": context.parameters["event_id"],
    }
    if target.auth_header:
        headers["Authorization"] = target.auth_header
    # No connection is held while others take their time.
    release_connection()
    began = time.monotonic()
    try:
        answer = outgoing_request(
            method="POST",
            url=target.address,
            headers=headers,
            body=context.task.execution.extra_attrs["payload"].encode(),
            seconds=settings.HARBOR.webhook_timeout,
            max_bytes=_SHOWN,
            verify=not target.skip_cert_verify,
            is_stopped=lambda: context.is_stopped,
        )
    except OutgoingError as error:
        context.check_stop()
        raise JobFailedError(str(error)) from None
    _judge(context, answer, time.monotonic() - began)


def _judge(context: JobContext, answer: OutgoingAnswer, seconds: float) -> None:
    context.log.write(f"answered {answer.status} in {seconds * 1000:.0f} ms")
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if answer.body:
        context.log.write(f"its answer: {answer.body.decode('utf-8', 'replace')!r}", level="ERROR")
    raise JobFailedError(f"abnormal response code: {answer.status}")


def _target(context: JobContext) -> Target:
    """As the policy has it now: an address or a secret that was wrong can be put right while there are retries."""
    execution = context.task.execution
    policy = WebhookPolicy.objects.filter(pk=execution.vendor_id).first()
    if policy is None or not (policy.enabled or context.parameters["is_test"]):
        context.log.write("the policy is disabled, or gone")
        raise JobStoppedError
    try:
        return policy.target(context.parameters["target"], with_secret=True)
    except IndexError:
        context.log.write("the policy has no such target any more")
        raise JobStoppedError from None
    except UndecipherableError:
        raise JobFailedError(
            "the auth_header cannot be read with this installation's key: set it again"
        ) from None
