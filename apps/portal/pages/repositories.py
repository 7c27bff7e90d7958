"""Repositories: the list of a project, what one says about itself, the end of one."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.artifacts.selectors import repository_list
from apps.artifacts.services.repositories import repository_delete, repository_update
from apps.artifacts.types import repository_path
from apps.artifacts.visibility import visible_repositories_of
from apps.catalog.artifacts import artifact_counts
from apps.portal.forms import PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.markdown import MOST_CHARACTERS, markdown_html
from apps.portal.repository_views import RepositoryPage
from apps.portal.undo import trash_undo
from apps.portal.views import ConfirmMixin, FormMixin, ProjectPage

_REPOSITORIES = Table(
    order=("-creation_time", "-id"),
    search=("name",),
    sorts={"name": "name", "pulls": "pull_count", "updated": "update_time"},
)
_SORTS = (
    ("", gettext_lazy("Newest first")),
    ("name", gettext_lazy("Name")),
    ("-pulls", gettext_lazy("Most pulled first")),
    ("-updated", gettext_lazy("Last changed first")),
)
_CARDS = "cards"


class RepositoriesPage(ProjectPage):
    """``/harbor/projects/ID/repositories``."""

    template = "portal/repositories.html"
    tab = "repositories"
    resource = "repository"
    action = "list"
    resource_type = "repository"

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """The repositories that the visitor may see, as a table or as cards."""
        project = self.project
        rows = visible_repositories_of(
            self.actor, repository_list([project.pk]), project_id=project.pk, public=project.public
        )
        page = table_page(request, rows, _REPOSITORIES)
        counts = artifact_counts(page.rows)
        paths = [repository_path(row.name) for row in page.rows]
        lines = [
            (row, path, counts.get(row.pk, 0), self.may("repository", "delete", repository=path))
            for row, path in zip(page.rows, paths, strict=True)
        ]
        is_cards = request.GET.get("view") == _CARDS
        return self.render(
            title=_("Repositories"),
            page=page,
            lines=lines,
            is_cards=is_cards,
            kept={"view": _CARDS} if is_cards else {},
            sorts=_SORTS,
            may_push=self.may("repository", "push"),
        )


class RepositoryDeletePage(ConfirmMixin, RepositoryPage):
    """``…/repositories/NAME/-/delete``."""

    resource = "repository"
    action = "delete"

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        count = artifact_counts([self.repository]).get(self.repository.pk, 0)
        return {
            "layout": "portal/repository.html",
            "title": _("Delete the repository %(name)s?") % {"name": self.repository.name},
            "text": _("Nobody can pull from it any more. Artifacts that go with it: %(count)s.")
            % {"count": count},
            "undo": trash_undo(),
            "submit": _("Delete"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return reverse("portal:project-repositories", args=[self.project.pk])

    def act(self) -> HttpResponse:
        """Move it to the trash."""
        repository_delete(actor=self.actor, repository_name=self.repository.name)
        return self.done(
            _("The repository %(name)s is in the trash.") % {"name": self.repository.name}, self.cancel_url()
        )


class RepositoryInfoPage(RepositoryPage):
    """``…/repositories/NAME/-/info``."""

    template = "portal/repository_info.html"
    resource = "repository"
    # As the list, which has the description too: visitors of a public project may read it.
    action = "list"
    section = "info"

    def get(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """The description, and numbers of the repository."""
        return self.render(
            title=_("Info"),
            description=markdown_html(self.repository.description),
            artifact_count=artifact_counts([self.repository]).get(self.repository.pk, 0),
            may_update=self.may_here("repository", "update"),
            may_delete=self.may_here("repository", "delete"),
        )


class DescriptionForm(PortalForm):
    """What a repository says about itself."""

    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=MOST_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "class": "font-monospace"}),
        help_text=gettext_lazy("Markdown. HTML in it is shown as it is written, and pictures become links."),
    )


class RepositoryEditPage(FormMixin, RepositoryPage):
    """``…/repositories/NAME/-/info/edit``."""

    resource = "repository"
    action = "update"
    section = "info"
    form_class = DescriptionForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"description": self.repository.description}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("Edit the description"), "layout": "portal/repository.html"}

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.url("repository-info")

    def save(self, form: Any) -> HttpResponse:
        """Keep the description."""
        description = form.cleaned_data["description"].replace("\r\n", "\n")
        repository_update(actor=self.actor, repository_name=self.repository.name, description=description)
        return self.done(_("The description is saved."), self.url("repository-info"))


_BELOW = "harbor/projects/<int:project_id>/repositories"

urlpatterns = [
    path(_BELOW, RepositoriesPage.as_view(), name="project-repositories"),
    path(f"{_BELOW}/<repo:repository>/-/info", RepositoryInfoPage.as_view(), name="repository-info"),
    path(f"{_BELOW}/<repo:repository>/-/info/edit", RepositoryEditPage.as_view(), name="repository-edit"),
    path(f"{_BELOW}/<repo:repository>/-/delete", RepositoryDeletePage.as_view(), name="repository-delete"),
]
