"""Private instances of PostgreSQL and Redis, on free ports and in temporary folders."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from tests.support.programs import die_with_parent, free_port, need

_START_SECONDS = 60
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ServiceError(Exception):
    """A private service did not start; the message ends with its log."""


class _Service:
    """One process with a folder of its own."""

    def __init__(self, folder_prefix: str, account: str | None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=folder_prefix))
        self.account = account
        if account is not None:
            owner = pwd.getpwnam(account)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the process."""
        if self._process is None:
            raise ServiceError("the service was not started")
        return self._process.pid

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, user=self.account)

    def _start(self, command: list[str], is_ready: Callable[[], bool]) -> None:
        log = self.folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                user=self.account,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - it makes one system call
            )
        deadline = time.monotonic() + _START_SECONDS
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = log.read_text("utf-8", "replace")
                self.stop()
                raise ServiceError(f"{command[0]} did not start:\n{text[-4000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the process at once and remove its folder."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgreSQL(_Service):
    """A server that lets in every local client as ``harbor``; it syncs nothing to disk unless ``durable``."""

    def __init__(self, *, durable: bool = False) -> None:
        initdb, postgres = need("initdb"), need("postgres")
        super().__init__("harbor-pg-", "postgres" if os.geteuid() == 0 else None)
        data = self.folder / "data"
        # A language's collation, not bytes: names must sort bytewise because the schema says so, not by luck.
        self._run(
            [
                *(initdb, "-D", str(data), "-U", "harbor", "--auth=trust", "--no-sync", "--encoding=UTF8"),
                *("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"),
            ]
        )
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            **({} if durable else _NOT_DURABLE),
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._start([postgres, "-D", str(data), *arguments], self._answers)

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://harbor@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"harbor_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class Redis(_Service):
    """A server that writes nothing to disk; each caller may have a database of its own."""

    def __init__(self) -> None:
        program = need("redis-server")
        super().__init__("harbor-redis-", None)
        self._next_database = 0
        self._command = [
            *(program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)),
            *("--save", "", "--appendonly", "no", "--databases", "512"),
        ]
        self._start(self._command, self._answers)

    def lose_everything(self) -> None:
        """SIGKILL, and an empty one at the same port."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._start(self._command, self._answers)

    def url(self, database: int = 0) -> str:
        """The URL of one of its numbered databases."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def fresh_database(self) -> str:
        """The URL of a database that nobody has used."""
        self._next_database += 1
        return self.url(self._next_database)

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url(), protocol=2)
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()
