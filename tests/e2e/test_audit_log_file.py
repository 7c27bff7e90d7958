"""The audit log in a file and at a syslog receiver, by a server with its worker."""

import json
import socket
import threading
from pathlib import Path

import pytest

from tests.support.accounts import api, make_project
from tests.support.server import HarborServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


class Receiver:
    """A syslog receiver of the own host."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.text = ""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile(encoding="utf-8") as lines:
                self.text += lines.read()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def test_rows_reach_the_file_and_the_receiver(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    receiver = Receiver()
    server = HarborServer({"HARBOR_AUDIT_LOG_FILE": str(path)})
    try:
        server.start()
        with api(server.url, server.admin) as admin:
            answer = admin.put("/configurations", json={"audit_log_forward_endpoint": "127.0.0.1:1"})
            assert answer.status_code == 400, "nobody is there"
            answer = admin.put("/configurations", json={"audit_log_forward_endpoint": receiver.endpoint})
            assert answer.status_code == 200, answer.text
            project = make_project(admin)
        lines = eventually(
            lambda: path.read_text() if path.exists() else "", lambda text: project in text
        ).splitlines()
        eventually(lambda: receiver.text, lambda text: project in text)
    finally:
        server.stop()
        receiver.close()

    rows = [json.loads(line) for line in lines]
    (row,) = [row for row in rows if row["resource"] == project and row["resource_type"] == "project"]
    assert (row["operation"], row["username"], row["method"]) == ("create", "admin", "POST")
