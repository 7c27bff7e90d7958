"""Who calls the data plane and what they may do to the repository in the path.

A token says itself what it allows (CPU only; the account behind it is looked at under its stamp). HTTP Basic is
turned into the same by the account's security context.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from apps.accounts.security import Principal, SecurityContext
from apps.projects.selectors import project_find
from apps.projects.types import ProjectRef

ACTIONS = ("pull", "push", "delete")

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


class TokenContext:
    """The security context of a token, limited to one repository of the request at a time."""

    __slots__ = ("_actions", "_project_id", "principal")

    def __init__(self, principal: Principal | None, project_id: int, actions: frozenset[str]) -> None:
        self.principal = principal
        self._project_id = project_id
        self._actions = actions

    @property
    def name(self) -> str:
        return self.principal.name if self.principal is not None else ""

    @property
    def is_system_admin(self) -> bool:
        return False

    def can_project(self, project_id: int, *, public: bool, resource: str, action: str) -> bool:  # noqa: ARG002
        wanted = _TOKEN_ACTIONS.get((resource, action))
        return project_id == self._project_id and wanted in self._actions

    def can_system(self, resource: str, action: str) -> bool:  # noqa: ARG002
        return False


class Caller:
    """An authenticated or anonymous caller of the data plane.

    With ``grants`` (a token's) only those count; without, ``context`` decides (HTTP Basic).
    """

    __slots__ = ("_context", "_grants", "principal")

    def __init__(
        self,
        principal: Principal | None,
        *,
        grants: Mapping[str, Grant] | None = None,
        context: SecurityContext | None = None,
    ) -> None:
        self.principal = principal
        self._grants = grants
        self._context = context

    @property
    def uses_token(self) -> bool:
        """Whether the caller holds a token, and so could ask for one with more in it."""
        return self._grants is not None

    @property
    def name(self) -> str:
        """The name for logs."""
        return self.principal.name if self.principal is not None else ""

    def may(self, project: ProjectRef, repository_name: str, action: str) -> bool:
        """Whether the caller may ``pull``, ``push`` or ``delete`` in a repository."""
        if self._grants is not None:
            grant = self._grants.get(repository_name)
            return grant is not None and grant.project_id == project.id and action in grant.actions
        return self._context is not None and self._context.can_project(
            project.id, public=project.public, resource="repository", action=action
        )

    def context_in(self, project: ProjectRef, repository_name: str) -> SecurityContext:
        """What services are given to decide by."""
        if self._grants is None and self._context is not None:
            return self._context
        grant = (self._grants or {}).get(repository_name)
        if grant is None or grant.project_id != project.id:
            return TokenContext(self.principal, 0, frozenset())
        return TokenContext(self.principal, project.id, grant.actions)


def project_of(repository_name: str) -> ProjectRef | None:
    """The project that a repository's name begins with."""
    return project_find(repository_name.partition("/")[0])
