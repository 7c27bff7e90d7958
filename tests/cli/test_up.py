"""`harbor-py up` as real processes: first start, its children, its end."""

import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
import trustme

from tests.support.programs import free_port
from tests.support.server import ADMIN_PASSWORD, HarborServer
from tests.support.waiting import eventually

# One worker of pytest-xdist has them all, or each would start the server of this module.
pytestmark = pytest.mark.xdist_group("cli")

_PATIENCE = 90
_PASSWORD_LINE = re.compile(r"^The password of admin, shown only now: (\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def server() -> Iterator[HarborServer]:
    """One server for the tests that leave it running; its `admin` has a random password."""
    server = HarborServer({"HARBOR_WORKERS": "1"})
    del server.env["HARBOR_ADMIN_PASSWORD"]
    try:
        yield server.start()
    finally:
        server.stop()


def _children(server: HarborServer) -> dict[str, psutil.Process]:
    """The supervised processes by the module that they run, once each has become a Python of ours."""
    found = {}
    for child in psutil.Process(server.pid).children():
        command: list[str] = []
        with suppress(psutil.NoSuchProcess):  # Also of one that is dead and not yet waited for.
            command = child.cmdline()
        if "-m" in command:
            found[command[command.index("-m") + 1]] = child
    return found


def _current_user(server: HarborServer, password: str) -> int:
    return httpx.get(f"{server.url}/api/v2.0/users/current", auth=("admin", password)).status_code


def test_a_random_password_is_printed_once_and_works(server):
    [password] = _PASSWORD_LINE.findall(server.log.read_text())
    assert _current_user(server, password) == 200

    server.restart()

    assert _PASSWORD_LINE.findall(server.log.read_text()) == [password]
    assert _current_user(server, password) == 200


def test_it_says_where_to_go(server):
    eventually(lambda: f"harbor-py is ready: {server.url}\n" in server.log.read_text())
    assert f"docker login {server.host}\n" in server.log.read_text()


def test_library_is_there_and_public(server):
    [project] = httpx.get(f"{server.url}/api/v2.0/projects").json()
    assert (project["project_id"], project["name"]) == (1, "library")


def test_what_it_makes_is_its_owners_alone(server):
    modes = {
        path.relative_to(server.data_dir).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in [server.data_dir, *server.data_dir.rglob("*")]
        if path.exists()
    }
    assert modes["secrets/secret-key"] == modes["secrets/token-key.pem"] == 0o600
    assert modes["secrets"] == modes["."] == 0o700
    # The group of a web server in front may read blobs, if it can reach them.
    private = {name: mode for name, mode in modes.items() if not name.startswith("storage")}
    assert {name: oct(mode) for name, mode in private.items() if mode & 0o077} == {}


def test_secrets_stay_over_a_restart(server):
    secrets = {path.name: path.read_bytes() for path in (server.data_dir / "secrets").iterdir()}
    server.restart()
    assert {path.name: path.read_bytes() for path in (server.data_dir / "secrets").iterdir()} == secrets
    assert set(secrets) == {"secret-key", "token-key.pem"}


def test_a_second_up_on_the_same_folder_is_refused_by_the_first_ones_id(server, run):
    result = run("up", "--data-dir", str(server.data_dir), "--bind", f"127.0.0.1:{free_port()}")
    assert result.returncode == 1
    assert str(server.data_dir) in result.stderr
    assert f"process {server.pid}" in result.stderr
    assert server.is_healthy()


def test_a_port_in_use_is_refused(server, run, tmp_path):
    result = run("up", "--data-dir", str(tmp_path / "other"), "--bind", server.host)
    assert (result.returncode, result.stderr) == (
        1,
        f"harbor-py: cannot listen on {server.host}: Address already in use\n",
    )


@pytest.mark.parametrize("module", ["harbor_py.server", "harbor_py.worker"])
def test_a_killed_child_is_restarted(server, module):
    eventually(lambda: module in _children(server))
    supervisor, victim = server.pid, _children(server)[module]

    victim.kill()

    eventually(lambda: _children(server).get(module, victim) != victim)
    eventually(server.is_healthy)
    assert server.pid == supervisor


def test_a_killed_server_process_is_replaced(server):
    eventually(lambda: "harbor_py.server" in _children(server))
    parent = _children(server)["harbor_py.server"]
    eventually(parent.children)
    [victim] = parent.children()

    victim.kill()

    eventually(lambda: parent.children() and victim not in parent.children())
    eventually(server.is_healthy)


def test_the_supervisor_is_small(server):
    assert psutil.Process(server.pid).memory_info().rss < 30 * 2**20


def test_a_password_is_reset_while_it_runs(server, run):
    folder = str(server.data_dir)
    given = run("user", "reset-password", "admin", "--data-dir", folder, text="Another-Passw0rd\n")
    assert (given.returncode, given.stderr) == (0, "")
    assert _current_user(server, "Another-Passw0rd") == 200

    made = run("user", "reset-password", "admin", "--random", "--data-dir", folder)
    [password] = re.findall(r"^The new password, shown only now: (\S+)$", made.stdout, re.MULTILINE)
    assert [_current_user(server, word) for word in (password, "Another-Passw0rd")] == [200, 401]


@pytest.mark.parametrize(
    ("name", "password", "said"), [("nobody", "Another-Passw0rd", "nobody"), ("admin", "x", "12")]
)
def test_a_refused_reset_says_why(server, run, name, password, said):
    result = run("user", "reset-password", name, "--data-dir", str(server.data_dir), text=f"{password}\n")
    assert result.returncode == 1
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_it_though_clients_hang(stopped_server, number):
    server = stopped_server.start()
    processes = server.processes()
    host, _, port = server.host.partition(":")
    with socket.create_connection((host, int(port))) as hanging:
        hanging.sendall(b"PUT /v2/library/a/manifests/b HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{")
        os.kill(server.pid, number)
        gone, alive = psutil.wait_procs(processes, timeout=_PATIENCE)

    assert alive == []
    assert next(process for process in gone if process.pid == server.pid).returncode == 0


def test_nothing_outlives_a_killed_supervisor(stopped_server):
    server = stopped_server.start()
    processes = server.processes()
    assert len(processes) >= 4

    os.kill(server.pid, signal.SIGKILL)

    assert psutil.wait_procs(processes, timeout=_PATIENCE)[1] == []
    server.kill9()
    server.start()  # The lock went with the process.


@pytest.mark.parametrize("broker", ["files", "redis"])
def test_the_background_process_runs_the_schedule(stopped_server, request, broker):
    """A row of the outbox that no version knows any more is dropped with a warning when it is delivered."""
    server = stopped_server
    if broker == "redis":
        server.env["HARBOR_REDIS_URL"] = request.getfixturevalue("redis_server").fresh_database()
    server.start()
    _add_outbox_row(server.data_dir / "harbor.db")
    eventually(lambda: "no handler nobody for EventOfOldVersion: dropped" in server.log.read_text())
    assert (server.data_dir / "broker").exists() == (broker == "files")


def _add_outbox_row(database: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.utils import timezone\n"
        "from apps.events.models import OutboxEvent\n"
        "import uuid\n"
        "OutboxEvent.objects.create(event_id=uuid.uuid4(), name='EventOfOldVersion', handler='nobody', payload={},"
        " creation_time=timezone.now(), due_time=timezone.now())\n"
    )
    environment = os.environ | {
        "HARBOR_DATABASE_URL": f"sqlite:///{database}",
        "HARBOR_DATA_DIR": str(database.parent),
        "DJANGO_SETTINGS_MODULE": "harbor_py.settings",
    }
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=_PATIENCE)


