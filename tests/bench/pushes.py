"""Pushes and pulls as docker does them: request by request over connections that stay open."""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.queues import Queue

from tests.bench.client import Connection
from tests.bench.images import MANIFEST_TYPE, Blob, LargeContent, SmallImage
from tests.bench.servers import BenchError

_OCTETS = {"Content-Type": "application/octet-stream"}
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Target:
    """A repository of a server with the headers that open it."""

    host: str
    repository: str
    credentials: Mapping[str, str]


def push_blob(connection: Connection, target: Target, blob: Blob) -> None:
    """HEAD, POST, one PATCH in chunks, PUT."""
    base = f"/v2/{target.repository}/blobs"
    connection.request("HEAD", f"{base}/{blob.digest}", target.credentials, expect=404)
    _upload(connection, target, blob.digest, [memoryview(blob.data)])


def push_image(connection: Connection, target: Target, image: SmallImage, tag: str) -> None:
    """Its blobs, then its manifest under ``tag``."""
    for blob in image.blobs:
        push_blob(connection, target, blob)
    headers = {**target.credentials, "Content-Type": MANIFEST_TYPE}
    path = f"/v2/{target.repository}/manifests/{tag}"
    connection.request("PUT", path, headers, image.manifest.data, expect=201)


def push_large(target: Target, content: LargeContent) -> tuple[float, str]:
    """Push a new blob of this content; returns the seconds that it took, and its digest."""
    digest, tail = content.fresh()
    with Connection(target.host) as connection:
        begin = time.perf_counter()
        _upload(connection, target, digest, content.pieces(tail))
        return time.perf_counter() - begin, digest


def pull_blob(target: Target, digest: str, *, times: int, connections: int) -> float:
    """GET a blob ``times`` times, over some connections beside each other; returns the seconds."""

    def pull(number: int) -> None:
        with Connection(target.host) as connection:
            for _ in range(number):
                connection.discard(f"/v2/{target.repository}/blobs/{digest}", target.credentials)

    begin = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for done in [pool.submit(pull, times // connections) for _ in range(connections)]:
            done.result()
    return time.perf_counter() - begin


def delete_blob(target: Target, digest: str) -> None:
    """Unlink it from the repository."""
    with Connection(target.host) as connection:
        path = f"/v2/{target.repository}/blobs/{digest}"
        connection.request("DELETE", path, target.credentials, expect=202)


def push_images(
    targets: Sequence[Target], images: Sequence[SmallImage], tag: str
) -> tuple[float, list[float]]:
    """One client process a target, each with its share of ``images``; returns the seconds of all and of each.

    The clients are processes, so that they do not wait for each other; they begin together.
    """
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(targets) + 1)
    results: Queue[list[float] | str] = context.Queue()
    shares = [images[index :: len(targets)] for index in range(len(targets))]

    def client(index: int) -> None:
        try:
            results.put(_push_share(targets[index], shares[index], f"{tag}-{index}", barrier.wait))
        except Exception as error:  # noqa: BLE001 - the parent raises it
            barrier.abort()
            results.put(f"{type(error).__name__}: {error}")

    clients = [context.Process(target=client, args=(index,), daemon=True) for index in range(len(targets))]
    for process in clients:
        process.start()
    barrier.wait(_LONGEST)
    begin = time.perf_counter()
    answers = [results.get(timeout=_LONGEST) for _ in clients]
    seconds = time.perf_counter() - begin
    for process in clients:
        process.join()
    for answer in answers:
        if isinstance(answer, str):
            raise BenchError(f"a pushing client failed: {answer}")
    return seconds, [one for answer in answers if not isinstance(answer, str) for one in answer]


def _push_share(
    target: Target, images: Sequence[SmallImage], tag: str, ready: Callable[[], object]
) -> list[float]:
    times = []
    with Connection(target.host) as connection:
        connection.request("GET", "/v2/", target.credentials, expect=200)
        ready()
        for number, image in enumerate(images):
            begin = time.perf_counter()
            push_image(connection, target, image, f"{tag}-{number}")
            times.append(time.perf_counter() - begin)
    return times


def _upload(connection: Connection, target: Target, digest: str, pieces: Iterable[memoryview]) -> None:
    start = f"/v2/{target.repository}/blobs/uploads/"
    started = connection.request("POST", start, target.credentials, b"", expect=202)
    headers = {**target.credentials, **_OCTETS}
    appended = connection.stream("PATCH", started.location, headers, pieces, expect=202)
    joint = "&" if "?" in appended.location else "?"
    path = f"{appended.location}{joint}digest={digest}"
    connection.request("PUT", path, headers, b"", expect=201)
