import pytest

from apps.projects.services import project_create
from tests.support.people import acting, person


@pytest.fixture
def admin():
    return acting(person("admin", sysadmin=True))


@pytest.fixture
def alice():
    return acting(person("alice"))


@pytest.fixture
def make_project(admin):
    def make(name="team", limit=None):
        return project_create(actor=admin, name=name, storage_limit=limit)

    return make
