"""A robot account's workload identity in the portal."""

from typing import Any

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import Person, make_project, make_robot
from tests.support.world import World

GITHUB = "https://token.actions.githubusercontent.com"


@pytest.fixture
def robot(world: World) -> tuple[Person, str]:
    """A robot account of a project, and its page."""
    project = make_project(world.admin)
    made = make_robot(world.admin, project=project, actions=("pull",))
    project_id = world.admin.get(f"/projects/{project}").json()["project_id"]
    return made, f"/harbor/projects/{project_id}/robots/{made.id}"


def trusts_of(world: World, robot: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.admin.get(f"/robots/{robot.id}/trusts").json() or []
    return found


FORMS: list[tuple[str, dict[str, Any], str, str, dict[str, str]]] = [
    (
        "github",
        {"owner": "org", "repository": "app", "kind": "ref:refs/heads/", "name": "main"},
        GITHUB,
        "repo:org/app:ref:refs/heads/main",
        {},
    ),
    (
        "github",
        {"owner": "org", "kind": "ref:refs/tags/", "name": "v*", "claims": "event_name = push\r\nactor=*"},
        GITHUB,
        "repo:org/*:ref:refs/tags/v*",
        {"event_name": "push", "actor": "*"},
    ),
    (
        "github",
        {"owner": "org", "repository": "app", "kind": "environment:", "name": "production"},
        GITHUB,
        "repo:org/app:environment:production",
        {},
    ),
    ("github", {"owner": "org", "repository": "app", "kind": "any"}, GITHUB, "repo:org/app:**", {}),
    (
        "github",
        {"owner": "org@12", "repository": "app@34", "kind": "any"},
        GITHUB,
        "repo:org@12/app@34:**",
        {},
    ),
    (
        "gitlab",
        {"project": "group/sub/app", "kind": "branch", "name": "main"},
        "https://gitlab.com",
        "project_path:group/sub/app:ref_type:branch:ref:main",
        {"ref_protected": "true"},
    ),
    (
        "gitlab",
        {"issuer": "https://gitlab.example.com", "project": "group/app", "kind": "any", "protected": False},
        "https://gitlab.example.com",
        "project_path:group/app:**",
        {},
    ),
    (
        "kubernetes",
        {"issuer": "https://kube.example.com", "namespace": "team", "account": "builder"},
        "https://kube.example.com",
        "system:serviceaccount:team:builder",
        {},
    ),
    (
        "kubernetes",
        {"issuer": "https://kube.example.com", "namespace": "team"},
        "https://kube.example.com",
        "system:serviceaccount:team:*",
        {},
    ),
    (
        "other",
        {"issuer": "https://issuer.example.com", "subject": "job:**", "claims": "a/b=c=d"},
        "https://issuer.example.com",
        "job:**",
        {"a/b": "c=d"},
    ),
]


@pytest.mark.parametrize(("kind", "values", "issuer", "subject", "claims"), FORMS)
def test_ready_made_forms(
    world: World,
    browse: Browse,
    robot: tuple[Person, str],
    kind: str,
    values: dict[str, Any],
    issuer: str,
    subject: str,
    claims: dict[str, str],
) -> None:
    account, path = robot
    browser = browse("sysadmin")
    assert f"{path}/trusts/new/{kind}" in browser.open(path).links()
    page = browser.submit(f"{path}/trusts/new/{kind}", **values)
    assert page.path == path, page.text
    assert f"Jobs with the subject {subject} are trusted." in page.text
    [trust] = trusts_of(world, account)
    assert (trust["issuer"], trust["subject"], trust["claims"]) == (issuer, subject, claims)
    assert trust["audience"] == world.server.url
    for text in (issuer, subject, world.server.url, *(f"{name}={value}" for name, value in claims.items())):
        assert text in page.document.select_one("#trusts").get_text()


def test_a_trust_is_removed_after_a_question(world: World, browse: Browse, robot: tuple[Person, str]) -> None:
    account, path = robot
    body = {"issuer": GITHUB, "audience": "hub", "subject": "repo:org/app:**"}
    trust = world.admin.post(f"/robots/{account.id}/trusts", json=body).json()
    browser = browse("sysadmin")
    link = f"{path}/trusts/{trust['id']}/remove"
    assert link in browser.open(path).links()
    page = browser.open(link)
    assert "repo:org/app:** of https://token.actions.githubusercontent.com are refused at once." in page.text
    assert len(trusts_of(world, account)) == 1
    page = browser.submit(link)
    assert page.path == path
    assert "The trust is removed." in page.text
    assert trusts_of(world, account) == []
    assert "It trusts no jobs" in page.text
    assert browser.open(link).status == 404


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        ("github", {"owner": "*", "kind": "any"}, "Letters, digits, and"),
        ("github", {"owner": "org@", "kind": "any"}, "Letters, digits, and"),
        ("github", {"owner": "org", "repository": "app:x", "kind": "any"}, "Letters, digits, and"),
        ("github", {"owner": "org", "kind": "ref:refs/heads/"}, "Say which one."),
        ("github", {"owner": "org", "kind": "any", "claims": "nonsense"}, "Write NAME=VALUE"),
        ("gitlab", {"project": "app", "kind": "any"}, "such as group/app."),
        ("gitlab", {"project": "group/app", "kind": "tag"}, "Say which one."),
        ("kubernetes", {"issuer": "https://kube.example.com", "namespace": "a:b"}, "Letters, digits, and"),
        ("other", {"issuer": "http://issuer.example.com", "subject": "x"}, "must be asked by https"),
        ("other", {"issuer": "https://issuer.example.com", "subject": "**"}, "stars alone"),
        ("other", {"issuer": GITHUB, "subject": "repo:**"}, "serves everybody"),
    ],
)
def test_what_a_form_does_not_take(
    world: World, browse: Browse, robot: tuple[Person, str], kind: str, values: dict[str, Any], told: str
) -> None:
    account, path = robot
    page = browse("sysadmin").submit(f"{path}/trusts/new/{kind}", **values)
    assert page.status in {400, 422}
    assert told in page.text
    assert trusts_of(world, account) == []


def test_there_are_no_other_forms(browse: Browse, robot: tuple[Person, str]) -> None:
    assert browse("sysadmin").open(f"{robot[1]}/trusts/new/nothing").status == 404


def test_who_may_not_change_it_sees_no_buttons(world: World, browse: Browse) -> None:
    account = world.people["robot"]
    project_id = world.admin.get(f"/projects/{world.private}").json()["project_id"]
    path = f"/harbor/projects/{project_id}/robots/{account.id}"
    page = browse("guest").open(path)
    assert page.has("#trusts")
    assert not any("/trusts/" in link for link in page.links())
    assert browse("guest").open(f"{path}/trusts/new/github").status == 403
    assert browse("guest").post(f"{path}/trusts/new/other", subject="x").status == 403


def test_a_robot_account_of_another_level_is_not_there(browse: Browse, robot: tuple[Person, str]) -> None:
    assert browse("sysadmin").open(f"/harbor/robots/{robot[0].id}/trusts/new/github").status == 404