def test_an_admin_password_against_the_policy_is_refused_by_name(run, tmp_path):
    result = run("up", "--bind", f"127.0.0.1:{free_port()}", HARBOR_ADMIN_PASSWORD="short")
    assert result.returncode == 2
    assert "HARBOR_ADMIN_PASSWORD" in result.stderr
    assert "12" in result.stderr
    assert "short" not in result.stderr


def test_tables_can_be_made_without_starting(run, tmp_path):
    assert run("migrate", "--data-dir", "made").returncode == 0
    assert (tmp_path / "made" / "harbor.db").stat().st_size > 0


def test_a_child_that_never_starts_ends_it_all():
    """`this` is a module that ends at once."""
    code = (
        "import sys; from harbor_py.supervisor import Child, Supervisor\n"
        "children = [Child('first', 'this'), Child('second', 'http.server', ('--help',))]\n"
        "sys.exit(Supervisor(url='', children=children).run())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=_PATIENCE)
    assert result.returncode == 1
    assert "does not start; giving up" in result.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_tls(tmp_path, address):
    authority = trustme.CA()
    certificate = authority.issue_cert(address)
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(tmp_path / "cert.pem", append=True)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    bind = f"[{address}]:{free_port()}" if ":" in address else f"{address}:{free_port()}"
    arguments = [
        "--data-dir",
        "data",
        "--bind",
        bind,
        "--workers",
        "1",
        "--tls-cert",
        "cert.pem",
        "--tls-key",
        "key.pem",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HARBOR_")}
    environment["HARBOR_ADMIN_PASSWORD"] = ADMIN_PASSWORD

    process = subprocess.Popen(
        [sys.executable, "-m", "harbor_py.cli", "up", *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(_PATIENCE, process.terminate)
    watchdog.start()
    try:
        assert process.stdout is not None
        assert any(f"harbor-py is ready: https://{bind}" in line for line in process.stdout)
        answer = httpx.get(f"https://{bind}/v2/", verify=context)
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate()

    assert answer.status_code == 401
    assert f'realm="https://{bind}/service/token"' in answer.headers["WWW-Authenticate"]


def test_a_certificate_without_its_key_is_refused(run, tmp_path):
    authority = trustme.CA()
    authority.issue_cert("a.example").private_key_pem.write_to_path(tmp_path / "key.pem")
    authority.issue_cert("b.example").cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")

    result = run("up", "--tls-cert", "cert.pem", "--tls-key", "key.pem")

    assert result.returncode == 2
    assert "tls_key" in result.stderr
    assert result.stderr.count("\n") == 1
