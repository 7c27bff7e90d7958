"""A private slapd: OpenLDAP with its memberOf overlay and TLS, on free ports and in a temporary folder."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap
import ldap.dn
import ldap.modlist
import trustme

from tests.support.programs import free_port, need
from tests.support.services import _Service
from tests.support.waiting import eventually

BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
SEARCHER = f"cn=searcher,{BASE}"
SEARCHER_PASSWORD = "Searcher-12345, yes"
_MANAGER, _MANAGER_PASSWORD = f"cn=manager,{BASE}", "manager"
_SCHEMAS = ("core", "cosine", "inetorgperson")
_MODULES = Path("/usr/lib/ldap")

_OPERATION = re.compile(r' (ACCEPT|BIND|SRCH)(?= from | dn="[^\n]*" method=| base=)')

_TLS = """
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
TLSCACertificateFile {folder}/ca.pem
"""

# What Active Directory has and OpenLDAP has not; the numbers are Microsoft's and those for examples.
_CONF = """
{schemas}
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 2.16.840.1.113719.1.1.99.1 NAME 'loginName' EQUALITY caseExactMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 2.16.840.1.113719.1.1.99.2 NAME 'accountOfTests' SUP top AUXILIARY
  MAY ( userAccountControl $ loginName ) )
modulepath {modules}
moduleload back_mdb
moduleload memberof
pidfile {folder}/pid
loglevel stats
{tls}
idletimeout 0

