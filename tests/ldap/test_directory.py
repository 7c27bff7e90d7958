"""The client of the directory by itself: pages, warm connections, servers in order, names in one form."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import ldap
import pytest

from apps.accounts.directories import SourceUnreachableError
from apps.ldap.connections import open_connection
from apps.ldap.directory import LdapDirectory, _is_disabled, _subject
from apps.ldap.searches import Entry, dn_is_below, dn_normal, dn_same, filter_checked
from apps.ldap.types import LdapError, LdapSettings, Step, servers_of
from tests.support.programs import free_port
from tests.support.slapd import BASE, GROUPS, PEOPLE, SEARCHER, SEARCHER_PASSWORD, Slapd

PEOPLE_COUNT, GROUP_COUNT = 10_000, 1_000


class Asked(LdapDirectory):
    """With settings of the test's, and not those that are stored."""

    def __init__(self, configured: LdapSettings) -> None:
        super().__init__()
        self.configured = configured

    def _configured(self) -> LdapSettings:
        return self.configured

    def close(self) -> None:
        self._pools.of(self.configured).close()


@pytest.fixture(scope="module")
def large() -> Iterator[Slapd]:
    """10 000 people, each in ten of 1 000 groups."""
    people = [(f"u{number}", f"Pw-{number}") for number in range(PEOPLE_COUNT)]
    groups = [
        (f"g{number}", [f"u{(number * 10 + step) % PEOPLE_COUNT}" for step in range(100)])
        for number in range(GROUP_COUNT)
    ]
    slapd = Slapd(people, groups)
    yield slapd
    slapd.stop()


@pytest.fixture
def small(directory: Slapd) -> Slapd:
    return directory


def _settings(slapd: Slapd, **more: object) -> LdapSettings:
    configured = LdapSettings(
        url=slapd.url,
        search_dn=SEARCHER,
        search_password=SEARCHER_PASSWORD,
        base_dn=PEOPLE,
        filter="(objectClass=inetOrgPerson)",
        uid="uid",
        scope=2,
        seconds=30,
        verify_cert=True,
        group_base_dn=GROUPS,
        group_filter="(objectClass=groupOfNames)",
    )
    return replace(configured, **more)


@pytest.fixture
def asked(small: Slapd) -> Iterator[Asked]:
    found = Asked(_settings(small))
    yield found
    found.close()


@pytest.mark.slow
def test_a_large_directory_costs_few_questions(large: Slapd) -> None:
    found = Asked(_settings(large))
    try:
        people, groups = found.people(""), found.groups("")
        # An unpaged search of this searcher ends after 500.
        assert {one.username for one in people} == {f"u{number}" for number in range(PEOPLE_COUNT)}
        assert len(people) == PEOPLE_COUNT
        assert len({one.dn for one in groups}) == len(groups) == GROUP_COUNT
        first = found.authenticate("u77", "Pw-77")
        assert first is not None
        assert len(first.groups or ()) == 10
        with large.counted() as counted:
            assert found.authenticate("u4711", "Pw-4711") is not None
        # Warm: one search for the person, one bind with the password, one question for each group; no connection.
        assert counted == {"SRCH": 1 + 10, "BIND": 1}
        found.configured = replace(found.configured, group_filter="")
        assert found.authenticate("u1", "Pw-1") is not None
        with large.counted() as counted:
            assert found.authenticate("u2", "Pw-2") is not None
        assert counted == {"SRCH": 1, "BIND": 1}
    finally:
        found.close()


def test_connections_are_kept_and_dropped(small: Slapd, asked: Asked) -> None:
    asked.authenticate("mona", "Mona-1-secret")
    with small.counted() as counted:
        for _ in range(3):
            assert asked.authenticate("mona", "wrong") is None
            assert asked.authenticate("mona", "Mona-1-secret") is not None
    assert counted["ACCEPT"] == 0, "wrong passwords cost no connection either"
    before = small.open_connections()
    assert before >= 2
    asked.configured = replace(asked.configured, seconds=29)
    with small.counted() as counted:
        assert asked.authenticate("mona", "Mona-1-secret") is not None
    assert counted["ACCEPT"] >= 2
    small.wait_for_connections(before)


