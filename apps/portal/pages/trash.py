"""The trash of a project: what was deleted, restored or deleted for good."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.security import require_project
from apps.artifacts.models import TrashEntry
from apps.artifacts.selectors import (
    require_repository,
    trash_action,
    trash_entry_list,
    trash_entry_row,
    trash_missing,
    trashed_artifact_list,
)
from apps.artifacts.services.restores import trash_restore
from apps.artifacts.services.trash import trash_forget
from apps.artifacts.types import Restored, repository_path
from apps.portal.lists import Table, table_page
from apps.portal.templatetags.portal import short
from apps.portal.views import ConfirmMixin, ProjectPage

_TRASH = Table(
    order=("-deleted_at", "-id"),
    search=("repository_name", "tag", "digest", "operator"),
    sorts={"repository": "repository_name", "who": "operator", "when": "deleted_at", "why": "reason"},
)
_MOST_ARTIFACTS = 100
_KINDS = {
    TrashEntry.REPOSITORY: gettext_lazy("Repository"),
    TrashEntry.ARTIFACT: gettext_lazy("Artifact"),
    TrashEntry.TAG: gettext_lazy("Tag"),
}
_REASONS = {
    TrashEntry.PERSON: gettext_lazy("deleted by hand"),
    TrashEntry.RETENTION: gettext_lazy("tag retention"),
    TrashEntry.REPLICATION: gettext_lazy("replication"),
    TrashEntry.EXPIRED: gettext_lazy("the tag's time was over"),
    TrashEntry.COLLECTION: gettext_lazy("garbage collection"),
}


def _until(entry: TrashEntry) -> datetime | None:
    """When it is forgotten; None for never."""
    days = settings.HARBOR.trash_days
    return entry.deleted_at + timedelta(days=days) if days else None


def _name(entry: TrashEntry) -> str:
    """What was deleted, as one writes it."""
    if entry.kind == TrashEntry.TAG:
        return f"{entry.repository_name}:{entry.tag}"
    if entry.kind == TrashEntry.ARTIFACT:
        return f"{entry.repository_name}@{short(entry.digest)}"
    return entry.repository_name


class _TrashPage(ProjectPage):
    """Base of the pages of the trash."""

    tab = "trash"
    resource_type = "artifact"

    def check(self, request: HttpRequest) -> None:
        """After the project: who may delete there, or sees everything."""
        super().check(request)
        require_project(
            self.actor,
            self.project.pk,
            public=self.project.public,
            resource="artifact",
            action=trash_action(self.actor),
        )

    def trash_url(self) -> str:
        """The list."""
        return reverse("portal:project-trash", args=[self.project.pk])


class TrashPage(_TrashPage):
    """``/harbor/projects/ID/trash``."""

    template = "portal/trash.html"

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """What was deleted and is not forgotten."""
        rows = trash_entry_list(actor=self.actor, project=self.project)
        kind = str(request.GET.get("kind", ""))
        if kind in _KINDS:
            rows = rows.filter(kind=kind)
        page = table_page(request, rows, _TRASH)
        return self.render(
            title=_("Trash"),
            page=page,
            kind=kind if kind in _KINDS else "",
            kinds=_KINDS.items(),
            lines=[
                (entry, _name(entry), _KINDS[entry.kind], _REASONS.get(entry.reason, ""), _until(entry))
                for entry in page.rows
            ],
            trash_days=settings.HARBOR.trash_days,
        )


class _EntryPage(_TrashPage):
    """Base of the pages of one deletion."""

    entry: TrashEntry

    def check(self, request: HttpRequest) -> None:
        """After the project: roles may be narrowed to some repositories of it."""
        super().check(request)
        self.entry = trash_entry_row(project_id=self.project.pk, entry_id=int(self.kwargs["entry_id"]))
        require_repository(
            self.actor,
            self.project.ref,
            self.entry.repository_name,
            resource="artifact",
            action=trash_action(self.actor),
        )

    @property
    def path(self) -> str:
        """The repository's name without the project."""
        return repository_path(self.entry.repository_name)

    def entry_url(self, name: str = "project-trash-entry") -> str:
        """The address of a page of this deletion."""
        return reverse(f"portal:{name}", args=[self.project.pk, self.entry.pk])

    def home_url(self) -> str:
        """Of the pages that ask."""
        return self.entry_url()


