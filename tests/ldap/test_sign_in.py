"""People of a directory sign in: who they become, what their groups give them, and who does not get in."""

import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.clients import Skopeo, expect
from tests.ldap.conftest import Company
from tests.support.accounts import TRUST, Person, Role, make_project, make_user, unique
from tests.support.http import RegistryClient
from tests.support.images import make_image
from tests.support.slapd import Slapd
from tests.support.waiting import eventually

PASSWORD = 'Päss wörd, "quoted" *and* (more)'


def _person(company: Company, **more: str) -> tuple[str, str]:
    """A new person of the directory: name and distinguished name."""
    uid = unique("uid")
    return uid, company.directory.add_person(uid, PASSWORD, **more)


def _share(company: Company, group: str, role: Role) -> str:
    """A project that a group, by its distinguished name, has a role in."""
    made = company.admin.post("/usergroups", json={"group_type": 1, "ldap_group_dn": group})
    assert made.status_code in (201, 409), made.text
    project = make_project(company.admin)
    body = {"role_id": int(role), "member_group": {"group_type": 1, "ldap_group_dn": group}}
    answer = company.admin.post(f"/projects/{project}/members", json=body)
    assert answer.status_code == 201, answer.text
    return project


def test_a_first_sign_in(company: Company) -> None:
    uid, dn = _person(company, cn=f'Müller, Jörg "JM" {unique("x")}', mail=f"{unique('m')}@example.org")
    group = company.directory.add_group(unique("Größe, (a*b)"), dn)
    found = company.who(uid, PASSWORD)
    assert found.status_code == 200
    person = found.json()
    assert (person["username"], person["comment"]) == (uid, "from LDAP.")
    assert person["realname"].startswith('Müller, Jörg "JM"')
    assert person["email"].endswith("@example.org")
    assert not person["sysadmin_flag"]
    assert not person["admin_role_in_auth"]
    listed = company.admin.get(
        "/usergroups", params={"page_size": "100", "group_name": "Größe, (a*b)"}
    ).json()
    assert [one["group_type"] for one in listed if one["ldap_group_dn"] == group] == [1]
    log = company.admin.get(f"/auditlog-exts?q=resource_type=user,resource=~{uid}").json()
    assert [row["operation"] for row in log] == ["create"]
    # The second time they are who they were.
    assert company.who(uid, PASSWORD).json()["user_id"] == person["user_id"]


def test_a_session_and_a_token_for_docker(company: Company) -> None:
    uid, dn = _person(company)
    project = _share(company, company.directory.add_group(unique("devs"), dn), Role.DEVELOPER)
    login = {"principal": uid, "password": PASSWORD}
    with httpx.Client(base_url=company.server.url, verify=TRUST) as browser:

        def sign_in(form: dict[str, str]) -> int:
            token = browser.get("/c/log_out").headers["X-Harbor-CSRF-Token"]
            return browser.post("/c/login", data=form, headers={"X-Harbor-CSRF-Token": token}).status_code

        assert sign_in(login | {"password": "no"}) == 401
        eventually(lambda: sign_in(login), lambda status: status == 200)
        assert browser.get("/api/v2.0/users/current").json()["username"] == uid
    with RegistryClient(company.server.url, Person(uid, PASSWORD)) as docker:
        image = make_image()
        docker.push(f"{project}/app", image, tag="v1")
        assert docker.pull(f"{project}/app", "v1") == image.digest
    with RegistryClient(company.server.url, Person(uid, "wrong")) as docker:
        assert docker.token_request().status_code == 401


def test_a_client_that_people_have(company: Company, tmp_path: Path) -> None:
    """``skopeo login``, a push and a pull: what ``docker login`` asks too."""
    uid, dn = _person(company)
    project = _share(company, company.directory.add_group(unique("devs"), dn), Role.DEVELOPER)
    client, host = Skopeo(tmp_path), company.server.host
    expect(client.login(host, Person(uid, PASSWORD)))
    image = make_image()
    expect(client.push(image, f"{host}/{project}/app:v1"))
    expect(client.pull(f"{host}/{project}/app:v1"))
    # Last: it freezes the name for a moment, in the process that it came to.
    assert not client.login(host, Person(uid, "wrong")).ok


def test_groups_side_by_side_give_the_same_roles(company: Company) -> None:
    company.configure(ldap_group_attach_parallel=True)
    uid, dn = _person(company)
    project = [_share(company, company.directory.add_group(unique("g"), dn), Role.GUEST) for _ in range(7)][6]
    with company.client(uid, PASSWORD) as client:
        assert client.get(f"/projects/{project}").json()["current_user_role_ids"] == [int(Role.GUEST)]
        assert client.get("/projects").headers["X-Total-Count"] >= "7"


