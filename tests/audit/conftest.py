import pytest

from apps.accounts.models import User
from apps.accounts.security import USER, Principal
from apps.projects.contexts import LocalSecurityContext


def local_context(user: User) -> LocalSecurityContext:
    return LocalSecurityContext(Principal(USER, user.pk, user.username, user.version, user.sysadmin_flag))


@pytest.fixture
def admin():
    return local_context(User.objects.create(username="admin", sysadmin_flag=True))


@pytest.fixture
def alice():
    return User.objects.create(username="alice")
