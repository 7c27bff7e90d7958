"""Whose address and URL a request has behind proxies."""

from typing import Any

import pytest

from apps.common.configuration import Configuration
from apps.common.forwarding import base_url, client_address


@pytest.fixture
def proxies(settings: Any) -> None:
    settings.HARBOR = Configuration(trusted_proxies="10.0.0.0/8, ::1")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "203.0.113.7, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "198.51.100.9, 10.0.0.2", "198.51.100.9"),
    ],
)
@pytest.mark.usefixtures("proxies")
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str, address: str) -> None:
    assert client_address({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}) == address


@pytest.mark.parametrize(
    ("peer", "url"), [("10.0.0.1", "https://registry.example.com"), ("192.0.2.1", "http://inside:8080")]
)
@pytest.mark.usefixtures("proxies")
def test_base_url(peer: str, url: str) -> None:
    environ = {
        "REMOTE_ADDR": peer,
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "inside:8080",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": "registry.example.com",
    }
    assert base_url(environ) == url


def test_the_external_url_wins(settings: Any) -> None:
    settings.HARBOR = Configuration(external_url="https://hub.example.com/")
    assert base_url({"HTTP_HOST": "inside:8080"}) == "https://hub.example.com"
