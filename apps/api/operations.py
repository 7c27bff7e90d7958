"""Harbor's name and tag of each operation, by method and path below ``/api/v2.0``.

Generated clients take their methods' names from them, and the metrics their labels. What we have beyond Harbor is
named after its path.
"""

import re
from collections.abc import Mapping

_BY_TAG: dict[str, dict[str, str]] = {
    "ping": {
        "GET /ping": "getPing",
    },
    "health": {
        "GET /health": "getHealth",
    },
    "systeminfo": {
        "GET /systeminfo": "getSystemInfo",
        "GET /systeminfo/volumes": "getVolumes",
        "GET /systeminfo/getcert": "getCert",
    },
    "statistic": {
        "GET /statistics": "getStatistic",
    },
    "search": {
        "GET /search": "search",
    },
    "project": {
        "GET /projects": "listProjects",
        "HEAD /projects": "headProject",
        "POST /projects": "createProject",
        "GET /projects/{project_name_or_id}": "getProject",
        "PUT /projects/{project_name_or_id}": "updateProject",
        "DELETE /projects/{project_name_or_id}": "deleteProject",
        "GET /projects/{project_name_or_id}/_deletable": "getProjectDeletable",
        "GET /projects/{project_name_or_id}/summary": "getProjectSummary",
        "GET /projects/{project_name_or_id}/artifacts": "listArtifactsOfProject",
        "GET /projects/{project_name_or_id}/scanner": "getScannerOfProject",
        "PUT /projects/{project_name_or_id}/scanner": "setScannerOfProject",
        "GET /projects/{project_name_or_id}/scanner/candidates": "listScannerCandidatesOfProject",
        "GET /projects/{project_name}/logs": "getLogs",
        "GET /projects/{project_name}/auditlog-exts": "getLogExts",
    },
    "projectMetadata": {
        "GET /projects/{project_name_or_id}/metadatas/": "listProjectMetadatas",
        "POST /projects/{project_name_or_id}/metadatas/": "addProjectMetadatas",
        "GET /projects/{project_name_or_id}/metadatas/{meta_name}": "getProjectMetadata",
        "PUT /projects/{project_name_or_id}/metadatas/{meta_name}": "updateProjectMetadata",
        "DELETE /projects/{project_name_or_id}/metadatas/{meta_name}": "deleteProjectMetadata",
    },
    "member": {
        "GET /projects/{project_name_or_id}/members": "listProjectMembers",
        "POST /projects/{project_name_or_id}/members": "createProjectMember",
        "GET /projects/{project_name_or_id}/members/{mid}": "getProjectMember",
        "PUT /projects/{project_name_or_id}/members/{mid}": "updateProjectMember",
        "DELETE /projects/{project_name_or_id}/members/{mid}": "deleteProjectMember",
    },
    "user": {
        "GET /users": "listUsers",
        "POST /users": "createUser",
        "GET /users/current": "getCurrentUserInfo",
        "GET /users/search": "searchUsers",
        "GET /users/{user_id}": "getUser",
        "PUT /users/{user_id}": "updateUserProfile",
        "DELETE /users/{user_id}": "deleteUser",
        "PUT /users/{user_id}/sysadmin": "setUserSysAdmin",
        "PUT /users/{user_id}/password": "updateUserPassword",
        "GET /users/current/permissions": "getCurrentUserPermissions",
        "PUT /users/{user_id}/cli_secret": "setCliSecret",
    },
    "oidc": {
        "POST /system/oidc/ping": "pingOIDC",
    },
    "usergroup": {
        "GET /usergroups": "listUserGroups",
        "POST /usergroups": "createUserGroup",
        "GET /usergroups/search": "searchUserGroups",
        "GET /usergroups/{group_id}": "getUserGroup",
        "PUT /usergroups/{group_id}": "updateUserGroup",
        "DELETE /usergroups/{group_id}": "deleteUserGroup",
    },
    "Ldap": {
        "POST /ldap/ping": "pingLdap",
        "GET /ldap/users/search": "searchLdapUser",
        "POST /ldap/users/import": "importLdapUser",
        "GET /ldap/groups/search": "searchLdapGroup",
    },
    "repository": {
        "GET /repositories": "listAllRepositories",
        "GET /projects/{project_name}/repositories": "listRepositories",
        "GET /projects/{project_name}/repositories/{repository_name}": "getRepository",
        "PUT /projects/{project_name}/repositories/{repository_name}": "updateRepository",
        "DELETE /projects/{project_name}/repositories/{repository_name}": "deleteRepository",
    },
    "artifact": {
        "GET /projects/{project_name}/repositories/{repository_name}/artifacts": "listArtifacts",
        "POST /projects/{project_name}/repositories/{repository_name}/artifacts": "CopyArtifact",
        "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}": "getArtifact",
        "DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}": "deleteArtifact",
        "POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags": "createTag",
        "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags": "listTags",
        "DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags/{tag_name}": "deleteTag",
        "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/accessories": "listAccessories",
        "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/vulnerabilities": "getVulnerabilitiesAddition",
        "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/{addition}": "getAddition",
        "POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels": "addLabel",
        "DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels/{label_id}": "removeLabel",
    },
    "label": {
        "GET /labels": "ListLabels",
        "POST /labels": "CreateLabel",
        "GET /labels/{label_id}": "GetLabelByID",
        "PUT /labels/{label_id}": "UpdateLabel",
        "DELETE /labels/{label_id}": "DeleteLabel",
    },
    "robot": {
        "GET /robots": "ListRobot",
        "POST /robots": "CreateRobot",
        "GET /robots/{robot_id}": "GetRobotByID",
        "PUT /robots/{robot_id}": "UpdateRobot",
        "PATCH /robots/{robot_id}": "RefreshSec",
        "DELETE /robots/{robot_id}": "DeleteRobot",
    },
    "permissions": {
        "GET /permissions": "getPermissions",
    },
    "quota": {
        "GET /quotas": "listQuotas",
        "GET /quotas/{id}": "getQuota",
        "PUT /quotas/{id}": "updateQuota",
    },
    "auditlog": {
        "GET /audit-logs": "listAuditLogs",
        "GET /auditlog-exts": "listAuditLogExts",
        "GET /auditlog-exts/events": "listAuditLogEventTypes",
    },
    "configure": {
        "GET /internalconfig": "getInternalconfig",
        "GET /configurations": "getConfigurations",
        "PUT /configurations": "updateConfigurations",
    },
    "webhook": {
        "GET /projects/{project_name_or_id}/webhook/policies": "ListWebhookPoliciesOfProject",
        "POST /projects/{project_name_or_id}/webhook/policies": "CreateWebhookPolicyOfProject",
        "GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}": "GetWebhookPolicyOfProject",
        "PUT /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}": "UpdateWebhookPolicyOfProject",
        "DELETE /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}": "DeleteWebhookPolicyOfProject",
        "GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions": (
            "ListExecutionsOfWebhookPolicy"
        ),
        (
            "GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/tasks"
        ): "ListTasksOfWebhookExecution",
        (
            "GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}"
            "/executions/{execution_id}/tasks/{task_id}/log"
        ): "GetLogsOfWebhookTask",
        "GET /projects/{project_name_or_id}/webhook/lasttrigger": "LastTrigger",
        "GET /projects/{project_name_or_id}/webhook/events": "GetSupportedEventTypes",
    },
    "webhookjob": {
        "GET /projects/{project_name_or_id}/webhook/jobs": "ListWebhookJobs",
    },
    "immutable": {
        "GET /projects/{project_name_or_id}/immutabletagrules": "ListImmuRules",
        "POST /projects/{project_name_or_id}/immutabletagrules": "CreateImmuRule",
        "PUT /projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}": "UpdateImmuRule",
        "DELETE /projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}": "DeleteImmuRule",
    },
    "Retention": {
        "GET /retentions/metadatas": "getRentenitionMetadata",
        "POST /retentions": "createRetention",
        "GET /retentions/{id}": "getRetention",
        "PUT /retentions/{id}": "updateRetention",
        "DELETE /retentions/{id}": "deleteRetention",
        "POST /retentions/{id}/executions": "triggerRetentionExecution",
        "GET /retentions/{id}/executions": "listRetentionExecutions",
        "PATCH /retentions/{id}/executions/{eid}": "operateRetentionExecution",
        "GET /retentions/{id}/executions/{eid}/tasks": "listRetentionTasks",
        "GET /retentions/{id}/executions/{eid}/tasks/{tid}": "getRetentionTaskLog",
    },
    "SystemCVEAllowlist": {
        "GET /system/CVEAllowlist": "getSystemCVEAllowlist",
        "PUT /system/CVEAllowlist": "putSystemCVEAllowlist",
    },
    "gc": {
        "GET /system/gc": "getGCHistory",
        "GET /system/gc/schedule": "getGCSchedule",
        "POST /system/gc/schedule": "createGCSchedule",
        "PUT /system/gc/schedule": "updateGCSchedule",
        "GET /system/gc/{gc_id}": "getGC",
        "PUT /system/gc/{gc_id}": "stopGC",
        "GET /system/gc/{gc_id}/log": "getGCLog",
    },
    "purge": {
        "GET /system/purgeaudit": "getPurgeHistory",
        "GET /system/purgeaudit/schedule": "getPurgeSchedule",
        "POST /system/purgeaudit/schedule": "createPurgeSchedule",
        "PUT /system/purgeaudit/schedule": "updatePurgeSchedule",
        "GET /system/purgeaudit/{purge_id}": "getPurgeJob",
        "PUT /system/purgeaudit/{purge_id}": "stopPurge",
        "GET /system/purgeaudit/{purge_id}/log": "getPurgeJobLog",
    },
    "jobservice": {
        "GET /jobservice/pools": "getWorkerPools",
        "GET /jobservice/pools/{pool_id}/workers": "getWorkers",
        "PUT /jobservice/jobs/{job_id}": "stopRunningJob",
        "GET /jobservice/jobs/{job_id}/log": "actionGetJobLog",
        "GET /jobservice/queues": "listJobQueues",
        "PUT /jobservice/queues/{job_type}": "actionPendingJobs",
    },
    "schedule": {
        "GET /schedules": "listSchedules",
        "GET /schedules/{job_type}/paused": "getSchedulePaused",
    },
    "icon": {
        "GET /icons/{digest}": "getIcon",
    },
    "scan": {
        "POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan": "scanArtifact",
        "POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/stop": "stopScanArtifact",
        "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/{report_id}/log": "getReportLog",
    },
}

OPERATIONS: Mapping[str, tuple[str, str]] = {
    route: (name, tag) for tag, names in _BY_TAG.items() for route, name in names.items()
}
"""(operationId, tag) by ``METHOD /path``."""

_WORD = re.compile("[a-z0-9]+")


def operation_name(method: str, path: str) -> str:
    """Harbor's name; for what is ours the method and every word of the path, so that no two are the same.

    ``path`` is from the root, ``/api/v2.0/projects/{project_name}``.
    """
    if operation := OPERATIONS.get(f"{method} {path.removeprefix('/api/v2.0')}"):
        return operation[0]
    slash = "_all" if path.endswith("/") else ""
    return (
        f"{method.lower()}_{'_'.join(_WORD.findall(path.removeprefix('/api/').removeprefix('v2.0/')))}{slash}"
    )
