"""How what was deleted comes back, in words."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _


def trash_undo() -> str:
    """What is said before something goes into the trash: until when it can be restored."""
    days = int(settings.HARBOR.trash_days)
    if not days:
        return _("It goes to the trash and can be restored from there at any time.")
    until = timezone.now() + timedelta(days=days)
    return _("It goes to the trash and can be restored from there until %(date)s.") % {
        "date": f"{until:%Y-%m-%d}"
    }
