"""Addresses of Redis: one server, or the sentinels that know which of several is the master now."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

SENTINEL_SCHEMES = ("redis+sentinel", "sentinel")
_SENTINEL_PORT = 26379
_OPTIONS = frozenset({"sentinel_username", "sentinel_password"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelAddress:
    """``nodes`` are the sentinels; user and password are Redis' own, those of the sentinels apart."""

    nodes: tuple[tuple[str, int], ...]
    master: str
    database: int
    username: str
    password: str
    sentinel_username: str
    sentinel_password: str

    def sentinel_options(self, *, seconds: float) -> dict[str, object]:
        """How redis-py's client of one sentinel is made: one that does not answer in time is passed over at once."""
        return {
            "username": self.sentinel_username or None,
            "password": self.sentinel_password or None,
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "protocol": 2,
            "retry": None,
        }


def sentinel_address(url: str) -> SentinelAddress | None:
    """What ``redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DATABASE]`` says, as Harbor writes it.

    None for the URL of a single server; ValueError, which shows no secret, for a URL that is none.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in SENTINEL_SCHEMES:
        return None
    rest, _, query = rest.partition("?")
    place, _, path = rest.partition("/")
    account, _, hosts = place.rpartition("@")
    username, _, password = account.partition(":")
    master, _, database = path.partition("/")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(options.keys() - _OPTIONS):
        raise ValueError(f"has options that do not exist: {', '.join(unknown)}")
    if not master:
        raise ValueError("must name the master that the sentinels watch: redis+sentinel://HOST:PORT,…/MASTER")
    if database and not database.isdecimal():
        raise ValueError("must end with /MASTER or /MASTER/NUMBER")
    return SentinelAddress(
        nodes=tuple(_node(host) for host in hosts.split(",")),
        master=unquote(master),
        database=int(database or 0),
        username=unquote(username),
        password=unquote(password),
        sentinel_username=options.get("sentinel_username", ""),
        sentinel_password=options.get("sentinel_password", ""),
    )


def _node(text: str) -> tuple[str, int]:
    """HOST, HOST:PORT or [ADDRESS]:PORT."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(_SENTINEL_PORT)
    host = host.strip("[]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("must name every sentinel as HOST or HOST:PORT, with commas between")
    return host, int(port)