def test_only_groups_that_count(company: Company) -> None:
    """One that does not match the filter is none, and without a filter there are none."""
    uid, dn = _person(company)
    group = company.directory.add_group(unique("group"), dn)
    company.configure(ldap_group_search_filter="(&(objectclass=groupOfNames)(cn=somebody else's))")
    project = make_project(company.admin)
    assert company.who(uid, PASSWORD).status_code == 200
    assert not company.admin.get("/usergroups", params={"group_name": group.partition(",")[0][3:]}).json()
    company.configure(ldap_group_search_filter="")
    other, other_dn = _person(company)
    company.directory.set_members(group, dn, other_dn)
    with company.client(other, PASSWORD) as client:
        assert client.get(f"/projects/{project}").status_code == 403
    assert not company.admin.get("/usergroups", params={"group_name": group.partition(",")[0][3:]}).json()


def test_the_group_of_administrators(company: Company) -> None:
    uid, dn = _person(company)
    group = company.directory.add_group(unique("Admins"), dn)
    name, _, rest = group.partition(",")
    company.configure(ldap_group_admin_dn=f"{name.upper().replace('CN=', 'cn = ')}, {rest.upper()}")
    found = company.who(uid, PASSWORD).json()
    assert (found["admin_role_in_auth"], found["sysadmin_flag"]) == (True, False)
    with company.client(uid, PASSWORD) as client:
        assert client.get("/configurations").status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "mon*",
        "mona)(objectClass=*",
        "*)(uid=*))(|(uid=*",
        "mona\\29",
        "\\6dona",
        "mona\x00",
        "(mona)",
        "mona,ou=people,dc=example,dc=org",
        "&(uid=mona)",
        "|(uid=mona)",
        "!mona",
        "%s",
        "",
        " ",
    ],
)
def test_names_that_are_no_names(company: Company, name: str) -> None:
    before = company.admin.get("/users").headers["X-Total-Count"]
    assert company.who(name, "Mona-1-secret").status_code == 401
    assert company.admin.get("/users").headers["X-Total-Count"] == before


@pytest.mark.parametrize(
    "name", ["ölaf", "o'neil", "a*star", "par(en)thesis", "back\\slash", "a&b|c!d", "名前"]
)
def test_names_that_need_care(company: Company, name: str) -> None:
    name = unique(name)
    company.directory.add_person(name, PASSWORD, cn=f"cn of {name}")
    # Of the same beginning: a star that got through would find both.
    company.directory.add_person(f"{name}x", PASSWORD, cn=f"cn of {name}x")
    assert company.who(name, PASSWORD).json()["username"] == name


def test_passwords_that_are_none(company: Company) -> None:
    uid, _ = _person(company)
    assert company.who(uid, "").status_code == 401
    assert company.who(uid, "wrong").status_code == 401
    # Others at the same address are not held up by that, and neither is the person for long.
    assert eventually(lambda: company.who(uid, PASSWORD).status_code, lambda status: status == 200)


def test_a_name_of_two_people_is_nobodys(company: Company) -> None:
    uid, _ = _person(company)
    company.directory.add_person(uid, "another", cn=f"other {uid}")
    assert company.who(uid, PASSWORD).status_code == 401
    assert company.log(f"several people of the name '{uid}'")


def test_a_name_that_is_here_already_stays_whose_it_is(company: Company) -> None:
    local = make_user(company.admin)
    company.directory.add_person(local.name, PASSWORD)
    assert company.who(local.name, PASSWORD).status_code == 401
    assert eventually(
        lambda: company.who(local.name, local.password).status_code, lambda status: status == 200
    )
    # And admin is the one of here.
    assert company.who(*company.server.admin.basic).json()["user_id"] == 1


def test_capitals_and_blanks_make_no_second_account(company: Company) -> None:
    uid, _ = _person(company)
    first = company.who(uid, PASSWORD).json()
    assert company.who(uid.upper(), PASSWORD).json()["user_id"] == first["user_id"]


def test_a_slow_directory_holds_nobody_up(company: Company, silent: str) -> None:
    """Who comes from it is refused within the time-out, and the first administrator signs in meanwhile."""
    company.configure(ldap_url=silent, ldap_timeout=1)
    started = time.monotonic()
    assert company.who("mona", "Mona-1-secret").status_code == 401
    assert time.monotonic() - started < 20, "one time-out of a second, on a busy machine"
    assert company.who(*company.server.admin.basic).status_code == 200
    # Of two servers the second one is asked.
    company.configure(ldap_url=f"{silent}, {company.directory.url}", ldap_timeout=2)
    uid, _ = _person(company)
    assert company.who(uid, PASSWORD).status_code == 200
    assert company.log("did not answer in 1 s (ldap_timeout)")


