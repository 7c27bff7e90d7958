"""kombu's filesystem transport, made safe for readers and writers at the same time.

The original opens a message's file under its final name and then writes it, so that a reader can take it empty,
and moves what it reads through the system's temporary folder, which may be on another disk. Here a message
appears whole by a rename, and is taken by a rename.
"""

import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """A queue is the files that end in ``.QUEUE.msg``, in the order of their names."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._folder = Path(self.data_folder_in)
        self._taken = Path(self.transport_options["processed_folder"])
        for folder in (self._folder, self._taken, self.control_folder):
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    # The stubs of kombu's two base classes name the argument differently, so one of them has to be disobeyed.
    def _put(self, queue: str, payload: dict[str, Any], **_options: Any) -> None:  # type: ignore[override]
        name = f"{time.time_ns():020}_{uuid.uuid4()}.{queue}.msg"
        temporary = self._taken / f"{name}.new"
        temporary.write_text(dumps(payload), "utf-8")
        temporary.rename(self._folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - polled, never waited for
        for path in sorted(self._folder.iterdir()):
            if path.name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = self._taken / path.name
            try:
                path.rename(taken)
            except FileNotFoundError:
                continue  # Another reader was faster.
            content = taken.read_text("utf-8")
            taken.unlink()
            return loads(content)
        raise Empty


class Transport(filesystem.Transport):
    """Named in ``broker_transport``."""

    Channel = Channel
