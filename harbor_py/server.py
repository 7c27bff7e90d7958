"""The server process: ``python -m harbor_py.server PARENT_ID`` runs Granian and its workers."""

import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels

from apps.common.configuration import Configuration, load_configuration
from harbor_py.processes import die_with_parent

# Milliseconds for a request's head, and for the next request on an idle connection.
_HEADER_TIMEOUT = 15_000
# Seconds that a worker has to finish its requests; the supervisor waits a little longer.
_DRAIN_SECONDS = 7
# Connections of one worker. Granian counts idle and dripping ones too, which cost no thread, so it is far above
# the threads: a few hundred slow clients must not keep the others out.
_CONNECTIONS = 8192
_BACKLOG = 2048
_DESCRIPTORS = 65_536

_LOGGING = {
    "formatters": {
        "json": {
            "()": "apps.common.logs.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"_granian": {"handlers": ["stderr"], "propagate": False}},
}


def main() -> None:
    """Serve until SIGTERM; ends by itself if its parent does."""
    die_with_parent(int(sys.argv[1]))
    configuration = load_configuration(os.environ)
    _raise_descriptor_limit()
    _make_server(configuration).serve(target_loader=partial(_load, os.getpid()), wrap_loader=False)


def _make_server(configuration: Configuration) -> Any:
    return Granian(
        target="harbor_py.wsgi:application",
        address=_address(configuration),
        port=configuration.port,
        interface=Interfaces.WSGI,
        workers=configuration.workers,
        blocking_threads=configuration.threads,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_TIMEOUT),
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_CONNECTIONS,
        log_access=False,
        # Granian warns of every thread number above twice the cores; ours wait for clients, not for a core.
        log_level=LogLevels.debug if configuration.log_level == "DEBUG" else LogLevels.error,
        log_dictconfig=_LOGGING,
        ssl_cert=configuration.tls_cert,
        ssl_key=configuration.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        respawn_failed_workers=True,
        workers_kill_timeout=_DRAIN_SECONDS,
    )


def _load(parent: int) -> Callable[..., Any]:
    """Runs first in each worker. Imported here and not above, so that Granian's own process stays small."""
    die_with_parent(parent)
    # Granian's handlers come with the fork but act in its main process only, and the worker's own are set when the
    # application is loaded: without this a SIGTERM in between would be lost.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    application: Callable[..., Any] = import_module("harbor_py.wsgi").application
    return application


def _address(configuration: Configuration) -> str:
    """Granian listens on addresses only; a name is looked up once."""
    return str(socket.getaddrinfo(configuration.host, configuration.port, type=socket.SOCK_STREAM)[0][4][0])


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main()
