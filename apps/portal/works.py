"""Work of the whole installation that administrators begin, schedule and stop: the bases of its pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from apps.accounts.security import SecurityContext, require_system
from apps.jobs.models import Execution
from apps.jobs.selectors import execution_log
from apps.jobs.system import SystemWork
from apps.jobs.types import ScheduleType
from apps.portal.executions import (
    EXECUTIONS,
    LOG_SHOWN,
    ExecutionRow,
    LogFragment,
    LogView,
    executions_part,
)
from apps.portal.lists import TablePage, table_page
from apps.portal.live import LiveMixin, Part
from apps.portal.navigation import Text
from apps.portal.schedules import schedule_initial, schedule_shown
from apps.portal.views import ConfirmMixin, FormMixin, PortalView


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of work as its pages need it: its reads, what begins and what stops it, and the words for it.

    ``request`` and ``stop`` are as for the API. ``key`` begins the names and addresses of the pages; ``api`` is the
    path of the API that has the logs. ``results`` are the attributes of an execution that tell what came of it, as
    columns: their words and what writes them.
    """

    key: str
    title: Text
    reads: SystemWork
    request: Callable[..., Execution | None]
    stop: Callable[..., None]
    api: str
    parameters: Callable[[Mapping[str, Any]], Sequence[Text]]
    results: Sequence[tuple[Text, Callable[[Mapping[str, Any]], object]]]

    def url(self, page: str = "", *arguments: object) -> str:
        """The address of a page: "" for the history."""
        return reverse(f"portal:{self.key}-{page}" if page else f"portal:{self.key}", args=arguments)

    def may(self, actor: SecurityContext, action: str) -> bool:
        """Whether the reader may do this with it."""
        return actor.can_system(self.reads.resource, action)


class WorkPage(PortalView):
    """Base of the pages of a kind of work; ``action`` is what one must be allowed to do to see the page."""

    work: ClassVar[Work]
    action: ClassVar[str] = "list"

    def check(self, request: HttpRequest) -> None:
        """The selectors and services ask again; a form for nothing is not shown."""
        super().check(request)
        require_system(self.actor, self.work.reads.resource, self.action)

    @property
    def execution_id(self) -> int:
        """The execution that the address names."""
        return int(self.kwargs["execution_id"])


class HistoryPage(LiveMixin, WorkPage):
    """What has run and runs, and the schedule."""

    page: TablePage[Execution]

    def part(self) -> Part:
        """See :class:`LiveMixin`."""
        self.page = table_page(self.request, self.work.reads.executions(actor=self.actor), EXECUTIONS)
        may_stop = self.work.may(self.actor, "stop")
        rows = [
            ExecutionRow(
                work=execution,
                url=self.work.url("execution", execution.pk),
                stop_url=self.work.url("stop", execution.pk) if may_stop else "",
                cells=[
                    ", ".join(map(str, self.work.parameters(execution.extra_attrs))),
                    *(write(execution.extra_attrs) for _words, write in self.work.results),
                ],
            )
            for execution in self.page.rows
        ]
        heads = [_("Options"), *(words for words, _write in self.work.results)]
        return executions_part(rows, page=self.page, heads=heads)

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return self.work.url("live")

    def around(self) -> Mapping[str, Any]:
        """See :class:`LiveMixin`."""
        schedule = self.work.reads.schedule(actor=self.actor)
        return {
            "title": self.work.title,
            "page": self.page,
            "run_url": self.work.url("run") if self.work.may(self.actor, "create") else "",
            "schedule": schedule_shown(schedule),
            "schedule_options": [] if schedule is None else list(self.work.parameters(schedule.parameters)),
            "schedule_url": self.work.url("schedule") if self.work.may(self.actor, "update") else "",
        }


class WorkFormPage(FormMixin, WorkPage):
    """Base of the forms that begin it.

    ``form_class`` has ``parameters()``, what the service takes, and ``shown``, which makes of that what the fields show.
    """

    def initial(self) -> Mapping[str, Any]:
        """As it is scheduled, or as its form begins."""
        schedule = self.work.reads.schedule(actor=self.actor)
        return {} if schedule is None else self.form_class.shown(schedule.parameters)  # type: ignore[attr-defined]

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.work.url()


