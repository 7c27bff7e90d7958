"""Routes below ``api/``, by noun. What matches none gets the API's own 404."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.views.generic import View

from apps.api import (
    access_tokens,
    activation,
    additions,
    allowlists,
    artifacts,
    audit,
    configuration,
    gc,
    history,
    icons,
    immutable,
    jobservice,
    labels,
    ldap,
    logins,
    members,
    metadata,
    oidc,
    openapi,
    permissions,
    projects,
    purge,
    push_rules,
    quotas,
    repositories,
    retentions,
    robot_trusts,
    robots,
    scanning,
    search,
    system,
    tags,
    trash,
    usergroups,
    users,
    webhooks,
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
    ("systeminfo/volumes", system.VolumesView),
    ("systeminfo/getcert", system.CertificateView),
    ("configurations", configuration.ConfigurationsView),
    ("system/CVEAllowlist", allowlists.SystemCVEAllowlistView),
    ("internalconfig", configuration.InternalConfigView),
    ("permissions", permissions.GrantableView),
    ("ldap/ping", ldap.LdapPingView),
    ("ldap/users/search", ldap.LdapPeopleView),
    ("ldap/users/import", ldap.LdapImportView),
    ("ldap/groups/search", ldap.LdapGroupsView),
    ("quotas", quotas.QuotasView),
    ("quotas/<str:id>", quotas.QuotaView),
    ("auditlog-exts", audit.AuditView),
    ("auditlog-exts/events", audit.EventTypesView),
    ("audit-logs", audit.OlderAuditView),
    ("robots", robots.RobotsView),
    ("robots/<str:robot_id>", robots.RobotView),
    ("robots/<str:robot_id>/trusts", robot_trusts.RobotTrustsView),
    ("robots/<str:robot_id>/trusts/<str:trust_id>", robot_trusts.RobotTrustView),
    ("repositories", repositories.AllRepositoriesView),
    ("labels", labels.LabelsView),
    ("labels/<str:label_id>", labels.LabelView),
    ("system/oidc/ping", oidc.OidcPingView),
    ("system/gc", gc.CollectionsView),
    ("system/gc/schedule", gc.CollectionScheduleView),
    ("system/gc/<str:gc_id>", gc.CollectionView),
    ("system/gc/<str:gc_id>/log", gc.CollectionLogView),
    ("system/purgeaudit", purge.PurgesView),
    ("system/purgeaudit/schedule", purge.PurgeScheduleView),
    ("system/purgeaudit/<str:purge_id>", purge.PurgeView),
    ("system/purgeaudit/<str:purge_id>/log", purge.PurgeLogView),
    ("jobservice/pools", jobservice.PoolsView),
    ("jobservice/pools/<str:pool_id>/workers", jobservice.WorkersView),
    ("jobservice/jobs/<str:job_id>", jobservice.JobView),
    ("jobservice/jobs/<str:job_id>/log", jobservice.JobLogView),
    ("jobservice/queues", jobservice.QueuesView),
    ("jobservice/queues/<str:job_type>", jobservice.QueueView),
    ("schedules", jobservice.SchedulesView),
    ("schedules/<str:job_type>/paused", jobservice.SchedulesPausedView),
    ("icons/<str:digest>", icons.IconView),
    ("search", search.SearchView),
    ("statistics", search.StatisticsView),
]

_RETENTIONS: list[tuple[str, type[View]]] = [
    ("", retentions.RetentionsView),
    ("/metadatas", retentions.RetentionMetadataView),
    ("/<str:id>", retentions.RetentionView),
    ("/<str:id>/executions", retentions.RetentionExecutionsView),
    ("/<str:id>/executions/<str:eid>", retentions.RetentionExecutionView),
    ("/<str:id>/executions/<str:eid>/tasks", retentions.RetentionTasksView),
    ("/<str:id>/executions/<str:eid>/tasks/<str:tid>", retentions.RetentionTaskLogView),
]

_GROUPS: list[tuple[str, type[View]]] = [
    ("", usergroups.GroupsView),
    ("/search", usergroups.FoundGroupsView),
    ("/<str:group_id>", usergroups.GroupView),
    ("/<str:group_id>/members", usergroups.GroupPeopleView),
    ("/<str:group_id>/members/<str:user_id>", usergroups.GroupPersonView),
]

_USERS: list[tuple[str, type[View]]] = [
    ("", users.UsersView),
    ("/search", users.FoundUsersView),
    ("/current", users.CurrentUserView),
    ("/current/permissions", permissions.CurrentPermissionsView),
    ("/<str:user_id>", users.UserView),
    ("/<str:user_id>/sysadmin", users.SysadminView),
    ("/<str:user_id>/password", users.PasswordView),
    ("/<str:user_id>/cli_secret", users.CliSecretView),
    ("/<str:user_id>/auditor", users.AuditorView),
    ("/<str:user_id>/suspended", users.SuspendedView),
    ("/<str:user_id>/lock", logins.LockView),
    ("/<str:user_id>/sessions", logins.SessionsView),
    ("/<str:user_id>/sessions/<str:session_id>", logins.SessionView),
    ("/<str:user_id>/tokens", access_tokens.TokensView),
    ("/<str:user_id>/tokens/<str:token_id>", access_tokens.TokenView),
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
    ("/<str:project_name_or_id>/immutabletagrules", immutable.ImmutableRulesView),
    (
        "/<str:project_name_or_id>/immutabletagrules/<str:immutable_rule_id>",
        immutable.ImmutableRuleView,
    ),
    ("/<str:project_name_or_id>/push-rules", push_rules.PushRulesView),
    ("/<str:project_name_or_id>/trash", trash.TrashView),
    ("/<str:project_name_or_id>/trash/<str:trash_id>", trash.TrashEntryView),
    ("/<str:project_name_or_id>/trash/<str:trash_id>/restore", trash.TrashRestoreView),
    ("/<str:project_name_or_id>/artifacts", artifacts.ProjectArtifactsView),
    ("/<str:project_name_or_id>/scanner", scanning.ProjectScannerView),
    ("/<str:project_name_or_id>/scanner/candidates", scanning.ScannerCandidatesView),
    ("/<str:project_name>/logs", audit.OlderAuditView),
    ("/<str:project_name>/auditlog-exts", audit.AuditView),
    ("/<str:project_name>/repositories", repositories.RepositoriesView),
]

_POLICY = "/policies/<str:webhook_policy_id>"
_WEBHOOKS: list[tuple[str, type[View]]] = [
    ("/policies", webhooks.PoliciesView),
    (_POLICY, webhooks.PolicyView),
    (f"{_POLICY}/test", webhooks.PolicyTestView),
    (f"{_POLICY}/executions", webhooks.ExecutionsView),
    (f"{_POLICY}/executions/<str:execution_id>/tasks", webhooks.TasksView),
    (f"{_POLICY}/executions/<str:execution_id>/tasks/<str:task_id>/log", webhooks.TaskLogView),
    ("/lasttrigger", webhooks.LastTriggerView),
    ("/events", webhooks.EventTypesView),
    ("/jobs", webhooks.JobsView),
]

# Below a repository, the longest first: with plain slashes in the name the first match has to be the right one.
_REPOSITORY: list[tuple[str, type[HarborView]]] = [
    ("/artifacts/<str:reference>/tags/<str:tag_name>", tags.TagView),
    ("/artifacts/<str:reference>/tags", tags.TagsView),
    ("/artifacts/<str:reference>/deactivate", activation.DeactivateView),
    ("/artifacts/<str:reference>/activate", activation.ActivateView),
    ("/artifacts/<str:reference>/labels/<str:label_id>", labels.ArtifactLabelView),
    ("/artifacts/<str:reference>/labels", labels.ArtifactLabelsView),
    ("/artifacts/<str:reference>/accessories", artifacts.AccessoriesView),
    ("/artifacts/<str:reference>/additions/vulnerabilities", additions.VulnerabilitiesView),
    ("/artifacts/<str:reference>/additions/<str:addition>", additions.AdditionView),
    ("/artifacts/<str:reference>/scan/<str:report_id>/log", scanning.ScanLogView),
    ("/artifacts/<str:reference>/scan/stop", scanning.StopScanView),
    ("/artifacts/<str:reference>/scan", scanning.ScanView),
    ("/artifacts/<str:reference>", artifacts.ArtifactView),
    ("/artifacts", artifacts.ArtifactsView),
    ("", repositories.RepositoryView),
]

# Only where the name comes in one piece: with plain slashes the last part could be the repository's own.
_REPOSITORY_BY_NAME: list[tuple[str, type[HarborView]]] = [
    ("/tag-history", history.TagHistoryView),
    ("/restore", history.RepositoryRestoreView),
]


def _no_such_route(request: HttpRequest) -> HttpResponse:
    return not_found(request)


urlpatterns = [
    path("version", system.VersionView.as_view()),
    path(f"{BASE}openapi.json", openapi.OpenApiView.as_view(), name="openapi"),
    *_routes("", _SYSTEM),
    *_routes("users", _USERS),
    *_routes("retentions", _RETENTIONS),
    *_routes("usergroups", _GROUPS),
    *_routes("projects", _PROJECTS),
    *_routes("projects/<str:project_name_or_id>/webhook", _WEBHOOKS),
    # First names in one piece, as the contract has them, then those whose slashes came unescaped.
    *_routes("projects/<str:project_name>/repositories/<str:repository_name>", _REPOSITORY),
    *_routes("projects/<str:project_name>/repositories/<str:repository_name>", _REPOSITORY_BY_NAME),
    *_routes("projects/<str:project_name>/repositories/<path:repository_name>", _REPOSITORY),
    re_path("", _no_such_route),
]
