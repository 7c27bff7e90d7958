import pytest

from apps.accounts.models import User
from apps.accounts.security import USER, Principal
from apps.projects.contexts import LocalSecurityContext
from apps.projects.services import project_create


def local_context(user: User) -> LocalSecurityContext:
    principal = Principal(USER, user.pk, user.username, user.version, user.sysadmin_flag)
    return LocalSecurityContext(principal)


@pytest.fixture
def admin():
    return local_context(User.objects.create(username="admin", sysadmin_flag=True))


@pytest.fixture
def alice():
    return local_context(User.objects.create(username="alice"))


@pytest.fixture
def make_project(admin):
    def make(name="team", limit=None):
        return project_create(actor=admin, name=name, storage_limit=limit)

    return make