def test_a_person_s_connection_never_searches(small: Slapd) -> None:
    """Who searches stays the searching identity, whoever signed in a moment ago."""
    found = Asked(_settings(small))
    try:
        assert found.authenticate("mona", "Mona-1-secret") is not None
        small.change(f"uid=otto,{PEOPLE}", {"description": [b"x"]})
        with small.counted() as counted:
            assert len(found.people("otto")) == 1
        assert counted == {"SRCH": 1}
    finally:
        found.close()


def test_a_server_that_comes_back(tmp_path: Path) -> None:
    slapd = Slapd([("anna", "Anna-1")])
    found = Asked(_settings(slapd))
    try:
        assert found.authenticate("anna", "Anna-1") is not None
        slapd.kill()
        with pytest.raises(SourceUnreachableError, match="no connection to"):
            found.authenticate("anna", "Anna-1")
        slapd.start()
        assert found.authenticate("anna", "Anna-1") is not None
        # Killed and started while the connections lie there: nobody notices.
        slapd.kill()
        slapd.start()
        assert found.authenticate("anna", "Anna-1") is not None
    finally:
        found.close()
        slapd.stop()


def test_a_server_that_keeps_people_waiting_is_not_asked_for_a_while(silent: str, small: Slapd) -> None:
    found = Asked(_settings(small, url=silent, seconds=1))
    with pytest.raises(SourceUnreachableError, match="did not answer in 1 s"):
        found.authenticate("mona", "x")
    pool = found._pools.of(found.configured)
    asked: list[str] = []
    with pytest.raises(LdapError) as failure:
        pool.on_server(lambda _pool, server: asked.append(server.host))
    assert not asked
    assert failure.value.step is Step.BIND
    found.close()


def test_people_at_once_are_not_mixed_up(asked: Asked, small: Slapd) -> None:
    """Eight threads over shared connections, every other password wrong."""
    names = [f"many{number}" for number in range(8)]
    for name in names:
        small.add_person(name, f"Pw of {name}")

    def sign_in(name: str) -> list[str | None]:
        found = []
        for turn in range(20):
            person = asked.authenticate(name, f"Pw of {name}" if turn % 2 else "wrong")
            found.append(person.username if person else None)
        return found

    with ThreadPoolExecutor(len(names)) as threads:
        results = list(threads.map(sign_in, names))
    assert results == [[None, name] * 10 for name in names]


def test_no_tls_is_no_way_out(small: Slapd) -> None:
    """A server that has no StartTLS gets no password."""
    plain = Slapd([("anna", "Anna-1")], speaks_tls=False)
    found = Asked(_settings(plain, start_tls=True))
    try:
        with plain.counted() as counted, pytest.raises(SourceUnreachableError, match="refuses StartTLS"):
            found.authenticate("anna", "Anna-1")
        assert "BIND" not in counted
    finally:
        found.close()
        plain.stop()


def test_servers_in_order(small: Slapd) -> None:
    first = f"ldap://127.0.0.1:{free_port()}"
    found = Asked(_settings(small, url=f"{first} {small.url}"))
    assert found.authenticate("mona", "Mona-1-secret") is not None
    found.close()
    assert [one.uri for one in servers_of("ldap://a, b:636  ldaps://[::1] c")] == [
        "ldap://a:389",
        "ldaps://b:636",
        "ldaps://[::1]:636",
        "ldap://c:389",
    ]
    for wrong in ("", " , ", "http://a", "ldap://", "ldap://a:x", "ldap://u:p@a"):
        with pytest.raises(LdapError) as failure:
            servers_of(wrong)
        assert failure.value.step is Step.URL


def test_nobody_is_bound_without_a_password(small: Slapd, asked: Asked) -> None:
    with small.counted() as counted:
        assert asked.authenticate("mona", "") is None
        assert asked.authenticate("", "x") is None
        assert asked.authenticate("mona", "x\x00y") is None
        assert asked.authenticate("mona\x00", "Mona-1-secret") is None
    assert not counted
    with pytest.raises(LdapError) as failure:
        open_connection(servers_of(small.url)[0], _settings(small, search_password=""))
    assert failure.value.step is Step.BIND


def test_a_percent_sign_and_half_a_surrogate_pair(small: Slapd, asked: Asked) -> None:
    dn = small.add_person("100%s", "Percent-1", cn="100 %(user)s %d")
    found = asked.authenticate("100%s", "Percent-1")
    assert found is not None
    assert (found.username, found.realname) == ("100%s", "100 %(user)s %d")
    small.delete(dn)
    with pytest.raises(SourceUnreachableError, match="cannot be sent"):
        asked.authenticate("a\ud800", "x")


