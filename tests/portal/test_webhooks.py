"""Webhooks of a project in the portal."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.portal.conftest import Browse
from tests.support.accounts import make_project
from tests.support.browsing import Browser, Page
from tests.support.receiver import Receiver
from tests.support.waiting import eventually
from tests.support.world import World

SECRET = "Bearer of-the-portal-4711"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def place_of(world: World, name: str) -> str:
    project_id = world.admin.get(f"/projects/{name}").json()["project_id"]
    return f"/harbor/projects/{project_id}/webhook"


def policies_of(world: World, name: str) -> list[dict[str, Any]]:
    return world.admin.get(f"/projects/{name}/webhook/policies").json() or []


def make(browser: Browser, path: str, url: str, **changes: Any) -> Page:
    values = {"name": "builder", "address": url, "auth_header": SECRET, "events": ["PUSH_ARTIFACT"]}
    return browser.submit(f"{path}/new", **values | changes)


@pytest.mark.parametrize(
    ("identity", "reads", "writes"),
    [
        ("guest", False, False),
        ("developer", False, False),
        ("maintainer", True, False),
        ("project_admin", True, True),
    ],
)
def test_who_sees_and_who_changes(
    world: World, browse: Browse, receiver: Receiver, identity: str, reads: bool, writes: bool
) -> None:
    path = place_of(world, world.private)
    page = make(browse("sysadmin"), path, receiver.url, name=f"of {identity}")
    policy = page.path
    browser = browse(identity)
    for place in (path, policy, f"{policy}/live"):
        refused = 286 if place.endswith("/live") else 403
        assert browser.open(place).status == (200 if reads else refused)
    page = browser.open(path)
    for end in ("edit", "delete"):
        assert (f"{policy}/{end}" in page.links()) == writes
        assert browser.open(f"{policy}/{end}").status == (200 if writes else 403)
    page = browser.open(policy)
    assert (f"{policy}/test" in page.forms()) == writes
    assert ("with an authorization header" in page.text) == writes
    if not writes:
        for end in ("edit", "delete", "switch", "test"):
            assert browser.post(f"{policy}/{end}", disabled="true").status == 403
        assert browser.post(f"{path}/new", name="mine").status == 403
    assert browse("sysadmin").submit(f"{policy}/delete").status == 200


def test_life_of_a_policy(world: World, browse: Browse, receiver: Receiver) -> None:
    name = make_project(world.admin)
    path, browser = place_of(world, name), browse("sysadmin")
    assert "No webhooks yet" in browser.open(path).text
    page = make(browser, path, receiver.url, payload_format="CloudEvents", verify=None)
    assert "The webhook builder is there." in page.text
    place = page.path
    [policy] = policies_of(world, name)
    target = {
        "type": "http", "address": receiver.url, "auth_header": SECRET, "skip_cert_verify": True,
        "payload_format": "CloudEvents",
    }  # fmt: skip
    assert (policy["targets"], policy["enabled"]) == ([target], True)

    # The secret is shown nowhere, and stays when the form is sent with its field empty.
    for shown in (page, browser.open(path), browser.open(f"{place}/edit")):
        assert SECRET not in shown.answer.text
    page = browser.submit(f"{place}/edit", description="to the builder", events=["DELETE_ARTIFACT"])
    assert "to the builder" in page.text
    [policy] = policies_of(world, name)
    assert (policy["targets"], policy["event_types"]) == ([target], ["DELETE_ARTIFACT"])
    browser.submit(f"{place}/edit", auth_header="Bearer other")
    assert policies_of(world, name)[0]["targets"][0]["auth_header"] == "Bearer other"

    page = browser.open(path)
    page = browser.send(page, f'form[action="{place}/switch"]')
    assert "The webhook is disabled." in page.text
    [policy] = policies_of(world, name)
    assert (policy["enabled"], policy["targets"][0]["auth_header"]) == (False, "Bearer other")
    assert "The webhook is enabled." in browser.send(page, f'form[action="{place}/switch"]').text

    browser.submit(f"{place}/edit", header_gone=True, type="slack")
    [policy] = policies_of(world, name)
    assert policy["targets"] == [{"type": "slack", "address": receiver.url, "skip_cert_verify": True}]
    assert not browser.open(f"{place}/edit").has("[name=header_gone]")

    assert "what still waits is not sent" in browser.open(f"{place}/delete").text
    assert "The webhook is deleted." in browser.submit(f"{place}/delete").text
    assert policies_of(world, name) == []
    assert browser.open(place).status == 404


def test_what_is_wrong_is_told_in_the_form(world: World, browse: Browse, receiver: Receiver) -> None:
    name = make_project(world.admin)
    path, browser = place_of(world, name), browse("sysadmin")
    page = make(browser, path, "ftp://example.com")
    assert page.status == 400
    assert "cannot be used" in page.text
    assert SECRET not in page.answer.text
    assert make(browser, path, receiver.url, events=[]).status == 422
    assert make(browser, path, receiver.url, auth_header="two\nlines").status == 400
    assert make(browser, path, receiver.url).status == 200
    assert make(browser, path, receiver.url).status == 409
    assert len(policies_of(world, name)) == 1


def test_further_targets_stay(world: World, browse: Browse, receiver: Receiver) -> None:
    name = make_project(world.admin)
    targets = [
        {"type": "http", "address": f"{receiver.url}/{one}", "auth_header": f"Bearer {one}"} for one in "ab"
    ]
    answer = world.admin.post(
        f"/projects/{name}/webhook/policies",
        json={"name": "two", "targets": targets, "event_types": ["PUSH_ARTIFACT"], "enabled": True},
    )
    place = f"{place_of(world, name)}/{answer.headers['Location'].rpartition('/')[2]}"
    assert "further targets" in browse("sysadmin").open(f"{place}/edit").text
    browse("sysadmin").submit(f"{place}/edit", address=f"{receiver.url}/c")
    [policy] = policies_of(world, name)
    assert [(one["address"][-1], one["auth_header"]) for one in policy["targets"]] == [
        ("c", "Bearer a"),
        ("b", "Bearer b"),
    ]


def test_a_test_is_delivered(world: World, browse: Browse, receiver: Receiver) -> None:
    name = make_project(world.admin)
    path, browser = place_of(world, name), browse("sysadmin")
    page = make(browser, path, receiver.url)
    place = page.path
    page = browser.send(page, f'form[action="{place}/test"]')
    assert "A test is being sent." in page.text
    delivery = page.path
    page = eventually(lambda: browser.open(delivery), lambda page: not page.has("[hx-get]"))
    assert "Success" in page.text
    assert "answered 200" in page.document.select_one("#log").get_text()
    assert '"test": "true"' in page.document.select_one("#payload").get_text()
    assert receiver.requests[0].headers["authorization"] == SECRET
    assert SECRET not in page.answer.text
    page = browser.open(place)
    assert delivery in page.links()
    cells = [cell.get_text(" ", strip=True) for cell in page.document.select("#live tbody td")]
    assert cells[1:7] == ["Success", "by hand", "Artifact pushed", "HTTP", "1", "-"]
    other = place_of(world, make_project(world.admin))
    assert browser.open(f"{other}/{delivery.split('/webhook/')[1]}").status == 404


def test_a_delivery_that_fails_says_when_it_is_tried_again(
    world: World, browse: Browse, receiver: Receiver
) -> None:
    receiver.status = 503
    name = make_project(world.admin)
    browser = browse("sysadmin")
    place = make(browser, place_of(world, name), receiver.url).path
    delivery = browser.send(browser.open(place), f'form[action="{place}/test"]').path

    def row() -> list[str]:
        page = browser.open(place)
        return [cell.get_text(" ", strip=True) for cell in page.document.select("#live tbody td")]

    cells = eventually(row, lambda cells: cells[6].endswith("UTC"))
    assert int(cells[5]) >= 1
    page = browser.open(delivery)
    assert "abnormal response code: 503" in page.text
    assert page.has("[hx-get]")
    assert browser.open(str(page.document.select_one("[hx-get]")["hx-get"])).status == 200
    browser.submit(f"{place}/delete")
