"""The pull spool: nothing counted twice, nothing lost but a torn line."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from django.conf import settings as django_settings

from apps.events import bus
from apps.events.catalogue import ArtifactsPulled
from apps.events.models import SpoolFile
from apps.events.spool import PERIOD_SECONDS, Spool, pull_line, spool_drain

pytestmark = [pytest.mark.usefixtures("empty_bus"), pytest.mark.django_db(transaction=True)]

_AT = 1_700_000_000.25
_OTHER_PROCESS = """
import os, pathlib, signal, sys
import django
django.setup()
from apps.events.spool import Spool, pull_line

spool = Spool(pathlib.Path(sys.argv[1]))
for number in range(50):
    spool.append(pull_line((1, 2, "library/app", 3, "sha256:aa", "v1", sys.argv[2]), 1.5))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(settings, tmp_path):
    settings.HARBOR = settings.HARBOR.model_copy(update={"spool_dir": tmp_path / "spool"})
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"


@pytest.fixture
def pulls():
    """Every pull that is told."""
    told = []
    bus.subscribe(ArtifactsPulled, lambda event: told.extend(event.pulls))
    return told


def a_line(operator: str = "admin") -> bytes:
    return pull_line((1, 2, "library/app", 3, "sha256:aa", "v1", operator), _AT, "192.0.2.1")


def test_a_pull_comes_back_whole(folder, pulls):
    Spool(folder).append(a_line())

    assert spool_drain(everything=True) == 1

    (pull,) = pulls
    assert (pull.project_id, pull.repository_id, pull.repository_name) == (1, 2, "library/app")
    assert (pull.artifact_id, pull.digest, pull.tag, pull.operator) == (3, "sha256:aa", "v1", "admin")
    assert pull.occurred_at == datetime.fromtimestamp(_AT, UTC)
    assert pull.address == "192.0.2.1"
    assert list(folder.iterdir()) == []


def test_a_line_of_the_release_before_has_no_address(folder, pulls):
    (folder / "host-1-1.jsonl").write_bytes(b'[1,2,"library/app",3,"sha256:aa","v1","admin",1700000000.25]\n')

    assert spool_drain() == 1
    assert (pulls[0].operator, pulls[0].address) == ("admin", "")


def test_a_torn_line_is_no_pull(folder, pulls):
    (folder / "host-1-1.jsonl").write_bytes(a_line("first") + a_line("second") + a_line("torn")[:-9])

    assert spool_drain() == 2
    assert [pull.operator for pull in pulls] == ["first", "second"]


@pytest.mark.parametrize("junk", [b"\x00" * 64 + b"\n", b"[]\n", b"{}\n", b'["x"]\n', b"\xff\xfe\n"])
def test_what_is_no_pull_is_left_out(folder, pulls, junk):
    (folder / "host-1-1.jsonl").write_bytes(junk + a_line("good"))

    assert spool_drain() == 1
    assert [pull.operator for pull in pulls] == ["good"]


def test_a_file_that_outlives_its_draining_is_not_counted_again(folder, pulls):
    path = folder / "host-1-1.jsonl"
    path.write_bytes(a_line())
    content = path.read_bytes()
    spool_drain()
    path.write_bytes(content)

    assert spool_drain() == 0

    assert len(pulls) == 1
    assert not path.exists()


def test_a_draining_that_fails_is_done_again(folder, pulls):
    (folder / "host-1-1.jsonl").write_bytes(a_line())

    def refuse(event):
        raise LookupError

    bus.subscribe(ArtifactsPulled, refuse)
    with pytest.raises(LookupError):
        spool_drain()
    assert not SpoolFile.objects.exists()
    bus._in_transaction[ArtifactsPulled].remove(refuse)
    pulls.clear()

    assert spool_drain() == 1
    assert len(pulls) == 1


def test_a_period_that_is_not_over_is_left_alone(folder, pulls):
    period = int(time.time()) // PERIOD_SECONDS + 1000
    path = folder / f"host-1-{period}.jsonl"
    path.write_bytes(a_line())

    assert spool_drain() == 0
    assert path.exists()
    assert spool_drain(everything=True) == 1


def test_without_a_folder_there_is_nothing(settings, tmp_path):
    settings.HARBOR = settings.HARBOR.model_copy(update={"spool_dir": tmp_path / "none"})

    assert spool_drain(everything=True) == 0


def test_several_processes_that_are_killed(folder, pulls):
    environment = os.environ | {
        "HARBOR_DATA_DIR": str(django_settings.HARBOR.data_dir),
        "DJANGO_SETTINGS_MODULE": "harbor_py.settings",
        "PYTHONPATH": os.getcwd(),
    }
    names = ["a", "b", "c"]
    processes = [
        subprocess.Popen([sys.executable, "-c", _OTHER_PROCESS, str(folder), name], env=environment)
        for name in names
    ]
    for process in processes:
        assert process.wait(timeout=60) == -signal.SIGKILL

    assert spool_drain(everything=True) == 150
    assert Counter(pull.operator for pull in pulls) == dict.fromkeys(names, 50)


def test_a_forked_process_has_a_file_of_its_own(folder, pulls):
    spool = Spool(folder)
    spool.append(a_line("parent"))
    child = os.fork()
    if child == 0:
        try:
            spool.append(a_line("child"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    spool.append(a_line("parent"))

    files = {path.name.split("-")[-2] for path in folder.iterdir()}
    assert files == {str(os.getpid()), str(child)}
    assert spool_drain(everything=True) == 3
    assert Counter(pull.operator for pull in pulls) == {"parent": 2, "child": 1}
