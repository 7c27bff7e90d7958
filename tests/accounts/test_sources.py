"""Networks that an account may be used from."""

import pytest

from apps.accounts.security import Principal
from apps.accounts.sources import may_come_from, sources_clean
from apps.common.errors import BadRequestError


def robot(*sources):
    return Principal("robot", 1, "robot$ci", 1, is_system_admin=False, sources=sources)


@pytest.mark.parametrize(
    ("sources", "address", "allowed"),
    [
        ([], "203.0.113.9", True),
        ([], "", True),
        (["192.0.2.0/24"], "192.0.2.77", True),
        (["192.0.2.0/24"], "192.0.3.1", False),
        (["192.0.2.1"], "192.0.2.1", True),
        (["192.0.2.1"], "192.0.2.2", False),
        (["192.0.2.0/24"], "::ffff:192.0.2.5", True),
        (["192.0.2.0/24"], "::ffff:192.0.3.5", False),
        (["2001:db8::/32"], "2001:db8:1::5", True),
        (["2001:db8::/32"], "2001:db9::5", False),
        (["2001:db8::/32"], "192.0.2.1", False),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["10.0.0.0/8", "2001:db8::/32"], "2001:db8::1", True),
        (["0.0.0.0/0"], "", False),
        (["0.0.0.0/0"], "no address", False),
    ],
)
def test_inside(sources, address, allowed):
    assert may_come_from(robot(*sources_clean(sources)), address) is allowed


def test_as_they_are_kept():
    assert sources_clean([" 192.0.2.7/24", "192.0.2.0/24", "10.1.2.3", "2001:DB8::1/64", "::1"]) == [
        "192.0.2.0/24",
        "10.1.2.3/32",
        "2001:db8::/64",
        "::1/128",
    ]


@pytest.mark.parametrize(
    "wrong", ["", "example.com", "192.0.2.0/33", "192.0.2.0/24/1", "300.1.1.1", "::1/129", 7, None, ["::1"]]
)
def test_what_is_no_network(wrong):
    with pytest.raises(BadRequestError):
        sources_clean([wrong])


def test_how_many():
    with pytest.raises(BadRequestError):
        sources_clean([f"10.0.0.{number}" for number in range(65)])
