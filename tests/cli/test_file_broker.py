"""The broker of the embedded mode: messages as files."""

import threading
import uuid
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

_MESSAGES = 200


@pytest.fixture
def connect(tmp_path: Path):
    def connect_() -> Connection:
        return Connection(
            "filesystem://localhost//",
            transport="harbor_py.file_broker:Transport",
            transport_options={
                "data_folder_in": str(tmp_path / "messages"),
                "data_folder_out": str(tmp_path / "messages"),
                "control_folder": str(tmp_path / "control"),
                "processed_folder": str(tmp_path / "taken"),
            },
        )

    return connect_


@pytest.fixture
def name() -> str:
    """A queue that no other test has: kombu remembers for the whole process which ones are bound."""
    return uuid.uuid4().hex


def test_messages_come_in_order_and_leave_nothing(connect, tmp_path, name):
    with connect() as connection, SimpleQueue(connection, name) as queue:
        for number in range(20):
            queue.put({"number": number})
        numbers = []
        for _ in range(20):
            message = queue.get(timeout=5)
            numbers.append(message.payload["number"])
            message.ack()
        with pytest.raises(Empty):
            queue.get(block=False)

    assert numbers == list(range(20))
    assert [*(tmp_path / "messages").iterdir(), *(tmp_path / "taken").iterdir()] == []


def test_queues_do_not_take_each_others_messages(connect, name):
    with (
        connect() as connection,
        SimpleQueue(connection, name) as one,
        SimpleQueue(connection, f"{name}2") as two,
    ):
        one.put({"for": "one"})
        with pytest.raises(Empty):
            two.get(block=False)
        assert one.get(timeout=5).payload == {"for": "one"}


def test_readers_and_writers_at_once_see_each_message_whole_and_once(connect, name):
    """The original transport loses messages here: its readers find files that are not written yet."""
    taken: list[int] = []
    failures: list[Exception] = []
    written = threading.Event()
    with connect() as connection, SimpleQueue(connection, name):
        pass  # Bound before anybody writes.

    def write(first: int) -> None:
        with connect() as connection, SimpleQueue(connection, name) as queue:
            for number in range(first, _MESSAGES, 2):
                queue.put({"number": number, "padding": "x" * 20_000})

    def read() -> None:
        try:
            with connect() as connection, SimpleQueue(connection, name) as queue:
                while True:
                    is_last_look = written.is_set()
                    try:
                        message = queue.get(block=False)
                    except Empty:
                        if is_last_look:
                            return
                        continue
                    message.ack()
                    taken.append(message.payload["number"])
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    writers = [threading.Thread(target=write, args=(first,)) for first in (0, 1)]
    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in writers + readers:
        thread.start()
    for thread in writers:
        thread.join()
    written.set()
    for thread in readers:
        thread.join()

    assert failures == []
    assert sorted(taken) == list(range(_MESSAGES))
