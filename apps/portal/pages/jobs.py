"""The dashboard of jobs: what waits, what runs and where, what runs by itself."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.security import require_system
from apps.common.errors import BadRequestError, NotFoundError
from apps.jobs import dashboard
from apps.jobs.dashboard import ALL, QueueAction
from apps.jobs.logs import log_text
from apps.jobs.types import VendorType
from apps.portal.executions import LOG_SHOWN, LogFragment, LogView
from apps.portal.lists import Table, table_page
from apps.portal.live import LiveMixin, Part
from apps.portal.navigation import NavigationItem, Text
from apps.portal.templatetags.portal import vendor_name
from apps.portal.views import ConfirmMixin, PortalView

_RESOURCE = "jobservice-monitor"
_SCHEDULES = Table(
    order=("id",),
    search=("vendor_type",),
    sorts={"kind": "vendor_type", "next": "next_time", "changed": "update_time"},
)
# Seconds between two looks, while something goes on and while nothing does.
_BUSY, _IDLE = 2, 15

# key, the URL's name, label, icon
_SECTIONS: tuple[tuple[str, str, Text, str], ...] = (
    ("queues", "jobs", gettext_lazy("Queues"), "list"),
    ("schedules", "jobs-schedules", gettext_lazy("Schedules"), "calendar"),
    ("workers", "jobs-workers", gettext_lazy("Workers"), "server"),
)


class JobsPage(PortalView):
    """Base of the pages of the dashboard; ``action`` is what one must be allowed to do to see the page."""

    resource_type = _RESOURCE
    action: ClassVar[str] = "list"
    section: ClassVar[str] = ""

    def check(self, request: HttpRequest) -> None:
        """The selectors and services ask again; a question about nothing is not shown."""
        super().check(request)
        require_system(self.actor, _RESOURCE, self.action)

    @property
    def may_stop(self) -> bool:
        """Whether the reader may stop, pause and resume."""
        return self.actor.can_system(_RESOURCE, "stop")

    def render(self, template: str = "", *, status: int = 200, **context: Any) -> HttpResponse:
        """As every page, with the tabs of the dashboard."""
        sections = [
            NavigationItem(key, label, reverse(f"portal:{name}"), icon, key == self.section)
            for key, name, label, icon in _SECTIONS
        ]
        mine = {"title": _("Job dashboard"), "sections": sections, "may_stop": self.may_stop}
        return super().render(template, status=status, **{**mine, **context})

    def queue_switch(self, job_type: str, following: str) -> HttpResponse:
        """Pause or resume a queue, as the button says that was pressed; stopping asks first."""
        require_system(self.actor, _RESOURCE, "stop")
        action = str(self.request.POST.get("action", ""))
        if action not in {QueueAction.PAUSE, QueueAction.RESUME}:
            raise BadRequestError("only pause and resume can be asked for here")
        dashboard.dashboard_queue_act(actor=self.actor, job_type=job_type, action=action)
        return self.done(
            _("It is paused: nothing of it is begun until it is resumed.")
            if action == QueueAction.PAUSE
            else _("It goes on."),
            reverse(following),
        )


class QueuesPage(LiveMixin, JobsPage):
    """``/harbor/jobs``."""

    template = "portal/jobs.html"
    section = "queues"

    def part(self) -> Part:
        """See :class:`LiveMixin`."""
        queues = dashboard.dashboard_queues(actor=self.actor)
        return Part(
            template="portal/parts/job_queues.html",
            context={"queues": queues, "may_stop": self.may_stop},
            every=_BUSY if any(queue.count for queue in queues) else _IDLE,
        )

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return reverse("portal:jobs-live")


class QueueSwitchPage(JobsPage):
    """``POST /harbor/jobs/queues/KIND``: pause or resume, all of them or one."""

    http_method_names = ["post"]
    action = "stop"

    def post(self, _request: HttpRequest, job_type: str) -> HttpResponse:
        """Do it."""
        return self.queue_switch(job_type, "portal:jobs")


class QueueStopPage(ConfirmMixin, JobsPage):
    """``/harbor/jobs/queues/KIND/stop``: what waits in a queue, or in all."""

    action = "stop"
    section = "queues"

    def check(self, request: HttpRequest) -> None:
        """There are no others."""
        super().check(request)
        if self.job_type != ALL and self.job_type not in set(VendorType):
            raise NotFoundError(f"there is no job queue {self.job_type[:64]}")

    @property
    def job_type(self) -> str:
        """The queue."""
        return str(self.kwargs["job_type"])

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        if self.job_type == ALL:
            title = _("Stop everything that waits?")
        else:
            title = _("Stop what waits in the queue %(name)s?") % {"name": vendor_name(self.job_type)}
        return {
            "title": title,
            "text": _("Jobs that wait are ended as stopped. Those that run go on."),
            "undo": _("A stopped job does not come back: what it was for has to be begun again."),
            "submit": _("Stop"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return reverse("portal:jobs")

    def act(self) -> HttpResponse:
        """Stop it."""
        dashboard.dashboard_queue_act(actor=self.actor, job_type=self.job_type, action=QueueAction.STOP)
        return self.done(_("What waited is stopped."), self.cancel_url())


class JobSchedulesPage(JobsPage):
    """``/harbor/jobs/schedules``; ``POST`` pauses or resumes all of them."""

    template = "portal/job_schedules.html"
    section = "schedules"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Every schedule."""
        return self.render(
            page=table_page(request, dashboard.dashboard_schedules(actor=self.actor), _SCHEDULES),
            is_paused=dashboard.dashboard_schedules_paused(actor=self.actor, job_type=ALL),
        )

    def post(self, _request: HttpRequest) -> HttpResponse:
        """Pause or resume."""
        return self.queue_switch(VendorType.SCHEDULER, "portal:jobs-schedules")


