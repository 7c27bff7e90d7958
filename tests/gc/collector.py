"""Collects without pause until it is killed: ``python -m tests.gc.collector`` with a server's ``HARBOR_*``."""

import sys

import django

django.setup()
# Below the call above: models can be imported only when Django is set up.
from apps.gc.running import collect  # noqa: E402
from apps.gc.services import collection_start  # noqa: E402
from apps.gc.types import Parameters  # noqa: E402
from apps.jobs.context import JobContext  # noqa: E402
from apps.jobs.models import Task  # noqa: E402
from apps.jobs.types import Status, Trigger  # noqa: E402


def main() -> None:
    """One after the other, each claimed here and not by the server's own worker."""
    parameters = Parameters(workers=3)
    while True:
        execution = collection_start(parameters=parameters, trigger=Trigger.EVENT, operator="stress")
        Task.objects.filter(execution=execution).update(status=Status.SUCCESS)
        collect(JobContext(Task.objects.get(execution=execution)))
        sys.stdout.write("collected\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
