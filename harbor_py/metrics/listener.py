"""The port of the metrics: a thread of the background worker, which is the only such process of a host."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from celery import Celery
from celery.signals import task_postrun, task_prerun
from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST

from apps.catalog.exporter import Exporter
from apps.common.database import release_connection
from apps.common.metrics import Collector, get_recorder, metrics_folder
from apps.common.release import HARBOR_RELEASE
from apps.jobs.running import Worker
from apps.jobs.selectors import schedule_list
from harbor_py.metrics import families

logger = logging.getLogger(__name__)

_SOCKET_SECONDS = 10
_RETRY_SECONDS = 5


def metrics_serve(app: Celery, pool: Worker) -> None:
    """Count tasks and serve the metrics from now on; returns at once."""
    _count_tasks()
    threading.Thread(target=_listen, args=(app, pool), daemon=True, name="metrics-port").start()


def _count_tasks() -> None:
    started: dict[str, float] = {}

    def before(task_id: str, **_: Any) -> None:
        started[task_id] = time.perf_counter()

    def after(task_id: str, task: Any, state: str | None, **_: Any) -> None:
        seconds = time.perf_counter() - started.pop(task_id, time.perf_counter())
        # Jobs count themselves, by their kind.
        if task.name != "jobs.run" and (recorder := get_recorder()) is not None:
            recorder.task(task.name, "success" if state == "SUCCESS" else "fail", seconds)

    task_prerun.connect(before, weak=False)
    task_postrun.connect(after, weak=False)


def _listen(app: Celery, pool: Worker) -> None:
    """A taken port costs the metrics and nothing else: it is tried again."""
    handler = _handler(_answers(app, pool))
    address = (settings.HARBOR.host, settings.HARBOR.metric_port)
    while True:
        try:
            with _Server(address, handler) as server:
                server.serve_forever()
        except OSError:
            logger.exception("the metrics cannot be served on port %s", address[1])
            time.sleep(_RETRY_SECONDS)


def _answers(app: Celery, pool: Worker) -> dict[str, Callable[[], bytes]]:
    """By ``comp``."""
    collector = Collector(metrics_folder())
    exporter = Exporter(release=HARBOR_RELEASE)
    node = socket.gethostname()

    def content() -> bytes:
        gauges = exporter.gauges()
        scheduled = len(app.conf.beat_schedule) + schedule_list().count()
        return families.written(families.exporter(gauges, scheduled=scheduled))

    return {
        "core": lambda: families.written(families.core(collector.totals())),
        "registry": lambda: families.written(families.registry(collector.totals())),
        "jobservice": lambda: families.written(
            families.jobservice(collector.totals(), node=node, pool=pool.id, workers=pool.concurrency)
        ),
        "": content,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)


def _handler(answers: dict[str, Callable[[], bytes]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SOCKET_SECONDS
        server_version = "harbor-py"
        sys_version = ""

        def do_GET(self) -> None:
            """One scrape."""
            parts = urlsplit(self.path)
            answer = answers.get(parse_qs(parts.query).get("comp", [""])[0])
            if parts.path != settings.HARBOR.metric_path or answer is None:
                self._send(HTTPStatus.NOT_FOUND, b"there are no such metrics\n")
                return
            try:
                self._send(HTTPStatus.OK, answer())
            except (ConnectionError, TimeoutError):
                self.close_connection = True
            except Exception:
                logger.exception("the metrics could not be collected")
                self._send(HTTPStatus.SERVICE_UNAVAILABLE, b"the metrics cannot be collected now\n")
            finally:
                release_connection()

        def _send(self, status: HTTPStatus, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST if status == HTTPStatus.OK else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Scrapes are not logged."""

    return Handler