class RunPage(WorkFormPage):
    """Begin it now."""

    action = "create"

    def save(self, form: Any) -> HttpResponse:
        """Begin it, and go and watch it."""
        execution = self.work.request(
            actor=self.actor,
            kind=ScheduleType.MANUAL,
            cron="",
            parameters=form.parameters(),
            action="create",
        )
        if execution is None:
            raise AssertionError("what runs now is an execution")
        return self.done(_("It has begun."), self.work.url("execution", execution.pk))


class SchedulePage(WorkFormPage):
    """When it runs by itself. ``form_class`` is a :class:`ScheduleForm` too."""

    action = "update"

    def initial(self) -> Mapping[str, Any]:
        """As it is scheduled now."""
        return {**super().initial(), **schedule_initial(self.work.reads.schedule(actor=self.actor))}

    def save(self, form: Any) -> HttpResponse:
        """Keep it."""
        self.work.request(
            actor=self.actor,
            kind=form.plan.type,
            cron=form.plan.cron,
            parameters=form.parameters(),
            action="update",
        )
        return self.done(_("The schedule is saved."), self.work.url())


class WorkExecutionPage(LogFragment, WorkPage):
    """One execution with its log."""

    def log(self) -> LogView:
        """See :class:`LogFragment`."""
        execution = self.work.reads.execution(actor=self.actor, execution_id=self.execution_id)
        facts: list[tuple[Text, object]] = [
            (_("Options"), ", ".join(map(str, self.work.parameters(execution.extra_attrs))) or "-"),
            *((words, write(execution.extra_attrs)) for words, write in self.work.results),
        ]
        return LogView(
            work=execution,
            text=execution_log(execution=execution, most=LOG_SHOWN),
            facts=facts,
            stop_url=self.work.url("stop", execution.pk) if self.work.may(self.actor, "stop") else "",
            whole_url=f"{self.work.api}/{execution.pk}/log",
        )

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return self.work.url("execution-live", self.execution_id)

    def around(self) -> Mapping[str, Any]:
        """See :class:`LiveMixin`."""
        return {
            "title": _("%(work)s, number %(number)d")
            % {"work": self.work.title, "number": self.execution_id},
            "back": self.work.title,
            "back_url": self.work.url(),
        }


class WorkStopPage(ConfirmMixin, WorkPage):
    """Stop one execution. Subclasses say what that means by ``question``."""

    action = "stop"

    def get(self, request: HttpRequest, **words: Any) -> HttpResponse:
        """See :class:`ConfirmMixin`; an execution that is not there is not asked about."""
        self.work.reads.execution(actor=self.actor, execution_id=self.execution_id)
        return super().get(request, **words)

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.work.url("execution", self.execution_id)

    def act(self) -> HttpResponse:
        """Stop it."""
        self.work.stop(actor=self.actor, execution_id=self.execution_id)
        return self.done(_("It is being stopped."), self.work.url("execution", self.execution_id))


def work_patterns(
    work: Work,
    *,
    history: type[HistoryPage],
    run: type[RunPage],
    schedule: type[SchedulePage],
    execution: type[WorkExecutionPage],
    stop: type[WorkStopPage],
) -> list[URLPattern]:
    """The addresses of these pages."""
    base = f"harbor/{work.key}"
    one = f"{base}/<int:execution_id>"
    return [
        path(base, history.as_view(), name=work.key),
        path(f"{base}/live", history.as_view(is_part=True), name=f"{work.key}-live"),
        path(f"{base}/run", run.as_view(), name=f"{work.key}-run"),
        path(f"{base}/schedule", schedule.as_view(), name=f"{work.key}-schedule"),
        path(one, execution.as_view(), name=f"{work.key}-execution"),
        path(f"{one}/live", execution.as_view(is_part=True), name=f"{work.key}-execution-live"),
        path(f"{one}/stop", stop.as_view(), name=f"{work.key}-stop"),
    ]
