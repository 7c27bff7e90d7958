"""The Celery application: what runs when, and over which broker."""

import hashlib
import logging
import os
import socket
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

from apps.common.redis_urls import SentinelAddress, sentinel_address

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harbor_py.settings")

_REDIS_OPTIONS = {"visibility_timeout": 6 * 3600, "socket_keepalive": True, "health_check_interval": 30}
_SENTINEL_SECONDS = 2.0
_POLL_SECONDS = 0.5


def _broker() -> dict[str, Any]:
    """Redis where it is configured, else files in the data folder."""
    configuration = settings.HARBOR
    if (sentinels := sentinel_address(configuration.redis_url)) is not None:
        return _sentinel_broker(sentinels)
    if configuration.redis_url:
        return {"broker_url": configuration.redis_url, "broker_transport_options": _REDIS_OPTIONS}
    folder = configuration.data_dir / "broker"
    return {
        "broker_url": "filesystem://localhost//",
        "broker_transport": "harbor_py.file_broker:Transport",
        "broker_transport_options": {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
            "processed_folder": str(folder / "taken"),
            "polling_interval": _POLL_SECONDS,
        },
    }


def _sentinel_broker(sentinels: SentinelAddress) -> dict[str, Any]:
    """As kombu wants it: a URL for each sentinel, with what Redis itself asks for."""
    account = f"{quote(sentinels.username, safe='')}:{quote(sentinels.password, safe='')}"
    login = f"{account}@" if account != ":" else ""
    return {
        "broker_url": ";".join(
            f"sentinel://{login}{f'[{host}]' if ':' in host else host}:{port}/{sentinels.database}"
            for host, port in sentinels.nodes
        ),
        "broker_transport_options": {
            **_REDIS_OPTIONS,
            "socket_connect_timeout": _SENTINEL_SECONDS,
            "master_name": sentinels.master,
            "sentinel_kwargs": sentinels.sentinel_options(seconds=_SENTINEL_SECONDS),
        },
    }


def _host_queue() -> str:
    """A name of its own for each data folder of each host."""
    place = hashlib.sha256(str(settings.HARBOR.data_dir).encode()).hexdigest()[:12]
    return f"host.{socket.gethostname()}.{place}"


HOST_QUEUE = _host_queue()
"""What only this host can do, as its spools are here, is sent here by this host."""


def _every(task: str, period: timedelta) -> dict[str, Any]:
    """A run that is not taken before the next one is due is dropped, so that runs do not pile up."""
    return {"task": task, "schedule": period, "options": {"expires": period.total_seconds()}}


def _every_here(task: str, period: timedelta) -> dict[str, Any]:
    """On each host."""
    entry = _every(task, period)
    entry["options"]["queue"] = HOST_QUEUE
    return entry


app = Celery("harbor_py")
app.conf.update(
    **_broker(),
    broker_connection_retry_on_startup=True,
    timezone="UTC",
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_enable_remote_control=False,
    beat_enable_remote_control=False,
    worker_prefetch_multiplier=1,
    beat_schedule_filename=str(settings.HARBOR.data_dir / "schedule"),
    beat_schedule={
        "deliver the outbox": _every("events.outbox_deliver", timedelta(seconds=5)),
        "forward the audit log": _every("audit.forward", timedelta(seconds=2)),
        "forget names in the audit log": _every("audit.names_forget", timedelta(minutes=1)),
        "drain the refusals": _every_here("audit.refusals_drain", timedelta(seconds=5)),
        "drain the pull spool": _every_here("events.spool_drain", timedelta(seconds=5)),
        "end temporary tags": _every("artifacts.tags_expire", timedelta(minutes=1)),
        "forget old executions": _every("jobs.sweep", timedelta(hours=1)),
        "clear sessions that are over": _every("accounts.sessions_clear", timedelta(hours=1)),
        "forget old logins": _every("accounts.sign_in_records_clear", timedelta(minutes=5)),
        "empty the trash of what is old": _every("artifacts.trash_purge", timedelta(hours=1)),
        "forget old moves of tags": _every("artifacts.tag_moves_purge", timedelta(hours=1)),
        "look at what projects hold": _every("usage.record", timedelta(hours=1)),
        "purge abandoned uploads": _every("artifacts.uploads_purge", timedelta(hours=1)),
    },
)
app.autodiscover_tasks()


@setup_logging.connect
def _quiet_logging(**_arguments: object) -> None:
    """Celery leaves logging, which Django has set up as JSON, alone where this signal has a receiver."""
    if settings.HARBOR.log_level != "DEBUG":
        # Several lines for each run of each task, every few seconds.
        logging.getLogger("celery").setLevel(logging.WARNING)
