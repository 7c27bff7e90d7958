"""What changes here by what a directory says: people who come in by it, their profile, groups and standing."""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.directories import (
    Confirmation,
    ExternalGroup,
    ExternalPerson,
    SourceUnreachableError,
    directory_of,
    enabled_sources,
)
from apps.accounts.identities import cli_secret_purpose, credentials_sealed, identity_find
from apps.accounts.models import Identity, User, UserGroup, UserGroupMember
from apps.accounts.passwords import has_control, password_check, random_password, username_check
from apps.accounts.security import (
    CLI_SECRET,
    FEDERATED,
    TOKEN,
    USER,
    Principal,
    SecurityContext,
    require_system,
)
from apps.accounts.selectors import is_self, principal_of
from apps.accounts.types import GROUPS_OF, GroupType, Source
from apps.common.database import release_connection, write_atomic
from apps.common.encryption import encrypt
from apps.common.errors import BadRequestError, ForbiddenError, NotFoundError, PreconditionError
from apps.common.stamps import principal_key, touch
from apps.events import bus
from apps.events.catalogue import GroupChanged, UserChanged

logger = logging.getLogger(__name__)

_MAX_TEXT = 255
_MAX_SUBJECT = 512
_MAX_COMMENT = 30
_MAX_GROUPS = 1000
# No password has this as its hash.
_NO_PASSWORD = "!"  # noqa: S105


class ExternalConflictError(Exception):
    """The directory knows them, and they are not let in here; the message says why, for the log and the page."""


def external_sign_in(
    *, person: ExternalPerson, credentials: str = "", until: datetime | None = None
) -> Principal:
    """The account of somebody whom their directory has just confirmed; it is made if they are here for the first time.

    ``credentials`` is a JSON object to ask the directory with later, ``until`` when what it said ends where it cannot
    be asked. Raises :class:`ExternalConflictError`.
    """
    try:
        with write_atomic():
            return _sign_in(person, credentials, until)
    except IntegrityError:
        # Two first sign-ins at once: the other one was faster, and has made the account.
        with write_atomic():
            return _sign_in(person, credentials, until)


def external_import(*, person: ExternalPerson, operator: str | None = None) -> User:
    """Make the account of somebody who has not signed in yet, or renew it; raises :class:`ExternalConflictError`.

    For callers that have checked who asks; ``operator`` is whom the audit log names, else the person.
    """
    with write_atomic():
        identity = _locked(person.source, person.issuer, person.subject)
        user = _onboard(person, operator) if identity is None else identity.user
        _renew(user, person)
    return user


def external_onboard(*, username: str) -> User | None:
    """Make the account of somebody who has never signed in, if an enabled directory has this name; None if none has.

    For callers that have checked who asks. It waits for the network: never call it inside a transaction.
    """
    for source in sorted(enabled_sources()):
        directory = directory_of(source)
        if directory is None:
            continue
        release_connection()
        try:
            person = directory.find(username)
            if person is not None:
                return external_import(person=person)
        except SourceUnreachableError as error:
            logger.warning("%s could not be searched for %r: %s", source, username, error)
        except ExternalConflictError as error:
            logger.warning("%s of %s was not taken in: %s", username, source, error)
    return None


def identity_confirmed(*, identity_id: int, said: Confirmation) -> None:
    """Keep what the directory says now of somebody who is in already."""
    person = said.person
    with write_atomic():
        identity = Identity.objects.select_for_update().select_related("user").filter(pk=identity_id).first()
        if identity is None or person is None:
            return
        if said.credentials is not None:
            identity.credentials = credentials_sealed(identity.user_id, said.credentials)
        identity.confirmed_until = said.until
        _heard(identity)
        _renew(identity.user, person)


def identity_refused(*, identity_id: int) -> None:
    """The directory does not know somebody any more: whatever they were given ends, until it lets them in again."""
    with write_atomic():
        identity = Identity.objects.select_for_update().select_related("user").filter(pk=identity_id).first()
        if identity is None or identity.is_refused:
            return
        user = identity.user
        identity.is_refused, identity.asked_at, identity.credentials = True, None, ""
        identity.save()
        user.version += 1
        user.admin_role_in_auth = False
        user.save(update_fields=["version", "admin_role_in_auth", "update_time"])
        _publish(user, "update", f"gone from {identity.source}")


