"""``python -m harbor_py.seeding PARENT_ID --size SIZE --seed N [--password-stdin] [--force]``; see `harbor-py seed`."""

import argparse
import os
import sys

import django

from harbor_py.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harbor_py.settings")
django.setup()

# Below the call above: models can be imported only when Django is set up.
from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connection  # noqa: E402

from apps.common.errors import DomainError  # noqa: E402
from apps.projects.models import Project  # noqa: E402
from harbor_py.first_start import first_records_make, one_host_at_a_time  # noqa: E402
from harbor_py.seeding.filling import fill  # noqa: E402
from harbor_py.seeding.sizes import SIZES  # noqa: E402

_LIBRARY = "library"


def main() -> None:
    """Fill the database; ends with 1 and one line if that is refused."""
    die_with_parent(int(sys.argv[1]))
    options = _options()
    size = SIZES[options.size]
    if size.needs_postgresql and connection.vendor != "postgresql":
        _refuse(f"size {options.size} is for PostgreSQL only (HARBOR_DATABASE_URL)")
    try:
        with one_host_at_a_time():
            call_command("migrate", interactive=False, verbosity=0)
            first_records_make()
        if not options.force and Project.objects.exclude(name=_LIBRARY).exists():
            _refuse("the database has projects already; --force adds the new ones beside them")
        counts = fill(size, seed=options.seed, password=_password(asked=options.password_stdin))
    except DomainError as error:
        _refuse(str(error))
    except OperationalError as error:
        _refuse(f"the database cannot be used: {error}".rstrip())
    sys.stdout.write("".join(f"{name:20} {rows:>12,}\n" for name, rows in sorted(counts.items())))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--password-stdin", action="store_true")
    parser.add_argument("--force", action="store_true")
    return parser.parse_args(sys.argv[2:])


def _password(*, asked: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if asked else ""


def _refuse(message: str) -> None:
    sys.stderr.write(f"harbor-py: {message}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
