"""``harbor-py up`` as people start it, in a temporary data folder and on a free port."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg

from tests.support.accounts import Person
from tests.support.programs import die_with_parent, free_port, kill_session

ADMIN_PASSWORD = "Harbor12345!Tests"
_START_SECONDS = 90
_STOP_SECONDS = 15


class ServerError(Exception):
    """The server did not start or did not end; the message ends with its log."""


class HarborServer:
    """A running server; its data survives :meth:`restart` and goes with :meth:`stop`.

    ``settings`` are ``HARBOR_*`` variables. Use it as a context manager or from a fixture.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="harbor-server-"))
        self.data_dir = self.folder / "data"
        self.log = self.folder / "log"
        self.host = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.host}"
        self.admin = Person("admin", ADMIN_PASSWORD)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("HARBOR_")}
        self.env.pop("DJANGO_SETTINGS_MODULE", None)
        # Receivers of webhooks are on loopback here, where nothing is sent otherwise.
        loopback = {"HARBOR_OUTGOING_ALLOW": "127.0.0.0/8,::1"}
        self.env |= {"HARBOR_ADMIN_PASSWORD": ADMIN_PASSWORD, "HARBOR_WORKERS": "2", **loopback}
        # Sessions of these tests last as long as the server, and do what needs the password all the time.
        self.env["HARBOR_REAUTHENTICATION_MINUTES"] = "0"
        # All of them come from one address: the wrong passwords of one test must not hold the people of another.
        self.env["HARBOR_LOGIN_FAILURES_PER_ADDRESS"] = "0"
        self.env |= settings or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def admin_password(self) -> str:
        """The password of ``admin``."""
        return self.admin.password

    @property
    def pid(self) -> int:
        """The process id of ``harbor-py up``."""
        if self._process is None:
            raise ServerError("the server was not started")
        return self._process.pid

    def start(self) -> Self:
        """Start, and wait until ``GET /api/v2.0/health`` answers 200."""
        command = [
            sys.executable,
            "-m",
            "harbor_py.cli",
            "up",
            "--data-dir",
            str(self.data_dir),
            "--bind",
            self.host,
        ]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=self.env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it makes one system call
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_healthy():
            if self._process.poll() is not None:
                raise ServerError(f"harbor-py up ended with {self._process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill9()
                raise ServerError(f"harbor-py up was not healthy in {_START_SECONDS} s:\n{self.log_tail()}")
            time.sleep(0.05)
        return self

    def is_healthy(self) -> bool:
        """Whether ``GET /api/v2.0/health`` answers 200 now."""
        connection = HTTPConnection(self.host, timeout=5)
        try:
            connection.request("GET", "/api/v2.0/health")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def terminate(self) -> None:
        """SIGTERM, and wait for the end; the data stays. Raises :class:`ServerError` if it does not end."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill_session(process.pid)
            process.wait()
            raise ServerError(f"harbor-py up did not end in {_STOP_SECONDS} s:\n{self.log_tail()}") from None

    def restart(self) -> None:
        """End it gracefully and start it again on the same data and port."""
        self.terminate()
        self.start()

    def kill9(self) -> None:
        """SIGKILL every process of the server; the data stays."""
        process, self._process = self._process, None
        if process is not None:
            kill_session(process.pid)
            process.wait()

    def stop(self) -> None:
        """End it and remove its data."""
        try:
            self.terminate()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        """``harbor-py up`` and all that it has started."""
        leader = psutil.Process(self.pid)
        return [leader, *leader.children(recursive=True)]

    def worker(self) -> psutil.Process:
        """The background process."""
        (found,) = [process for process in self.processes() if "harbor_py.worker" in process.cmdline()]
        return found

    def query(self, statement: str) -> list[Any]:
        """The first column of what a statement gives in the server's database; it may change something."""
        if url := self.env.get("HARBOR_DATABASE_URL"):
            with psycopg.connect(url, autocommit=True) as connection:
                cursor = connection.execute(statement)
                return [row[0] for row in cursor] if cursor.description else []
        with closing(sqlite3.connect(self.data_dir / "harbor.db", timeout=30)) as connection:
            found = [row[0] for row in connection.execute(statement)]
            connection.commit()
            return found

    def log_tail(self, size: int = 8000) -> str:
        """The last ``size`` characters of what it has written."""
        return self.log.read_text("utf-8", "replace")[-size:] if self.log.exists() else ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()