def identity_ended(*, identity_id: int) -> None:
    """Somebody has signed out at their directory: what it granted is over, until they sign in again."""
    with write_atomic():
        identity = Identity.objects.select_for_update().select_related("user").filter(pk=identity_id).first()
        if identity is None:
            return
        identity.credentials, identity.confirmed_until = "", timezone.now()
        identity.save()
        identity.user.version += 1
        identity.user.save(update_fields=["version", "update_time"])
        touch(principal_key(USER, identity.user_id))


def cli_secret_set(*, actor: SecurityContext, user_id: int, secret: str = "") -> str:
    """Give a person of OpenID Connect a secret for docker, a random one for "": oneself, or with ``user:update``.

    Raises NotFoundError, PreconditionError (they sign in by other means), BadRequestError (the password policy).
    """
    if not is_self(actor, user_id):
        require_system(actor, "user", "update")
    if actor.principal is not None and (
        actor.principal.kind == TOKEN or actor.principal.via in (CLI_SECRET, FEDERATED)
    ):
        raise ForbiddenError("sign in at the portal to change the secret")
    if secret:
        password_check(secret)
    with write_atomic():
        user = User.objects.select_for_update().filter(id=user_id, deleted=False).first()
        if user is None:
            raise NotFoundError(f"user {user_id} not found")
        if (user.sysadmin_flag or user.admin_role_in_auth or user.auditor_flag) and not (
            is_self(actor, user_id) or actor.is_system_admin
        ):
            raise ForbiddenError(
                "only a system administrator can change a system administrator or an auditor"
            )
        identity = Identity.objects.select_for_update().filter(user=user, source=Source.OIDC).first()
        if identity is None:
            raise PreconditionError("only people who sign in with OpenID Connect have a CLI secret")
        secret = secret or random_password()
        identity.cli_secret = encrypt(secret, purpose=cli_secret_purpose(user.pk))
        identity.save(update_fields=["cli_secret", "update_time"])
        user.version += 1
        user.save(update_fields=["version", "update_time"])
        _publish(user, "update", "change CLI secret", operator=actor.name)
    return secret


def _sign_in(person: ExternalPerson, credentials: str, until: datetime | None) -> Principal:
    identity = _locked(person.source, person.issuer, person.subject)
    user = _onboard(person) if identity is None else identity.user
    identity = identity or Identity.objects.get(user=user)
    if user.deleted or not user.is_active:
        raise ExternalConflictError("the account is suspended")
    if credentials := credentials or person.credentials:
        identity.credentials = credentials_sealed(user.pk, credentials)
    identity.confirmed_until = until
    _heard(identity)
    _renew(user, person)
    principal = principal_of(user)
    if principal is None:
        raise ExternalConflictError("the account is suspended")
    return principal


def _locked(source: Source, issuer: str, subject: str) -> Identity | None:
    found = identity_find(source=source, issuer=issuer, subject=subject)
    if found is None:
        return None
    return Identity.objects.select_for_update().select_related("user").get(pk=found.pk)


def _heard(identity: Identity) -> None:
    identity.confirmed_at, identity.asked_at, identity.is_refused = timezone.now(), None, False
    identity.save()


def _onboard(person: ExternalPerson, operator: str | None = None) -> User:
    """A new account. The name that the directory has must be nobody else's: nobody takes over an account by it."""
    try:
        username_check(person.username)
    except BadRequestError as error:
        raise ExternalConflictError(f"{person.username!r} cannot be a user name here: {error}") from None
    if len(person.subject) > _MAX_SUBJECT or not person.subject:
        raise ExternalConflictError("the directory's name of the person is empty or too long")
    if User.objects.filter(username=person.username).exists():
        raise ExternalConflictError(
            f"the user name {person.username} is here already, and comes from elsewhere"
        )
    user = User(
        username=person.username,
        email=_free_email(person.email, 0),
        realname=_fitting(person.realname, _MAX_TEXT),
        comment=person.comment[:_MAX_COMMENT],
        source=person.source,
        password=_NO_PASSWORD,
    )
    user.save(force_insert=True)
    identity = Identity(user=user, source=person.source, issuer=person.issuer, subject=person.subject)
    if person.source == Source.OIDC:
        identity.cli_secret = encrypt(random_password(), purpose=cli_secret_purpose(user.pk))
    identity.save(force_insert=True)
    description = "first sign-in" if operator is None else f"imported from {person.source}"
    _publish(user, "create", description, operator=operator)
    return user


