"""Locks after wrong passwords, over HTTP: servers of their own with small limits, which trust the address that a test
says it comes from.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.accounts import API, TRUST, Person, api, make_project, make_robot, make_user, unique
from tests.support.browsing import SIGN_IN, Browser
from tests.support.server import HarborServer
from tests.support.services import PostgreSQL
from tests.support.waiting import eventually

WRONG = "Battery-Staple-2"


@pytest.fixture(scope="module", params=["embedded", "postgres"])
def strict(request: pytest.FixtureRequest) -> Iterator[HarborServer]:
    """A server on which one wrong password locks a place, and two an account and an address, for an hour."""
    settings = {
        "HARBOR_LOGIN_FAILURES_BEFORE_LOCK": "1",
        "HARBOR_LOGIN_FAILURES_PER_ACCOUNT": "2",
        "HARBOR_LOGIN_FAILURES_PER_ADDRESS": "2",
        "HARBOR_LOGIN_LOCK_SECONDS": "3600",
        # What was right a moment ago would be known for a minute, from everywhere.
        "HARBOR_CREDENTIAL_CACHE_SECONDS": "0",
        "HARBOR_TRUSTED_PROXIES": "127.0.0.1",
    }
    if request.param == "postgres":
        database: PostgreSQL = request.getfixturevalue("postgresql")
        settings["HARBOR_DATABASE_URL"] = database.create_database()
    with HarborServer(settings) as server:
        yield server


@pytest.fixture
def admin(strict: HarborServer) -> Iterator[httpx.Client]:
    with api(strict.url, strict.admin) as client:
        yield client


@pytest.fixture
def addresses() -> Iterator[str]:
    """Addresses that no other test has."""
    return _addresses


_addresses = (
    f"10.{number // 65536 % 256}.{number // 256 % 256}.{number % 256}" for number in range(1, 1 << 20)
)


def ask(
    server: HarborServer,
    person: Person,
    address: str,
    *,
    password: str = "",
    path: str = f"{API}/users/current",
) -> httpx.Response:
    return httpx.get(
        f"{server.url}{path}",
        auth=(person.name, password or person.password),
        headers={"X-Forwarded-For": address},
        verify=TRUST,
    )


def said(answer: httpx.Response) -> tuple[object, ...]:
    """What a client is told, but for the number of the request and times."""
    moving = {"x-request-id", "date"}
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in moving)
    return answer.status_code, answer.content, headers


def token(server: HarborServer, person: Person, address: str, *, password: str = "") -> httpx.Response:
    """What docker login asks for."""
    return ask(
        server, person, address, password=password, path="/service/token?service=harbor-registry&account=x"
    )


def test_a_place_is_locked_and_nothing_tells(
    strict: HarborServer, admin: httpx.Client, addresses: Iterator[str]
) -> None:
    person, nobody = make_user(admin), Person(unique("nobody"), WRONG)
    here, there = next(addresses), next(addresses)
    first = ask(strict, person, here, password=WRONG)
    assert first.status_code == 401
    never = said(ask(strict, nobody, next(addresses)))
    assert said(ask(strict, person, here)) == said(first) == never
    assert "Retry-After" not in first.headers
    assert ask(strict, person, there).status_code == 200
    assert token(strict, person, here).status_code == 401
    assert token(strict, person, there).status_code == 200
    with httpx.Client(base_url=strict.url, headers={"X-Forwarded-For": here}, verify=TRUST) as client:
        csrf = client.get("/c/log_out").headers["X-Harbor-CSRF-Token"]
        form = {"principal": person.name, "password": person.password}
        assert client.post("/c/login", data=form, headers={"X-Harbor-CSRF-Token": csrf}).status_code == 401


def test_a_lock_holds_in_every_process_and_after_a_restart(
    strict: HarborServer, admin: httpx.Client, addresses: Iterator[str]
) -> None:
    person, here = make_user(admin), next(addresses)
    assert ask(strict, person, here, password=WRONG).status_code == 401
    assert [ask(strict, person, here).status_code for _ in range(8)] == [401] * 8
    strict.restart()
    assert ask(strict, person, here).status_code == 401


def test_a_stranger_locks_nobody_out_from_where_they_sign_in(
    strict: HarborServer, admin: httpx.Client, addresses: Iterator[str]
) -> None:
    person, usual, new = make_user(admin), next(addresses), next(addresses)
    assert ask(strict, person, usual).status_code == 200
    for _ in range(2):
        assert ask(strict, person, next(addresses), password=WRONG).status_code == 401
    assert ask(strict, person, new).status_code == 401, "locked where it is new"
    assert ask(strict, person, usual).status_code == 200

    colleague = make_user(admin)
    for _ in range(2):
        ask(strict, Person(unique("guess"), WRONG), usual)
    assert ask(strict, colleague, usual).status_code == 401, "the address is locked for who is new there"
    assert ask(strict, colleague, next(addresses)).status_code == 200
    assert ask(strict, person, usual).status_code == 200


def test_nobody_locks_the_administrator_out(strict: HarborServer, addresses: Iterator[str]) -> None:
    for _ in range(4):
        assert ask(strict, strict.admin, next(addresses), password=WRONG).status_code == 401
    assert ask(strict, strict.admin, next(addresses)).status_code == 200


def test_behind_one_address_a_known_browser_gets_in(
    strict: HarborServer, admin: httpx.Client, addresses: Iterator[str]
) -> None:
    """As everybody is behind one address where nobody has told the server of its proxy."""
    person, here = make_user(admin), next(addresses)
    with Browser(strict.url) as known, Browser(strict.url) as stranger:
        for browser in (known, stranger):
            browser.client.headers["X-Forwarded-For"] = here
        known.sign_in(person)
        assert known.open("/account/profile").path == "/account/profile"
        assert stranger.sign_in(Person(person.name, WRONG)).status == 401
        known.client.cookies.delete("sid")
        assert stranger.sign_in(person).status == 401
        assert not known.sign_in(person).path.startswith(SIGN_IN)
        cookies = [line for line in known.client.cookies.jar if line.name == "harbor-device"]
        assert [(line.has_nonstandard_attr("HttpOnly"), line.secure) for line in cookies] == [(True, False)]


def test_a_robot_in_a_loop_locks_nobody_else(
    strict: HarborServer, admin: httpx.Client, addresses: Iterator[str]
) -> None:
    project = make_project(admin)
    broken, whole = (make_robot(admin, project=project, actions=("pull",)) for _ in range(2))
    person, here = make_user(admin), next(addresses)
    assert [token(strict, broken, here, password="Wrong-Secret-1").status_code for _ in range(20)] == [
        401
    ] * 20
    assert token(strict, whole, here).status_code == 200
    assert token(strict, person, here).status_code == 200
    assert token(strict, broken, next(addresses)).status_code == 200


def test_failures_in_every_process_at_once_all_count(
    strict: HarborServer, admin: httpx.Client, addresses: Iterator[str]
) -> None:
    here = next(addresses)
    # One each: what is held is not counted, and the third one of an address is.
    names = [Person(unique("crowd"), WRONG) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda one: ask(strict, one, here).status_code, names))
    assert answers == [401] * 20
    (failures,) = strict.query(
        f"SELECT failures FROM sign_in_record WHERE account = '' AND network = '{here}'"
    )
    # Those that were let try before the second one was counted, and no more.
    (places,) = strict.query(
        f"SELECT COUNT(*) FROM sign_in_record WHERE account != '' AND network = '{here}' AND failures = 1"
    )
    assert 2 <= failures == places
    assert ask(strict, make_user(admin), here).status_code == 401


def test_a_stolen_session_cannot_try_passwords(
    strict: HarborServer, admin: httpx.Client, addresses: Iterator[str]
) -> None:
    """It would by changing the password, which asks for the old one."""
    person, here = make_user(admin), next(addresses)
    with Browser(strict.url) as browser:
        browser.client.headers["X-Forwarded-For"] = here
        browser.sign_in(person)
        token = browser.client.get(f"{API}/users/current").headers["X-Harbor-CSRF-Token"]
        answers = []
        for old in (WRONG, person.password):
            body = {"old_password": old, "new_password": "Other-Horse-7-Staple"}
            path = f"{API}/users/{person.id}/password"
            answers.append(browser.client.put(path, json=body, headers={"X-Harbor-CSRF-Token": token}))
        assert [said(answer)[:2] for answer in answers] == [said(answers[0])[:2]] * 2
        assert answers[0].status_code == 403
    assert admin.get(f"/users/{person.id}/lock").json()["locked"] is True


def test_an_administrator_unlocks(
    strict: HarborServer, admin: httpx.Client, addresses: Iterator[str]
) -> None:
    person, here = make_user(admin), next(addresses)
    lock = f"/users/{person.id}/lock"
    assert admin.get(lock).json() == {"locked": False}
    ask(strict, person, here, password=WRONG)
    shown = admin.get(lock).json()
    assert shown["locked"] is True
    assert shown["until"].endswith("Z")
    with Browser(strict.url, strict.admin) as browser:
        assert "locked" in browser.open(f"/harbor/users?search={person.name}").text
        page = browser.open(f"/harbor/users/{person.id}")
        assert f"/harbor/users/{person.id}/unlock" in page.links()
        done = browser.submit(f"/harbor/users/{person.id}/unlock")
        assert "is not locked any more" in done.answer.text
        assert "unlock" not in browser.open(f"/harbor/users/{person.id}").answer.text
    assert admin.get(lock).json() == {"locked": False}
    # The freeze of a second and a half is not the lock's.
    eventually(lambda: ask(strict, person, here).status_code == 200)
    ask(strict, person, next(addresses), password=WRONG)
    assert admin.delete(lock).status_code == 200
    query = {"q": f"resource={person.name},resource_type=user", "sort": "op_time"}
    log = [(row["operation"], row["username"]) for row in admin.get("/auditlog-exts", params=query).json()]
    assert ("lock", "anonymous") in log
    assert log.count(("unlock", "admin")) == 2
    told = admin.get("/auditlog-exts", params={"q": f"resource={person.name},operation=lock"}).json()
    assert {
        (row["operation_result"], row["operation_description"].partition(" until")[0]) for row in told
    } >= {(False, f"lock login: {person.name} from {here}")}
