"""Changes to personal access tokens. Each bumps the token's ``version`` and stamp, which ends what it opened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.access_tokens.constants import MAX_LABEL, MAX_PROJECTS, MAX_TOKENS
from apps.access_tokens.models import AccessToken
from apps.access_tokens.selectors import require_owner
from apps.access_tokens.token_secret import random_secret, secret_hash
from apps.accounts.models import User
from apps.accounts.passwords import has_control
from apps.accounts.security import TOKEN, SecurityContext
from apps.accounts.sources import sources_clean
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, ConflictError, NotFoundError, PreconditionError
from apps.common.stamps import principal_key, touch
from apps.events.bus import publish
from apps.events.catalogue import TokenChanged
from apps.projects.selectors import project_find


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token with its secret, which nothing can show again."""

    token: AccessToken
    secret: str

    def __repr__(self) -> str:
        return f"NewToken({self.token.pk!r})"


def token_create(
    *,
    actor: SecurityContext,
    user_id: int,
    label: str,
    read_only: bool = False,
    projects: Sequence[object] = (),
    sources: Sequence[object] = (),
    expires_at: datetime | None = None,
) -> NewToken:
    """Make a token for oneself; no ``projects`` are all, no ``sources`` anywhere, no ``expires_at`` for ever.

    Raises BadRequestError (a rule), ConflictError (label used), PreconditionError (100 are enough), ForbiddenError
    or UnauthorizedError.
    """
    require_owner(actor, user_id, or_admin=False)
    token = AccessToken(user_id=user_id)
    _fill(actor, token, label, read_only, projects, sources, expires_at)
    with write_atomic():
        user = _owner_lock(user_id)
        if AccessToken.objects.filter(user=user).count() >= MAX_TOKENS:
            raise PreconditionError(f"nobody can have more than {MAX_TOKENS} access tokens: revoke one first")
        _save(token)
        secret = random_secret(token.pk)
        token.secret_hash = secret_hash(secret)
        token.save(update_fields=["secret_hash"])
        _tell(actor, token, user, "create")
    return NewToken(token, secret)


def token_update(
    *,
    actor: SecurityContext,
    user_id: int,
    token_id: int,
    label: str,
    read_only: bool = False,
    projects: Sequence[object] = (),
    sources: Sequence[object] = (),
    expires_at: datetime | None = None,
) -> AccessToken:
    """Replace what a token of one's own may do; its secret stays. Raises what :func:`token_create` does,
    and NotFoundError.
    """
    require_owner(actor, user_id, or_admin=False)
    with write_atomic():
        user = _owner_lock(user_id)
        token = _token_lock(user_id, token_id)
        _fill(actor, token, label, read_only, projects, sources, expires_at)
        token.version += 1
        _save(token)
        _tell(actor, token, user, "update")
    return token


def token_delete(*, actor: SecurityContext, user_id: int, token_id: int) -> None:
    """Revoke a token, one's own or as a system administrator another's: it is dead at once."""
    require_owner(actor, user_id, or_admin=True)
    with write_atomic():
        user = _owner_lock(user_id)
        token = _token_lock(user_id, token_id)
        _tell(actor, token, user, "delete")
        token.delete()


def tokens_of_deleted_user_remove(*, user_id: int) -> None:
    """In the transaction that deletes the person."""
    tokens = AccessToken.objects.filter(user_id=user_id)
    touch(*(principal_key(TOKEN, token_id) for token_id in tokens.values_list("pk", flat=True)))
    tokens.delete()


def _fill(
    actor: SecurityContext,
    token: AccessToken,
    label: str,
    read_only: bool,
    projects: Sequence[object],
    sources: Sequence[object],
    expires_at: datetime | None,
) -> None:
    """Check everything that its owner chooses, and put it into the row."""
    if not label or len(label) > MAX_LABEL or has_control(label):
        raise BadRequestError(
            f"the label of an access token must have 1 to {MAX_LABEL} characters, no control characters"
        )
    # An end that has come stays as it is, so that an ended token can still be narrowed or named anew.
    if expires_at is not None and expires_at != token.expires_at and expires_at <= timezone.now():
        raise BadRequestError("expires_at of an access token must be in the future")
    token.label, token.read_only, token.expires_at = label, read_only, expires_at
    token.projects = _projects_clean(actor, projects)
    token.sources = sources_clean(sources)


def _projects_clean(actor: SecurityContext, names: Iterable[object]) -> list[str]:
    """Each name once; one that the owner cannot see is as one that is not there."""
    found = list(dict.fromkeys(str(name) for name in names))
    if len(found) > MAX_PROJECTS:
        raise BadRequestError(f"an access token can name at most {MAX_PROJECTS} projects")
    for name in found:
        project = project_find(name)
        if project is None or not actor.can_project(
            project.id, public=project.public, resource="", action="read"
        ):
            raise BadRequestError(f"project {name[:MAX_LABEL]} not found")
    return found


def _owner_lock(user_id: int) -> User:
    """The row of the person: those who make tokens for one person go one after another."""
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id, deleted=False).first()
    if user is None:
        raise NotFoundError(f"user {user_id} not found")
    return user


def _token_lock(user_id: int, token_id: int) -> AccessToken:
    token = AccessToken.objects.select_for_update().filter(pk=token_id, user_id=user_id).first()
    if token is None:
        raise NotFoundError(f"access token {token_id} not found")
    return token


def _save(token: AccessToken) -> None:
    try:
        with transaction.atomic():
            token.save()
    except IntegrityError:
        raise ConflictError(f"an access token with the label {token.label} already exists") from None


def _tell(actor: SecurityContext, token: AccessToken, user: User, operation: str) -> None:
    touch(principal_key(TOKEN, token.pk))
    publish(
        TokenChanged(
            operator=actor.name,
            operation=operation,
            token_id=token.pk,
            label=token.label,
            user_id=user.pk,
            username=user.username,
        )
    )
