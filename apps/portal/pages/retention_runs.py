"""The runs of a project's retention policy: begun, watched and stopped; what each did with which artifact."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.jobs.logs import log_text
from apps.jobs.models import Execution, Task
from apps.jobs.types import FINAL
from apps.portal.executions import (
    EXECUTIONS,
    LOG_SHOWN,
    ExecutionRow,
    LogFragment,
    LogView,
    executions_part,
)
from apps.portal.lists import Table, TablePage, table_page
from apps.portal.live import LiveMixin, Part
from apps.portal.pages.retention import ROOT, RetentionBase, rule_shown, selectors_of
from apps.portal.rules import ActionPage, selectors_shown
from apps.portal.schedules import schedule_shown
from apps.portal.views import ConfirmMixin
from apps.retention.decision import Fate
from apps.retention.selectors import (
    RESOURCE,
    retention_execution_get,
    retention_execution_list,
    retention_task_get,
    retention_task_list,
)
from apps.retention.services import retention_execute, retention_execution_operate
from apps.retention.tables import tables_read
from apps.retention.types import MAX_RULES, rule_key

_TASKS = Table(order=("-id",), sorts={"status": "status", "started": "start_time", "ended": "end_time"})
# Words and colour.
_FATES = {
    Fate.RETAIN: (gettext_lazy("retained"), "green"),
    Fate.DELETE: (gettext_lazy("deleted"), "red"),
    Fate.IMMUTABLE: (gettext_lazy("kept by an immutability rule"), "blue"),
    Fate.ERROR: (gettext_lazy("could not be deleted"), "orange"),
}
_WOULD = (gettext_lazy("would be deleted"), "red")


def _kind(is_dry: bool) -> str:
    return _("Dry run") if is_dry else _("Run that deletes")


class _RunsBase(RetentionBase):
    """``execution_id`` and ``task_id`` are in the path of the pages that need them."""

    def url(self, name: str, *arguments: object) -> str:
        """The address of a page of the policy."""
        return reverse(f"portal:project-retention-{name}", args=[self.project.pk, *arguments])

    def may_update(self) -> bool:
        """Whether the reader may change, run and stop."""
        return self.may(RESOURCE, "update")

    @cached_property
    def execution(self) -> Execution:
        """The run of the path; raises :class:`NotFoundError`."""
        return retention_execution_get(
            actor=self.actor, policy_id=self.policy.pk, execution_id=self.kwargs["execution_id"]
        )

    @property
    def is_dry(self) -> bool:
        """Whether it deletes nothing."""
        return self.execution.extra_attrs.get("dry_run") is True

    def stop_url(self, execution_id: int) -> str:
        """The question that stops a run; "" for who may not."""
        return self.url("stop", execution_id) if self.may_update() else ""


class RetentionPage(LiveMixin, _RunsBase):
    """``…/tag-strategy/tag-retention``."""

    template = "portal/retention.html"
    page: TablePage[Execution] | None = None

    def part(self) -> Part:
        """The runs."""
        if self.scheduled is None:
            return executions_part([])
        runs = retention_execution_list(actor=self.actor, policy_id=self.policy.pk)
        self.page = table_page(self.request, runs, EXECUTIONS)
        rows = [
            ExecutionRow(
                work=run,
                url=self.url("execution", run.pk),
                stop_url=self.stop_url(run.pk),
                cells=[_kind(run.extra_attrs.get("dry_run") is True)],
            )
            for run in self.page.rows
        ]
        return executions_part(rows, page=self.page, heads=[_("Kind")])

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return self.url("live")

    def around(self) -> Mapping[str, Any]:
        """The rules and the schedule."""
        scheduled = self.scheduled
        rules = [] if scheduled is None else scheduled.policy.rules
        return {
            "title": _("Tag retention"),
            "lines": [_line(rule) for rule in rules],
            "most": MAX_RULES,
            "policy": None if scheduled is None else scheduled.policy,
            "schedule": None if scheduled is None else schedule_shown(scheduled.schedule),
            "schedule_url": self.url("schedule") if scheduled is not None and self.may_update() else "",
            "is_runnable": any(not rule["disabled"] for rule in rules) and self.may_update(),
            "may_create": self.may(RESOURCE, "create" if scheduled is None else "update"),
            "may_update": self.may_update(),
            "may_delete": scheduled is not None and self.may(RESOURCE, "delete"),
            "page": self.page,
        }


def _line(rule: Mapping[str, Any]) -> dict[str, Any]:
    values = selectors_of(rule)
    return {
        "key": rule_key(rule),
        "disabled": rule["disabled"],
        "words": rule_shown(rule),
        "repositories": selectors_shown(values.scope["repository"], is_repository=True),
        "tags": selectors_shown(values.tags, is_repository=False),
    }


class _BeginBase(_RunsBase):
    action = "update"

    def begin(self, *, is_dry: bool) -> HttpResponse:
        """Begin a run, and go and watch it."""
        run = retention_execute(actor=self.actor, policy_id=self.policy.pk, dry_run=is_dry)
        message = _("The dry run has begun.") if is_dry else _("The run has begun.")
        return self.done(message, self.url("execution", run.pk))


class DryRunPage(ActionPage, _BeginBase):
    """``POST …/tag-strategy/tag-retention/dry-run``."""

    def act(self) -> HttpResponse:
        """Begin it."""
        return self.begin(is_dry=True)


class RunPage(ConfirmMixin, _BeginBase):
    """``…/tag-strategy/tag-retention/run``."""

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Run the retention policy now?"),
            "text": _(
                "In the repositories that an enabled rule speaks of, every artifact that no rule retains is deleted. "
                "A dry run shows beforehand which ones."
            ),
            "undo": _("What is deleted can be restored from the trash for a while."),
            "submit": _("Run"),
        }

    def act(self) -> HttpResponse:
        """Begin it."""
        return self.begin(is_dry=False)


class StopPage(ConfirmMixin, _RunsBase):
    """``…/tag-strategy/tag-retention/executions/EXECUTION/stop``."""

    action = "update"

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Stop run %(number)d?") % {"number": self.execution.pk},
            "text": _("Repositories that wait are not looked at; those that are being looked at end soon."),
            "undo": _("What is deleted already stays in the trash, from where it can be restored."),
            "submit": _("Stop"),
        }

    def act(self) -> HttpResponse:
        """Stop it."""
        retention_execution_operate(
            actor=self.actor,
            policy_id=self.policy.pk,
            execution_id=self.kwargs["execution_id"],
            action="stop",
        )
        return self.done(
            _("It is being stopped: it ends when it next looks."),
            self.url("execution", self.kwargs["execution_id"]),
        )


class ExecutionPage(LiveMixin, _RunsBase):
    """``…/tag-strategy/tag-retention/executions/EXECUTION``: the repositories of a run."""

    template = "portal/retention_execution.html"
    page: TablePage[Task]

    def part(self) -> Part:
        """How it is, and the repositories."""
        execution = self.execution
        tasks = retention_task_list(actor=self.actor, policy_id=self.policy.pk, execution_id=execution.pk)
        self.page = table_page(self.request, tasks, _TASKS)
        rows = [
            ExecutionRow(work=task, url=self.url("task", execution.pk, task.pk), cells=_cells(task))
            for task in self.page.rows
        ]
        deleted = _("Would be deleted") if self.is_dry else _("Deleted")
        listed = executions_part(
            rows,
            page=self.page,
            heads=[_("Repository"), _("Artifacts"), _("Retained"), deleted],
            has_trigger=False,
        )
        log = LogView(
            work=execution,
            text="",
            facts=[(_("Kind"), _kind(self.is_dry))],
            stop_url=self.stop_url(execution.pk),
        )
        return Part(
            template="portal/parts/retention_execution.html",
            context={**listed.context, "log": log, "work": execution},
            is_finished=execution.status in FINAL,
        )

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return self.url("execution-live", self.execution.pk)

    def around(self) -> Mapping[str, Any]:
        """See :class:`LiveMixin`."""
        return {
            "title": _("Run %(number)d of the retention policy") % {"number": self.execution.pk},
            "back": _("Tag retention"),
            "back_url": self.home_url(),
            "page": self.page,
        }


def _cells(task: Task) -> list[object]:
    """What became of one repository's artifacts, once that is known."""
    attributes = task.extra_attrs
    repository = attributes["repository"]
    if "total" not in attributes:
        return [repository, "-", "-", "-"]
    total, retained = int(attributes["total"]), int(attributes["retained"])
    return [repository, total, retained, total - retained]