database mdb
maxsize 268435456
suffix "{base}"
rootdn "{manager}"
rootpw {manager_password}
directory {folder}/data
dbnosync
# An unpaged search ends after this many, a paged one goes on.
limits dn.exact="{searcher}" size.soft=500 size.hard=500 size.pr=500 size.prtotal=unlimited
index objectClass,cn,uid,member,memberOf eq
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
overlay memberof
memberof-refint TRUE
memberof-dangling ignore
"""


class Slapd(_Service):
    """A directory with one who searches, and ``people`` and ``groups`` besides, loaded before it starts.

    ``people`` are (user name, password) and ``groups`` (name, user names). Entries can be changed at any time.
    """

    def __init__(
        self,
        people: Iterable[tuple[str, str]] = (),
        groups: Iterable[tuple[str, Iterable[str]]] = (),
        *,
        authority: trustme.CA | None = None,
        speaks_tls: bool = True,
    ) -> None:
        program, loader = need("slapd"), need("slapadd")
        super().__init__("harbor-slapd-", None)
        self.authority = authority or trustme.CA()
        self.tls_port = free_port()
        self._write_tls("127.0.0.1")
        (self.folder / "data").mkdir()
        conf = self.folder / "slapd.conf"
        conf.write_text(
            _CONF.format(
                schemas="\n".join(f"include /etc/ldap/schema/{name}.schema" for name in _SCHEMAS),
                modules=_MODULES,
                folder=self.folder,
                tls=_TLS.format(folder=self.folder) if speaks_tls else "",
                searcher=SEARCHER,
                base=BASE,
                manager=_MANAGER,
                manager_password=_MANAGER_PASSWORD,
            )
        )
        ldif = self.folder / "first.ldif"
        ldif.write_text("\n\n".join(_first_entries(list(people), list(groups))) + "\n", "utf-8")
        self._run([loader, "-q", "-f", str(conf), "-l", str(ldif)])
        self.url = f"ldap://127.0.0.1:{self.port}"
        self.tls_url = f"ldaps://127.0.0.1:{self.tls_port}"
        self._command = [
            *(program, "-f", str(conf), "-d", "stats", "-h", f"{self.url} {self.tls_url}"),
        ]
        self.start()

    def start(self) -> None:
        """Start it, or start it again at the same ports after :meth:`kill`."""
        self._start(self._command, self._answers)

    def kill(self) -> None:
        """End the process; the entries stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def settings(self) -> dict[str, Any]:
        """What an administrator would set for this directory, without groups."""
        return {
            "ldap_url": self.url,
            "ldap_search_dn": SEARCHER,
            "ldap_search_password": SEARCHER_PASSWORD,
            "ldap_base_dn": PEOPLE,
            "ldap_uid": "uid",
            "ldap_filter": "(objectClass=inetOrgPerson)",
        }

    @property
    def group_settings(self) -> dict[str, Any]:
        """What has groups besides."""
        return {
            "ldap_group_base_dn": GROUPS,
            "ldap_group_search_filter": "objectclass=groupOfNames",
            "ldap_group_attribute_name": "cn",
            "ldap_group_membership_attribute": "memberof",
        }

    def ca_file(self, path: Path) -> Path:
        """The certificate of its authority, written to a file."""
        self.authority.cert_pem.write_to_path(str(path))
        return path

    @contextmanager
    def manager(self) -> Iterator[Any]:
        """A connection that may change everything."""
        connection = ldap.initialize(self.url)
        try:
            connection.simple_bind_s(_MANAGER, _MANAGER_PASSWORD)
            yield connection
        finally:
            connection.unbind_s()

    def add_person(self, uid: str, password: str, *, cn: str = "", mail: str = "", **more: str) -> str:
        """A new person; gives the distinguished name."""
        cn = cn or uid
        dn = f"cn={ldap.dn.escape_dn_chars(cn)},{PEOPLE}"
        values = {"uid": uid, "cn": cn, "sn": cn, "userPassword": password, "mail": mail} | more
        entry = {name: [value.encode()] for name, value in values.items() if value}
        entry["objectClass"] = [b"inetOrgPerson", b"accountOfTests"]
        with self.manager() as connection:
            connection.add_s(dn, ldap.modlist.addModlist(entry))
        return dn

    def add_group(self, name: str, *members: str) -> str:
        """A new group of these distinguished names (groups of nobody have their own); gives its own."""
        dn = f"cn={ldap.dn.escape_dn_chars(name)},{GROUPS}"
        entry = {
            "objectClass": [b"groupOfNames"],
            "cn": [name.encode()],
            "member": [member.encode() for member in members or (dn,)],
        }
        with self.manager() as connection:
            connection.add_s(dn, ldap.modlist.addModlist(entry))
        return dn

    def set_members(self, group: str, *members: str) -> None:
        """Have just these in a group."""
        values = [member.encode() for member in members or (group,)]
        self.change(group, {"member": values})

    def change(self, dn: str, values: Mapping[str, list[bytes]]) -> None:
        """Replace attributes of an entry; those without values go."""
        with self.manager() as connection:
            connection.modify_s(
                dn, [(ldap.MOD_REPLACE, name, found or None) for name, found in values.items()]
            )

    def rename(self, dn: str, rdn: str, parent: str | None = None) -> None:
        """Call an entry by another name, or put it elsewhere."""
        with self.manager() as connection:
            connection.rename_s(dn, rdn, parent)

    def add_unit(self, name: str) -> str:
        """A unit below the people."""
        dn = f"ou={name},{PEOPLE}"
        with self.manager() as connection:
            connection.add_s(dn, [("objectClass", [b"organizationalUnit"]), ("ou", [name.encode()])])
        return dn

    def delete(self, dn: str) -> None:
        """Remove an entry."""
        with self.manager() as connection:
            connection.delete_s(dn)

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """What others ask of it in the block: ``SRCH``, ``BIND``, and ``ACCEPT`` for each new connection."""
        before, counted = self._lines(), Counter[str]()
        yield counted
        counted.update(self._lines() - before)

    def open_connections(self) -> int:
        """How many connections it has."""
        text = self._log_text()
        return len(re.findall(r" ACCEPT from ", text)) - len(re.findall(r" fd=[0-9]+ closed", text))

    def wait_for_connections(self, most: int) -> None:
        """Until it has no more than so many."""
        eventually(self.open_connections, lambda found: found <= most)

    def _lines(self) -> Counter[str]:
        return Counter(_OPERATION.findall(self._log_text()))

    def _log_text(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def _write_tls(self, host: str) -> None:
        certificate = self.authority.issue_cert(host)
        certificate.private_key_pem.write_to_path(str(self.folder / "key.pem"))
        (self.folder / "cert.pem").write_bytes(b"".join(one.bytes() for one in certificate.cert_chain_pems))
        self.ca_file(self.folder / "ca.pem")

    def _answers(self) -> bool:
        try:
            with self.manager():
                return True
        except ldap.SERVER_DOWN:
            return False


def _first_entries(people: list[tuple[str, str]], groups: list[tuple[str, Iterable[str]]]) -> Iterator[str]:
    """LDIF. The overlay is asleep while entries are loaded, so that what it would add is here too."""
    yield f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example"
    for unit in ("people", "groups"):
        yield f"dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}"
    yield (
        f"dn: {SEARCHER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
        f"cn: searcher\nuserPassword: {SEARCHER_PASSWORD}"
    )
    held: dict[str, list[str]] = {}
    members = [(name, list(names)) for name, names in groups]
    for name, names in members:
        for uid in names:
            held.setdefault(uid, []).append(f"memberOf: cn={name},{GROUPS}")
    for uid, password in people:
        lines = [f"dn: uid={uid},{PEOPLE}", "objectClass: inetOrgPerson", f"uid: {uid}", f"cn: Person {uid}"]
        lines += [f"sn: {uid}", f"mail: {uid}@example.org", f"userPassword: {password}", *held.get(uid, ())]
        yield "\n".join(lines)
    for name, names in members:
        lines = [f"dn: cn={name},{GROUPS}", "objectClass: groupOfNames", f"cn: {name}"]
        lines += [f"member: uid={uid},{PEOPLE}" for uid in names] or [f"member: cn={name},{GROUPS}"]
        yield "\n".join(lines)
