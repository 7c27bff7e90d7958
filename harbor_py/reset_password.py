"""``python -m harbor_py.reset_password PARENT_ID NAME`` with the password on standard input; empty for a random one."""

import os
import sys

import django

from harbor_py.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harbor_py.settings")
django.setup()

# Below the call above: models can be imported only when Django is set up.
from apps.accounts.passwords import random_password  # noqa: E402
from apps.accounts.security import SystemContext  # noqa: E402
from apps.accounts.selectors import live_users  # noqa: E402
from apps.accounts.services import user_change_password  # noqa: E402
from apps.common.errors import DomainError, NotFoundError  # noqa: E402


def main() -> None:
    """Change the password and print it if it is random; ends with 1 and one line if that is refused."""
    die_with_parent(int(sys.argv[1]))
    name = sys.argv[2]
    given = sys.stdin.readline().rstrip("\n")
    password = given or random_password()
    try:
        user = live_users().filter(username=name).first()
        if user is None:
            raise NotFoundError(f"there is no user {name}")
        user_change_password(actor=SystemContext("command line"), user_id=user.id, new=password)
    except DomainError as error:
        sys.stderr.write(f"harbor-py: {error}\n")
        sys.exit(1)
    sys.stdout.write(f"The password of {name} is changed.\n")
    if not given:
        sys.stdout.write(f"The new password, shown only now: {password}\n")


if __name__ == "__main__":
    main()
