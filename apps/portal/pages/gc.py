"""Garbage collection: what has run, how it goes, when it runs by itself."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.gc.selectors import COLLECTIONS
from apps.gc.services import collection_request, collection_stop
from apps.gc.types import MOST_WORKERS
from apps.portal.forms import PortalForm
from apps.portal.navigation import Text
from apps.portal.schedules import ScheduleForm
from apps.portal.templatetags.portal import size
from apps.portal.works import (
    HistoryPage,
    RunPage,
    SchedulePage,
    Work,
    WorkExecutionPage,
    WorkStopPage,
    work_patterns,
)


def _options(parameters: Mapping[str, Any]) -> list[Text]:
    workers = int(parameters.get("workers", 1))
    words: list[Text] = [ngettext("%(count)d worker", "%(count)d workers", workers) % {"count": workers}]
    if parameters.get("delete_untagged"):
        words.append(_("untagged artifacts too"))
    if parameters.get("dry_run"):
        words.append(_("dry run"))
    return words


def _freed(results: Mapping[str, Any]) -> str:
    if "freed_space" not in results:
        return "-"
    freed = size(results["freed_space"])
    return _("%(size)s could be") % {"size": freed} if results.get("dry_run") else freed


_WORK = Work(
    key="gc",
    title=gettext_lazy("Garbage collection"),
    reads=COLLECTIONS,
    request=collection_request,
    stop=collection_stop,
    api="/api/v2.0/system/gc",
    parameters=_options,
    results=[
        (gettext_lazy("Space freed"), _freed),
        (gettext_lazy("Blobs"), lambda attrs: attrs.get("purged_blobs", "-")),
        (gettext_lazy("Manifests"), lambda attrs: attrs.get("purged_manifests", "-")),
    ],
)


class CollectionForm(PortalForm):
    """What a collection does."""

    delete_untagged = forms.BooleanField(
        label=gettext_lazy("Delete untagged artifacts too"),
        required=False,
        help_text=gettext_lazy(
            "Artifacts without a tag go to the trash, from which they can be restored. Those in an index, signatures "
            "and other accessories stay."
        ),
    )
    workers = forms.IntegerField(
        label=gettext_lazy("Workers"),
        min_value=1,
        max_value=MOST_WORKERS,
        initial=1,
        help_text=gettext_lazy(
            "How many delete at the same time. More are faster, and more load for the storage."
        ),
    )
    dry_run = forms.BooleanField(
        label=gettext_lazy("Dry run"),
        required=False,
        help_text=gettext_lazy("Changes nothing, and tells what could be freed."),
    )

    @staticmethod
    def shown(parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The fields for such parameters."""
        return {
            "delete_untagged": parameters.get("delete_untagged", False),
            "workers": parameters.get("workers", 1),
            "dry_run": parameters.get("dry_run", False),
        }

    def parameters(self) -> dict[str, Any]:
        """As the service takes them."""
        return {name: self.cleaned_data[name] for name in ("delete_untagged", "workers", "dry_run")}


class CollectionScheduleForm(CollectionForm, ScheduleForm):
    """When collections run by themselves, and what they do."""


class _Collection:
    """Whose pages these are."""

    work = _WORK
    resource_type = "garbage-collection"


class CollectionsPage(_Collection, HistoryPage):
    """``/harbor/gc``."""

    template = "portal/gc.html"

    def around(self) -> Mapping[str, Any]:
        """See :class:`HistoryPage`."""
        return {
            **super().around(),
            "window_hours": settings.HARBOR.gc_time_window_hours,
            "trash_days": settings.HARBOR.trash_days,
        }


class CollectionRunPage(_Collection, RunPage):
    """``/harbor/gc/run``."""

    form_class = CollectionForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Collect garbage now"),
            "submit": _("Begin"),
            "lead": _(
                "Blobs that are deleted are gone for ever. A dry run tells before what that would free."
            ),
        }


class CollectionSchedulePage(_Collection, SchedulePage):
    """``/harbor/gc/schedule``."""

    form_class = CollectionScheduleForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("Schedule of garbage collection")}


class CollectionPage(_Collection, WorkExecutionPage):
    """``/harbor/gc/ID``."""


class CollectionStopPage(_Collection, WorkStopPage):
    """``/harbor/gc/ID/stop``."""

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Stop the garbage collection number %(number)d?") % {"number": self.execution_id},
            "text": _("What it has not deleted yet stays, and the next collection deletes it."),
            "undo": _("What it has deleted so far does not come back."),
            "submit": _("Stop"),
        }


urlpatterns = work_patterns(
    _WORK,
    history=CollectionsPage,
    run=CollectionRunPage,
    schedule=CollectionSchedulePage,
    execution=CollectionPage,
    stop=CollectionStopPage,
)
