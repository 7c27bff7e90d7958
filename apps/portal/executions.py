"""What has run and what runs, as lists of executions or tasks and as the page of one with its log."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from apps.jobs.models import Execution, Task
from apps.jobs.types import FINAL
from apps.portal.lists import Table
from apps.portal.live import LiveMixin, Part
from apps.portal.navigation import Text

EXECUTIONS = Table(
    order=("-start_time", "-id"),
    sorts={"status": "status", "trigger": "trigger", "started": "start_time", "ended": "end_time"},
)

LOG_SHOWN = 200_000
"""Characters at the end of a log that a page shows, as it is asked for again and again; the API has the whole log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """A row of the list ``portal/parts/executions.html``; ``cells`` are those of the further columns."""

    work: Execution | Task
    url: str
    stop_url: str = ""
    """The question that ends it, "" for who may not."""
    cells: Sequence[object] = ()

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.work.status in FINAL

    @property
    def trigger(self) -> str:
        """What began it; "" of a task."""
        return self.work.trigger if isinstance(self.work, Execution) else ""


def executions_part(
    rows: Iterable[ExecutionRow], *, page: Any = None, heads: Sequence[Text] = (), has_trigger: bool = True
) -> Part:
    """The list as a part of a page that renews itself while any row is unfinished.

    ``heads`` are the names of the further columns; with ``page``, a :class:`TablePage` of :data:`EXECUTIONS`, its
    columns can be sorted by.
    """
    lines = list(rows)
    return Part(
        template="portal/parts/executions.html",
        context={"rows": lines, "page": page, "heads": heads, "has_trigger": has_trigger},
        is_finished=all(row.is_finished for row in lines),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """What the page of an execution or a task tells: ``facts`` are words and what they name.

    ``text`` is the end of its log, of :data:`LOG_SHOWN` characters.
    """

    work: Execution | Task
    text: str
    facts: Sequence[tuple[Text, object]] = ()
    stop_url: str = ""
    """The question that ends it, "" for who may not."""
    whole_url: str = ""
    """Where the whole log is to be had as text."""


class LogFragment(LiveMixin):
    """A page about something that runs: how it is, and its log, renewed until it has ended.

    Comes before :class:`PortalView` (or a subclass of it) among the bases. The template is to show ``{{ live }}``.
    """

    template = "portal/execution.html"
    part_name = "execution"
    render: Callable[..., HttpResponse]

    def log(self) -> LogView:
        """What there is to tell now."""
        raise NotImplementedError

    def part(self) -> Part:
        """See :class:`LiveMixin`."""
        log = self.log()
        return Part(
            template="portal/parts/execution.html",
            context={"log": log, "work": log.work},
            is_finished=log.work.status in FINAL,
        )
