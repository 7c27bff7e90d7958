"""Who gets which status where: one row a route and method, one column an identity.

The rows change nothing that another row needs: what a caller may delete is not there (404) or is in use (412), and
what a caller may make is malformed (400).
"""

from dataclasses import dataclass, field
from typing import Any

IDENTITIES = (
    "anonymous",
    "outsider",
    "limited_guest",
    "guest",
    "developer",
    "maintainer",
    "project_admin",
    "robot",
    "sysadmin",
)

EVERYBODY = "200 200 200 200 200 200 200 200 200"
SIGNED_IN = "401 200 200 200 200 200 200 200 200"

_MISSING = "999999"
_P = "v2.0/projects/<str:project_name_or_id>"
_N = "v2.0/projects/<str:project_name>"
_TRASH = f"{_P}/trash/<str:trash_id>"
_R = f"{_N}/repositories/<str:repository_name>"
_ROBOT = {
    "name": "robot$nobody",
    "level": "project",
    "duration": -1,
    "permissions": [
        {
            "kind": "project",
            "namespace": "no-such-project",
            "access": [{"resource": "repository", "action": "pull"}],
        }
    ],
}

_TRUSTS = "v2.0/robots/<str:robot_id>/trusts"
_TRUST = {"issuer": "https://issuer.example.com", "audience": "hub", "subject": "job"}


@dataclass(frozen=True)
class Row:
    """``route`` is as in the URL configuration; ``values`` replace its parameters (else the private project's).

    ``auditor`` is what an auditor gets where that follows from no rule.
    """

    method: str
    route: str
    statuses: str
    body: Any = None
    query: str = ""
    public: bool = False
    values: dict[str, str] = field(default_factory=dict)
    auditor: int = 0

    @property
    def expected(self) -> dict[str, int]:
        """Statuses by identity. An auditor reads what a system administrator reads, and changes what anybody may."""
        found = dict(zip(IDENTITIES, map(int, self.statuses.split()), strict=True))
        like = "sysadmin" if self.method in {"GET", "HEAD"} else "outsider"
        return found | {"auditor": self.auditor or found[like]}

    @property
    def id(self) -> str:
        return f"{self.method} {self.route}{'?' + self.query if self.query else ''}{' public' if self.public else ''}"


def _system_admin_only(allowed: int) -> str:
    return f"401 403 403 403 403 403 403 403 {allowed}"


_missing_user = {"user_id": _MISSING}
_missing_group = {"group_id": _MISSING}
_GROUP = "v2.0/usergroups/<str:group_id>"
_missing_token = {"token_id": _MISSING}
_own_tokens = {"user_id": "current"}
_TOKEN = "v2.0/users/<str:user_id>/tokens/<str:token_id>"
_missing_member = {"mid": _MISSING}
_severity = {"meta_name": "severity"}
_missing_repository = {"repository_name": "nothing"}
_missing_reference = {"reference": "nothing"}
_missing_trash = {"trash_id": _MISSING}
_missing_tag = {"tag_name": "nothing"}
_missing_robot = {"robot_id": _MISSING}
_missing_quota = {"id": _MISSING}
_missing_label = {"label_id": _MISSING}
_missing_rule = {"immutable_rule_id": _MISSING}
_RETENTION = "v2.0/retentions/<str:id>"
_missing_retention = {"id": _MISSING, "eid": _MISSING, "tid": _MISSING}
_missing_collection = {"gc_id": _MISSING}
_missing_purge = {"purge_id": _MISSING}
_missing_job = {"job_id": _MISSING}
_missing_policy = {"webhook_policy_id": _MISSING}
_missing_execution = _missing_policy | {"execution_id": _MISSING}
_missing_delivery = _missing_execution | {"task_id": _MISSING}
_W = f"{_P}/webhook"
_POLICY = f"{_W}/policies/<str:webhook_policy_id>"
_EXECUTIONS = f"{_POLICY}/executions"
_NO_TARGET = {"name": "hook", "event_types": ["PUSH_ARTIFACT"]}
_all_pools = {"pool_id": "all"}
_all_queues = {"job_type": "all"}
_BAD_PLAN = {"schedule": {"type": "Custom", "cron": "every day"}}

