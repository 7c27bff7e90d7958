"""The addresses of the portal: Harbor's where it has the page, so that links to it stay good."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import RedirectView

from apps.portal.pages import (
    account,
    artifact,
    artifact_documents,
    artifact_tags,
    artifacts,
    configuration,
    gc,
    groups,
    immutability,
    jobs,
    labels,
    logs,
    members,
    projects,
    purge,
    push_rules,
    quotas,
    retention,
    retention_runs,
    selected_artifacts,
    statistics,
    system_settings,
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
    *(
        path(f"harbor/{name}", _Unbuilt.as_view(), name=name)
        for name in (
            "robots",
            "search",
            "profile",
            "password",
            "access-tokens",
            "about",
            "sign-up",
        )
    ),
    *(
        path(f"harbor/projects/<int:project_id>/{name}", _Unbuilt.as_view(), name=f"project-{name}")
        for name in (
            "summary",
            "repositories",
            "robots",
            "trash",
        )
    ),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="portal:projects"), name="home"),
    *account.urlpatterns,
    *labels.urlpatterns,
    *members.urlpatterns,
    *projects.urlpatterns,
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
    *_unbuilt,
]
