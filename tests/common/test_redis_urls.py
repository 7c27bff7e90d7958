"""URLs of sentinels, as Harbor writes them."""

import pytest

from apps.common.configuration import ConfigurationError, load_configuration
from apps.common.redis_urls import SentinelAddress, sentinel_address

_PLAIN = {
    "nodes": (("one", 26379),),
    "master": "harbor",
    "database": 0,
    "username": "",
    "password": "",
    "sentinel_username": "",
    "sentinel_password": "",
}


@pytest.mark.parametrize(
    ("url", "changes"),
    [
        ("redis+sentinel://one/harbor", {}),
        ("sentinel://one:26379/harbor/", {}),
        (
            "redis+sentinel://one:7,two,[::1]:9/harbor/3",
            {
                "nodes": (("one", 7), ("two", 26379), ("::1", 9)),
                "database": 3,
            },
        ),
        (
            "redis+sentinel://:p%40ss@[::1]/har%2Fbor",
            {
                "nodes": (("::1", 26379),),
                "master": "har/bor",
                "password": "p@ss",
            },
        ),
        (
            "redis+sentinel://us:pw@one/harbor/1?sentinel_username=who&sentinel_password=a%26b",
            {
                "database": 1,
                "username": "us",
                "password": "pw",
                "sentinel_username": "who",
                "sentinel_password": "a&b",
            },
        ),
    ],
)
def test_what_it_says(url: str, changes: dict[str, object]) -> None:
    assert sentinel_address(url) == SentinelAddress(**(_PLAIN | changes))
    assert load_configuration({"HARBOR_REDIS_URL": url}).redis_url == url


@pytest.mark.parametrize("url", ["redis://one:6379/0", "rediss://:pw@one/1"])
def test_a_single_server_has_none(url: str) -> None:
    assert sentinel_address(url) is None
    assert load_configuration({"HARBOR_REDIS_URL": url}).redis_url == url


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one",
        "redis+sentinel:///harbor",
        "redis+sentinel://one,/harbor",
        "redis+sentinel://one:0/harbor",
        "redis+sentinel://one:65536/harbor",
        "redis+sentinel://one:port/harbor",
        "redis+sentinel://:secret@one/harbor/first",
        "redis+sentinel://:secret@one/harbor/1/2",
        "redis+sentinel://:secret@one/harbor?password=secret",
        "http://:secret@one",
        "one:6379",
    ],
)
def test_what_is_none_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_configuration({"HARBOR_REDIS_URL": url})
    assert "HARBOR_REDIS_URL" in str(refused.value)
    assert "secret" not in str(refused.value)
