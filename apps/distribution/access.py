"""Who calls the data plane and what they may do to the repository in the path.

What an account may do in a project is remembered under the stamps of both; a token narrows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from apps.accounts.authentication import current_principal
from apps.accounts.security import Principal, SecurityContext, context_of
from apps.artifacts.types import repository_path
from apps.common.caches import StampedCache
from apps.common.stamps import get_stamps, principal_key, project_key, repository_key
from apps.projects.contexts import AnonymousContext
from apps.projects.selectors import actions_on_repository, project_find
from apps.projects.types import ProjectRef

# What the services ask about, as the actions that a token carries.
_TOKEN_ACTIONS = {
    ("repository", "pull"): "pull",
    ("repository", "push"): "push",
    ("repository", "delete"): "delete",
    ("artifact", "delete"): "delete",
    ("tag", "create"): "push",
    ("tag", "delete"): "delete",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows on one repository, of the project that had this id when it was given out."""

    project_id: int
    actions: frozenset[str]


class RepositoryContext:
    """The security context of a request of the data plane: some actions on one repository."""

    __slots__ = ("_actions", "_project_id", "_repository", "principal")

    def __init__(
        self, principal: Principal | None, project_id: int, repository: str, actions: frozenset[str]
    ) -> None:
        self.principal = principal
        self._project_id = project_id
        self._repository = repository
        self._actions = actions

    @property
    def name(self) -> str:
        return self.principal.name if self.principal is not None else ""

    @property
    def is_system_admin(self) -> bool:
        return False

    @property
    def sees_everything(self) -> bool:
        return False

    def can_project(
        self,
        project_id: int,
        *,
        public: bool,  # noqa: ARG002
        resource: str,
        action: str,
        repository: str = "",
    ) -> bool:
        wanted = _TOKEN_ACTIONS.get((resource, action))
        same = project_id == self._project_id and repository in ("", self._repository)
        return same and wanted in self._actions

    def is_narrowed_in(self, project_id: int | None = None) -> bool:  # noqa: ARG002
        return True

    def can_system(self, resource: str, action: str) -> bool:  # noqa: ARG002
        return False


class Caller:
    """An authenticated or anonymous caller of the data plane; with ``grants`` a token narrows what it may do."""

    __slots__ = ("_grants", "may_list_catalog", "principal")

    def __init__(
        self,
        principal: Principal | None,
        *,
        grants: Mapping[str, Grant] | None = None,
        catalog: bool = True,
    ) -> None:
        self.principal = principal
        self.may_list_catalog = catalog
        """False for a token that was not asked for with ``registry:catalog:*``."""
        self._grants = grants

    @property
    def uses_token(self) -> bool:
        """Whether the caller holds a token, and so could ask for one with more in it."""
        return self._grants is not None

    @property
    def name(self) -> str:
        """The name for logs."""
        return self.principal.name if self.principal is not None else ""

    def actions(self, project: ProjectRef, repository_name: str) -> frozenset[str]:
        """Which of pull, push and delete the caller may do in a repository.

        A token allows what it was given, and only what its account may still do: who loses a role loses it at
        once, and not when the token ends.
        """
        if self._grants is None:
            return actions_now(self.principal, project, repository_name)
        grant = self._grants.get(repository_name)
        if grant is None or grant.project_id != project.id:
            return frozenset()
        return grant.actions & actions_now(self.principal, project, repository_name)

    def context_in(self, project: ProjectRef, repository_name: str) -> SecurityContext:
        """What services are given to decide by, as things are now.

        The body of the request may have taken hours to come: an account that was suspended, deleted or got another
        password meanwhile may do nothing any more.
        """
        stamps = get_stamps()
        # Those that the request has read are of before its body.
        stamps.forget()
        own = () if self.principal is None else self.principal.stamps
        stamps.prefetch(repository_key(repository_name), project_key(project.name), *own)
        actions = self.actions(project, repository_name) if self._is_current() else frozenset()
        return RepositoryContext(self.principal, project.id, repository_path(repository_name), actions)

    def _is_current(self) -> bool:
        """Whether the account may still sign in as it did."""
        account = self.principal
        return account is None or (
            current_principal(
                kind=account.kind,
                principal_id=account.id,
                version=account.version,
                owner_id=account.owner_id,
            )
            is not None
        )


_actions: StampedCache[frozenset[str]] = StampedCache(max_entries=16384, max_age=30)


def actions_now(principal: Principal | None, project: ProjectRef, repository_name: str) -> frozenset[str]:
    """Which of pull, push and delete an account may do in a repository of the project; no SQL when warm."""
    kind, identifier = (principal.kind, principal.id) if principal else ("anonymous", 0)

    def load() -> frozenset[str]:
        actor = context_of(principal) if principal is not None else AnonymousContext()
        return actions_on_repository(actor, project, repository_path(repository_name))

    own = principal.stamps if principal is not None else (principal_key(kind, identifier),)
    stamps = (*own, project_key(project.name))
    return _actions.get((kind, identifier, project.id, repository_name), stamps, load) or frozenset()


def project_of(repository_name: str) -> ProjectRef | None:
    """The project that a repository's name begins with."""
    return project_find(repository_name.partition("/")[0])
