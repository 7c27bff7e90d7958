"""What Harbor's exporter tells about the content of the installation, in a fixed number of statements."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Min, Sum
from django.utils import timezone

from apps.accounts.security import SystemContext
from apps.accounts.throttle import locked_now
from apps.artifacts.models import Artifact, Repository
from apps.catalog.health import health
from apps.catalog.statistics import statistics
from apps.config.selectors import system_settings
from apps.events.models import OutboxEvent
from apps.jobs.selectors import queue_states, running_counts
from apps.projects.models import Member, Project
from apps.quotas.models import Quota

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One family of metrics; each sample has its labels and its value."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: list[tuple[tuple[str, ...], float]]


class Exporter:
    """The gauges, remembered: asking often must not mean counting often.

    They are good for ``seconds``, or for twenty times as long as it took to collect them if that is longer.
    """

    def __init__(self, *, release: str, seconds: float = 15.0) -> None:
        self._release = release
        self._seconds = seconds
        self._lock = threading.Lock()
        self._gauges: list[Gauge] = []
        self._until = 0.0

    def gauges(self) -> list[Gauge]:
        """Every family; raises what the database raises."""
        with self._lock:
            started = time.monotonic()
            if started >= self._until:
                self._gauges = [
                    *_system(self._release),
                    *_projects(),
                    *_statistics(),
                    *_queues(),
                    *_outbox(),
                    *_logins(),
                ]
                ended = time.monotonic()
                self._until = ended + max(self._seconds, 20 * (ended - started))
            return self._gauges


def _system(release: str) -> Iterator[Gauge]:
    state = health()
    yield Gauge("harbor_health", "Whether every component is healthy", (), [((), float(state.is_healthy))])
    yield Gauge(
        "harbor_up",
        "Whether a component is healthy",
        ("component",),
        [((component.name,), float(not component.error)) for component in state.components],
    )
    now = system_settings()
    info = (str(now.auth_mode), release, str(now.self_registration).lower())
    labels = ("auth_mode", "harbor_version", "self_registration")
    yield Gauge("harbor_system_info", "Information about the installation", labels, [(info, 1.0)])


def _projects() -> Iterator[Gauge]:
    projects = {
        pk: (name, str(public).lower()) for pk, name, public in _rows(Project, "pk", "name", "public")
    }
    named = {pk: (name,) for pk, (name, _) in projects.items()}
    public = [flag for _, flag in projects.values()]
    yield Gauge(
        "harbor_project_total",
        "Projects",
        ("public",),
        [((flag,), float(public.count(flag))) for flag in ("true", "false")],
    )
    quotas = _rows(Quota, "project_id", "used", "hard")
    yield Gauge(
        "harbor_project_quota_usage_byte",
        "Bytes that a project holds",
        ("project_name",),
        [(named[pk], float(used)) for pk, used, _ in quotas if pk in named],
    )
    yield Gauge(
        "harbor_project_quota_byte",
        "Bytes that a project may hold, -1 for no limit",
        ("project_name",),
        [(named[pk], float(hard)) for pk, _, hard in quotas if pk in named],
    )
    members = Member.objects.values_list("project_id").annotate(Count("pk")).order_by()
    yield Gauge(
        "harbor_project_member_total",
        "Members of a project, people and groups",
        ("project_name",),
        [(named[pk], float(count)) for pk, count in members if pk in named],
    )
    repositories = list(
        Repository.objects.filter(listed=True)
        .values_list("project_id")
        .annotate(Count("pk"), Sum("pull_count"))
        .order_by()
    )
    yield Gauge(
        "harbor_project_repo_total",
        "Repositories of a project",
        ("project_name", "public"),
        [(projects[pk], float(count)) for pk, count, _ in repositories if pk in projects],
    )
    yield Gauge(
        "harbor_artifact_pulled",
        "Pulls of artifacts of a project",
        ("project_name",),
        [(named[pk], float(pulls)) for pk, _, pulls in repositories if pk in named],
    )
    artifacts = Artifact.objects.values_list("project_id", "type").annotate(Count("pk")).order_by()
    yield Gauge(
        "harbor_project_artifact_total",
        "Artifacts of a project by type",
        ("project_name", "public", "artifact_type"),
        [((*projects[pk], kind), float(count)) for pk, kind, count in artifacts if pk in projects],
    )


def _rows(model: type[Project] | type[Quota], *fields: str) -> list[tuple[int, str, bool]]:
    return list(model.objects.order_by().values_list(*fields))


def _statistics() -> Iterator[Gauge]:
    found = statistics(actor=SystemContext("exporter"))
    for name, text, value in (
        ("total_storage_consumption", "Bytes of all distinct blobs", found.total_storage_consumption),
        ("total_project_amount", "All projects", found.total_project_count),
        ("public_project_amount", "Public projects", found.public_project_count),
        ("private_project_amount", "Private projects", found.private_project_count),
        ("total_repo_amount", "All repositories", found.total_repo_count),
        ("public_repo_amount", "Repositories of public projects", found.public_repo_count),
        ("private_repo_amount", "Repositories of private projects", found.private_repo_count),
    ):
        yield Gauge(f"harbor_statistics_{name}", text, (), [((), float(value))])


def _queues() -> Iterator[Gauge]:
    states = queue_states()
    yield Gauge(
        "harbor_task_queue_size",
        "Tasks that wait, by queue",
        ("type",),
        [((state.job_type,), float(state.count)) for state in states],
    )
    yield Gauge(
        "harbor_task_queue_latency",
        "Seconds that the oldest task of a queue has waited",
        ("type",),
        [((state.job_type,), float(state.latency)) for state in states],
    )
    yield Gauge(
        "harbor_task_concurrency",
        "Tasks that run, by kind and worker pool",
        ("type", "pool"),
        [((kind, pool), float(count)) for kind, pool, count in running_counts()],
    )


def _logins() -> Iterator[Gauge]:
    yield Gauge(
        "harbor_login_locks",
        "Locks after wrong passwords that hold now, by what is locked",
        ("locked",),
        [((what,), float(count)) for what, count in locked_now().items()],
    )


def _outbox() -> Iterator[Gauge]:
    now = timezone.now()
    waiting = OutboxEvent.objects.values_list("name").annotate(Count("pk"), Min("due_time")).order_by("name")
    queues = [(name, count, max(0.0, (now - due).total_seconds())) for name, count, due in waiting]
    yield Gauge(
        "harbor_outbox_size",
        "Events that wait for a handler, by type",
        ("type",),
        [((name,), float(count)) for name, count, _ in queues],
    )
    yield Gauge(
        "harbor_outbox_latency",
        "Seconds that the event which is due longest has waited, by type",
        ("type",),
        [((name,), latency) for name, _, latency in queues],
    )