class WorkersPage(LiveMixin, JobsPage):
    """``/harbor/jobs/workers``."""

    template = "portal/job_workers.html"
    section = "workers"

    def part(self) -> Part:
        """See :class:`LiveMixin`."""
        pools = dashboard.dashboard_pools(actor=self.actor)
        hands = dashboard.dashboard_hands(actor=self.actor, pool_id=ALL)
        busy = [hand for hand in hands if hand.job_id]
        counts: dict[str, int] = {}
        for hand in busy:
            counts[hand.pool_id] = counts.get(hand.pool_id, 0) + 1
        return Part(
            template="portal/parts/job_workers.html",
            context={
                "pools": [(pool, counts.get(pool.pk, 0)) for pool in pools],
                "busy": busy,
                "idle": len(hands) - len(busy),
                "may_stop": self.may_stop,
            },
            every=_BUSY if busy else _IDLE,
        )

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return reverse("portal:jobs-workers-live")


class JobPage(LogFragment, JobsPage):
    """``/harbor/jobs/ID``: one job with its log."""

    section = "workers"

    def log(self) -> LogView:
        """See :class:`LogFragment`."""
        task = dashboard.dashboard_job(actor=self.actor, job_id=str(self.kwargs["job_id"]))
        return LogView(
            work=task,
            text=log_text(task_ids=[task.pk], most=LOG_SHOWN),
            facts=[
                (_("What"), vendor_name(task.vendor_type)),
                (_("Asked for by"), task.execution.operator or "-"),
                (_("Failed before"), task.attempts),
            ],
            stop_url=reverse("portal:job-stop", args=[task.pk]) if self.may_stop else "",
            whole_url=f"/api/v2.0/jobservice/jobs/{task.pk}/log",
        )

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return reverse("portal:job-live", args=[self.kwargs["job_id"]])

    def around(self) -> Mapping[str, Any]:
        """See :class:`LiveMixin`."""
        return {
            "title": _("Job %(number)d") % {"number": self.kwargs["job_id"]},
            "back": _("Job dashboard"),
            "back_url": reverse("portal:jobs-workers"),
        }


class JobStopPage(ConfirmMixin, JobsPage):
    """``/harbor/jobs/ID/stop``, ``/harbor/jobs/all/stop``: end what runs, which frees its worker."""

    action = "stop"
    section = "workers"

    @property
    def job_id(self) -> str:
        """The job, or all."""
        return str(self.kwargs.get("job_id", ALL))

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        if self.job_id == ALL:
            title = _("Stop everything that runs, and free all workers?")
        else:
            title = _("Stop the job %(number)s, and free its worker?") % {"number": self.job_id}
        return {
            "title": title,
            "text": _(
                "A job ends where it next looks whether it is to stop. What it has done so far stays done."
            ),
            "undo": _("A stopped job does not go on: what it was for has to be begun again."),
            "submit": _("Stop"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return reverse("portal:jobs-workers")

    def act(self) -> HttpResponse:
        """Stop it."""
        dashboard.dashboard_job_stop(actor=self.actor, job_id=self.job_id)
        return self.done(_("It is being stopped."), self.cancel_url())


urlpatterns = [
    path("harbor/jobs", QueuesPage.as_view(), name="jobs"),
    path("harbor/jobs/live", QueuesPage.as_view(is_part=True), name="jobs-live"),
    path("harbor/jobs/queues/<str:job_type>", QueueSwitchPage.as_view(), name="jobs-queue"),
    path("harbor/jobs/queues/<str:job_type>/stop", QueueStopPage.as_view(), name="jobs-queue-stop"),
    path("harbor/jobs/schedules", JobSchedulesPage.as_view(), name="jobs-schedules"),
    path("harbor/jobs/workers", WorkersPage.as_view(), name="jobs-workers"),
    path("harbor/jobs/workers/live", WorkersPage.as_view(is_part=True), name="jobs-workers-live"),
    path("harbor/jobs/all/stop", JobStopPage.as_view(), name="jobs-all-stop"),
    path("harbor/jobs/<int:job_id>", JobPage.as_view(), name="job"),
    path("harbor/jobs/<int:job_id>/live", JobPage.as_view(is_part=True), name="job-live"),
    path("harbor/jobs/<int:job_id>/stop", JobStopPage.as_view(), name="job-stop"),
]