_missing_session = {"session_id": _MISSING}

ROWS = (
    # Without a CSRF token nobody gets further: the rest is in test_sessions.py.
    Row("POST", "/c/login", "403 403 403 403 403 403 403 403 403"),
    Row("GET", "/c/log_out", EVERYBODY),
    # While nobody signs in by OpenID Connect, which tests/oidc is about.
    Row("GET", "/c/oidc/login", " ".join(["302"] * 9)),
    Row("GET", "/c/oidc/callback", " ".join(["302"] * 9)),
    Row("GET", "/c/oidc/logout", " ".join(["302"] * 9)),
    Row("POST", "/c/oidc/onboard", "403 400 400 400 400 400 400 400 400"),
    Row("POST", "/c/userExists", "403 412 412 412 412 412 412 412 400"),
    Row("GET", "/devcenter-api-2.0", EVERYBODY),
    Row("GET", "version", EVERYBODY),
    Row("GET", "v2.0/ping", EVERYBODY),
    Row("GET", "v2.0/health", EVERYBODY),
    Row("GET", "v2.0/systeminfo", EVERYBODY),
    Row("GET", "v2.0/systeminfo/volumes", _system_admin_only(200)),
    Row("GET", "v2.0/systeminfo/getcert", "404 404 404 404 404 404 404 404 404"),
    Row("GET", "v2.0/configurations", _system_admin_only(200)),
    Row("PUT", "v2.0/configurations", _system_admin_only(200), body={}),
    Row("GET", "v2.0/system/CVEAllowlist", SIGNED_IN),
    Row("PUT", "v2.0/system/CVEAllowlist", _system_admin_only(200), body={}),
    Row("POST", "v2.0/system/oidc/ping", _system_admin_only(400), body={}),
    Row("GET", "v2.0/internalconfig", _system_admin_only(200), auditor=403),
    Row("GET", "v2.0/openapi.json", EVERYBODY),
    Row("GET", "v2.0/permissions", "401 403 403 403 403 403 200 403 200"),
    Row("GET", "v2.0/quotas", _system_admin_only(200)),
    Row("GET", "v2.0/quotas/<str:id>", _system_admin_only(404), values=_missing_quota),
    Row(
        "PUT",
        "v2.0/quotas/<str:id>",
        _system_admin_only(404),
        body={"hard": {"storage": 1}},
        values=_missing_quota,
    ),
    Row("GET", "v2.0/auditlog-exts", "401 200 200 200 200 200 200 403 200"),
    Row("GET", "v2.0/audit-logs", "401 200 200 200 200 200 200 403 200"),
    Row("GET", "v2.0/auditlog-exts/events", _system_admin_only(200)),
    Row("GET", "v2.0/system/gc", _system_admin_only(200)),
    Row("GET", "v2.0/system/gc/schedule", _system_admin_only(200)),
    Row("POST", "v2.0/system/gc/schedule", _system_admin_only(400), body=_BAD_PLAN),
    Row("PUT", "v2.0/system/gc/schedule", _system_admin_only(400), body=_BAD_PLAN),
    Row("GET", "v2.0/system/gc/<str:gc_id>", _system_admin_only(404), values=_missing_collection),
    Row("PUT", "v2.0/system/gc/<str:gc_id>", _system_admin_only(404), values=_missing_collection),
    Row("GET", "v2.0/system/gc/<str:gc_id>/log", _system_admin_only(404), values=_missing_collection),
    Row("GET", "v2.0/system/purgeaudit", _system_admin_only(200)),
    Row("GET", "v2.0/system/purgeaudit/schedule", _system_admin_only(200)),
    Row("POST", "v2.0/system/purgeaudit/schedule", _system_admin_only(400), body=_BAD_PLAN),
    Row("PUT", "v2.0/system/purgeaudit/schedule", _system_admin_only(400), body=_BAD_PLAN),
    Row("GET", "v2.0/system/purgeaudit/<str:purge_id>", _system_admin_only(404), values=_missing_purge),
    Row("PUT", "v2.0/system/purgeaudit/<str:purge_id>", _system_admin_only(404), values=_missing_purge),
    Row("GET", "v2.0/system/purgeaudit/<str:purge_id>/log", _system_admin_only(404), values=_missing_purge),
    Row("GET", "v2.0/jobservice/pools", _system_admin_only(200)),
    Row("GET", "v2.0/jobservice/pools/<str:pool_id>/workers", _system_admin_only(200), values=_all_pools),
    Row("PUT", "v2.0/jobservice/jobs/<str:job_id>", _system_admin_only(200), values=_missing_job),
    Row("GET", "v2.0/jobservice/jobs/<str:job_id>/log", _system_admin_only(404), values=_missing_job),
    Row("GET", "v2.0/jobservice/queues", _system_admin_only(200)),
    Row(
        "PUT",
        "v2.0/jobservice/queues/<str:job_type>",
        _system_admin_only(400),
        body={"action": "empty"},
        values=_all_queues,
    ),
    Row("GET", "v2.0/schedules", _system_admin_only(200)),
    Row("GET", "v2.0/schedules/<str:job_type>/paused", SIGNED_IN, values=_all_queues),
    Row("GET", "v2.0/robots", _system_admin_only(200)),
    Row("POST", "v2.0/robots", _system_admin_only(404), body=_ROBOT | {"name": "ci"}),
    Row("GET", "v2.0/robots/<str:robot_id>", _system_admin_only(404), values=_missing_robot),
    Row("PUT", "v2.0/robots/<str:robot_id>", _system_admin_only(404), body=_ROBOT, values=_missing_robot),
    Row("PATCH", "v2.0/robots/<str:robot_id>", _system_admin_only(404), body={}, values=_missing_robot),
    Row("DELETE", "v2.0/robots/<str:robot_id>", _system_admin_only(404), values=_missing_robot),
    *(
        Row(method, _TRUSTS, _system_admin_only(404), body=body, values=_missing_robot)
        for method, body in (("GET", None), ("POST", _TRUST), ("PUT", {"trusts": [_TRUST]}))
    ),
    *(
        Row(
            method,
            f"{_TRUSTS}/<str:trust_id>",
            _system_admin_only(404),
            values=_missing_robot | {"trust_id": "1"},
        )
        for method in ("GET", "DELETE")
    ),
    Row("GET", "v2.0/repositories", EVERYBODY),
    Row("GET", "v2.0/search", EVERYBODY, query="q=private"),
    Row("GET", "v2.0/statistics", SIGNED_IN),
    Row("GET", "v2.0/labels", EVERYBODY, query="scope=g"),
    Row("POST", "v2.0/labels", _system_admin_only(400), body={"scope": "g", "name": ""}),
    Row("GET", "v2.0/labels/<str:label_id>", "401 404 404 404 404 404 404 404 404", values=_missing_label),
    Row(
        "PUT",
        "v2.0/labels/<str:label_id>",
        "401 404 404 404 404 404 404 404 404",
        body={"name": "x"},
        values=_missing_label,
    ),
    Row("DELETE", "v2.0/labels/<str:label_id>", "401 404 404 404 404 404 404 404 404", values=_missing_label),
    Row(
        "GET",
        "v2.0/icons/<str:digest>",
        "404 404 404 404 404 404 404 404 404",
        values={"digest": "sha256:nothing"},
    ),
    # What members of a project may do with its policy is in test_retentions.py.
    Row("GET", "v2.0/retentions/metadatas", EVERYBODY),
    Row(
        "POST",
        "v2.0/retentions",
        _system_admin_only(400),
        body={"scope": {"level": "project", "ref": int(_MISSING)}},
    ),
    Row("GET", _RETENTION, _system_admin_only(404), values=_missing_retention),
    Row("PUT", _RETENTION, _system_admin_only(404), body={}, values=_missing_retention),
    Row("DELETE", _RETENTION, _system_admin_only(404), values=_missing_retention),
    Row("GET", f"{_RETENTION}/executions", _system_admin_only(404), values=_missing_retention),
    Row("POST", f"{_RETENTION}/executions", _system_admin_only(404), body={}, values=_missing_retention),
    Row(
        "PATCH",
        f"{_RETENTION}/executions/<str:eid>",
        _system_admin_only(404),
        body={"action": "stop"},
        values=_missing_retention,
    ),
    Row(
        "GET", f"{_RETENTION}/executions/<str:eid>/tasks", _system_admin_only(404), values=_missing_retention
    ),
    Row(
        "GET",
        f"{_RETENTION}/executions/<str:eid>/tasks/<str:tid>",
        _system_admin_only(404),
        values=_missing_retention,
    ),
    Row("POST", "v2.0/ldap/ping", _system_admin_only(200), body={"ldap_url": "nothing://"}),
    Row("GET", "v2.0/ldap/users/search", _system_admin_only(400)),
    Row("POST", "v2.0/ldap/users/import", _system_admin_only(200), body={"ldap_uid_list": []}),
    Row("GET", "v2.0/ldap/groups/search", _system_admin_only(400)),
    Row("GET", "v2.0/usergroups", _system_admin_only(200)),
    Row("POST", "v2.0/usergroups", _system_admin_only(400), body={"group_name": "", "group_type": 4}),
    Row("GET", "v2.0/usergroups/search", SIGNED_IN, query="groupname=a"),
    Row("GET", _GROUP, _system_admin_only(404), values=_missing_group),
    Row("PUT", _GROUP, _system_admin_only(404), body={"group_name": "x"}, values=_missing_group),
    Row("DELETE", _GROUP, _system_admin_only(404), values=_missing_group),
    Row("GET", f"{_GROUP}/members", _system_admin_only(404), values=_missing_group),
    Row(
        "POST",
        f"{_GROUP}/members",
        _system_admin_only(404),
        body={"username": "x"},
        values=_missing_group,
    ),
    Row(
        "DELETE",
        f"{_GROUP}/members/<str:user_id>",
        _system_admin_only(404),
        values=_missing_group | _missing_user,
    ),
    Row("GET", "v2.0/users", _system_admin_only(200)),
    Row("POST", "v2.0/users", _system_admin_only(400), body={"username": "a"}),
    Row("GET", "v2.0/users/search", SIGNED_IN, query="username=a"),
    Row("GET", "v2.0/users/current", "401 200 200 200 200 200 200 412 200"),
    Row("GET", "v2.0/users/current/permissions", SIGNED_IN, query="scope=/system"),
    Row("GET", "v2.0/users/<str:user_id>", _system_admin_only(404), values=_missing_user),
    Row("PUT", "v2.0/users/<str:user_id>", _system_admin_only(404), body={}, values=_missing_user),
    Row("DELETE", "v2.0/users/<str:user_id>", _system_admin_only(404), values=_missing_user),
    Row("PUT", "v2.0/users/<str:user_id>/sysadmin", _system_admin_only(404), body={}, values=_missing_user),
    Row("PUT", "v2.0/users/<str:user_id>/auditor", _system_admin_only(404), body={}, values=_missing_user),
    Row(
        "PUT",
        "v2.0/users/<str:user_id>/suspended",
        _system_admin_only(404),
        body={"suspended": True},
        values=_missing_user,
    ),
    Row(
        "GET",
        "v2.0/users/<str:user_id>/tokens",
        _system_admin_only(404),
        values=_missing_user,
        auditor=403,
    ),
    Row("GET", "v2.0/users/<str:user_id>/tokens", "401 200 200 200 200 200 200 412 200", values=_own_tokens),
    Row("POST", "v2.0/users/<str:user_id>/tokens", _system_admin_only(404), body={}, values=_missing_user),
    Row(
        "POST",
        "v2.0/users/<str:user_id>/tokens",
        "401 400 400 400 400 400 400 412 400",
        body={"label": ""},
        values=_own_tokens,
    ),
    *(
        Row(method, _TOKEN, statuses, body=body, values=values, auditor=auditor)
        for method, body in (("GET", None), ("PUT", {"label": "x"}), ("DELETE", None))
        for statuses, values, auditor in (
            (_system_admin_only(404), _missing_user | _missing_token, 403),
            ("401 404 404 404 404 404 404 412 404", _own_tokens | _missing_token, 404),
        )
    ),
    Row("GET", "v2.0/users/<str:user_id>/lock", _system_admin_only(404), values=_missing_user),
    Row("DELETE", "v2.0/users/<str:user_id>/lock", _system_admin_only(404), values=_missing_user),
    Row("GET", "v2.0/users/<str:user_id>/sessions", _system_admin_only(404), values=_missing_user),
    Row(
        "GET", "v2.0/users/<str:user_id>/sessions", "401 200 200 200 200 200 200 412 200", values=_own_tokens
    ),
    # Not one's own: the browsers of other tests have them.
    Row("DELETE", "v2.0/users/<str:user_id>/sessions", _system_admin_only(404), values=_missing_user),
    Row(
        "DELETE",
        "v2.0/users/<str:user_id>/sessions/<str:session_id>",
        _system_admin_only(404),
        values=_missing_user | _missing_session,
    ),
    Row(
        "DELETE",
        "v2.0/users/<str:user_id>/sessions/<str:session_id>",
        "401 404 404 404 404 404 404 412 404",
        values=_own_tokens | _missing_session,
        auditor=404,
    ),
    Row(
        "PUT",
        "v2.0/users/<str:user_id>/cli_secret",
        _system_admin_only(404),
        body={},
        values=_missing_user,
    ),
    Row("PUT", "v2.0/users/<str:user_id>/password", _system_admin_only(404), body={}, values=_missing_user),
    Row("GET", "v2.0/projects", EVERYBODY),
    Row("HEAD", "v2.0/projects", SIGNED_IN, query="project_name=library"),
    Row(
        "POST",
        "v2.0/projects",
        "401 400 400 400 400 400 400 403 400",
        body={"project_name": "No Name"},
        auditor=403,
    ),
    Row("GET", _P, "401 403 200 200 200 200 200 403 200"),
    Row("GET", _P, "200 200 200 200 200 200 200 200 200", public=True),
    Row("PUT", _P, "401 403 403 403 403 403 200 403 200", body={}),
    Row("DELETE", _P, "401 403 403 403 403 403 412 403 412"),
    Row("DELETE", _P, _system_admin_only(412), public=True),
    Row("GET", f"{_P}/_deletable", "401 403 403 403 403 403 200 403 200", auditor=403),
    Row("GET", f"{_P}/summary", "401 403 200 200 200 200 200 403 200"),
    Row("GET", f"{_P}/members", "401 403 403 200 200 200 200 403 200"),
    Row("GET", f"{_P}/members", _system_admin_only(200), public=True),
    Row("POST", f"{_P}/members", "401 403 403 403 403 403 400 403 400", body={"role_id": 9}),
    Row("GET", f"{_P}/members/<str:mid>", "401 403 403 404 404 404 404 403 404", values=_missing_member),
    Row(
        "PUT",
        f"{_P}/members/<str:mid>",
        "401 403 403 403 403 403 404 403 404",
        body={"role_id": 2},
        values=_missing_member,
    ),
    Row("DELETE", f"{_P}/members/<str:mid>", "401 403 403 403 403 403 404 403 404", values=_missing_member),
    Row("GET", f"{_P}/metadatas", "401 403 403 403 403 403 200 403 200"),
    Row("POST", f"{_P}/metadatas", "401 403 403 403 403 403 400 403 400", body={"severity": "so so"}),
    Row("GET", f"{_P}/metadatas/", "401 403 403 403 403 403 200 403 200"),
    Row("POST", f"{_P}/metadatas/", "401 403 403 403 403 403 400 403 400", body={"severity": "so so"}),
    Row("GET", f"{_P}/metadatas/<str:meta_name>", "401 403 403 403 403 404 404 403 404", values=_severity),
    Row(
        "PUT",
        f"{_P}/metadatas/<str:meta_name>",
        "401 403 403 403 403 403 404 403 404",
        body={"severity": "low"},
        values=_severity,
    ),
    Row("DELETE", f"{_P}/metadatas/<str:meta_name>", "401 403 403 403 403 403 404 403 404", values=_severity),
    Row("GET", f"{_P}/immutabletagrules", "401 403 403 403 403 200 200 403 200"),
    Row("POST", f"{_P}/immutabletagrules", "401 403 403 403 403 400 400 403 400", body={"tag_selectors": []}),
    Row(
        "PUT",
        f"{_P}/immutabletagrules/<str:immutable_rule_id>",
        "401 403 403 403 403 404 404 403 404",
        body={"tag_selectors": []},
        values=_missing_rule,
    ),
    Row(
        "DELETE",
        f"{_P}/immutabletagrules/<str:immutable_rule_id>",
        "401 403 403 403 403 404 404 403 404",
        values=_missing_rule,
    ),
    Row("GET", f"{_W}/policies", "401 403 403 403 403 200 200 403 200"),
    Row("POST", f"{_W}/policies", "401 403 403 403 403 403 400 403 400", body=_NO_TARGET),
    Row("GET", _POLICY, "401 403 403 403 403 404 404 403 404", values=_missing_policy),
    Row("PUT", _POLICY, "401 403 403 403 403 403 404 403 404", body=_NO_TARGET, values=_missing_policy),
    Row("DELETE", _POLICY, "401 403 403 403 403 403 404 403 404", values=_missing_policy),
    Row("POST", f"{_POLICY}/test", "401 403 403 403 403 403 404 403 404", values=_missing_policy),
    Row("GET", _EXECUTIONS, "401 403 403 403 403 404 404 403 404", values=_missing_policy),
    Row(
        "GET",
        f"{_EXECUTIONS}/<str:execution_id>/tasks",
        "401 403 403 403 403 404 404 403 404",
        values=_missing_execution,
    ),
    Row(
        "GET",
        f"{_EXECUTIONS}/<str:execution_id>/tasks/<str:task_id>/log",
        "401 403 403 403 403 404 404 403 404",
        values=_missing_delivery,
    ),
    Row("GET", f"{_W}/lasttrigger", "401 403 403 403 403 200 200 403 200"),
    Row("GET", f"{_W}/events", "401 403 403 403 403 200 200 403 200"),
    Row("GET", f"{_W}/jobs", "401 403 403 403 403 404 404 403 404", query=f"policy_id={_MISSING}"),
    Row("GET", f"{_P}/push-rules", "401 403 403 403 403 200 200 403 200"),
    Row("PUT", f"{_P}/push-rules", "401 403 403 403 403 403 400 403 400", body={"media_types": ["["]}),
    Row("DELETE", f"{_P}/push-rules", "401 403 403 403 403 403 200 403 200"),
    Row("GET", f"{_N}/logs", "401 403 403 403 403 403 200 403 200"),
    Row("GET", f"{_N}/auditlog-exts", "401 403 403 403 403 403 200 403 200"),
    Row("GET", f"{_N}/repositories", "401 403 200 200 200 200 200 200 200"),
    Row("GET", f"{_N}/repositories", EVERYBODY, public=True),
    Row("GET", _R, "401 403 200 200 200 200 200 200 200"),
    Row("GET", _R, _system_admin_only(200), public=True),
    Row("PUT", _R, "401 403 403 403 200 200 200 403 200", body={"description": "an app"}),
    Row("DELETE", _R, "401 403 403 403 403 404 404 403 404", values=_missing_repository),
    Row("GET", f"{_R}/artifacts", "401 403 200 200 200 200 200 403 200"),
    Row("GET", f"{_R}/artifacts", EVERYBODY, public=True),
    Row("POST", f"{_R}/artifacts", "401 403 403 403 400 400 400 403 400", query="from=nothing"),
    Row("GET", f"{_R}/artifacts/<str:reference>", "401 403 200 200 200 200 200 403 200"),
    Row("GET", f"{_R}/artifacts/<str:reference>", EVERYBODY, public=True),
    Row(
        "DELETE",
        f"{_R}/artifacts/<str:reference>",
        "401 403 403 403 403 404 404 403 404",
        values=_missing_reference,
    ),
    Row("GET", f"{_R}/artifacts/<str:reference>/tags", "401 403 200 200 200 200 200 403 200"),
    Row("GET", f"{_R}/artifacts/<str:reference>/tags", EVERYBODY, public=True),
    Row(
        "POST",
        f"{_R}/artifacts/<str:reference>/tags",
        "401 403 403 403 400 400 400 403 400",
        body={"name": "not a tag"},
    ),
    Row(
        "DELETE",
        f"{_R}/artifacts/<str:reference>/tags/<str:tag_name>",
        "401 403 403 403 403 404 404 403 404",
        values=_missing_tag,
    ),
    Row("GET", f"{_P}/artifacts", "401 403 200 200 200 200 200 403 200"),
    Row("GET", f"{_P}/artifacts", EVERYBODY, public=True),
    Row("GET", f"{_P}/scanner", "401 403 200 200 200 200 200 403 200"),
    Row("PUT", f"{_P}/scanner", "401 403 403 403 403 403 404 403 404", body={"uuid": "nothing"}),
    Row("GET", f"{_P}/scanner/candidates", "401 403 403 403 403 403 200 403 200", auditor=403),
    Row("GET", f"{_R}/artifacts/<str:reference>/accessories", "401 403 200 200 200 200 200 403 200"),
    Row("GET", f"{_R}/artifacts/<str:reference>/accessories", EVERYBODY, public=True),
    Row(
        "POST",
        f"{_R}/artifacts/<str:reference>/labels",
        "401 403 403 403 404 404 404 403 404",
        body={"id": int(_MISSING)},
    ),
    Row(
        "DELETE",
        f"{_R}/artifacts/<str:reference>/labels/<str:label_id>",
        "401 403 403 403 404 404 404 403 404",
        values=_missing_label,
    ),
    Row(
        "GET",
        f"{_R}/artifacts/<str:reference>/additions/<str:addition>",
        "401 403 200 200 200 200 200 403 200",
        values={"addition": "build_history"},
    ),
    Row(
        "GET",
        f"{_R}/artifacts/<str:reference>/additions/<str:addition>",
        EVERYBODY,
        public=True,
        values={"addition": "build_history"},
    ),
    Row(
        "GET",
        f"{_R}/artifacts/<str:reference>/additions/vulnerabilities",
        "401 403 200 200 200 200 200 403 200",
    ),
    Row("POST", f"{_R}/artifacts/<str:reference>/scan", "401 403 403 403 403 412 412 403 412"),
    Row(
        "POST",
        f"{_R}/artifacts/<str:reference>/scan/stop",
        "401 403 403 403 403 400 400 403 400",
        body={"scan_type": "vulnerability"},
    ),
    Row(
        "GET",
        f"{_R}/artifacts/<str:reference>/scan/<str:report_id>/log",
        "401 403 404 404 404 404 404 403 404",
        values={"report_id": "nothing"},
    ),
    Row("GET", f"{_P}/trash", "401 403 403 403 403 200 200 403 200"),
    Row("GET", f"{_P}/trash", _system_admin_only(200), public=True),
    Row("GET", _TRASH, "401 403 403 403 403 404 404 403 404", values=_missing_trash),
    Row("DELETE", _TRASH, "401 403 403 403 403 403 404 403 404", values=_missing_trash),
    Row("POST", f"{_TRASH}/restore", "401 403 403 403 403 404 404 403 404", values=_missing_trash),
    Row("GET", f"{_R}/tag-history", "401 403 403 403 200 200 200 403 200"),
    Row("GET", f"{_R}/tag-history", _system_admin_only(200), public=True),
    Row("POST", f"{_R}/restore", "401 403 403 403 403 400 400 403 400", body={"time": "then"}),
    Row(
        "PUT",
        f"{_R}/artifacts/<str:reference>/tags/<str:tag_name>",
        "401 403 403 403 403 404 404 403 404",
        body={"expires_after": "1d"},
        values=_missing_tag,
    ),
    Row(
        "POST",
        f"{_R}/artifacts/<str:reference>/deactivate",
        "401 403 403 403 403 404 404 403 404",
        values=_missing_reference,
    ),
    Row(
        "POST",
        f"{_R}/artifacts/<str:reference>/activate",
        "401 403 403 403 403 404 404 403 404",
        values=_missing_reference,
    ),
)
