"""Who is calling, and what they may do: one interface, an implementation for each kind of caller.

Kinds are registered by the apps that know them (people's roles are the projects' business, a robot's
permissions the robots'), so that this floor needs to know neither.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self

from apps.common.errors import ForbiddenError, UnauthorizedError
from apps.common.stamps import principal_key

USER = "user"
ROBOT = "robot"
TOKEN = "token"  # noqa: S105 (the name of a kind)
"""A personal access token: it acts for its owner, within its scope."""

CLI_SECRET = "cli_secret"  # noqa: S105 (a name)
"""What people of OpenID Connect have instead of a password, for docker."""
FEDERATED = "federated"
"""A token of somebody else whom the account trusts."""
ID_TOKEN = "id_token"  # noqa: S105 (a name)
"""A person's ID token of OpenID Connect, as a bearer."""

# Here and not with the tokens: a password of this form is never asked of those who know passwords.
_TOKEN_SECRET = re.compile(r"hbp_([1-9][0-9]{0,17})_[A-Za-z0-9]{40}\Z")


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated person, robot account or personal access token.

    ``name`` is as logged (``admin``, ``robot$library+ci``); ``version`` is the row's when it was verified.
    ``sources`` are the networks (CIDR) that it may be used from, none for anywhere. ``owner_id`` is the person
    behind an access token, 0 for other kinds. ``is_narrowed`` is an access token that may not do all that its
    owner may, so that what every person may do (make projects) is not its right by itself.
    ``via`` says how it signed in, if not by its own password: :data:`CLI_SECRET`, :data:`FEDERATED`; ``until`` is when
    that ends, in seconds since 1970, 0 for never.
    """

    kind: str
    id: int
    name: str
    version: int
    is_system_admin: bool
    is_auditor: bool = False
    sources: tuple[str, ...] = ()
    owner_id: int = 0
    is_narrowed: bool = False
    via: str = ""
    until: float = 0.0

    @property
    def person(self) -> int | None:
        """The id of the person who acts, by password or by access token; None for a robot account."""
        return self.id if self.kind == USER else self.owner_id or None

    @property
    def credential(self) -> str:
        """What the account signs in with, as the audit log names it: password, robot, token, or ``via``."""
        return self.via or ("password" if self.kind == USER else self.kind)

    def through(self, via: str, *, until: float = 0.0) -> Self:
        """The same account, signed in by other means than its own password."""
        return replace(self, via=via, until=until)

    @property
    def stamps(self) -> tuple[str, ...]:
        """The keys of the stamps that its state and its rights hang on."""
        return principal_stamps(self.kind, self.id, self.owner_id)


def principal_stamps(kind: str, identifier: int, owner_id: int = 0) -> tuple[str, ...]:
    """The keys of a principal's stamps: its own, and for an access token its owner's too."""
    own = principal_key(kind, identifier)
    return (own, principal_key(USER, owner_id)) if owner_id else (own,)


def token_of_secret(password: str) -> int | None:
    """The id of the access token that this password would be the secret of; None for other passwords."""
    match = _TOKEN_SECRET.match(password)
    return None if match is None else int(match[1])


class SecurityContext(Protocol):
    """What services and views ask before they act. Answers are for now: contexts are made for one request."""

    @property
    def principal(self) -> Principal | None:
        """None for an anonymous caller."""

    @property
    def name(self) -> str:
        """The name for logs and events; "" for an anonymous caller."""

    @property
    def is_system_admin(self) -> bool: ...

    @property
    def sees_everything(self) -> bool:
        """Whether no project is hidden from the caller: a system administrator or an auditor."""

    def can_project(
        self, project_id: int, *, public: bool, resource: str, action: str, repository: str = ""
    ) -> bool:
        """Whether the caller may do ``action`` on ``resource`` (``repository``, ``tag``, …; ``""`` is the
        project itself) of this project, by the role table or the robot's permissions.

        ``repository`` is the repository's name without its project, for permissions that are narrowed to
        patterns; without it the question is whether the caller may do it in any repository at all.
        """

    def is_narrowed_in(self, project_id: int | None = None) -> bool:
        """Whether repositories of this project (None for any) may differ in what the caller may do there.

        Only then do lists have to ask about each repository.
        """

    def can_system(self, resource: str, action: str) -> bool:
        """Whether the caller may do ``action`` on a ``resource`` of the whole installation."""


class PrincipalContext:
    """What the contexts of authenticated callers share: whose they are."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    @property
    def name(self) -> str:
        """See :class:`SecurityContext`."""
        return self.principal.name

    @property
    def is_system_admin(self) -> bool:
        """See :class:`SecurityContext`."""
        return self.principal.is_system_admin


