"""What administrators do with the directory over the API: ping, search, import, groups, settings."""

from typing import Any

import pytest

from tests.ldap.conftest import Company
from tests.support.accounts import make_project, make_user, unique
from tests.support.programs import free_port
from tests.support.slapd import BASE, GROUPS, PEOPLE, SEARCHER, SEARCHER_PASSWORD


def _ping(company: Company, **given: Any) -> tuple[bool, str]:
    answer = company.admin.post("/ldap/ping", json=given)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found.get("success", False), found.get("message", "")


def test_a_good_ping(company: Company) -> None:
    assert company.admin.post("/ldap/ping").json() == {"success": True}
    assert _ping(company) == (True, "")
    # Harbor's clients send all that the form has, and no password where it was not changed.
    directory = company.directory
    form = {
        "ldap_url": directory.url,
        "ldap_search_dn": SEARCHER,
        "ldap_search_password": "",
        "ldap_base_dn": PEOPLE,
        "ldap_filter": "",
        "ldap_uid": "cn",
        "ldap_scope": 2,
        "ldap_connection_timeout": 5,
        "ldap_verify_cert": True,
    }
    assert _ping(company, **form) == (True, "")
    assert _ping(company, **form | {"ldap_search_password": SEARCHER_PASSWORD}) == (True, "")
    assert _ping(company, **form | {"ldap_url": directory.tls_url}) == (True, "")
    assert _ping(company, ldap_start_tls=True) == (True, "")
    bad = f"ldap://127.0.0.1:{free_port()}"
    is_good, message = _ping(company, ldap_url=f"{bad} {directory.url}")
    assert is_good
    assert message == f"no connection to {bad.removeprefix('ldap://')}: Connection refused"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ldap_url": "ldap://no-such-host.invalid"}, "the name no-such-host.invalid cannot be resolved"),
        ({"ldap_url": "https://127.0.0.1"}, "must be ldap://HOST[:PORT] or ldaps://HOST[:PORT]"),
        ({"ldap_search_password": "wrong"}, "refuses the name or the password of the searching identity"),
        ({"ldap_search_dn": f"cn=nobody,{BASE}"}, "refuses the name or the password"),
        ({"ldap_base_dn": f"ou=nowhere,{BASE}"}, f"has no entry ou=nowhere,{BASE} (ldap_base_dn)"),
        ({"ldap_base_dn": "nonsense"}, "has no entry nonsense"),
        ({"ldap_group_base_dn": f"ou=nowhere,{BASE}"}, "(ldap_group_base_dn)"),
        ({"ldap_filter": "(&(a=b)"}, "the parentheses of the filter do not match (ldap_filter)"),
        ({"ldap_filter": "(a=b))(|(c=d)"}, "the parentheses of the filter do not match (ldap_filter)"),
        ({"ldap_filter": "(!)"}, "the filter (ldap_filter, ldap_group_search_filter) cannot be read"),
        ({"ldap_uid": "uid=*)(cn"}, "is not the name of an attribute (ldap_uid)"),
    ],
)
def test_a_ping_that_says_which_step_fails(company: Company, given: dict[str, Any], said: str) -> None:
    is_good, message = _ping(company, **given)
    assert not is_good
    assert said in message


def test_a_ping_over_tls_says_what_is_wrong_with_the_certificate(company: Company) -> None:
    directory = company.directory
    is_good, message = _ping(company, ldap_url=directory.tls_url.replace("127.0.0.1", "localhost"))
    assert not is_good
    assert "the certificate of localhost:" in message
    assert "mismatch" in message.lower()
    assert _ping(
        company, ldap_url=directory.tls_url.replace("127.0.0.1", "localhost"), ldap_verify_cert=False
    ) == (True, "")
    is_good, message = _ping(company, ldap_url=directory.url.replace("ldap://", "ldaps://"))
    assert not is_good
    assert message.startswith(f"no TLS with 127.0.0.1:{directory.port}")


def test_a_ping_ends_in_time(company: Company, silent: str) -> None:
    place = silent.removeprefix("ldap://")
    given = {"ldap_url": silent, "ldap_connection_timeout": 1}
    assert _ping(company, **given) == (False, f"{place} did not answer in 1 s (ldap_timeout)")
    given["ldap_url"] = f"ldaps://{place}"
    assert _ping(company, **given) == (False, f"no TLS with {place} in 1 s (ldap_timeout)")


def test_a_ping_with_values_that_no_setting_can_have(company: Company) -> None:
    assert company.admin.post("/ldap/ping", json={"ldap_scope": 7}).status_code == 400
    assert company.admin.post("/ldap/ping", json={"ldap_scope": "deep"}).status_code == 400


def test_people_are_searched(company: Company) -> None:
    uid = unique("seek")
    company.directory.add_person(uid, "x", cn=f'Doe, "J" {uid}', mail=f"{uid}@example.org")
    found = company.admin.get("/ldap/users/search", params={"username": uid}).json()
    assert found == [{"username": uid, "realname": f'Doe, "J" {uid}', "email": f"{uid}@example.org"}]
    assert company.admin.get("/ldap/users/search", params={"username": uid[:-1]}).json() == []
    assert company.admin.get("/ldap/users/search", params={"username": "*"}).json() == []
    everybody = company.admin.get("/ldap/users/search").json()
    assert {"mona", "otto", uid} <= {one["username"] for one in everybody}


