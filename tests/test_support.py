"""The helpers of the tests themselves: a skip that never happens, or a kill that misses, would hide a failure."""

import subprocess
import sys

import psutil
import pytest

from tests.support.images import make_image, make_index
from tests.support.programs import kill_session, need

_MISSING = "no-such-program-anywhere"


def test_a_missing_program_skips_the_test_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=_MISSING):
        need(_MISSING)


def test_a_missing_program_fails_the_test_where_ci_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match=_MISSING):
        need(_MISSING)


def test_programs_of_administrators_are_found_without_their_folders_on_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert need("initdb").endswith("/bin/initdb")


def test_a_kill_reaches_children_and_those_in_sessions_of_their_own() -> None:
    sleeper = "import time; time.sleep(600)"
    starts = (
        "import subprocess, sys, time\n"
        f"child = [sys.executable, '-c', {sleeper!r}]\n"
        "print(subprocess.Popen(child).pid, subprocess.Popen(child, start_new_session=True).pid, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starts], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as leader:
        assert leader.stdout is not None
        children = [int(word) for word in leader.stdout.readline().split()]
        assert all(map(psutil.pid_exists, children))

        kill_session(leader.pid)

        assert leader.wait() == -9
    for child in children:
        assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_made_images_are_never_the_same() -> None:
    assert len({make_image().digest for _ in range(5)} | {make_index().digest for _ in range(5)}) == 10
