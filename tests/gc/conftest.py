"""A registry of the test's own: a place to push to, and storage that no other test has put files into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.common import steps
from apps.storage.selectors import get_driver
from tests.distribution.inside import Place, make_place


@pytest.fixture(autouse=True)
def _own_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    if not request.node.get_closest_marker("django_db"):
        yield
        return
    settings = request.getfixturevalue("settings")
    settings.HARBOR = settings.HARBOR.model_copy(
        update={"storage_url": f"file://{tmp_path}/storage", "gc_time_window_hours": 0}
    )
    get_driver.cache_clear()
    yield
    get_driver.cache_clear()
    assert steps.hooks == []


@pytest.fixture
def place() -> Place:
    return make_place()
