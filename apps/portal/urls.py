"""The addresses of the portal: Harbor's where it has the page, so that links to it stay good."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import RedirectView

from apps.portal.pages import (
    access_tokens,
    account,
    artifact,
    artifact_documents,
    artifact_tags,
    artifacts,
    configuration,
    deep_links,
    gc,
    groups,
    immutability,
    jobs,
    labels,
    logs,
    members,
    profile,
    projects,
    purge,
    push_rules,
    quotas,
    repositories,
    repository_history,
    retention,
    retention_runs,
    robots,
    search,
    selected_artifacts,
    statistics,
    summary,
    system_settings,
    trash,
    users,
    webhook_deliveries,
    webhooks,
)
from apps.portal.views import PortalView

app_name = "portal"


class _Unbuilt(PortalView):
    """A page that is still being written. To be deleted when the list below is empty."""

    def get(self, _request: HttpRequest, **_words: object) -> HttpResponse:
        return HttpResponse("not built yet", status=404)


_unbuilt = [
    *(path(f"harbor/{name}", _Unbuilt.as_view(), name=name) for name in ()),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="portal:projects"), name="home"),
    *account.urlpatterns,
    *labels.urlpatterns,
    *members.urlpatterns,
    *robots.urlpatterns,
    *profile.urlpatterns,
    *access_tokens.urlpatterns,
    *projects.urlpatterns,
    *summary.urlpatterns,
    *repositories.urlpatterns,
    *search.urlpatterns,
    *immutability.urlpatterns,
    *push_rules.urlpatterns,
    *configuration.urlpatterns,
    *gc.urlpatterns,
    *purge.urlpatterns,
    *jobs.urlpatterns,
    *users.urlpatterns,
    *groups.urlpatterns,
    *quotas.urlpatterns,
    *logs.urlpatterns,
    *system_settings.urlpatterns,
    *statistics.urlpatterns,
    *retention.urlpatterns,
    *retention_runs.urlpatterns,
    *artifacts.urlpatterns,
    *selected_artifacts.urlpatterns,
    *artifact.urlpatterns,
    *artifact_documents.urlpatterns,
    *artifact_tags.urlpatterns,
    *webhooks.urlpatterns,
    *webhook_deliveries.urlpatterns,
    *deep_links.urlpatterns,
    *trash.urlpatterns,
    *repository_history.urlpatterns,
    *_unbuilt,
]
