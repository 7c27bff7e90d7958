"""CVE allowlists, of a project and of the installation: reads, checks and writes.

A project without a list of its own, or whose switch ``reuse_sys_cve_allowlist`` is not ``false``, goes by the
installation's. Whoever caches what a list says does so under the project's stamp and :data:`SYSTEM_ALLOWLIST_STAMP`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from apps.accounts.security import SecurityContext, require_system
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, UnauthorizedError
from apps.common.stamps import touch
from apps.events import bus
from apps.events.catalogue import ConfigurationUpdated
from apps.projects.models import CVEAllowlist, Project

SYSTEM_ALLOWLIST_STAMP = "cve-allowlist"
_SYSTEM_ID = 0
"""The row of the installation. No sequence gives this id, so that there can be no second one."""

_LONGEST_ID = 255
_LATEST = 1 << 40


@dataclass(frozen=True, slots=True)
class Allowlist:
    """What a list is to say: CVE ids, and seconds since 1970 after which it counts no more (None for never)."""

    items: Sequence[str]
    expires_at: int | None = None


def allowlist_of(project: Project) -> CVEAllowlist | None:
    """The project's own list; None if it was never set. Join ``cve_allowlist`` for many projects."""
    return getattr(project, "cve_allowlist", None)


def system_allowlist_get(*, actor: SecurityContext) -> CVEAllowlist | None:
    """The installation's list, None if it was never set, for anybody who is signed in."""
    if actor.principal is None:
        raise UnauthorizedError("sign in to do this")
    return CVEAllowlist.objects.filter(id=_SYSTEM_ID).first()


def system_allowlist_set(*, actor: SecurityContext, allowlist: Allowlist) -> None:
    """Replace the installation's list; needs ``configuration:update``. Raises BadRequestError for a bad id."""
    require_system(actor, "configuration", "update")
    checked = allowlist_check(allowlist)
    with write_atomic():
        now = timezone.now()
        CVEAllowlist.objects.bulk_create(
            [
                CVEAllowlist(
                    id=_SYSTEM_ID,
                    items=checked.items,
                    expires_at=checked.expires_at,
                    creation_time=now,
                    update_time=now,
                )
            ],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["items", "expires_at", "update_time"],
        )
        bus.publish(ConfigurationUpdated(operator=actor.name, keys=("cve_allowlist",)))
        touch(SYSTEM_ALLOWLIST_STAMP)


def allowlist_store(project: Project, allowlist: Allowlist) -> None:
    """Replace a project's list, checked already, inside the transaction that changes the project."""
    CVEAllowlist.objects.update_or_create(
        project=project, defaults={"items": list(allowlist.items), "expires_at": allowlist.expires_at}
    )


def allowlist_check(allowlist: Allowlist) -> Allowlist:
    """The list as it is stored; raises :class:`BadRequestError` for a blank, long or repeated id, or a bad end."""
    items = [item.strip() for item in allowlist.items]
    if "" in items:
        raise BadRequestError("a CVE id in the CVE allowlist is blank")
    if any(len(item) > _LONGEST_ID or not item.isprintable() for item in items):
        raise BadRequestError("a CVE id in the CVE allowlist is too long or has control characters")
    if len(set(items)) < len(items):
        raise BadRequestError("a CVE id is more than once in the CVE allowlist")
    if allowlist.expires_at is not None and not 0 <= allowlist.expires_at <= _LATEST:
        raise BadRequestError("expires_at of the CVE allowlist must be in seconds since 1970")
    return Allowlist(items, allowlist.expires_at)
