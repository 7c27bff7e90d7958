"""``python -m harbor_py.first_start PARENT_ID``: tables, `admin` and `library`, each if it is not there.

Runs before every start, in a process of its own, and changes nothing when all is there.
"""

import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection

from harbor_py.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harbor_py.settings")
django.setup()

# Below the call above: models can be imported only when Django is set up.
from apps.accounts.passwords import random_password  # noqa: E402
from apps.accounts.selectors import ADMIN_ID, live_users  # noqa: E402
from apps.accounts.services import admin_create  # noqa: E402
from apps.common.database import write_atomic  # noqa: E402
from apps.common.errors import BadRequestError  # noqa: E402
from apps.projects.services import library_create  # noqa: E402

EXIT_DATABASE = 1
EXIT_CONFIGURATION = 2

_LOCK_KEY = zlib.crc32(b"harbor-py first start")


def main() -> None:
    """Prepare the installation; prints the password of `admin` if it was made at random."""
    die_with_parent(int(sys.argv[1]))
    try:
        with one_host_at_a_time():
            call_command("migrate", interactive=False, verbosity=0)
            first_records_make()
    except BadRequestError as error:
        sys.stderr.write(f"harbor-py: setting admin_password (HARBOR_ADMIN_PASSWORD): {error}\n")
        sys.exit(EXIT_CONFIGURATION)
    except OperationalError as error:
        sys.stderr.write(f"harbor-py: the database cannot be used: {error}".rstrip() + "\n")
        sys.exit(EXIT_DATABASE)


def first_records_make() -> None:
    """Make `admin` (id 1) and the public project `library` if this is the first start.

    Both or neither; a `library` that somebody has deleted since stays deleted.
    """
    if live_users().filter(id=ADMIN_ID).exists():
        return
    given = settings.HARBOR.admin_password
    password = given or random_password()
    # Nobody else is there yet who could wait for this transaction while the password is hashed.
    with write_atomic():
        library_create(owner=admin_create(password=password))
    if not given:
        sys.stdout.write(f"The password of admin, shown only now: {password}\n")
        sys.stdout.flush()


@contextmanager
def one_host_at_a_time() -> Iterator[None]:
    """Hosts that start together on one PostgreSQL take turns; SQLite has one host, whose folder is locked."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK_KEY])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_KEY])


if __name__ == "__main__":
    main()
