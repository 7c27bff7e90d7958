"""Each page costs the same number of statements with few rows and with many, and the recorded number.

``UPDATE_QUERY_COUNTS=1`` with pytest writes ``query_counts.json`` anew; a changed number is a change to review.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.template.loader import get_template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from apps.accounts.models import User
from apps.accounts.security import USER, Principal
from apps.catalog.statistics import STORED_BYTES
from apps.portal.urls import urlpatterns
from tests.support.rows import FEW, MANY, seed

pytestmark = pytest.mark.django_db

_RECORDED = Path(__file__).with_name("query_counts.json")
_ALL = "page_size=100"
_PAGER = "portal/parts/pager.html"
_INCLUDED = re.compile(r'{%\s*include\s+"([^"]+)"')
_PROJECT = "projects/{project_id}"
_REPOSITORY = f"{_PROJECT}/repositories/{{repository_path}}"
_ARTIFACT = f"{_REPOSITORY}/-/artifacts/{{digest}}"
_RETENTION = f"{_PROJECT}/tag-strategy/tag-retention"
# Below /harbor; a list is asked for as many rows as it gives.
_CASES = (
    f"projects?{_ALL}",
    f"projects?{_ALL}&sort=-created&visibility=private",
    f"{_PROJECT}/summary",
    f"{_PROJECT}/repositories?{_ALL}",
    f"{_PROJECT}/repositories?{_ALL}&view=cards&sort=-pulls",
    f"{_PROJECT}/repositories?page_size=10&page=2",
    f"{_PROJECT}/members?{_ALL}",
    f"{_PROJECT}/labels?{_ALL}",
    f"{_PROJECT}/robots?{_ALL}",
    f"{_PROJECT}/logs?{_ALL}",
    f"{_PROJECT}/trash?{_ALL}",
    f"{_PROJECT}/trash/{{trash}}",
    f"{_PROJECT}/configs",
    f"{_PROJECT}/push-rules",
    f"{_PROJECT}/webhook?{_ALL}",
    f"{_PROJECT}/webhook/{{webhook}}?{_ALL}",
    f"{_PROJECT}/webhook/{{webhook}}/executions/{{delivery}}",
    f"{_PROJECT}/tag-strategy/immutable-tag?{_ALL}",
    f"{_RETENTION}?{_ALL}",
    f"{_RETENTION}/executions/{{retention_run}}?{_ALL}",
    f"{_RETENTION}/executions/{{retention_run}}/tasks/{{retention_task}}",
    f"{_REPOSITORY}?{_ALL}",
    f"{_REPOSITORY}?{_ALL}&search=v&sort=-size",
    f"{_REPOSITORY}/-/info",
    f"{_REPOSITORY}/-/history?{_ALL}",
    f"{_ARTIFACT}?{_ALL}",
    f"robots?{_ALL}",
    f"labels?{_ALL}",
    f"users?{_ALL}",
    f"users?{_ALL}&search=a",
    "users/{user}",
    f"groups?{_ALL}",
    f"groups/{{group}}?{_ALL}",
    f"quotas?{_ALL}",
    f"logs?{_ALL}",
    f"logs?{_ALL}&search=a",
    f"gc?{_ALL}",
    "gc/{collection}",
    f"purge?{_ALL}",
    "purge/{purge}",
    "jobs",
    f"jobs/schedules?{_ALL}",
    "jobs/workers",
    "jobs/{job}",
    "statistics",
    "system-settings",
    "search?text=-",
    "/account/access-tokens",
    "/account/sessions",
)


class Reader:
    """Opens pages as an administrator who needs no password."""

    def __init__(self) -> None:
        self.client = Client()

    def statements(self, path: str) -> int:
        """Statements of one answer when everything that is remembered is.

        What is remembered for a second is read anew now and then, on a busy machine in any of the looks: the least counts.
        """
        assert self.client.get(path).status_code == 200, path
        return min(self._look(path) for _ in range(3))

    def _look(self, path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            self.client.get(path)
        return len(queries)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    user = User.objects.create(username="counter", email="counter@example.com", sysadmin_flag=True)
    principal = Principal(USER, user.pk, user.username, 1, is_system_admin=True)
    monkeypatch.setattr("apps.portal.views.session_principal", lambda *_arguments, **_named: principal)
    # It is remembered for a time, which must not end between two looks.
    monkeypatch.setattr(STORED_BYTES, "get", lambda: 0)
    return Reader()


def _path(case: str, names: Mapping[str, object]) -> str:
    path = str(names["repository"]).replace("%252F", "/")
    return (
        f"{'' if case.startswith('/') else '/harbor/'}{case.format_map({**names, 'repository_path': path})}"
    )


def _counts(reader: Reader, names: Mapping[str, object]) -> dict[str, int]:
    # What every page remembers is read by the first of all.
    reader.statements("/harbor/about")
    return {case: reader.statements(_path(case, names)) for case in _CASES}


def test_every_page_costs_what_is_recorded_whatever_the_number_of_rows(reader: Reader) -> None:
    few = _counts(reader, seed(FEW))
    many = _counts(reader, seed(MANY))
    assert {case: (few[case], many[case]) for case in _CASES if few[case] != many[case]} == {}, "(few, many)"
    if os.environ.get("UPDATE_QUERY_COUNTS"):
        _RECORDED.write_text(json.dumps(many, indent=1, sort_keys=True) + "\n", "utf-8")
    assert many == json.loads(_RECORDED.read_text("utf-8"))


def test_no_list_is_missing() -> None:
    """A list is a page whose template has a pager."""
    names = {name: 1 for case in _CASES for name in _names(case)}
    names |= {"repository": "a", "digest": f"sha256:{'0' * 64}"}
    covered = {resolve(urlsplit(_path(case, names)).path).route for case in _CASES}
    lists = {
        str(pattern.pattern)
        for pattern in urlpatterns
        if _has_pager(getattr(pattern.callback.view_class, "template", ""))
        and not pattern.callback.view_initkwargs.get("is_part")
    }
    assert len(lists) > 12
    assert lists - covered == set()


def _has_pager(template: str) -> bool:
    """Whether it or what it includes has one."""
    if not template or template == _PAGER:
        return bool(template)
    source = get_template(template).template.source
    return any(_has_pager(name) for name in _INCLUDED.findall(source))


def _names(case: str) -> list[str]:
    return [part.partition("}")[0] for part in case.split("{")[1:]]
