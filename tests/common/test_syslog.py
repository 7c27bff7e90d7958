"""Endpoints of syslog receivers. What is sent is tested where it is sent from (tests/audit/test_forwarding.py)."""

import socket

import pytest

from apps.common.errors import BadRequestError
from apps.common.syslog import endpoint_parse, forward_endpoint_check


@pytest.mark.parametrize(
    ("endpoint", "parsed"),
    [
        ("log:514", ("log", 514)),
        (" 192.0.2.1:1 ", ("192.0.2.1", 1)),
        ("[2001:db8::1]:65535", ("2001:db8::1", 65535)),
    ],
)
def test_endpoints(endpoint, parsed):
    assert endpoint_parse(endpoint) == parsed


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "log",
        "log:",
        ":514",
        "log:0",
        "log:65536",
        "log:x",
        "log:-1",
        "log:٣",
        "2001:db8::1:514",
        "tcp://log:514",
        *("lo g:514", "user@log:514", "log\x00:514", "log\n:514", "[]:514"),
    ],
)
def test_what_is_no_endpoint(endpoint):
    with pytest.raises(BadRequestError, match="HOST:PORT"):
        endpoint_parse(endpoint)


def test_a_receiver_that_is_there():
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        forward_endpoint_check(f"127.0.0.1:{receiver.getsockname()[1]}")


def test_a_receiver_that_is_away():
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        port = receiver.getsockname()[1]
    with pytest.raises(BadRequestError, match="cannot be reached"):
        forward_endpoint_check(f"127.0.0.1:{port}")


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 300, "a..b"])
def test_a_name_that_nobody_has(host):
    with pytest.raises(BadRequestError, match="cannot be reached"):
        forward_endpoint_check(f"{host}:514")
