"""The artifacts of a repository: the first page of it."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from apps.accounts.security import SecurityContext
from apps.artifacts.models import Artifact
from apps.artifacts.selectors import artifact_list
from apps.catalog.artifacts import filter_artifacts
from apps.common.query import Condition, Form
from apps.portal.artifact_lines import artifact_lines
from apps.portal.lists import Table, table_page
from apps.portal.repository_views import RepositoryPage
from apps.portal.templatetags.artifacts import KINDS
from apps.projects.labels import label_list
from apps.projects.models import Label, Project

_ARTIFACTS = Table(
    order=("-push_time", "-id"),
    sorts={"pushed": "push_time", "pulled": "pull_time", "size": "size"},
    ties=("id",),
)
_TAGGED = {"yes": "*", "no": "nil"}
_MOST_LABELS = 500


def labels_offered(actor: SecurityContext, project: Project) -> list[Label]:
    """The labels that artifacts of a project can have and the caller may see, by name: the project's, then the installation's."""
    found: list[Label] = []
    if actor.can_project(project.pk, public=project.public, resource="label", action="list"):
        rows = label_list(actor=actor, scope=Label.OF_PROJECT, project_id=project.pk)
        found += rows.order_by("name", "id")[:_MOST_LABELS]
    return [
        *found,
        *label_list(actor=actor, scope=Label.GLOBAL).order_by("name", "id")[:_MOST_LABELS],
    ]


class ArtifactsPage(RepositoryPage):
    """``…/repositories/NAME``."""

    template = "portal/artifacts.html"
    resource = "artifact"
    action = "list"
    section = "artifacts"

    def get(self, request: HttpRequest, **_words: object) -> HttpResponse:
        """The artifacts, without accessories and what is only part of an index."""
        query = request.GET
        page = table_page(request, self._rows(), _ARTIFACTS)
        asked = {name: str(query.get(name, "")) for name in ("type", "tagged", "label")}
        return self.render(
            title=_("Artifacts"),
            page=page,
            lines=artifact_lines(self.repository, page.rows),
            asked=asked,
            is_filtered=bool(page.search or any(asked.values())),
            kinds=[(kind, name) for kind, (name, _icon) in KINDS.items()],
            labels=labels_offered(self.actor, self.project),
            may_delete=self.may_here("artifact", "delete"),
            may_label=self.may_here("artifact-label", "create"),
            may_copy=self.may_copy(),
        )

    def _rows(self) -> QuerySet[Artifact]:
        query = self.request.GET
        conditions = []
        search = str(query.get("search", "")).strip().replace("\x00", "")[:255]
        rows = artifact_list(self.repository)
        if ":" in search:
            rows = rows.filter(digest__startswith=search)
        elif search:
            conditions.append(Condition("tags", Form.CONTAINS, (search,)))
        if (tagged := _TAGGED.get(str(query.get("tagged", "")))) is not None:
            conditions.append(Condition("tags", Form.EQUAL, (tagged,)))
        label = str(query.get("label", ""))
        if label.isascii() and label.isdigit():
            conditions.append(Condition("labels", Form.EQUAL, (label,)))
        if kind := str(query.get("type", "")).replace("\x00", "")[:255]:
            rows = rows.filter(type=kind)
        return filter_artifacts(rows, conditions)


urlpatterns = [
    path(
        "harbor/projects/<int:project_id>/repositories/<repo:repository>",
        ArtifactsPage.as_view(),
        name="repository",
    ),
]
