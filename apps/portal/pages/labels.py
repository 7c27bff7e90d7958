"""Labels: those of a project, and those of the whole installation."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.security import require_system
from apps.common.errors import NotFoundError
from apps.portal.forms import PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.templatetags.portal import colour_dot
from apps.portal.views import ConfirmMixin, FormMixin, PortalView, ProjectPage
from apps.projects.labels import (
    MAX_DESCRIPTION,
    MAX_NAME,
    label_create,
    label_delete,
    label_get,
    label_list,
    label_update,
)
from apps.projects.models import Label

_LABELS = Table(
    order=("name", "id"),
    search=("name", "description"),
    sorts={"name": "name", "created": "creation_time"},
)

# Those that Harbor's console offers.
# fmt: off
PALETTE = (
    "#000000", "#61717D", "#737373", "#80746D", "#FFFFFF", "#A9B6BE", "#DDDDDD", "#BBB3A9",
    "#0065AB", "#343DAC", "#781DA0", "#9B0D54", "#0095D3", "#9DA3DB", "#BE90D6", "#F1428A",
    "#1D5100", "#006668", "#006690", "#004A70", "#48960C", "#00AB9A", "#00B7D6", "#0081A7",
    "#C92100", "#CD3517", "#C25400", "#D28F00", "#F52F52", "#FF5501", "#F57600", "#FFDC0B",
)
# fmt: on
_OTHER = "other"
_FIRST = "#0095D3"


class LabelForm(PortalForm):
    """A label: a word and a colour."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=MAX_NAME)
    description = forms.CharField(
        label=gettext_lazy("Description"), max_length=MAX_DESCRIPTION, required=False
    )
    palette = forms.ChoiceField(
        label=gettext_lazy("Colour"),
        choices=[
            *((colour, format_html("{} {}", colour_dot(colour), colour)) for colour in PALETTE),
            (_OTHER, gettext_lazy("another")),
        ],
        widget=forms.RadioSelect,
    )
    other = forms.CharField(
        label=gettext_lazy("Another colour"),
        max_length=16,
        required=False,
        help_text=gettext_lazy("Written as #RRGGBB or by its English name; empty for none."),
    )

    def values(self) -> dict[str, str]:
        """What the services take."""
        data = self.cleaned_data
        colour = data["other"] if data["palette"] == _OTHER else data["palette"]
        return {"name": data["name"], "description": data["description"], "color": colour}


class _LabelPage(PortalView):
    """What pages of both scopes share. ``layout`` is the template around the page."""

    resource_type = "label"
    layout = "portal/base.html"
    project_id: int | None = None

    def may_label(self, action: str) -> bool:
        """Whether the caller may do this with labels of the scope."""
        return self.actor.can_system("label", action)

    def list_url(self) -> str:
        """The list of the scope."""
        return reverse("portal:labels")

    def label_url(self, name: str, *words: int) -> str:
        """Another page of the scope, by the end of its name."""
        return reverse(f"portal:label-{name}", args=words)

    @cached_property
    def label(self) -> Label:
        """The label that the path names."""
        label = label_get(actor=self.actor, label_id=self.kwargs["label_id"])
        if label.project_id != self.project_id:
            raise NotFoundError(f"label {label.pk} not found")
        return label


class _GlobalLabelPage(_LabelPage):
    """A page of the installation's labels: of its administration, although everybody may use them."""

    action = "list"

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        require_system(self.actor, "label", self.action)


class _ProjectLabelPage(_LabelPage, ProjectPage):
    """A page of a project's labels."""

    resource = "label"
    action = "list"
    tab = "labels"
    layout = "portal/project.html"
    needs_sign_in = False

    def check(self, request: HttpRequest) -> None:
        """See :class:`ProjectPage`."""
        super().check(request)
        self.project_id = self.project.pk

    def may_label(self, action: str) -> bool:
        """See :class:`_LabelPage`."""
        return self.may("label", action)

    def list_url(self) -> str:
        """See :class:`_LabelPage`."""
        return reverse("portal:project-labels", args=[self.project.pk])

    def label_url(self, name: str, *words: int) -> str:
        """See :class:`_LabelPage`."""
        return reverse(f"portal:project-label-{name}", args=[self.project.pk, *words])


