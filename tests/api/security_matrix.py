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


@dataclass(frozen=True)
class Row:
    """``route`` is as in the URL configuration; ``values`` replace its parameters (else the private project's)."""

    method: str
    route: str
    statuses: str
    body: Any = None
    query: str = ""
    public: bool = False
    values: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.method} {self.route}{'?' + self.query if self.query else ''}{' public' if self.public else ''}"


def _system_admin_only(allowed: int) -> str:
    return f"401 403 403 403 403 403 403 403 {allowed}"


_missing_user = {"user_id": _MISSING}
_missing_member = {"mid": _MISSING}
_severity = {"meta_name": "severity"}
_missing_repository = {"repository_name": "nothing"}
_missing_reference = {"reference": "nothing"}
_missing_tag = {"tag_name": "nothing"}
_missing_robot = {"robot_id": _MISSING}
_missing_quota = {"id": _MISSING}

ROWS = (
    Row("GET", "version", EVERYBODY),
    Row("GET", "v2.0/ping", EVERYBODY),
    Row("GET", "v2.0/health", EVERYBODY),
    Row("GET", "v2.0/systeminfo", EVERYBODY),
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
    Row("GET", "v2.0/robots", _system_admin_only(200)),
    Row("POST", "v2.0/robots", _system_admin_only(404), body=_ROBOT | {"name": "ci"}),
    Row("GET", "v2.0/robots/<str:robot_id>", _system_admin_only(404), values=_missing_robot),
    Row("PUT", "v2.0/robots/<str:robot_id>", _system_admin_only(404), body=_ROBOT, values=_missing_robot),
    Row("PATCH", "v2.0/robots/<str:robot_id>", _system_admin_only(404), body={}, values=_missing_robot),
    Row("DELETE", "v2.0/robots/<str:robot_id>", _system_admin_only(404), values=_missing_robot),
    Row("GET", "v2.0/repositories", EVERYBODY),
    Row("GET", "v2.0/users", _system_admin_only(200)),
    Row("POST", "v2.0/users", _system_admin_only(400), body={"username": "a"}),
    Row("GET", "v2.0/users/search", SIGNED_IN, query="username=a"),
    Row("GET", "v2.0/users/current", "401 200 200 200 200 200 200 412 200"),
    Row("GET", "v2.0/users/current/permissions", SIGNED_IN, query="scope=/system"),
    Row("GET", "v2.0/users/<str:user_id>", _system_admin_only(404), values=_missing_user),
    Row("PUT", "v2.0/users/<str:user_id>", _system_admin_only(404), body={}, values=_missing_user),
    Row("DELETE", "v2.0/users/<str:user_id>", _system_admin_only(404), values=_missing_user),
    Row("PUT", "v2.0/users/<str:user_id>/sysadmin", _system_admin_only(404), body={}, values=_missing_user),
    Row("PUT", "v2.0/users/<str:user_id>/password", _system_admin_only(404), body={}, values=_missing_user),
    Row("GET", "v2.0/projects", EVERYBODY),
    Row("HEAD", "v2.0/projects", SIGNED_IN, query="project_name=library"),
    Row("POST", "v2.0/projects", "401 400 400 400 400 400 400 403 400", body={"project_name": "No Name"}),
    Row("GET", _P, "401 403 200 200 200 200 200 403 200"),
    Row("GET", _P, "200 200 200 200 200 200 200 200 200", public=True),
    Row("PUT", _P, "401 403 403 403 403 403 200 403 200", body={}),
    Row("DELETE", _P, "401 403 403 403 403 403 412 403 412"),
    Row("DELETE", _P, _system_admin_only(412), public=True),
    Row("GET", f"{_P}/_deletable", "401 403 403 403 403 403 200 403 200"),
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
)
