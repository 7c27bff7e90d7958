"""The people of the installation, as an administrator handles them in pages."""

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import api, make_user, unique
from tests.support.browsing import SIGN_IN, Browser
from tests.support.world import World

USERS = "/harbor/users"
PASSWORD = "Another12345!Tests"


def test_who_administers_sees_everybody(world: World, browse: Browse) -> None:
    name = world.people["developer"].name
    for identity in ("sysadmin", "auditor"):
        page = browse(identity).open(f"{USERS}?search={name}")
        assert name in page.text
        assert USERS in page.links()
        assert (f"{USERS}/new" in page.links()) == (identity == "sysadmin")
    assert browse("anonymous").open(USERS).path.startswith(SIGN_IN)


@pytest.mark.parametrize("identity", ["project_admin", "guest", "outsider"])
def test_nobody_else_does(world: World, browse: Browse, identity: str) -> None:
    other = world.people["developer"].id
    browser = browse(identity)
    assert USERS not in browser.open("/harbor/projects").links()
    for path in (USERS, f"{USERS}/new", f"{USERS}/{other}", f"{USERS}/{other}/password"):
        assert browser.open(path).status == 403
    assert browser.post(f"{USERS}/{other}/make-admin").status == 403
    assert browser.post(f"{USERS}/{other}/delete").status == 403
    assert not world.admin.get(f"/users/{other}").json()["sysadmin_flag"]


def test_an_auditor_changes_nothing(world: World, browse: Browse) -> None:
    other = world.people["developer"].id
    browser = browse("auditor")
    page = browser.open(f"{USERS}/{other}")
    assert page.status == 200
    assert not any(link.startswith(f"{USERS}/{other}/") for link in page.links())
    for change in ("make-admin", "suspend", "delete", "password"):
        assert browser.open(f"{USERS}/{other}/{change}").status == 403
        assert browser.post(f"{USERS}/{other}/{change}").status == 403
    assert browser.open(f"{USERS}/new").status == 403


def test_a_person_is_made(world: World, browse: Browse) -> None:
    browser, name = browse("sysadmin"), unique("made")
    values = {"username": name, "email": f"{name}@example.com", "realname": "Ada", "password": PASSWORD}
    page = browser.submit(f"{USERS}/new", **values, again="Different12345!")
    assert page.status == 422
    assert "The passwords are not the same." in page.text
    assert PASSWORD not in page.answer.text

    page = browser.submit(f"{USERS}/new", **values, again=PASSWORD)
    assert f"The user {name} is there." in page.text
    with Browser(world.server.url) as own:
        own.submit(SIGN_IN, username=name, password=PASSWORD)
        assert own.open("/harbor/logs").status == 200

    page = browser.submit(f"{USERS}/new", **values, again=PASSWORD)
    assert page.status == 409
    assert "is already used" in page.text
    page = browser.submit(
        f"{USERS}/new", **{**values, "username": unique("weak"), "password": "weak"}, again="weak"
    )
    assert page.status == 400
    assert "the password must have" in page.text


def test_rights_are_given_and_taken(world: World, browse: Browse) -> None:
    browser, person = browse("sysadmin"), make_user(world.admin)
    for change, field, value, words in (
        ("make-admin", "sysadmin_flag", True, "is a system administrator now"),
        ("unmake-admin", "sysadmin_flag", False, "no longer a system administrator"),
        ("make-auditor", "auditor_flag", True, "is an auditor now"),
        ("unmake-auditor", "auditor_flag", False, "no longer an auditor"),
        ("suspend", "suspended", True, "is suspended"),
        ("resume", "suspended", False, "may sign in again"),
    ):
        page = browser.open(f"{USERS}/{person.id}")
        assert f"{USERS}/{person.id}/{change}" in page.links()
        page = browser.send(browser.open(f"{USERS}/{person.id}/{change}"))
        assert words in page.text
        found = world.admin.get(f"/users/{person.id}").json()
        assert found.get(field, False) is value
    assert browser.open(f"{USERS}/{person.id}/promote").status == 404
    assert browser.open(f"{USERS}/999999999").status == 404


def test_a_password_is_reset(world: World, browse: Browse) -> None:
    browser, person = browse("sysadmin"), make_user(world.admin)
    page = browser.submit(f"{USERS}/{person.id}/password", password=PASSWORD, again=PASSWORD)
    assert f"The password of {person.name} is reset." in page.text
    assert PASSWORD not in page.answer.text
    with Browser(world.server.url) as own:
        assert own.submit(SIGN_IN, username=person.name, password=PASSWORD).path == "/harbor/projects"
    with Browser(world.server.url) as own:
        assert own.sign_in(person).status == 401


def test_a_person_is_deleted(world: World, browse: Browse) -> None:
    browser, person = browse("sysadmin"), make_user(world.admin)
    page = browser.open(f"{USERS}/{person.id}/delete")
    assert "cannot be undone" in page.text
    page = browser.send(page)
    assert f"The user {person.name} is deleted." in page.text
    assert world.admin.get(f"/users/{person.id}").status_code == 404


def test_the_first_administrator_stays(world: World, browse: Browse) -> None:
    browser = browse("sysadmin")
    page = browser.open(f"{USERS}/1")
    for change in ("unmake-admin", "suspend", "delete"):
        assert f"{USERS}/1/{change}" not in page.links()
        assert browser.post(f"{USERS}/1/{change}").status == 403
    with api(world.server.url, world.server.admin) as client:
        assert client.get("/users/current").json()["sysadmin_flag"] is True
