"""Repositories with images in the database of the tests."""

import pytest

from tests.distribution.inside import Place, make_place


@pytest.fixture
def place() -> Place:
    return make_place()
