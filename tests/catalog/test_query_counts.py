"""Every GET of the API costs the same number of statements with few rows and with many, and the recorded number.

``UPDATE_QUERY_COUNTS=1`` with pytest writes ``query_counts.json`` anew; a changed number is a change to review.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, resolve

from apps.accounts.models import User
from apps.accounts.security import USER, Principal
from apps.api.urls import urlpatterns
from apps.artifacts.models import Tag
from tests.support.rows import FEW, MANY, seed

pytestmark = pytest.mark.django_db

_RECORDED = Path(__file__).with_name("query_counts.json")
_REPOSITORY = "projects/{project}/repositories/{repository}"
_ARTIFACT = f"{_REPOSITORY}/artifacts/{{digest}}"
_ALL_WITH = "with_label=true&with_accessory=true&with_inherited_accessory=true&with_immutable_status=true"
# Below /api/v2.0; a list is asked for as many rows as it gives.
_CASES = (
    "ping",
    "health",
    "systeminfo",
    "systeminfo/volumes",
    "system/gc?page_size=100",
    "system/gc?page_size=100&q=trigger=MANUAL&sort=-id",
    "system/gc/schedule",
    "system/gc/{collection}",
    "system/gc/{collection}/log",
    "configurations",
    "system/CVEAllowlist",
    "internalconfig",
    "openapi.json",
    "permissions",
    "quotas?page_size=100",
    "quotas?page_size=100&sort=-used.storage",
    "quotas/{quota}",
    "auditlog-exts?page_size=100",
    "auditlog-exts?page_size=100&q=operation=pull&sort=username",
    "auditlog-exts?page_size=10&page=2",
    "auditlog-exts/events",
    "audit-logs?page_size=100",
    "retentions/metadatas",
    "retentions/{retention}",
    "retentions/{retention}/executions",
    "retentions/{retention}/executions/{retention_run}/tasks",
    "retentions/{retention}/executions/{retention_run}/tasks/{retention_task}",
    "system/purgeaudit?page_size=100",
    "system/purgeaudit/schedule",
    "system/purgeaudit/{purge}",
    "system/purgeaudit/{purge}/log",
    "jobservice/pools",
    "jobservice/pools/all/workers",
    "jobservice/jobs/{job}/log",
    "jobservice/queues",
    "schedules?page_size=100",
    "schedules/all/paused",
    "robots?page_size=100",
    "robots?page_size=100&q=Level=project,ProjectID={project_id}",
    "robots/{robot}",
    "robots/{robot}/trusts?page_size=100",
    "robots/{robot}/trusts/{trust}",
    "repositories?page_size=100",
    "repositories?page_size=100&q=name=~a&sort=-pull_count",
    "labels?scope=p&project_id={project_id}&page_size=100",
    "labels?scope=g&page_size=100",
    "labels/{label}",
    "icons/{icon}",
    "search?q=-",
    "statistics",
    "users?page_size=100",
    "users/search?username=a&page_size=100",
    "users/current",
    "users/current/permissions?scope=/project/{project_id}",
    "users/{user}",
    "users/{token_user}/sessions?page_size=100",
    "users/{user}/lock",
    "users/{token_user}/tokens?page_size=100",
    "users/{token_user}/tokens/{token}",
    "usergroups?page_size=100",
    "usergroups/search?groupname=team&page_size=100",
    "usergroups/{group}",
    "usergroups/{group}/members?page_size=100",
    "projects?page_size=100",
    "projects?page_size=100&q=public=false&sort=-creation_time",
    "projects/{project}",
    "projects/{project}/_deletable",
    "projects/{project}/summary",
    "projects/{project}/members?page_size=100",
    "projects/{project}/members?page_size=100&entityname=a",
    "projects/{project}/members/{member}",
    "projects/{project}/metadatas",
    "projects/{project}/metadatas/",
    "projects/{project}/metadatas/severity",
    "projects/{project}/immutabletagrules?page_size=100",
    "projects/{project}/push-rules",
    "projects/{project}/webhook/policies?page_size=100",
    "projects/{project}/webhook/policies/{webhook}",
    "projects/{project}/webhook/policies/{webhook}/executions?page_size=100",
    "projects/{project}/webhook/policies/{webhook}/executions?page_size=100&q=event_type=PUSH_ARTIFACT&sort=id",
    "projects/{project}/webhook/policies/{webhook}/executions/{delivery}/tasks?page_size=100",
    "projects/{project}/webhook/policies/{webhook}/executions/{delivery}/tasks/{delivery_task}/log",
    "projects/{project}/webhook/lasttrigger",
    "projects/{project}/webhook/events",
    "projects/{project}/webhook/jobs?policy_id={webhook}&status=Running&page_size=100",
    "projects/{project}/trash?page_size=100",
    "projects/{project}/trash/{trash}",
    "projects/{project}/artifacts?page_size=100",
    f"projects/{{project}}/artifacts?page_size=100&{_ALL_WITH}",
    "projects/{project}/scanner",
    "projects/{project}/scanner/candidates?page_size=100",
    "projects/{project}/logs?page_size=100",
    "projects/{project}/auditlog-exts?page_size=100",
    "projects/{project}/repositories?page_size=100",
    "projects/{large_project}/repositories?page_size=100&sort=name",
    f"{_ARTIFACT}/tags?page_size=100",
    f"{_ARTIFACT}/tags?page_size=100&with_immutable_status=true&sort=name",
    f"{_ARTIFACT}/accessories?page_size=100",
    f"{_ARTIFACT}/additions/build_history",
    f"{_ARTIFACT}/additions/vulnerabilities",
    f"{_ARTIFACT}?{_ALL_WITH}",
    f"{_REPOSITORY}/artifacts?page_size=100",
    f"{_REPOSITORY}/artifacts?page_size=100&{_ALL_WITH}",
    f"{_REPOSITORY}/artifacts?page_size=100&q=tags=~v&sort=-size",
    f"{_REPOSITORY}/artifacts?page_size=100&q=tags=*,base=*&sort=pull_time",
    f"{_REPOSITORY}/artifacts?page_size=100&q=labels=({{label}})",
    f"{_REPOSITORY}/artifacts?page_size=3&page=2",
    _REPOSITORY,
    f"{_REPOSITORY}/tag-history?page_size=100",
)
# Nothing to find in a seed without bytes, a certificate or a directory: routes that the table leaves out.
_LEAVES_OUT = (
    "ldap/groups/search",
    "ldap/users/search",
    "/scan/<str:report_id>/log",
    "systeminfo/getcert",
    "version",
)


@dataclass
class Caller:
    """Asks the API as a principal that needs no password."""

    client: Client

    def statements(self, path: str) -> int:
        """Statements of one answer when everything that is remembered is."""
        self.client.get(path)
        with CaptureQueriesContext(connection) as queries:
            answer = self.client.get(path)
        assert answer.status_code in {200, 404}, (path, answer.content)
        return len(queries)


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    user = User.objects.create(username="counter", email="counter@example.com", sysadmin_flag=True)
    principal = Principal(USER, user.pk, user.username, 1, is_system_admin=True)
    monkeypatch.setattr("apps.api.authentication.authenticate", lambda *_arguments, **_named: principal)
    return Caller(Client(headers={"Authorization": "Basic YTpi"}))


def _counts(caller: Caller, names: Mapping[str, object]) -> dict[str, int]:
    return {case: caller.statements(f"/api/v2.0/{case.format_map(names)}") for case in _CASES}


def test_every_answer_costs_what_is_recorded_whatever_the_number_of_rows(caller: Caller) -> None:
    few = _counts(caller, seed(FEW))
    many = _counts(caller, seed(MANY))
    assert Tag.objects.count() > 100
    assert {case: (few[case], many[case]) for case in _CASES if few[case] != many[case]} == {}, "(few, many)"
    if os.environ.get("UPDATE_QUERY_COUNTS"):
        _RECORDED.write_text(json.dumps(many, indent=1, sort_keys=True) + "\n", "utf-8")
    assert many == json.loads(_RECORDED.read_text("utf-8"))


def _get_routes() -> Iterator[str]:
    """Routes that answer GET, once each: names with plain slashes have a route of their own for the same view."""
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "view_class", None)
        if isinstance(pattern, URLPattern) and view is not None and hasattr(view, "get"):
            yield str(pattern.pattern).replace("<path:repository_name>", "<str:repository_name>")


def test_no_route_is_missing() -> None:
    names = {name: "1" for case in _CASES for name in _names(case)}
    covered = {
        resolve(f"/api/v2.0/{case.partition('?')[0].format_map(names)}").route.removeprefix("api/")
        for case in _CASES
    }
    missing = {route for route in _get_routes() if route not in covered}
    assert {route for route in missing if not route.endswith(_LEAVES_OUT)} == set()


def _names(case: str) -> list[str]:
    return [part.partition("}")[0] for part in case.split("{")[1:]]
