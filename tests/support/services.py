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
from urllib.parse import quote

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
    """A server that writes nothing to disk; each caller may have a database of its own.

    ``password`` is what it asks for, and what it gives to the server at the port ``replica_of``, if it is a replica.
    """

    def __init__(self, *, password: str = "", replica_of: int = 0) -> None:
        program = need("redis-server")
        super().__init__("harbor-redis-", None)
        self._next_database = 0
        self._password = password
        self._command = [
            *(program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)),
            *("--save", "", "--appendonly", "no", "--databases", "512"),
            *(("--requirepass", password, "--masterauth", password) if password else ()),
            *(("--replicaof", f"127.0.0.1 {replica_of}") if replica_of else ()),
        ]
        self._start(self._command, self._answers)

    def kill(self) -> None:
        """SIGKILL; it comes back with nothing by :meth:`start`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def start(self) -> None:
        """Start one that was killed, at the same port."""
        self._start(self._command, self._answers)

    def lose_everything(self) -> None:
        """SIGKILL, and an empty one at the same port."""
        self.kill()
        self.start()

    def url(self, database: int = 0) -> str:
        """The URL of one of its numbered databases."""
        login = f":{quote(self._password, safe='')}@" if self._password else ""
        return f"redis://{login}127.0.0.1:{self.port}/{database}"

    def fresh_database(self) -> str:
        """The URL of a database that nobody has used."""
        self._next_database += 1
        return self.url(self._next_database)

    def role(self) -> str:
        """``master`` or ``slave``; a replica that has not yet all that its master has is ``joining``."""
        with redis.Redis.from_url(self.url(), protocol=2) as client:
            found = client.info("replication")
        return "joining" if found.get("master_link_status", "up") != "up" else str(found["role"])

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url(), protocol=2)
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()


class Sentinel(_Service):
    """A redis-sentinel that watches ``master``, and takes it for dead after a second. ``quorum`` have to agree."""

    MASTER = "harbor"

    def __init__(self, master: Redis, *, password: str, own_password: str, quorum: int) -> None:
        program = need("redis-sentinel")
        super().__init__("harbor-sentinel-", None)
        self._password = own_password
        file = self.folder / "sentinel.conf"
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self.folder}",
            f'requirepass "{own_password}"',
            f'sentinel sentinel-pass "{own_password}"',
            f"sentinel monitor {self.MASTER} 127.0.0.1 {master.port} {quorum}",
            f'sentinel auth-pass {self.MASTER} "{password}"',
            f"sentinel down-after-milliseconds {self.MASTER} 1000",
            f"sentinel failover-timeout {self.MASTER} 5000",
        ]
        file.write_text("\n".join(lines) + "\n")
        self._start([program, str(file)], lambda: self.master_port() != 0)

    def master_port(self) -> int:
        """Where it says that the master is; 0 while it does not answer."""
        with self.client() as client:
            try:
                found = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.MASTER)
            except redis.ConnectionError:
                return 0
        return int(found[1]) if found else 0

    def knows(self) -> tuple[int, int]:
        """How many replicas and how many other sentinels it has met."""
        with self.client() as client:
            state = client.sentinel_master(self.MASTER)
        return state["num-slaves"], state["num-other-sentinels"]

    def fail_over(self) -> None:
        """Have a replica made the master, while the old one lives."""
        with self.client() as client:
            client.execute_command("SENTINEL", "FAILOVER", self.MASTER)

    def client(self) -> redis.Redis:
        """A client of the sentinel itself."""
        return redis.Redis(port=self.port, password=self._password, protocol=2, retry=None)
