"""The search: projects, repositories, and artifacts by their digest."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from apps.artifacts.types import repository_path
from apps.catalog.projects import repository_counts
from apps.catalog.search import MOST_ROWS, is_digest, projects_search, repositories_search
from apps.portal.views import PortalView

_LONGEST = 255


class SearchPage(PortalView):
    """``/harbor/search?text=``; what htmx asks for while somebody types is the results alone."""

    needs_sign_in = False
    template = "portal/search.html"
    resource_type = "project"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What the visitor may see of what the text is found in."""
        text = str(request.GET.get("text", "")).strip().replace("\x00", "")[:_LONGEST]
        projects = list(projects_search(actor=self.actor, text=text)) if text else []
        repositories = list(repositories_search(actor=self.actor, text=text)) if text else []
        counts = repository_counts(project.pk for project in projects)
        # The page itself is asked for where the Back button leads to it.
        is_part = "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers
        return self.render(
            "portal/parts/search_results.html" if is_part else "",
            title=_("Search"),
            text=text,
            projects=[(project, counts.get(project.pk, 0)) for project in projects],
            repositories=[(row, repository_path(row.name)) for row in repositories],
            by_digest=is_digest(text),
            most=MOST_ROWS,
        )


urlpatterns = [path("harbor/search", SearchPage.as_view(), name="search")]
