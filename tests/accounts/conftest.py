import pytest

from tests.support.people import acting, person


@pytest.fixture
def boss():
    """A system administrator."""
    return acting(person("boss", sysadmin=True))
