"""Stamps over both implementations, and the caches that live under them."""

import os
import subprocess
import sys

import pytest
import redis
from django.db import transaction

from apps.common import stamps as stamps_module
from apps.common.caches import StampedCache
from apps.common.errors import UnavailableError
from apps.common.redis_stamps import RedisStamps
from apps.common.stamps import FileStamps, Stamps, get_stamps, touch
from tests.support.services import Redis


@pytest.fixture(params=["file", "redis"])
def stamps(request: pytest.FixtureRequest, tmp_path) -> Stamps:
    if request.param == "file":
        return FileStamps(tmp_path / "stamps")
    server: Redis = request.getfixturevalue("redis_server")
    return RedisStamps(server.fresh_database())


def test_a_bump_changes_only_its_key(stamps: Stamps) -> None:
    before = stamps.read("r:library/a", "r:library/b")
    stamps.bump("r:library/a")
    after = stamps.read("r:library/a", "r:library/b")
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_bump_ends_what_was_prefetched(stamps: Stamps) -> None:
    stamps.prefetch("p:library")
    first = stamps.read("p:library")
    stamps.bump("p:library")
    assert stamps.read("p:library") != first


def test_a_request_reads_redis_once_and_the_next_one_again(redis_server: Redis) -> None:
    url = redis_server.fresh_database()
    ours, theirs = RedisStamps(url), RedisStamps(url)
    ours.prefetch("p:library")
    first = ours.read("p:library")
    theirs.bump("p:library")
    assert ours.read("p:library") == first
    ours.forget()
    assert ours.read("p:library") != first


def test_what_is_prefetched_comes_with_the_first_read(redis_server: Redis) -> None:
    url = redis_server.fresh_database()
    ours, theirs = RedisStamps(url), RedisStamps(url)
    ours.prefetch("p:library")
    ours.read("a:user:1")
    theirs.bump("p:library")
    seen = ours.read("p:library", "a:user:1")
    ours.forget()
    assert ours.read("p:library", "a:user:1") != seen


def test_a_connection_that_redis_has_closed_is_opened_again(redis_server: Redis) -> None:
    url = redis_server.fresh_database()
    stamps = RedisStamps(url)
    stamps.bump("p:library")
    before = stamps.read("p:library")
    with redis.Redis.from_url(url, protocol=2) as other:
        other.client_kill_filter(_type="normal", skipme=True)
    assert stamps.read("p:library") == before


def test_no_stamp_of_another_run_of_redis_is_believed() -> None:
    """A replica that was made the master, or a file that was read again, may know what was true long ago."""
    service = Redis()
    try:
        stamps = RedisStamps(service.url())

        def read() -> tuple[int, ...]:
            with redis.Redis.from_url(service.url(), protocol=2) as client:
                client.hset("harbor:stamps", "p:library", "7")
            return stamps.read("p:library", "r:never/bumped")

        before = read()
        assert read() == before
        service.lose_everything()
        after = read()
        assert after[0] != before[0]
        assert after[1] != before[1]
        assert read() == after
    finally:
        service.stop()


def test_other_processes_see_a_bump_in_the_file(tmp_path) -> None:
    path = tmp_path / "stamps"
    ours = FileStamps(path)
    before = ours.read("p:library")
    code = f"""
from pathlib import Path
from apps.common.stamps import FileStamps
FileStamps(Path({str(path)!r})).bump("p:library")
"""
    subprocess.run(
        [sys.executable, "-c", f"import django; django.setup()\n{code}"],
        check=True,
        env=_environment(),
        timeout=60,
    )
    assert ours.read("p:library") != before


def _environment() -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "harbor_py.settings"}


def test_without_redis_nothing_matches_and_nothing_may_change() -> None:
    stamps = RedisStamps("redis://127.0.0.1:1/0")
    assert stamps.read("p:library") != stamps.read("p:library")
    with pytest.raises(UnavailableError):
        stamps.bump("p:library")


@pytest.mark.django_db(transaction=True)
def test_touch_bumps_before_and_after_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    with transaction.atomic():
        before = get_stamps().read("p:x")
        touch("p:x")
        seen.append(get_stamps().read("p:x"))
        assert seen[0] != before
    assert get_stamps().read("p:x") != seen[0]


@pytest.fixture
def cache_stamps(tmp_path, monkeypatch: pytest.MonkeyPatch) -> FileStamps:
    stamps = FileStamps(tmp_path / "stamps")
    monkeypatch.setattr("apps.common.caches.get_stamps", lambda: stamps)
    return stamps


class Loader:
    def __init__(self, *values: object) -> None:
        self.values = list(values)

    def __call__(self) -> object:
        return self.values.pop(0)


def test_a_cached_value_is_loaded_once_while_its_stamps_stand(cache_stamps: FileStamps) -> None:
    cache: StampedCache[object] = StampedCache(max_entries=8, max_age=60)
    load = Loader("old", "new")
    assert cache.get("k", ("p:a", "r:a"), load) == "old"
    assert cache.get("k", ("p:a", "r:a"), load) == "old"
    cache_stamps.bump("r:a")
    assert cache.get("k", ("p:a", "r:a"), load) == "new"


def test_a_change_while_loading_is_not_hidden(cache_stamps: FileStamps) -> None:
    """The writer commits between the loader's read and the cache's keeping: the next reader loads again."""
    cache: StampedCache[str] = StampedCache(max_entries=8, max_age=60)

    def load_old_while_a_writer_commits() -> str:
        cache_stamps.bump("r:a")
        return "old"

    assert cache.get("k", ("r:a",), load_old_while_a_writer_commits) == "old"
    assert cache.get("k", ("r:a",), lambda: "new") == "new"


def test_an_entry_dies_by_age(cache_stamps: FileStamps, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("apps.common.caches.time.monotonic", lambda: now[0])
    cache: StampedCache[object] = StampedCache(max_entries=8, max_age=10)
    load = Loader("old", "new")
    cache.get("k", ("r:a",), load)
    now[0] += 10.5
    assert cache.get("k", ("r:a",), load) == "new"


def test_absence_is_not_kept(cache_stamps: FileStamps) -> None:
    cache: StampedCache[object] = StampedCache(max_entries=8, max_age=60)
    load = Loader(None, "there")
    assert cache.get("k", ("r:a",), load) is None
    assert cache.get("k", ("r:a",), load) == "there"


def test_number_and_weight_are_bounded_and_the_oldest_go(cache_stamps: FileStamps) -> None:
    cache: StampedCache[bytes] = StampedCache(max_entries=3, max_age=60, max_weight=100, weigh=len)
    for name in "abcd":
        cache.get(name, ("r:a",), lambda: b"x" * 20)
    assert cache.get("d", ("r:a",), lambda: b"reloaded") == b"x" * 20
    assert cache.get("a", ("r:a",), lambda: b"reloaded") == b"reloaded"
    cache.get("heavy", ("r:a",), lambda: b"x" * 30)
    assert cache.get("heavy", ("r:a",), lambda: b"again") == b"again", (
        "one value may not take a quarter of all"
    )


def test_the_process_has_one_set_of_stamps() -> None:
    assert get_stamps() is stamps_module.get_stamps()
