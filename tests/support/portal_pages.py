"""Every address of the portal with arguments of a furnished project: what is there, and whose it is.

``reads`` are those whom a GET shows the page; the others are refused. ``writes`` are those from whom a POST is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

IDENTITIES = (
    "anonymous",
    "outsider",
    "limited_guest",
    "guest",
    "developer",
    "maintainer",
    "project_admin",
    "auditor",
    "sysadmin",
)
Who = frozenset[str]

NOBODY: Who = frozenset()
EVERYBODY = frozenset(IDENTITIES)
SIGNED_IN = EVERYBODY - {"anonymous"}
SYSTEM = frozenset({"sysadmin"})
ADMIN = SYSTEM | {"project_admin"}
MAINTAINER = ADMIN | {"maintainer"}
DEVELOPER = MAINTAINER | {"developer"}
# An auditor reads everything.
SYSTEM_READ = SYSTEM | {"auditor"}
ADMIN_READ = ADMIN | {"auditor"}
MAINTAINER_READ = MAINTAINER | {"auditor"}
DEVELOPER_READ = DEVELOPER | {"auditor"}
GUEST_READ = DEVELOPER_READ | {"guest"}
MEMBER_READ = GUEST_READ | {"limited_guest"}
# The furnished project's access token is the developer's.
OWNER = frozenset({"developer"})


class Kind(StrEnum):
    """What a GET gives."""

    PAGE = "page"
    LIVE = "a part that renews itself: 286 tells it to stop"
    FRAGMENT = "a piece of a page"
    LEADS_ON = "a redirect"
    WRITE = "nothing: POST only"


@dataclass(frozen=True)
class Page:
    """``template`` has names of :attr:`tests.support.furnished.Furnished.places` in braces."""

    template: str
    reads: Who
    writes: Who = NOBODY
    kind: Kind = Kind.PAGE

    def path(self, places: Mapping[str, Any]) -> str:
        """The address."""
        return self.template.format_map(places)


def _form(template: str, who: Who) -> Page:
    return Page(template, who, writes=who)


def _write(template: str, who: Who) -> Page:
    return Page(template, NOBODY, writes=who, kind=Kind.WRITE)


_P = "/harbor/projects/{project_id}"
_R = f"{_P}/repositories/{{repository}}/-"
_A = f"{_R}/artifacts/{{digest}}"
_CHART = f"{_P}/repositories/{{chart_repository}}/-/artifacts/{{chart_digest}}"
_MODEL = f"{_P}/repositories/{{model_repository}}/-/artifacts/{{model_digest}}"
_RETENTION = f"{_P}/tag-strategy/tag-retention"
_IMMUTABILITY = f"{_P}/tag-strategy/immutable-tag"
_WEBHOOKS = f"{_P}/webhook"
# Addresses of Harbor's portal.
_OLD = f"{_P}/repositories/{{repository_escaped}}"

PAGES = (
    Page("/", EVERYBODY, kind=Kind.LEADS_ON),
    _form("/account/sign-in", EVERYBODY),
    _write("/account/sign-out", EVERYBODY),
    Page("/oidc-onboard", SIGNED_IN, kind=Kind.LEADS_ON),
    # Nobody of the world comes by OpenID Connect.
    Page("/account/cli-secret", NOBODY),
    Page("/account/cli-secret/new", NOBODY),
    _write("/account/language", EVERYBODY),
    _write("/account/theme", EVERYBODY),
    _write("/account/banner", EVERYBODY),
    Page("/harbor/labels", SYSTEM_READ),
    _form("/harbor/labels/new", SYSTEM),
    _form("/harbor/labels/{global_label_id}", SYSTEM),
    _form("/harbor/labels/{global_label_id}/delete", SYSTEM),
    Page(f"{_P}/labels", GUEST_READ),
    _form(f"{_P}/labels/new", MAINTAINER),
    _form(f"{_P}/labels/{{label_id}}", MAINTAINER),
    _form(f"{_P}/labels/{{label_id}}/delete", MAINTAINER),
    Page(f"{_P}/members", GUEST_READ),
    _form(f"{_P}/members/new/person", ADMIN),
    _form(f"{_P}/members/new/group", ADMIN),
    Page(f"{_P}/members/names/person", ADMIN, kind=Kind.FRAGMENT),
    Page(f"{_P}/members/names/group", ADMIN, kind=Kind.FRAGMENT),
    _form(f"{_P}/members/{{member_id}}", ADMIN),
    _form(f"{_P}/members/{{member_id}}/remove", ADMIN),
    Page("/harbor/robots", SYSTEM_READ),
    _form("/harbor/robots/new", SYSTEM),
    Page("/harbor/robots/{system_robot_id}", SYSTEM_READ),
    _form("/harbor/robots/{system_robot_id}/edit", SYSTEM),
    _write("/harbor/robots/{system_robot_id}/switch", SYSTEM),
    _form("/harbor/robots/{system_robot_id}/secret", SYSTEM),
    _form("/harbor/robots/{system_robot_id}/delete", SYSTEM),
    _form("/harbor/robots/{system_robot_id}/trusts/new/kubernetes", SYSTEM),
    _form("/harbor/robots/{system_robot_id}/trusts/{system_trust_id}/remove", SYSTEM),
    Page(f"{_P}/robots", GUEST_READ),
    _form(f"{_P}/robots/new", ADMIN),
    Page(f"{_P}/robots/{{robot_id}}", GUEST_READ),
    _form(f"{_P}/robots/{{robot_id}}/edit", ADMIN),
    _write(f"{_P}/robots/{{robot_id}}/switch", ADMIN),
    _form(f"{_P}/robots/{{robot_id}}/secret", ADMIN),
    _form(f"{_P}/robots/{{robot_id}}/delete", ADMIN),
    *(_form(f"{_P}/robots/{{robot_id}}/trusts/new/{kind}", ADMIN) for kind in ("github", "gitlab", "other")),
    _form(f"{_P}/robots/{{robot_id}}/trusts/{{trust_id}}/remove", ADMIN),
    _form("/account/profile", SIGNED_IN),
    _form("/account/password", SIGNED_IN),
    Page("/account/sign-up", NOBODY),
    Page("/harbor/about", SIGNED_IN),
    _form("/account/confirm", SIGNED_IN),
    Page("/account/sessions", SIGNED_IN),
    _form("/account/sessions/end-others", SIGNED_IN),
    _form("/account/sessions/{session_id}/end", OWNER),
    Page("/account/access-tokens", SIGNED_IN),
    _form("/account/access-tokens/new", SIGNED_IN),
    _form("/account/access-tokens/{token_id}", OWNER),
    _form("/account/access-tokens/{token_id}/revoke", OWNER),
    Page("/harbor/projects", EVERYBODY),
    _form("/harbor/projects/new", SIGNED_IN - {"auditor"}),
    _form(f"{_P}/delete", ADMIN),
    Page(f"{_P}/summary", MEMBER_READ),
    Page(f"{_P}/push-commands", DEVELOPER, kind=Kind.FRAGMENT),
    Page(f"{_P}/repositories", MEMBER_READ),
    Page(f"{_R}/info", MEMBER_READ),
    _form(f"{_R}/info/edit", DEVELOPER),
    _form(f"{_R}/delete", MAINTAINER),
    Page("/harbor/search", EVERYBODY),
    Page(_IMMUTABILITY, MAINTAINER_READ),
    _form(f"{_IMMUTABILITY}/new", MAINTAINER),
    _form(f"{_IMMUTABILITY}/{{rule_id}}/edit", MAINTAINER),
    _write(f"{_IMMUTABILITY}/{{rule_id}}/switch", MAINTAINER),
    _form(f"{_IMMUTABILITY}/{{rule_id}}/delete", MAINTAINER),
    Page(f"{_P}/push-rules", MAINTAINER_READ),
    _form(f"{_P}/push-rules/edit", ADMIN),
    _form(f"{_P}/push-rules/clear", ADMIN),
    Page(f"{_P}/configs", MAINTAINER_READ),
    _form(f"{_P}/configs/access", ADMIN),
    _form(f"{_P}/configs/security", ADMIN),
    _form(f"{_P}/configs/allowlist", ADMIN),
    Page("/harbor/gc", SYSTEM_READ),
    Page("/harbor/gc/live", SYSTEM_READ, kind=Kind.LIVE),
    _form("/harbor/gc/run", SYSTEM),
    _form("/harbor/gc/schedule", SYSTEM),
    Page("/harbor/gc/{collection}", SYSTEM_READ),
    Page("/harbor/gc/{collection}/live", SYSTEM_READ, kind=Kind.LIVE),
    _form("/harbor/gc/{collection}/stop", SYSTEM),
    Page("/harbor/purge", SYSTEM_READ),
    Page("/harbor/purge/live", SYSTEM_READ, kind=Kind.LIVE),
    _form("/harbor/purge/run", SYSTEM),
    _form("/harbor/purge/schedule", SYSTEM),
    Page("/harbor/purge/{purge}", SYSTEM_READ),
    Page("/harbor/purge/{purge}/live", SYSTEM_READ, kind=Kind.LIVE),
    _form("/harbor/purge/{purge}/stop", SYSTEM),
    Page("/harbor/jobs", SYSTEM_READ),
    Page("/harbor/jobs/live", SYSTEM_READ, kind=Kind.LIVE),
    _write("/harbor/jobs/queues/GARBAGE_COLLECTION", SYSTEM),
    _form("/harbor/jobs/queues/GARBAGE_COLLECTION/stop", SYSTEM),
    Page("/harbor/jobs/schedules", SYSTEM_READ, writes=SYSTEM),
    Page("/harbor/jobs/workers", SYSTEM_READ),
    Page("/harbor/jobs/workers/live", SYSTEM_READ, kind=Kind.LIVE),
    _form("/harbor/jobs/all/stop", SYSTEM),
    Page("/harbor/jobs/{job_id}", SYSTEM_READ),
    Page("/harbor/jobs/{job_id}/live", SYSTEM_READ, kind=Kind.LIVE),
    _form("/harbor/jobs/{job_id}/stop", SYSTEM),
    Page("/harbor/users", SYSTEM_READ),
    _form("/harbor/users/new", SYSTEM),
    Page("/harbor/users/{user_id}", SYSTEM_READ),
    _form("/harbor/users/{user_id}/password", SYSTEM),
    _form("/harbor/users/{user_id}/delete", SYSTEM),
    _form("/harbor/users/{user_id}/make-auditor", SYSTEM),
    Page("/harbor/groups", SYSTEM_READ),
    _form("/harbor/groups/new", SYSTEM),
    Page("/harbor/groups/{group_id}", SYSTEM_READ),
    _form("/harbor/groups/{group_id}/edit", SYSTEM),
    _form("/harbor/groups/{group_id}/delete", SYSTEM),
    _form("/harbor/groups/{group_id}/members/new", SYSTEM),
    Page("/harbor/groups/{group_id}/members/names", SYSTEM, kind=Kind.FRAGMENT),
    _form("/harbor/groups/{group_id}/members/{user_id}/remove", SYSTEM),
    Page("/harbor/quotas", SYSTEM_READ),
    _form("/harbor/quotas/default", SYSTEM),
    _form("/harbor/quotas/{quota_id}/edit", SYSTEM),
    Page("/harbor/logs", SIGNED_IN),
    Page(f"{_P}/logs", ADMIN_READ),
    Page("/harbor/system-settings", SYSTEM_READ, writes=SYSTEM),
    Page("/harbor/system-settings/banner", SYSTEM_READ, writes=SYSTEM),
    Page("/harbor/statistics", SYSTEM_READ),
    _form(f"{_RETENTION}/rules/new", DEVELOPER),
    _form(f"{_RETENTION}/rules/{{rule}}/edit", DEVELOPER),
    _write(f"{_RETENTION}/rules/{{rule}}/switch", DEVELOPER),
    _form(f"{_RETENTION}/rules/{{rule}}/delete", DEVELOPER),
    _form(f"{_RETENTION}/schedule", DEVELOPER),
    _form(f"{_RETENTION}/delete", DEVELOPER),
    Page(_RETENTION, DEVELOPER_READ),
    Page(f"{_RETENTION}/live", DEVELOPER_READ, kind=Kind.LIVE),
    _form(f"{_RETENTION}/run", DEVELOPER),
    _write(f"{_RETENTION}/dry-run", DEVELOPER),
    Page(f"{_RETENTION}/executions/{{retention_run}}", DEVELOPER_READ),
    Page(f"{_RETENTION}/executions/{{retention_run}}/live", DEVELOPER_READ, kind=Kind.LIVE),
    _form(f"{_RETENTION}/executions/{{retention_run}}/stop", DEVELOPER),
    Page(f"{_RETENTION}/executions/{{retention_run}}/tasks/{{retention_task}}", DEVELOPER_READ),
    Page(
        f"{_RETENTION}/executions/{{retention_run}}/tasks/{{retention_task}}/live",
        DEVELOPER_READ,
        kind=Kind.LIVE,
    ),
    Page(f"{_P}/repositories/{{repository}}", MEMBER_READ),
    _form(f"{_R}/selected/delete?artifact={{artifact_id}}", MAINTAINER),
    _form(f"{_R}/selected/label?artifact={{artifact_id}}", DEVELOPER),
    _form(f"{_R}/selected/copy?artifact={{artifact_id}}", DEVELOPER),
    Page(_A, MEMBER_READ),
    Page(f"{_P}/repositories/{{index_repository}}/-/artifacts/{{index_digest}}/children", MEMBER_READ),
    _form(f"{_A}/labels/{{label_id}}/remove", DEVELOPER),
    _form(f"{_A}/deactivate", MAINTAINER),
    _form(f"{_A}/activate", MAINTAINER),
    Page(f"{_A}/layers", MEMBER_READ),
    Page(f"{_A}/manifest", MEMBER_READ),
    Page(f"{_CHART}/readme", MEMBER_READ),
    Page(f"{_CHART}/values", MEMBER_READ),
    Page(f"{_MODEL}/license", MEMBER_READ),
    Page(f"{_R}/artifacts/{{sbom_digest}}/document", MEMBER_READ),
    Page(f"{_CHART}/dependencies", MEMBER_READ),
    Page(f"{_MODEL}/files", MEMBER_READ),
    _form(f"{_A}/tags/new", DEVELOPER),
    _form(f"{_A}/tags/{{tag}}/expiry", MAINTAINER),
    _form(f"{_A}/tags/{{tag}}/delete", MAINTAINER),
    Page(_WEBHOOKS, MAINTAINER_READ),
    _form(f"{_WEBHOOKS}/new", ADMIN),
    _form(f"{_WEBHOOKS}/{{policy_id}}/edit", ADMIN),
    _write(f"{_WEBHOOKS}/{{policy_id}}/switch", ADMIN),
    _write(f"{_WEBHOOKS}/{{policy_id}}/test", ADMIN),
    _form(f"{_WEBHOOKS}/{{policy_id}}/delete", ADMIN),
    Page(f"{_WEBHOOKS}/{{policy_id}}", MAINTAINER_READ),
    Page(f"{_WEBHOOKS}/{{policy_id}}/live", MAINTAINER_READ, kind=Kind.LIVE),
    Page(f"{_WEBHOOKS}/{{policy_id}}/executions/{{delivery}}", MAINTAINER_READ),
    Page(f"{_WEBHOOKS}/{{policy_id}}/executions/{{delivery}}/live", MAINTAINER_READ, kind=Kind.LIVE),
    Page(f"{_OLD}/info-tab", MEMBER_READ, kind=Kind.LEADS_ON),
    Page(f"{_OLD}/artifacts-tab", MEMBER_READ, kind=Kind.LEADS_ON),
    Page(f"{_OLD}/artifacts-tab/artifacts/{{digest}}", MEMBER_READ, kind=Kind.LEADS_ON),
    Page(f"{_OLD}/artifacts-tab/depth/{{digest}}", MEMBER_READ, kind=Kind.LEADS_ON),
    Page(f"{_OLD}/artifacts-tab/depth/{{digest}}/artifacts/{{digest}}", MEMBER_READ, kind=Kind.LEADS_ON),
    Page(f"{_P}/trash", MAINTAINER_READ),
    Page(f"{_P}/trash/{{entry_id}}", MAINTAINER_READ),
    _form(f"{_P}/trash/{{entry_id}}/restore", MAINTAINER),
    _form(f"{_P}/trash/{{entry_id}}/forget", ADMIN),
    Page(f"{_R}/history", DEVELOPER_READ),
    _form(f"{_R}/history/rewind", MAINTAINER),
)
