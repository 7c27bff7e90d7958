"""Reads of personal access tokens."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from apps.access_tokens.models import AccessToken
from apps.accounts.membership import person_now
from apps.accounts.security import TOKEN, Principal, SecurityContext
from apps.accounts.selectors import is_self, live_users
from apps.common.caches import StampedCache
from apps.common.errors import ForbiddenError, NotFoundError, UnauthorizedError
from apps.projects.models import Project

_MAX_AGE = 10.0
# A person's version is far below this, and the sum fits 64 bits.
_VERSIONS = 1 << 31


@dataclass(frozen=True, slots=True)
class TokenRights:
    """What a token leaves of its owner's rights; ``projects`` are ids, None for every project."""

    owner: Principal
    read_only: bool
    projects: frozenset[int] | None


_rights: StampedCache[TokenRights] = StampedCache(max_entries=4096, max_age=_MAX_AGE)


def token_list(*, actor: SecurityContext, user_id: int) -> QuerySet[AccessToken]:
    """A person's tokens, the newest first: for themselves and for system administrators."""
    require_owner(actor, user_id, or_admin=True)
    return AccessToken.objects.filter(user_id=user_id).order_by("-creation_time", "-id")


def token_get(*, actor: SecurityContext, user_id: int, token_id: int) -> AccessToken:
    """One token of a person; raises :class:`NotFoundError`, and as :func:`token_list` does."""
    token = token_list(actor=actor, user_id=user_id).filter(pk=token_id).first()
    if token is None:
        raise NotFoundError(f"access token {token_id} not found")
    return token


def require_owner(actor: SecurityContext, user_id: int, *, or_admin: bool) -> None:
    """Raise unless ``actor`` is this person (or, with ``or_admin``, administers the installation) and signed in
    otherwise than with a token: a stolen token must not make or show others.

    A person who is not there is only told to be missing to those who might see any.
    """
    principal = actor.principal
    if principal is None:
        raise UnauthorizedError("sign in to do this")
    if principal.kind == TOKEN:
        raise ForbiddenError("an access token cannot manage access tokens; sign in with your password")
    if is_self(actor, user_id):
        return
    if not actor.is_system_admin:
        raise ForbiddenError("you do not have permission to do this")
    if not live_users().filter(id=user_id).exists():
        raise NotFoundError(f"user {user_id} not found")
    if not or_admin:
        raise ForbiddenError("only its owner can do this with an access token")


def principal_of(token: AccessToken) -> Principal | None:
    """The token, loaded with its person, as a principal; None if it has ended or its owner may not sign in."""
    owner = person_now(token.user)
    if owner is None or (token.expires_at is not None and token.expires_at <= timezone.now()):
        return None
    is_narrowed = token.read_only or bool(token.projects)
    return Principal(
        kind=TOKEN,
        id=token.pk,
        name=owner.name,
        # Either's change ends what was given out before.
        version=token.version * _VERSIONS + owner.version,
        is_system_admin=owner.is_system_admin and not is_narrowed,
        is_auditor=owner.is_auditor and not token.projects,
        sources=tuple(token.sources),
        owner_id=owner.id,
        is_narrowed=is_narrowed,
    )


def rights_of(principal: Principal) -> TokenRights | None:
    """What a token may do; None if it is gone. No SQL when warm."""
    return _rights.get(principal.id, principal.stamps, lambda: _rights_load(principal.id))


def _rights_load(token_id: int) -> TokenRights | None:
    token = AccessToken.objects.select_related("user").filter(pk=token_id).first()
    owner = None if token is None else person_now(token.user)
    if token is None or owner is None:
        return None
    ids = None
    if token.projects:
        ids = frozenset(Project.objects.filter(name__in=token.projects).values_list("id", flat=True))
    return TokenRights(owner, token.read_only, ids)
