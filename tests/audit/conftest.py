from datetime import UTC, datetime

import pytest

from tests.support.people import acting, person

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)


@pytest.fixture
def admin():
    return acting(person("admin", sysadmin=True))


@pytest.fixture
def alice():
    return person("alice")


@pytest.fixture
def log_file(settings, tmp_path):
    """``audit_log_file`` is set to this."""
    path = tmp_path / "log" / "audit.log"
    settings.HARBOR = settings.HARBOR.model_copy(update={"audit_log_file": path})
    return path
