"""The history of a repository's tags, and the repository put back as it was; both outlive the repository."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.artifacts.errors import RepositoryUnknownError
from apps.artifacts.models import Repository, TagMove
from apps.artifacts.selectors import (
    history_action,
    repository_get,
    require_repository,
    tag_move_list,
)
from apps.artifacts.services import rewinds
from apps.artifacts.services.rewinds import repository_rewind
from apps.artifacts.types import TagThen
from apps.common.errors import DomainError
from apps.oci.errors import OciError
from apps.portal.errors import problem_status, problem_text
from apps.portal.forms import PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.navigation import NavigationItem
from apps.portal.repository_views import RepositoryPage
from apps.portal.views import ProjectPage

_MOVES = Table(
    order=("-at", "-id"),
    search=("tag",),
    sorts={"tag": "tag", "who": "operator", "when": "at", "why": "reason"},
)
_REASONS = {
    TagMove.PUSHED: gettext_lazy("pushed"),
    TagMove.TAGGED: gettext_lazy("tagged"),
    TagMove.DELETED: gettext_lazy("deleted"),
    TagMove.EXPIRED: gettext_lazy("its time was over"),
    TagMove.RETENTION: gettext_lazy("tag retention"),
    TagMove.REPLICATION: gettext_lazy("replication"),
    TagMove.RESTORED: gettext_lazy("restored from the trash"),
    TagMove.REWOUND: gettext_lazy("the repository was put back"),
}
_ACTIONS = {
    rewinds.CREATED: gettext_lazy("comes back"),
    rewinds.MOVED: gettext_lazy("moves"),
    rewinds.DELETED: gettext_lazy("goes to the trash"),
    rewinds.GONE: gettext_lazy("cannot come back: its artifact is gone"),
}
_HIDDEN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


class _HistoryBase(RepositoryPage):
    """Base of these pages: the repository may be deleted."""

    section = "history"
    is_there = True

    def check(self, request: HttpRequest) -> None:
        """After the project, in which roles may be narrowed to some repositories."""
        ProjectPage.check(self, request)
        require_repository(
            self.actor, self.project.ref, self.name, resource="tag", action=history_action(self.actor)
        )
        try:
            self.repository = repository_get(self.name)
        except RepositoryUnknownError:
            if not tag_move_list(project_id=self.project.pk, repository_name=self.name).exists():
                raise
            self.repository = Repository(name=self.name, project=self.project)
            self.is_there = False

    @property
    def name(self) -> str:
        """The repository's whole name."""
        return f"{self.project.name}/{self.path}"

    def sections(self) -> list[NavigationItem]:
        """The tabs of the repository; of a deleted one this alone."""
        return [item for item in super().sections() if self.is_there or item.key == self.section]

    def may_rewind(self) -> bool:
        """Whether the reader may put the repository back."""
        return all(
            self.may_here(resource, action)
            for resource in ("artifact", "tag")
            for action in ("create", "delete")
        )


class HistoryPage(_HistoryBase):
    """``…/-/history``."""

    template = "portal/repository_history.html"

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """Each move of each tag, the newest first."""
        rows = tag_move_list(project_id=self.project.pk, repository_name=self.name)
        page = table_page(request, rows, _MOVES)
        return self.render(
            title=_("History"),
            page=page,
            lines=[(move, _REASONS.get(move.reason, "")) for move in page.rows],
            is_there=self.is_there,
            # Where somebody was is for those who read the audit log.
            has_address=self.may("log", "list"),
            may_rewind=self.may_rewind(),
            history_days=settings.HARBOR.tag_history_days,
        )


class RewindForm(PortalForm):
    """A time."""

    time = forms.DateTimeField(
        label=gettext_lazy("As it was at (UTC)"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
    )


class RewindPage(_HistoryBase):
    """``…/-/history/rewind``: ``GET`` asks for a time, and says what that would change; ``POST`` does it."""

    template = "portal/repository_rewind.html"

    def check(self, request: HttpRequest) -> None:
        """As the service; a form for nothing is not shown."""
        super().check(request)
        for resource in ("artifact", "tag"):
            for action in ("create", "delete"):
                require_repository(self.actor, self.project.ref, self.name, resource=resource, action=action)

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """The question, and the answer to a time."""
        if "time" not in request.GET:
            return self._show(RewindForm())
        form = RewindForm(request.GET)
        if not form.is_valid():
            return self._show(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        time = form.cleaned_data["time"]
        try:
            tags = self._rewind(time, dry_run=True)
        except (DomainError, OciError) as error:
            return self._problem(form, error)
        # Not the form as it came: a field of this kind shows no time with a zone or parts of seconds.
        return self._show(RewindForm(initial={"time": time}), time=time, tags=tags)

    def post(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """Put it back."""
        form = RewindForm(request.POST)
        if not form.is_valid():
            return self._show(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        try:
            tags = self._rewind(form.cleaned_data["time"], dry_run=False)
        except (DomainError, OciError) as error:
            return self._problem(form, error)
        count = sum(tag.action != rewinds.UNCHANGED for tag in tags)
        words = ngettext(
            "The repository is as it was: %(count)d tag changed.",
            "The repository is as it was: %(count)d tags changed.",
            count,
        )
        return self.done(words % {"count": count}, self.url("repository-history"))

    def _rewind(self, time: datetime, *, dry_run: bool) -> list[TagThen]:
        return repository_rewind(
            actor=self.actor,
            project=self.project.ref,
            repository_name=self.name,
            time=time,
            dry_run=dry_run,
        )

    def _problem(self, form: RewindForm, error: DomainError | OciError) -> HttpResponse:
        status = problem_status(error)
        if status in _HIDDEN:
            raise error
        form.add_error(None, problem_text(error))
        return self._show(form, status=status)

    def _show(
        self,
        form: RewindForm,
        *,
        time: datetime | None = None,
        tags: Sequence[TagThen] = (),
        status: int = HTTPStatus.OK,
    ) -> HttpResponse:
        changes = [(tag, _ACTIONS[tag.action]) for tag in tags if tag.action != rewinds.UNCHANGED]
        return self.render(
            status=status,
            title=_("Put the repository back"),
            form=form,
            time=time,
            changes=changes,
            unchanged=len(tags) - len(changes),
            is_possible=all(tag.action != rewinds.GONE for tag in tags),
            history_days=settings.HARBOR.tag_history_days,
            cancel_url=self.url("repository-history"),
        )


_BASE = "harbor/projects/<int:project_id>/repositories/<repo:repository>/-/history"
urlpatterns = [
    path(_BASE, HistoryPage.as_view(), name="repository-history"),
    path(f"{_BASE}/rewind", RewindPage.as_view(), name="repository-rewind"),
]