@pytest.mark.parametrize("kind", ["ldaps", "StartTLS"])
def test_over_tls(company: Company, kind: str) -> None:
    if kind == "ldaps":
        company.configure(ldap_url=company.directory.tls_url)
    else:
        company.configure(ldap_start_tls=True)
    uid, _ = _person(company)
    assert company.who(uid, PASSWORD).status_code == 200


def test_another_authority_is_not_trusted(company: Company) -> None:
    """A server of the same name with a certificate of somebody else gets no password."""
    impostor = Slapd([("mona", "Mona-1-secret")])
    try:
        company.configure(ldap_url=impostor.tls_url)
        with impostor.counted() as counted:
            assert company.who("mona", "Mona-1-secret").status_code == 401
            company.configure(ldap_url=impostor.url, ldap_start_tls=True)
            assert company.who("mona", "Mona-1-secret").status_code == 401
        assert "BIND" not in counted
        place = f"127.0.0.1:{impostor.tls_port}"
        assert company.log(f"the certificate of {place} is not accepted: self-signed certificate")
        company.configure(ldap_verify_cert=False, ldap_start_tls=False, ldap_url=impostor.tls_url)
        answer = company.admin.post("/ldap/ping")
        assert answer.json() == {"success": True}
    finally:
        impostor.stop()


def test_who_goes_there_goes_here(company: Company) -> None:
    """Deleted, disabled, out of the group, no administrator any more: within the period, without signing in again."""
    directory = company.directory
    gone, gone_dn = _person(company)
    disabled, disabled_dn = _person(company, userAccountControl="512")
    mover, mover_dn = _person(company)
    chief, chief_dn = _person(company)
    devs = directory.add_group(unique("devs"), gone_dn, disabled_dn, mover_dn)
    chiefs = directory.add_group(unique("chiefs"), chief_dn)
    project = _share(company, devs, Role.DEVELOPER)
    company.configure(ldap_group_admin_dn=chiefs, membership_check_seconds=1)
    image = make_image()
    clients = {name: company.client(name, PASSWORD) for name in (gone, disabled, mover, chief)}
    dockers = {
        name: RegistryClient(company.server.url, Person(name, PASSWORD)) for name in (gone, disabled, mover)
    }
    try:
        for docker in dockers.values():
            docker.push(f"{project}/app", image, tag="v1")
            docker.pull(f"{project}/app", "v1")
        assert clients[chief].get("/configurations").status_code == 200
        directory.delete(gone_dn)
        directory.change(disabled_dn, {"userAccountControl": [b"514"]})
        directory.set_members(devs)
        directory.set_members(chiefs)
        for name, status in ((gone, 401), (disabled, 401), (mover, 403)):
            eventually(
                lambda name=name: clients[name].get(f"/projects/{project}").status_code,
                lambda found, status=status: found == status,
            )
        eventually(lambda: clients[chief].get("/configurations").status_code, lambda found: found == 403)
        for docker in dockers.values():
            # With the token that it has, which is good for half an hour.
            eventually(
                lambda docker=docker: docker.get_manifest(f"{project}/app", "v1").status_code,
                lambda found: found == 401,
            )
        assert clients[mover].get("/users/current").status_code == 200
        # Back, with the right password.
        directory.change(disabled_dn, {"userAccountControl": [b"512"]})
        eventually(lambda: company.who(disabled, PASSWORD).status_code, lambda found: found == 200)
    finally:
        for one in (*clients.values(), *dockers.values()):
            one.close()


def test_somebody_moves_and_marries(company: Company) -> None:
    """They stay who they are, by the entry's own id; and whoever gets the old name is somebody else."""
    uid, dn = _person(company)
    before = company.who(uid, PASSWORD).json()
    unit = company.directory.add_unit(unique("unit"))
    company.directory.rename(dn, f"cn={uid}-new", unit)
    company.configure(membership_check_seconds=1)
    now = eventually(lambda: company.who(uid, PASSWORD), lambda answer: answer.status_code == 200)
    assert now.json()["user_id"] == before["user_id"]
    company.directory.change(f"cn={uid}-new,{unit}", {"uid": [f"{uid}-new".encode()]})
    company.directory.add_person(uid, "Somebody else's", cn=f"{uid}-other")
    assert company.who(uid, "Somebody else's").status_code == 401
    again = eventually(lambda: company.who(f"{uid}-new", PASSWORD), lambda answer: answer.status_code == 200)
    assert again.json()["user_id"] == before["user_id"]