class TrashEntryPage(_EntryPage):
    """``/harbor/projects/ID/trash/NUMBER``."""

    template = "portal/trash_entry.html"

    def get(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """What it holds, and whether it can be restored now."""
        artifacts = trashed_artifact_list(self.entry)
        missing = trash_missing(self.entry)
        may_delete = self.may("artifact", "delete", repository=self.path)
        may_restore = may_delete and self.may("artifact", "create", repository=self.path)
        return self.render(
            title=_name(self.entry),
            entry=self.entry,
            kind=_KINDS[self.entry.kind],
            reason=_REASONS.get(self.entry.reason, ""),
            until=_until(self.entry),
            artifacts=list(artifacts[:_MOST_ARTIFACTS]),
            artifact_count=artifacts.count(),
            missing=missing,
            restore_url=self.entry_url("project-trash-restore") if may_restore and not missing else "",
            forget_url=(
                self.entry_url("project-trash-forget") if may_delete and self.may("", "update") else ""
            ),
            history_url=(
                reverse("portal:repository-history", args=[self.project.pk, self.path])
                if self.actor.sees_everything or self.may("tag", "create", repository=self.path)
                else ""
            ),
        )


class TrashRestorePage(ConfirmMixin, _EntryPage):
    """``…/restore``."""

    is_danger = False

    def check(self, request: HttpRequest) -> None:
        """Who may restore, as the service says it: an auditor only looks."""
        super().check(request)
        for action in ("create", "delete"):
            require_repository(
                self.actor,
                self.project.ref,
                self.entry.repository_name,
                resource="artifact",
                action=action,
            )

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Restore %(name)s?") % {"name": _name(self.entry)},
            "text": _(
                "Artifacts, tags and labels come back as they were, and count against the quota again. A tag that "
                "exists again meanwhile stays where it is."
            ),
            "undo": _("It can be deleted again afterwards."),
            "submit": _("Restore"),
        }

    def act(self) -> HttpResponse:
        """Bring it back, and go there."""
        restored = trash_restore(actor=self.actor, project_id=self.project.pk, entry_id=self.entry.pk)
        return self.done(
            self._message(restored), reverse("portal:repository", args=[self.project.pk, self.path])
        )

    def _message(self, restored: Restored) -> str:
        """What came back, and what did not."""
        count = len(restored.artifacts)
        words = ngettext(
            "%(name)s is restored, with %(count)d artifact.",
            "%(name)s is restored, with %(count)d artifacts.",
            count,
        ) % {"name": _name(self.entry), "count": count}
        if not restored.skipped:
            return words
        skipped = _("These tags exist again and stay where they are: %(tags)s.") % {
            "tags": ", ".join(restored.skipped[:10])
        }
        return f"{words} {skipped}"


class TrashForgetPage(ConfirmMixin, _EntryPage):
    """``…/forget``."""

    action = "update"

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Delete %(name)s for good?") % {"name": _name(self.entry)},
            "text": _("It leaves the trash. The next garbage collection frees what nothing else needs."),
            "undo": _("This cannot be undone."),
            "submit": _("Delete for good"),
        }

    def act(self) -> HttpResponse:
        """Forget it."""
        trash_forget(actor=self.actor, project_id=self.project.pk, entry_id=self.entry.pk)
        return self.done(_("%(name)s is deleted for good.") % {"name": _name(self.entry)}, self.trash_url())


_BASE = "harbor/projects/<int:project_id>/trash"
urlpatterns = [
    path(_BASE, TrashPage.as_view(), name="project-trash"),
    path(f"{_BASE}/<int:entry_id>", TrashEntryPage.as_view(), name="project-trash-entry"),
    path(f"{_BASE}/<int:entry_id>/restore", TrashRestorePage.as_view(), name="project-trash-restore"),
    path(f"{_BASE}/<int:entry_id>/forget", TrashForgetPage.as_view(), name="project-trash-forget"),
]