class SystemContext:
    """The system itself: background work, and who has a shell on the machine. Nothing is refused.

    ``name`` is what the audit log shows.
    """

    principal: Principal | None = None
    is_system_admin = True
    sees_everything = True

    def __init__(self, name: str) -> None:
        self.name = name

    def can_project(
        self,
        project_id: int,  # noqa: ARG002
        *,
        public: bool,  # noqa: ARG002
        resource: str,  # noqa: ARG002
        action: str,  # noqa: ARG002
        repository: str = "",  # noqa: ARG002
    ) -> bool:
        """See :class:`SecurityContext`."""
        return True

    def is_narrowed_in(self, project_id: int | None = None) -> bool:  # noqa: ARG002
        """See :class:`SecurityContext`."""
        return False

    def can_system(self, resource: str, action: str) -> bool:  # noqa: ARG002
        """See :class:`SecurityContext`."""
        return True


class Authenticator(Protocol):
    """Checks a name and a password of one kind of account."""

    def claims(self, username: str, password: str) -> bool:
        """Whether these can be of this kind, by their form; the kinds that claim them are asked in turn."""

    def authenticate(self, username: str, password: str) -> Principal | None:
        """The account, or None for a wrong name or password or an account that may not sign in."""

    def current(self, principal_id: int) -> Principal | None:
        """The account as it is now, or None if it may not sign in (gone, suspended, expired)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of principal: how it signs in and what it may do."""

    authenticator: Authenticator
    context: Callable[[Principal], SecurityContext]
    used: Callable[[Principal, str], None] | None = None
    """Told of each sign-in with the client's address, cached ones too: must cost nothing and not fail."""


_kinds: dict[str, Kind] = {}


def register_kind(name: str, kind: Kind) -> None:
    """Add a kind of principal; called from an app's ``ready()``. Kinds are asked in order of registration."""
    _kinds[name] = kind


def kinds() -> dict[str, Kind]:
    """Every kind by name, in order of registration."""
    return _kinds


def context_of(principal: Principal) -> SecurityContext:
    """The context of an authenticated principal."""
    return _kinds[principal.kind].context(principal)


def require_project(
    actor: SecurityContext, project_id: int, *, public: bool, resource: str, action: str, repository: str = ""
) -> None:
    """Raise unless ``actor`` may do ``action`` on ``resource`` of this project (0 for one that is not there).

    ``repository`` as for :meth:`SecurityContext.can_project`.
    """
    if not actor.can_project(
        project_id, public=public, resource=resource, action=action, repository=repository
    ):
        raise _refusal(actor)


def require_system(actor: SecurityContext, resource: str, action: str) -> None:
    """Raise unless ``actor`` may do ``action`` on a ``resource`` of the whole installation."""
    if not actor.can_system(resource, action):
        raise _refusal(actor)


def _refusal(actor: SecurityContext) -> ForbiddenError | UnauthorizedError:
    """An anonymous caller is told to sign in, a known one that it will not help."""
    if actor.principal is None:
        return UnauthorizedError("sign in to do this")
    return ForbiddenError("you do not have permission to do this")
