"""Sixteen connections that ask for one thing again and again: wrk, and an own loop for HEAD.

wrk waits for a body after a HEAD whose answer has a Content-Length, as every registry's has, so it cannot do that.
"""

import re
import select
import socket
import subprocess
import time
from collections.abc import Mapping

from tests.bench.servers import BenchError
from tests.support.programs import find_program

CONNECTIONS = 16
_THREADS = 2
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_TROUBLE = re.compile(r"(Non-2xx or 3xx responses: \d+|Socket errors: .*)")
_LARGEST_HEAD = 1 << 14


def get_rate(host: str, path: str, headers: Mapping[str, str], *, seconds: int) -> float:
    """GET requests a second by wrk; raises :class:`BenchError` if any answer was not good."""
    program = find_program("wrk")
    if program is None:
        raise BenchError("the program wrk is not installed")
    command = [program, f"-t{_THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run(
        [*command, f"http://{host}{path}"], check=True, capture_output=True, text=True, timeout=seconds + 60
    )
    rate = _RATE.search(done.stdout)
    if (trouble := _TROUBLE.search(done.stdout)) or rate is None:
        raise BenchError(f"GET {path} at {host}: {trouble[1] if trouble else done.stdout}")
    return float(rate[1])


def head_rate(host: str, path: str, headers: Mapping[str, str], *, seconds: int) -> float:
    """HEAD requests a second; raises :class:`BenchError` at the first answer that is not 200."""
    lines = [
        f"HEAD {path} HTTP/1.1",
        f"Host: {host}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    message = "\r\n".join([*lines, "", ""]).encode()
    name, _, port = host.rpartition(":")
    connections = [socket.create_connection((name, int(port))) for _ in range(CONNECTIONS)]
    try:
        return _ask_in_turn({one.fileno(): one for one in connections}, message, seconds)
    finally:
        for one in connections:
            one.close()


def _ask_in_turn(connections: dict[int, socket.socket], message: bytes, seconds: int) -> float:
    poll = select.epoll()
    for descriptor, connection in connections.items():
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(message)
        poll.register(descriptor, select.EPOLLIN)
    count = 0
    begin = time.perf_counter()
    deadline = begin + seconds
    try:
        while time.perf_counter() < deadline:
            for descriptor, _ in poll.poll(10):
                connection = connections[descriptor]
                answer = connection.recv(_LARGEST_HEAD)
                if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(b"\r\n\r\n"):
                    raise BenchError(f"HEAD answered {answer[:300]!r}")
                count += 1
                connection.sendall(message)
        return count / (time.perf_counter() - begin)
    finally:
        poll.close()
