"""Requests to addresses that people have given: where they may go, how they get there, and what bounds them."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
import trustme

from apps.common.configuration import Configuration
from apps.common.outgoing import (
    OutgoingError,
    OutgoingRefusedError,
    is_refused,
    outgoing_request,
    url_checked,
)
from tests.support.receiver import Receiver

LOOPBACK = "127.0.0.0/8,::1"


@pytest.fixture
def allow(settings):
    """Give the outgoing settings these values."""

    def change(**values: object) -> None:
        settings.HARBOR = Configuration(data_dir=settings.HARBOR.data_dir, **values)

    change(outgoing_allow=LOOPBACK)
    return change


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def names(monkeypatch) -> dict[str, list[str]]:
    """What a name server says of these names, one address at a time; and how often it was asked."""
    answers: dict[str, list[str]] = {}
    ask = socket.getaddrinfo

    def look(host, port, *arguments, **named):
        if host in answers:
            host = answers[host].pop(0)
        return ask(host, port, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return answers


def test_a_request_and_its_answer(allow, receiver: Receiver) -> None:
    receiver.status, receiver.headers = 404, {"X-Reason": "no such thing"}
    answer = outgoing_request(
        method="POST", url=f"{receiver.url}/a/b?c=d", headers={"Authorization": "Bearer x"}, body=b"{}"
    )
    assert (answer.status, answer.body, answer.headers["X-Reason"]) == (404, b"thanks", "no such thing")
    [request] = receiver.requests
    assert (request.method, request.path, request.body) == ("POST", "/a/b?c=d", b"{}")
    assert request.headers["authorization"] == "Bearer x"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "255.255.255.255"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("::1", "::", "fe80::1", "ff02::1", "fd00:ec2::254", "fd20:ce::254"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
        "2001:0:0a00:1::80ff:fffe",
    ],
)
def test_addresses_that_are_refused(settings, address: str) -> None:
    settings.HARBOR = Configuration(data_dir=settings.HARBOR.data_dir)
    assert is_refused(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "192.168.1.1", "172.16.0.1", "8.8.8.8", "fc00::1", "2001:db8::1", "::ffff:10.0.0.1"],
)
def test_addresses_that_are_not(settings, address: str) -> None:
    settings.HARBOR = Configuration(data_dir=settings.HARBOR.data_dir)
    assert not is_refused(ipaddress.ip_address(address))


def test_the_settings_say_otherwise(settings) -> None:
    settings.HARBOR = Configuration(
        data_dir=settings.HARBOR.data_dir,
        outgoing_allow="127.0.0.1, 10.1.0.0/16",
        outgoing_refuse="10.0.0.0/8,fc00::/7",
    )
    refused = ["127.0.0.2", "10.2.0.1", "::ffff:10.2.0.1", "fc00::1"]
    assert [is_refused(ipaddress.ip_address(one)) for one in refused] == [True] * 4
    allowed = ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "192.168.0.1"]
    assert [is_refused(ipaddress.ip_address(one)) for one in allowed] == [False] * 4


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "127.0.0.1."),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    ],
)
def test_no_way_to_write_loopback_gets_through(settings, receiver: Receiver, host: str) -> None:
    settings.HARBOR = Configuration(data_dir=settings.HARBOR.data_dir)
    with pytest.raises(OutgoingError):
        outgoing_request(method="GET", url=f"http://{host}:{receiver.port}/", seconds=5)
    assert receiver.requests == []


def test_a_refusal_names_the_address_and_the_settings(settings, receiver: Receiver) -> None:
    settings.HARBOR = Configuration(data_dir=settings.HARBOR.data_dir)
    with pytest.raises(OutgoingRefusedError, match=r"127\.0\.0\.1 are not allowed .*outgoing_allow"):
        outgoing_request(method="GET", url=f"{receiver.url}/secret")


def test_a_name_is_resolved_once_and_stays_the_name(allow, receiver: Receiver, names) -> None:
    names["receiver.example"] = ["127.0.0.1"]  # A second question would find the list empty.
    assert outgoing_request(method="GET", url=f"http://receiver.example:{receiver.port}/").status == 200
    assert receiver.requests[0].headers["host"] == f"receiver.example:{receiver.port}"


def test_a_name_that_changes_its_address_is_checked_each_time(allow, receiver: Receiver, names) -> None:
    names["receiver.example"] = ["127.0.0.1", "169.254.169.254"]
    url = f"http://receiver.example:{receiver.port}/"
    assert outgoing_request(method="GET", url=url).status == 200
    with pytest.raises(OutgoingRefusedError):
        outgoing_request(method="GET", url=url)


def test_the_next_address_is_tried_when_one_is_refused_or_dead(
    allow, receiver: Receiver, monkeypatch
) -> None:
    def look(_host, port, **_named):
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, (address, port)) for address in ("169.254.169.254", "127.0.0.77", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    assert outgoing_request(method="GET", url=f"http://a.example:{receiver.port}/", seconds=5).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_follows_redirects(allow, receiver: Receiver, status: int) -> None:
    with Receiver() as other:
        receiver.status, receiver.headers = status, {"Location": f"{other.url}/"}
        assert outgoing_request(method="POST", url=receiver.url, body=b"{}").status == status
        assert other.requests == []


def test_the_body_is_bounded(allow, receiver: Receiver) -> None:
    receiver.body = b"x" * 200_000
    assert outgoing_request(method="GET", url=receiver.url, max_bytes=1000).body == b"x" * 1000


def test_the_time_is_bounded(allow, receiver: Receiver) -> None:
    receiver.open.clear()
    with pytest.raises(OutgoingError, match=rf"^127\.0\.0\.1:{receiver.port} did not answer in time$"):
        outgoing_request(method="GET", url=f"{receiver.url}/secret", seconds=0.3)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_the_time_is_bounded_for_those_who_send_a_byte_now_and_then(allow, tls: bool) -> None:
    """Each byte restarts a timeout of the socket: an answer, or the handshake of TLS, would never end."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        connected, _ = listener.accept()
        with connected:
            connected.recv(65536)
            # The beginning of a handshake's record, or of an answer; then a byte ten times a second.
            connected.sendall(b"\x16\x03\x03\x3f\xff" if tls else b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not ended.wait(0.05):
                try:
                    connected.sendall(b"a")
                except OSError:
                    break

    thread = threading.Thread(target=drip)
    thread.start()
    port = listener.getsockname()[1]
    try:
        with pytest.raises(OutgoingError, match="did not answer in time"):
            outgoing_request(method="GET", url=f"http{'s' if tls else ''}://127.0.0.1:{port}/", seconds=0.5)
    finally:
        ended.set()
        thread.join()
        listener.close()


def test_it_is_given_up_when_somebody_asks_for_that(allow, receiver: Receiver) -> None:
    receiver.open.clear()
    with pytest.raises(OutgoingError, match="in time"):
        outgoing_request(
            method="GET", url=receiver.url, seconds=250, is_stopped=lambda: bool(receiver.requests)
        )


def test_nobody_there(allow) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(OutgoingError, match=rf"^no connection to 127\.0\.0\.1:{port}: Connection refused$"):
        outgoing_request(method="GET", url=f"http://127.0.0.1:{port}/secret?token=x")
    with pytest.raises(OutgoingError, match=r"^the name no-such\.invalid cannot be resolved$"):
        outgoing_request(method="GET", url="http://no-such.invalid/secret")
    with pytest.raises(OutgoingError, match=r"cannot be resolved$"):
        outgoing_request(method="GET", url=f"http://{'a' * 70}.example/")


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "/hook", "ftp://host/", "file:///etc/passwd", "http://", "http:///x", "http://[::1/"),
        *("http://name:secret@host/", "gopher://host:70/", "http://host:port/"),
    ],
)
def test_urls_that_cannot_be_asked(url: str) -> None:
    with pytest.raises(OutgoingError):
        url_checked(url)


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "\u20ac"])
def test_headers_cannot_hold_others(allow, receiver: Receiver, value: str) -> None:
    with pytest.raises(OutgoingError):
        outgoing_request(method="GET", url=receiver.url, headers={"Authorization": value})
    assert receiver.requests == []


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_receiver(authority: trustme.CA) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("receiver.example").configure_cert(context)
    with Receiver(tls=context) as receiver:
        yield receiver


