"""The first page of a project: what there is in it, and how to put something there."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from apps.catalog.projects import project_summary
from apps.portal.usage import project_usage
from apps.portal.views import ProjectPage
from apps.projects.roles import ROLE_RANK


class SummaryPage(ProjectPage):
    """``/harbor/projects/ID/summary``."""

    template = "portal/project_summary.html"
    tab = "summary"
    resource_type = "project"

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """Numbers of the project; the first steps while it is empty."""
        summary = project_summary(actor=self.actor, project=self.project)
        return self.render(
            title=_("Summary"),
            summary=summary,
            members=[(role, summary.members[role]) for role in ROLE_RANK if role in summary.members],
            may_push=self.may("repository", "push"),
            may_list_repositories=self.may("repository", "list"),
            may_list_members=self.may("member", "list"),
            **project_usage(request, self.actor, self.project),
        )


class PushCommandsPage(ProjectPage):
    """``/harbor/projects/ID/push-commands``."""

    template = "portal/push_commands.html"
    tab = "repositories"
    resource = "repository"
    action = "push"
    resource_type = "project"

    def get(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """How each client pushes here."""
        return self.render(title=_("Push commands"))


urlpatterns = [
    path("harbor/projects/<int:project_id>/summary", SummaryPage.as_view(), name="project-summary"),
    path(
        "harbor/projects/<int:project_id>/push-commands",
        PushCommandsPage.as_view(),
        name="project-push-commands",
    ),
]
