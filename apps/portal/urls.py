"""The addresses of the portal: Harbor's where it has the page, so that links to it stay good."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import RedirectView

from apps.portal.pages import account, projects
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
            "logs",
            "users",
            "groups",
            "robots",
            "labels",
            "quotas",
            "gc",
            "purge",
            "jobs",
            "statistics",
            "system-settings",
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
            "members",
            "labels",
            "robots",
            "retention",
            "immutability",
            "push-rules",
            "webhooks",
            "trash",
            "logs",
            "configuration",
        )
    ),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="portal:projects"), name="home"),
    *account.urlpatterns,
    *projects.urlpatterns,
    *_unbuilt,
]