def test_groups_are_searched(company: Company) -> None:
    name = unique("Gruppe, (süd)*")
    dn = company.directory.add_group(name)
    shown = [{"group_name": name, "group_type": 1, "ldap_group_dn": dn}]
    search = "/ldap/groups/search"
    assert company.admin.get(search, params={"groupname": name[3:]}).json() == shown
    assert company.admin.get(search, params={"groupdn": dn.upper()}).json() == shown
    assert company.admin.get(search, params={"groupdn": f"cn=none,{GROUPS}"}).json() == []
    assert company.admin.get(search, params={"groupname": "*)(objectClass=*"}).json() == []
    assert name in {one["group_name"] for one in company.admin.get(search).json()}


def test_people_are_imported(company: Company) -> None:
    first, second, odd, local = unique("imp"), unique("imp"), unique("a,b"), make_user(company.admin)
    for uid in (first, second, odd, local.name):
        company.directory.add_person(uid, "Secret-of-1", mail=f"{uid}@example.org".replace(",", ""))
    group = company.directory.add_group(unique("imported"), f"cn={first},{PEOPLE}")
    answer = company.admin.post("/ldap/users/import", json={"ldap_uid_list": [first]})
    assert (answer.status_code, answer.content) == (200, b"")
    answer = company.admin.post(
        "/ldap/users/import", json={"ldap_uid_list": [second, first, "nobody", "", odd, local.name, "*"]}
    )
    assert answer.status_code == 404
    failures = {one.get("uid", ""): one["error"] for one in answer.json()}
    assert set(failures) == {"nobody", "", odd, local.name, "*"}
    assert failures[""] == "empty_uid"
    assert failures["nobody"] == failures["*"] == "unknown_user"
    assert "cannot be a user name here" in failures[odd]
    assert "is here already, and comes from elsewhere" in failures[local.name]
    users = company.admin.get("/users/search", params={"username": first}).json()
    assert [one["username"] for one in users] == [first]
    log = company.admin.get(f"/auditlog-exts?q=resource_type=user,resource=~{first}").json()
    assert [(row["operation"], row["username"]) for row in log] == [("create", "admin")]
    listed = company.admin.get("/usergroups", params={"group_name": group.partition(",")[0][3:]}).json()
    assert [one["ldap_group_dn"] for one in listed] == [group]
    assert company.who(first, "Secret-of-1").json()["user_id"] == users[0]["user_id"]


def test_a_group_must_be_one_of_the_directory(company: Company) -> None:
    name = unique("Fächer")
    dn = company.directory.add_group(name)
    made = company.admin.post(
        "/usergroups", json={"group_type": 1, "ldap_group_dn": f"CN = {name} , {GROUPS}"}
    )
    assert made.status_code == 201, made.text
    shown = company.admin.get(f"/usergroups/{made.headers['Location'].rpartition('/')[2]}").json()
    assert (shown["group_name"], shown["ldap_group_dn"]) == (name, dn)
    again = company.admin.post("/usergroups", json={"group_type": 1, "group_name": "x", "ldap_group_dn": dn})
    assert again.status_code == 409
    for wrong in (f"cn=none,{GROUPS}", "nonsense", f"cn=mona,{PEOPLE}"):
        body = {"group_type": 1, "group_name": "x", "ldap_group_dn": wrong}
        answer = company.admin.post("/usergroups", json=body)
        assert answer.status_code == 400, wrong
        assert "has no group" in answer.json()["errors"][0]["message"]


def test_members_by_their_names_in_the_directory(company: Company) -> None:
    """Neither the person nor the group was ever here."""
    uid, name = unique("member"), unique("Fach gruppe")
    person = company.directory.add_person(uid, "Secret-of-1")
    dn = company.directory.add_group(name, person)
    project = make_project(company.admin)
    members = f"/projects/{project}/members"
    for body in (
        {"role_id": 3, "member_user": {"username": uid}},
        {"role_id": 2, "member_group": {"group_type": 1, "ldap_group_dn": dn.replace(",", " , ", 1)}},
    ):
        assert company.admin.post(members, json=body).status_code == 201
        assert company.admin.post(members, json=body).status_code == 409
    shown = {one["entity_name"]: one["entity_type"] for one in company.admin.get(members).json()}
    assert shown == {"admin": "u", uid: "u", name: "g"}
    wrong = {"role_id": 2, "member_group": {"group_type": 1, "ldap_group_dn": f"cn=none,{GROUPS}"}}
    assert company.admin.post(members, json=wrong).status_code == 400
    nobody = {"role_id": 2, "member_user": {"username": "nobody-at-all"}}
    assert company.admin.post(members, json=nobody).status_code == 404
    with company.client(uid, "Secret-of-1") as client:
        found = client.get(f"/projects/{project}").json()
        assert sorted(found["current_user_role_ids"]) == [2, 3]


def test_a_directory_that_is_away(company: Company) -> None:
    """503 for what needs it, and why is in the log: 5xx have no reasons in them, as in Harbor."""
    place = f"127.0.0.1:{free_port()}"
    company.configure(ldap_url=f"ldap://{place}")
    assert company.admin.get("/ldap/users/search").status_code == 503
    assert company.admin.get("/ldap/groups/search").status_code == 503
    body = {"group_type": 1, "group_name": "x", "ldap_group_dn": f"cn=x,{GROUPS}"}
    assert company.admin.post("/usergroups", json=body).status_code == 503
    answer = company.admin.post("/ldap/users/import", json={"ldap_uid_list": ["mona"]})
    assert answer.status_code == 404
    assert answer.json()[0]["error"] == f"failed_search_user: no connection to {place}: Connection refused"
    assert company.log(f"no connection to {place}: Connection refused")


def test_no_password_gets_out(company: Company) -> None:
    _ping(company, ldap_search_password="A-wrong-one-77")
    assert "ldap_search_password" not in company.admin.get("/configurations").json()
    assert not company.log(SEARCHER_PASSWORD)
    assert not company.log("A-wrong-one-77")
