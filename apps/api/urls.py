"""Routes below ``api/``, by noun. What matches none gets the API's own 404."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.views.generic import View

from apps.api import (
    artifacts,
    audit,
    members,
    metadata,
    openapi,
    permissions,
    projects,
    quotas,
    repositories,
    robots,
    system,
    tags,
    users,
)
from apps.api.errors import not_found
from apps.api.views import HarborView

BASE = "v2.0/"


def _routes(prefix: str, views: Iterable[tuple[str, type[View]]]) -> list[URLPattern]:
    return [path(f"{BASE}{prefix}{route}", view.as_view()) for route, view in views]


_SYSTEM: list[tuple[str, type[View]]] = [
    ("ping", system.PingView),
    ("health", system.HealthView),
    ("systeminfo", system.SystemInfoView),
    ("openapi.json", openapi.OpenApiView),
    ("permissions", permissions.GrantableView),
    ("quotas", quotas.QuotasView),
    ("quotas/<str:id>", quotas.QuotaView),
    ("auditlog-exts", audit.AuditView),
    ("auditlog-exts/events", audit.EventTypesView),
    ("audit-logs", audit.OlderAuditView),
    ("robots", robots.RobotsView),
    ("robots/<str:robot_id>", robots.RobotView),
    ("repositories", repositories.AllRepositoriesView),
]

_USERS: list[tuple[str, type[View]]] = [
    ("", users.UsersView),
    ("/search", users.FoundUsersView),
    ("/current", users.CurrentUserView),
    ("/current/permissions", permissions.CurrentPermissionsView),
    ("/<str:user_id>", users.UserView),
    ("/<str:user_id>/sysadmin", users.SysadminView),
    ("/<str:user_id>/password", users.PasswordView),
]

_PROJECTS: list[tuple[str, type[View]]] = [
    ("", projects.ProjectsView),
    ("/<str:project_name_or_id>", projects.ProjectView),
    ("/<str:project_name_or_id>/_deletable", projects.DeletableView),
    ("/<str:project_name_or_id>/summary", projects.SummaryView),
    ("/<str:project_name_or_id>/members", members.MembersView),
    ("/<str:project_name_or_id>/members/<str:mid>", members.MemberView),
    ("/<str:project_name_or_id>/metadatas", metadata.AllMetadataView),
    ("/<str:project_name_or_id>/metadatas/", metadata.AllMetadataView),
    ("/<str:project_name_or_id>/metadatas/<str:meta_name>", metadata.MetadataView),
    ("/<str:project_name>/logs", audit.OlderAuditView),
    ("/<str:project_name>/auditlog-exts", audit.AuditView),
    ("/<str:project_name>/repositories", repositories.RepositoriesView),
]

# Below a repository, the longest first: with plain slashes in the name the first match has to be the right one.
_REPOSITORY: list[tuple[str, type[HarborView]]] = [
    ("/artifacts/<str:reference>/tags/<str:tag_name>", tags.TagView),
    ("/artifacts/<str:reference>/tags", tags.TagsView),
    ("/artifacts/<str:reference>", artifacts.ArtifactView),
    ("/artifacts", artifacts.ArtifactsView),
    ("", repositories.RepositoryView),
]


def _no_such_route(request: HttpRequest) -> HttpResponse:
    return not_found(request)


urlpatterns = [
    path("version", system.VersionView.as_view()),
    *_routes("", _SYSTEM),
    *_routes("users", _USERS),
    *_routes("projects", _PROJECTS),
    # First names in one piece, as the contract has them, then those whose slashes came unescaped.
    *_routes("projects/<str:project_name>/repositories/<str:repository_name>", _REPOSITORY),
    *_routes("projects/<str:project_name>/repositories/<path:repository_name>", _REPOSITORY),
    re_path("", _no_such_route),
]