class _List(_LabelPage):
    template = "portal/labels.html"

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """The labels of the scope, by name."""
        scope = Label.GLOBAL if self.project_id is None else Label.OF_PROJECT
        rows = label_list(actor=self.actor, scope=scope, project_id=self.project_id or 0)
        page = table_page(request, rows, _LABELS)
        return self.render(
            title=_("Labels"),
            layout=self.layout,
            page=page,
            lines=[
                (label, self.label_url("edit", label.pk), self.label_url("delete", label.pk))
                for label in page.rows
            ],
            new_url=self.label_url("new"),
            may_create=self.may_label("create"),
            may_change=self.may_label("update"),
            may_delete=self.may_label("delete"),
        )


class _Create(FormMixin, _LabelPage):
    form_class = LabelForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"palette": _FIRST}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("New label"), "submit": _("Create"), "layout": self.layout}

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.list_url()

    def save(self, form: Any) -> HttpResponse:
        """Make it."""
        scope = Label.GLOBAL if self.project_id is None else Label.OF_PROJECT
        label = label_create(actor=self.actor, scope=scope, project_id=self.project_id or 0, **form.values())
        return self.done(_("The label %(name)s is there.") % {"name": label.name}, self.list_url())


class _Edit(FormMixin, _LabelPage):
    form_class = LabelForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        label = self.label
        colour = label.color.upper()
        is_known = colour in PALETTE
        return {
            "name": label.name,
            "description": label.description,
            "palette": colour if is_known else _OTHER,
            "other": "" if is_known else label.color,
        }

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("Change the label %(name)s") % {"name": self.label.name}, "layout": self.layout}

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.list_url()

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        label = label_update(actor=self.actor, label_id=self.label.pk, **form.values())
        return self.done(_("The label %(name)s is changed.") % {"name": label.name}, self.list_url())


class _Delete(ConfirmMixin, _LabelPage):
    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "layout": self.layout,
            "title": _("Delete the label %(name)s?") % {"name": self.label.name},
            "text": _("Every artifact that bears it loses it. The artifacts stay."),
            "undo": _("This cannot be undone."),
            "submit": _("Delete"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.list_url()

    def act(self) -> HttpResponse:
        """Delete it."""
        label = self.label
        label_delete(actor=self.actor, label_id=label.pk)
        return self.done(_("The label %(name)s is deleted.") % {"name": label.name}, self.list_url())


class LabelsPage(_List, _GlobalLabelPage):
    """``/harbor/labels``."""


class LabelCreatePage(_Create, _GlobalLabelPage):
    """``/harbor/labels/new``."""

    action = "create"


class LabelEditPage(_Edit, _GlobalLabelPage):
    """``/harbor/labels/LABEL``."""

    action = "update"


class LabelDeletePage(_Delete, _GlobalLabelPage):
    """``/harbor/labels/LABEL/delete``."""

    action = "delete"


class ProjectLabelsPage(_List, _ProjectLabelPage):
    """``/harbor/projects/ID/labels``."""


class ProjectLabelCreatePage(_Create, _ProjectLabelPage):
    """``/harbor/projects/ID/labels/new``."""

    action = "create"


class ProjectLabelEditPage(_Edit, _ProjectLabelPage):
    """``/harbor/projects/ID/labels/LABEL``."""

    action = "update"


class ProjectLabelDeletePage(_Delete, _ProjectLabelPage):
    """``/harbor/projects/ID/labels/LABEL/delete``."""

    action = "delete"


_PROJECT = "harbor/projects/<int:project_id>/labels"

urlpatterns = [
    path("harbor/labels", LabelsPage.as_view(), name="labels"),
    path("harbor/labels/new", LabelCreatePage.as_view(), name="label-new"),
    path("harbor/labels/<int:label_id>", LabelEditPage.as_view(), name="label-edit"),
    path("harbor/labels/<int:label_id>/delete", LabelDeletePage.as_view(), name="label-delete"),
    path(_PROJECT, ProjectLabelsPage.as_view(), name="project-labels"),
    path(f"{_PROJECT}/new", ProjectLabelCreatePage.as_view(), name="project-label-new"),
    path(f"{_PROJECT}/<int:label_id>", ProjectLabelEditPage.as_view(), name="project-label-edit"),
    path(f"{_PROJECT}/<int:label_id>/delete", ProjectLabelDeletePage.as_view(), name="project-label-delete"),
]
