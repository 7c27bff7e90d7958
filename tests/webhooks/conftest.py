"""A project with an image, policies of it, and a worker that delivers what waits."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.common.configuration import Configuration
from apps.jobs.models import Execution, Task
from apps.jobs.queueing import tasks_runnable
from apps.jobs.running import Worker
from apps.projects.models import Project
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.services import webhook_policy_create
from tests.distribution.inside import Place, make_place
from tests.support.receiver import Receiver


@pytest.fixture
def place(settings) -> Place:
    settings.HARBOR = Configuration(
        data_dir=settings.HARBOR.data_dir,
        outgoing_allow="127.0.0.0/8",
        external_url="https://hub.example.com",
        webhook_timeout=5,
    )
    return make_place()


@pytest.fixture
def project(place: Place) -> Project:
    return Project.objects.get(pk=place.project_id)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def target(address: str, **changes: Any) -> dict[str, Any]:
    """A target as the API has it, with every key."""
    return {
        "type": "http",
        "address": address,
        "auth_header": "",
        "skip_cert_verify": False,
        "payload_format": "",
    } | changes


@pytest.fixture
def policy(place: Place, project: Project, receiver: Receiver) -> Callable[..., WebhookPolicy]:
    """Make a policy for these events, to the receiver unless ``targets`` say otherwise."""

    def make(*event_types: str, **changes: Any) -> WebhookPolicy:
        values = {
            "name": f"policy {WebhookPolicy.objects.count()}",
            "targets": [target(f"{receiver.url}/hook")],
            "enabled": True,
        }
        return webhook_policy_create(
            actor=place.actor, project=project, event_types=event_types, **(values | changes)
        )

    return make


@pytest.fixture
def work() -> Callable[[], None]:
    """Do what may begin now, one after the other, as a worker does; its heart does not beat."""
    worker = Worker(concurrency=4)
    worker._beat()

    def run() -> None:
        while found := tasks_runnable():
            for task in found:
                worker.run(task.pk)

    return run


def executions(policy: WebhookPolicy) -> list[Execution]:
    return list(Execution.objects.filter(vendor_id=policy.pk).order_by("pk"))


def only_task(policy: WebhookPolicy) -> Task:
    return Task.objects.get(execution__vendor_id=policy.pk)