def test_attributes(small: Slapd, asked: Asked) -> None:
    """The names that people sign in with need not be their ``uid``."""
    dn = small.add_person("attr1", "Attr-1", cn="Attr One", loginName="Attr.One@corp", mail="")
    asked.configured = replace(asked.configured, uid="loginName")
    found = asked.find("Attr.One@corp")
    assert found is not None
    assert (found.username, found.realname) == ("Attr.One@corp", "Attr One")
    assert found.email == "Attr.One@corp", "there is no other, and it is an address"
    assert asked.find("attr1") is None
    asked.configured = replace(asked.configured, filter="(uid=somebody else)")
    assert asked.find("Attr.One@corp") is None
    asked.configured = replace(asked.configured, filter="", scope=0)
    assert asked.find("Attr.One@corp") is None
    asked.configured = replace(asked.configured, scope=1)
    assert asked.find("Attr.One@corp") is not None
    small.delete(dn)


def test_groups_only_below_their_base(small: Slapd, asked: Asked) -> None:
    found = asked.find("mona")
    assert found is not None
    assert [group.name for group in found.groups or ()] == ["everybody"]
    asked.configured = replace(asked.configured, group_base_dn=PEOPLE)
    found = asked.find("mona")
    assert found is not None
    assert found.groups == ()
    asked.configured = replace(asked.configured, group_base_dn=GROUPS.upper(), parallel=True)
    found = asked.find("mona")
    assert found is not None
    assert [group.name for group in found.groups or ()] == ["everybody"]


def test_referrals_are_not_followed(small: Slapd, asked: Asked) -> None:
    """The other server would be given the searching identity's password."""
    with small.manager() as connection:
        connection.add_s(
            f"ou=elsewhere,{PEOPLE}",
            [
                ("objectClass", [b"referral", b"extensibleObject"]),
                ("ou", [b"elsewhere"]),
                ("ref", [b"ldap://127.0.0.1:1/ou=elsewhere"]),
            ],
        )
    try:
        assert asked.authenticate("mona", "Mona-1-secret") is not None
    finally:
        with small.manager() as connection:
            connection.set_option(ldap.OPT_REFERRALS, 0)
            control = ldap.controls.simple.ManageDSAITControl()
            connection.delete_ext_s(f"ou=elsewhere,{PEOPLE}", serverctrls=[control])


def test_distinguished_names_in_one_form() -> None:
    assert dn_normal("CN=A\\2C  b , DC=X") == dn_normal("cn=a\\, b,dc=x")
    assert dn_same("cn=Größe,dc=x", "CN=GR\\C3\\96SSE, dc=X")
    assert not dn_same("cn=a,dc=x", "cn=a,dc=y")
    assert not dn_same("", "")
    assert not dn_same("nonsense", "nonsense")
    assert dn_same("cn=a+uid=b,dc=x", "uid=B + cn=A,dc=x")
    assert dn_is_below("cn=a,dc=x", "DC=X")
    assert dn_is_below("dc=x", "dc=x")
    assert dn_is_below("cn=a,dc=x", "")
    assert not dn_is_below("cn=a,dc=xx", "dc=x")
    assert not dn_is_below("cn=a\\,dc=x", "dc=x")
    assert not dn_is_below(BASE, PEOPLE)


def test_filters_are_whole() -> None:
    assert filter_checked("f", "") == "(objectClass=*)"
    assert filter_checked("f", " a=b ") == "(a=b)"
    assert filter_checked("f", "(&(a=b)(c=d))") == "(&(a=b)(c=d))"
    for wrong in ("(a=b", "a=b)", "(a=b))(|(c=d)"):
        with pytest.raises(LdapError):
            filter_checked("f", wrong)


def test_entries_of_active_directory() -> None:
    """No server of this kind runs here: its attributes as documented."""
    guid = bytes(range(16))
    entry = Entry("CN=Jörg\\, X,DC=corp", {"objectguid": (guid,), "useraccountcontrol": (b"514",)})
    assert _subject(entry) == "uuid:03020100-0504-0706-0809-0a0b0c0d0e0f"
    assert _is_disabled(entry)
    for value, disabled in ((b"512", False), (b"66050", True), (b"-2147483134", True), (b"x", False)):
        assert _is_disabled(Entry("cn=x", {"useraccountcontrol": (value,)})) is disabled, value
    assert _subject(Entry("CN=A,DC=X", {})) == "cn=a,dc=x"