class TaskPage(LogFragment, _RunsBase):
    """``…/tag-strategy/tag-retention/executions/EXECUTION/tasks/TASK``: one repository, with its log."""

    @cached_property
    def task(self) -> Task:
        """It; raises :class:`NotFoundError`."""
        return retention_task_get(
            actor=self.actor,
            policy_id=self.policy.pk,
            execution_id=self.execution.pk,
            task_id=self.kwargs["task_id"],
        )

    def log(self) -> LogView:
        """See :class:`LogFragment`."""
        repository, total, retained, deleted = _cells(self.task)
        policy = self.policy.pk
        return LogView(
            work=self.task,
            text=log_text(task_ids=[self.task.pk], most=LOG_SHOWN),
            facts=[
                (_("Repository"), repository),
                (_("Kind"), _kind(self.is_dry)),
                (_("Artifacts"), total),
                (_("Retained"), retained),
                (_("Would be deleted") if self.is_dry else _("Deleted"), deleted),
            ],
            whole_url=f"/api/v2.0/retentions/{policy}/executions/{self.execution.pk}/tasks/{self.task.pk}",
        )

    def part(self) -> Part:
        """With the tables of the log as tables."""
        part = super().part()
        pieces = [
            {"line": piece}
            if isinstance(piece, str)
            else {"rows": [(row, self._fate(row.fate)) for row in piece]}
            for piece in tables_read(part.context["log"].text)
        ]
        return Part(
            template="portal/parts/retention_task.html",
            context={**part.context, "pieces": pieces},
            is_finished=part.is_finished,
        )

    def _fate(self, fate: str) -> tuple[object, str]:
        if fate == Fate.DELETE and self.is_dry:
            return _WOULD
        return _FATES[Fate(fate)] if fate in set(Fate) else (fate, "secondary")

    def part_url(self) -> str:
        """See :class:`LiveMixin`."""
        return self.url("task-live", self.execution.pk, self.task.pk)

    def around(self) -> Mapping[str, Any]:
        """See :class:`LiveMixin`."""
        return {
            "title": str(self.task.extra_attrs["repository"]),
            "back": _("Run %(number)d of the retention policy") % {"number": self.execution.pk},
            "back_url": self.url("execution", self.execution.pk),
        }


_RUN = f"{ROOT}/executions/<int:execution_id>"
_TASK = f"{_RUN}/tasks/<int:task_id>"

urlpatterns = [
    path(ROOT, RetentionPage.as_view(), name="project-retention"),
    path(f"{ROOT}/live", RetentionPage.as_view(is_part=True), name="project-retention-live"),
    path(f"{ROOT}/run", RunPage.as_view(), name="project-retention-run"),
    path(f"{ROOT}/dry-run", DryRunPage.as_view(), name="project-retention-dry-run"),
    path(_RUN, ExecutionPage.as_view(), name="project-retention-execution"),
    path(f"{_RUN}/live", ExecutionPage.as_view(is_part=True), name="project-retention-execution-live"),
    path(f"{_RUN}/stop", StopPage.as_view(), name="project-retention-stop"),
    path(_TASK, TaskPage.as_view(), name="project-retention-task"),
    path(f"{_TASK}/live", TaskPage.as_view(is_part=True), name="project-retention-task-live"),
]
