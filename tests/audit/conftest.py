import json
from datetime import UTC, datetime

import pytest

from apps.accounts.models import User
from apps.accounts.security import USER, Principal
from apps.common.stamps import get_stamps
from apps.config.models import Setting
from apps.config.selectors import SETTINGS_STAMP
from apps.projects.contexts import LocalSecurityContext

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)


def local_context(user: User) -> LocalSecurityContext:
    return LocalSecurityContext(Principal(USER, user.pk, user.username, user.version, user.sysadmin_flag))


@pytest.fixture
def admin():
    return local_context(User.objects.create(username="admin", sysadmin_flag=True))


@pytest.fixture
def alice():
    return User.objects.create(username="alice")


@pytest.fixture
def change_settings():
    """Set what an administrator can set, by name."""

    def change(**values):
        for name, value in values.items():
            Setting.objects.update_or_create(name=name, defaults={"value": json.dumps(value)})
        get_stamps().bump(SETTINGS_STAMP)

    yield change
    get_stamps().bump(SETTINGS_STAMP)


@pytest.fixture
def log_file(settings, tmp_path):
    """``audit_log_file`` is set to this."""
    path = tmp_path / "log" / "audit.log"
    settings.HARBOR = settings.HARBOR.model_copy(update={"audit_log_file": path})
    return path