def _renew(user: User, person: ExternalPerson) -> None:
    """Profile, groups and administrator's role as the directory has them."""
    changed = False
    email = _free_email(person.email, user.pk) or user.email
    realname = _fitting(person.realname, _MAX_TEXT) or user.realname
    if (email, realname) != (user.email, user.realname):
        user.email, user.realname, changed = email, realname, True
    if person.is_admin is not None and person.is_admin != user.admin_role_in_auth:
        user.admin_role_in_auth, changed = person.is_admin, True
        what = "set" if person.is_admin else "unset"
        _publish(user, "update", f"{what} system administrator by a group")
    if changed:
        user.save()
        touch(principal_key(USER, user.pk))
    if person.groups is not None and person.source in GROUPS_OF:
        _join(user, person.source, person.groups[:_MAX_GROUPS])


def _join(user: User, source: Source, groups: Iterable[ExternalGroup]) -> None:
    """Be in just these of the directory's groups; those that nobody has seen yet are made."""
    kind = GROUPS_OF[source]
    wanted = {_group(kind, group).pk for group in groups if _can_be_named(group)}
    rows = UserGroupMember.objects.filter(user=user)
    # Groups of another directory, left over from before, go too: nobody confirms them.
    held = {row.group_id: row for row in rows.exclude(group__group_type=GroupType.LOCAL)}
    for group_id, row in held.items():
        if group_id not in wanted:
            row.delete()
    UserGroupMember.objects.bulk_create(
        [UserGroupMember(user=user, group_id=group_id) for group_id in sorted(wanted.difference(held))],
        ignore_conflicts=True,
    )
    if wanted != set(held):
        touch(principal_key(USER, user.pk))


def _group(kind: int, group: ExternalGroup) -> UserGroup:
    rows = UserGroup.objects.filter(group_type=kind)
    found = rows.filter(ldap_group_dn__iexact=group.dn) if group.dn else rows.filter(group_name=group.name)
    if (row := found.first()) is not None:
        return row
    try:
        with transaction.atomic():
            row = UserGroup.objects.create(group_name=group.name, group_type=kind, ldap_group_dn=group.dn)
    except IntegrityError:
        return found.get()
    bus.publish(
        GroupChanged(
            operator="",
            operation="create",
            group_id=row.pk,
            group_name=row.group_name,
            description=f"create user group: {row.group_name} (seen at a sign-in)",
        )
    )
    return row


def _can_be_named(group: ExternalGroup) -> bool:
    return (
        bool(group.name.strip())
        and len(group.name) <= _MAX_TEXT
        and len(group.dn) <= _MAX_SUBJECT
        and not has_control(group.name)
    )


def _free_email(email: str, user_id: int) -> str | None:
    """The address, unless it is somebody else's or none: two people cannot have it, and need not."""
    email = email.strip()
    if not email or len(email) > _MAX_TEXT or has_control(email):
        return None
    return None if User.objects.filter(email=email).exclude(pk=user_id).exists() else email


def _fitting(text: str, most: int) -> str:
    """Directories have texts that a form here would refuse; what is shown of them cannot do harm."""
    return "".join(" " if has_control(character) else character for character in text).strip()[:most]


def _publish(user: User, operation: str, description: str, *, operator: str | None = None) -> None:
    touch(principal_key(USER, user.pk))
    bus.publish(
        UserChanged(
            operator=user.username if operator is None else operator,
            operation=operation,
            user_id=user.pk,
            username=user.username,
            description=description,
        )
    )
