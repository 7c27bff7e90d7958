"""What is done with one artifact or several: deleted, labelled, copied. Each first asks, or wants to know more."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.artifacts.models import Artifact
from apps.artifacts.selectors import artifact_list
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.copies import artifact_copy
from apps.artifacts.services.labels import artifact_label_add
from apps.common.errors import (
    BadRequestError,
    ConflictError,
    DomainError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
)
from apps.oci.errors import OciError
from apps.oci.references import check_repository_name
from apps.portal.artifact_lines import ArtifactLine, artifact_lines
from apps.portal.errors import problem_text
from apps.portal.forms import PortalForm
from apps.portal.pages.artifacts import labels_offered
from apps.portal.refusals import note_refused
from apps.portal.repository_views import RepositoryPage
from apps.portal.undo import trash_undo
from apps.portal.views import ConfirmMixin, FormMixin
from apps.projects.models import Label, Project
from apps.projects.selectors import project_require, projects_open_to

_MOST = 100
_MOST_PROJECTS = 1000
_MOST_TAGS = 50


class SelectedPage(RepositoryPage):
    """A page about the artifacts whose ids are ``artifact`` in the query."""

    resource = "artifact"
    resource_type = "artifact"
    section = "artifacts"

    @cached_property
    def ids(self) -> list[int]:
        """The ids in the query."""
        texts = self.request.GET.getlist("artifact")
        return [int(text) for text in texts[:_MOST] if text.isascii() and text.isdigit() and len(text) < 19]

    def selected(self) -> list[Artifact]:
        """The artifacts that are still there, newest first; raises for none at all."""
        if not self.ids:
            raise BadRequestError(_("Check the artifacts first that this is about."))
        rows = list(artifact_list(self.repository).filter(pk__in=self.ids).order_by("-push_time", "-id"))
        if not rows:
            raise NotFoundError(_("None of these artifacts is there any more."))
        return rows

    def lines(self) -> list[ArtifactLine]:
        """The same as rows of a table."""
        return artifact_lines(self.repository, self.selected())

    def home_url(self) -> str:
        """Back to the one artifact, or to the list."""
        if len(self.ids) == 1:
            return self.url("artifact", self.selected()[0].digest)
        return self.url("repository")


class ArtifactsDeletePage(ConfirmMixin, SelectedPage):
    """``…/-/selected/delete``."""

    template = "portal/artifacts_delete.html"
    action = "delete"
    problems: Mapping[str, str] = {}
    """Why artifacts were not deleted, by digest."""

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        lines = self.lines()
        return {
            "title": ngettext("Delete %(count)d artifact?", "Delete %(count)d artifacts?", len(lines))
            % {"count": len(lines)},
            "text": _(
                "Their tags go with them, and what is nothing without them: signatures and other accessories, and the"
                " children of an index that nothing else holds."
            ),
            "undo": trash_undo(),
            "submit": _("Delete"),
            "lines": [(line, self.problems.get(line.artifact.digest, "")) for line in lines],
        }

    def act(self) -> HttpResponse:
        """Delete them one by one. What cannot be deleted is shown again, each with the reason."""
        problems: dict[str, str] = {}
        rows = self.selected()
        for row in rows:
            try:
                artifact_delete(actor=self.actor, repository_name=self.repository.name, reference=row.digest)
            except (ForbiddenError, UnauthorizedError):
                raise
            except (DomainError, OciError) as error:
                note_refused(self.request, error, HTTPStatus.CONFLICT, self.resource_type, self.kwargs)
                problems[row.digest] = problem_text(error)
        self.problems = problems
        gone = len(rows) - len(problems)
        if problems:
            told = ngettext(
                "%(count)d artifact is deleted, the others are not.",
                "%(count)d artifacts are deleted, the others are not.",
                gone,
            )
            return self.ask(told % {"count": gone}, HTTPStatus.CONFLICT)
        told = ngettext("%(count)d artifact is in the trash.", "%(count)d artifacts are in the trash.", gone)
        return self.done(told % {"count": gone}, self.url("repository"))


class LabelForm(PortalForm):
    """One of the labels that are there."""

    label = forms.TypedChoiceField(label=gettext_lazy("Label"), coerce=int)

    def __init__(self, *args: Any, labels: list[Label], **options: Any) -> None:
        super().__init__(*args, **options)
        of_project = [(label.pk, label.name) for label in labels if label.project_id is not None]
        others = [(label.pk, label.name) for label in labels if label.project_id is None]
        groups = ((_("Of the project"), of_project), (_("Of the installation"), others))
        self.fields["label"].choices = [group for group in groups if group[1]]  # type: ignore[attr-defined]


class ArtifactsLabelPage(FormMixin, SelectedPage):
    """``…/-/selected/label``."""

    resource = "artifact-label"
    action = "create"
    form_class = LabelForm

    def form_arguments(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"labels": labels_offered(self.actor, self.project)}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        count = len(self.selected())
        return {
            "layout": "portal/repository.html",
            "title": ngettext(
                "Put a label on %(count)d artifact", "Put a label on %(count)d artifacts", count
            )
            % {"count": count},
            "submit": _("Put on"),
        }

    def save(self, form: Any) -> HttpResponse:
        """Put it on each that does not have it."""
        for row in self.selected():
            try:
                artifact_label_add(
                    actor=self.actor,
                    repository_name=self.repository.name,
                    reference=row.digest,
                    label_id=form.cleaned_data["label"],
                )
            except ConflictError:
                continue
        return self.done(_("The label is put on."), self.home_url())


class CopyForm(PortalForm):
    """Where to."""

    project = forms.TypedChoiceField(label=gettext_lazy("To the project"), coerce=int)
    repository = forms.CharField(
        label=gettext_lazy("Repository"),
        max_length=255,
        help_text=gettext_lazy("Without the project. It is made if it is not there."),
    )
    with_tags = forms.BooleanField(
        label=gettext_lazy("With its tags"),
        required=False,
        help_text=gettext_lazy("Tags of the same names move there, unless a rule keeps them."),
    )

    def __init__(self, *args: Any, projects: list[Project], **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["project"]
        field.choices = [(project.pk, project.name) for project in projects]


class ArtifactsCopyPage(FormMixin, SelectedPage):
    """``…/-/selected/copy``."""

    needs_sign_in = True
    resource = "repository"
    action = "pull"
    form_class = CopyForm

    def check(self, request: HttpRequest) -> None:
        """After the repository: it is for who may push anywhere."""
        super().check(request)
        if not self.targets:
            raise ForbiddenError(_("There is no project that you may push to."))

    @cached_property
    def targets(self) -> list[Project]:
        """The projects that the caller may push to."""
        return projects_open_to(self.actor, resource="artifact", action="create", most=_MOST_PROJECTS)

    def form_arguments(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"projects": self.targets}

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"project": self.project.pk, "repository": self.path, "with_tags": True}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        count = len(self.selected())
        return {
            "layout": "portal/repository.html",
            "title": ngettext("Copy %(count)d artifact", "Copy %(count)d artifacts", count)
            % {"count": count},
            "lead": _(
                "Accessories and the children of an index come along, labels stay behind. Nothing is stored twice."
            ),
            "submit": _("Copy"),
        }

    def save(self, form: Any) -> HttpResponse:
        """Copy each: once, or once for each of its tags."""
        data = form.cleaned_data
        target = project_require(
            actor=self.actor,
            name_or_id=data["project"],
            resource="artifact",
            action="create",
            repository=data["repository"],
        )
        name = check_repository_name(f"{target.name}/{data['repository']}")
        rows = self.selected()
        references = [
            reference for row in rows for reference in self._references(row, with_tags=data["with_tags"])
        ]
        if len(references) > _MOST_TAGS + len(rows):
            raise BadRequestError(_("These have too many tags to copy them all: copy without tags."))
        for reference in references:
            artifact_copy(
                actor=self.actor,
                source_repository=self.repository.name,
                source_reference=reference,
                project=target.ref,
                target_repository=name,
            )
        told = ngettext("%(count)d artifact is copied.", "%(count)d artifacts are copied.", len(rows))
        return self.done(
            told % {"count": len(rows)}, reverse("portal:repository", args=[target.pk, data["repository"]])
        )

    def _references(self, row: Artifact, *, with_tags: bool) -> list[str]:
        tags = [tag.name for tag in row.tags.all()] if with_tags else []
        return tags or [row.digest]


_HERE = "harbor/projects/<int:project_id>/repositories/<repo:repository>/-"

urlpatterns = [
    path(f"{_HERE}/selected/delete", ArtifactsDeletePage.as_view(), name="artifacts-delete"),
    path(f"{_HERE}/selected/label", ArtifactsLabelPage.as_view(), name="artifacts-label"),
    path(f"{_HERE}/selected/copy", ArtifactsCopyPage.as_view(), name="artifacts-copy"),
]