def test_a_certificate_of_nobody_known_is_refused(allow, tls_receiver: Receiver, names) -> None:
    names["receiver.example"] = ["127.0.0.1", "127.0.0.1"]
    url = f"https://receiver.example:{tls_receiver.port}/"
    with pytest.raises(
        OutgoingError, match=r"the certificate of receiver\.example:.* is not accepted: unable to"
    ):
        outgoing_request(method="GET", url=url)
    assert outgoing_request(method="GET", url=url, verify=False).status == 200
    assert len(tls_receiver.requests) == 1


def test_the_certificate_is_checked_by_the_name(
    allow, tls_receiver: Receiver, authority: trustme.CA, names, tmp_path
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    allow(outgoing_allow=LOOPBACK, outgoing_ca_file=tmp_path / "ca.pem")
    names["receiver.example"] = ["127.0.0.1"]
    names["other.example"] = ["127.0.0.1"]
    assert outgoing_request(method="GET", url=f"https://receiver.example:{tls_receiver.port}/").status == 200
    with pytest.raises(OutgoingError, match=r"certificate of other\.example"):
        outgoing_request(method="GET", url=f"https://other.example:{tls_receiver.port}/")


def test_the_server_is_told_the_name_before_its_certificate(allow, authority: trustme.CA, names) -> None:
    told: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("receiver.example").configure_cert(context)
    context.sni_callback = lambda _socket, name, _context: told.append(name)
    names["receiver.example"] = ["127.0.0.1"]
    with Receiver(tls=context) as receiver:
        outgoing_request(method="GET", url=f"https://receiver.example:{receiver.port}/", verify=False)
    assert told == ["receiver.example"]


def test_through_a_proxy(allow, receiver: Receiver, names) -> None:
    """The proxy is asked for the whole URL, with its credentials; what it would resolve to here is still checked."""
    allow(
        outgoing_proxy=f"http://proxy:secret@127.0.0.1:{receiver.port}",
        outgoing_no_proxy="direct.example",
        outgoing_allow="",
    )
    names["direct.example"] = ["127.0.0.1"]
    names["sub.direct.example"] = ["127.0.0.1"]
    assert outgoing_request(method="POST", url="http://no-such.invalid/hook", body=b"{}").status == 200
    [request] = receiver.requests
    assert (request.path, request.headers["host"]) == ("http://no-such.invalid/hook", "no-such.invalid")
    assert request.headers["proxy-authorization"].startswith("Basic ")
    for url in ("http://127.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://localhost/"):
        with pytest.raises(OutgoingRefusedError):
            outgoing_request(method="GET", url=url)
    for host in ("direct.example", "sub.direct.example"):
        with pytest.raises(OutgoingRefusedError, match=r"127\.0\.0\.1"):
            outgoing_request(method="GET", url=f"http://{host}:{receiver.port}/")
    assert len(receiver.requests) == 1


def test_a_proxy_that_refuses_or_does_not_answer(allow, receiver: Receiver) -> None:
    allow(outgoing_proxy=receiver.url)
    receiver.status = 403
    with pytest.raises(OutgoingError, match=r"^no connection to no-such\.invalid:443 through the proxy$"):
        outgoing_request(method="GET", url="https://no-such.invalid/")
    receiver.open.clear()
    with pytest.raises(OutgoingError, match=r"no-such\.invalid:443 did not answer in time"):
        outgoing_request(method="GET", url="https://no-such.invalid/", seconds=0.3)
