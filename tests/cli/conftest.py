import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.server import HarborServer

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `harbor-py` to its end in an empty folder, with no settings but the given ones."""

    def run_(*arguments: str, text: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HARBOR_")}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        return subprocess.run(
            [sys.executable, "-m", "harbor_py.cli", *arguments],
            env=environment | settings,
            cwd=tmp_path,
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run_


@pytest.fixture
def stopped_server() -> Iterator[HarborServer]:
    """A server of the test's own that it has to start."""
    server = HarborServer({"HARBOR_WORKERS": "1"})
    try:
        yield server
    finally:
        server.kill9()
        server.stop()
