"""What people and strangers may do."""

from collections.abc import Mapping

from apps.accounts.security import Principal, PrincipalContext
from apps.projects.roles import PUBLIC_PERMISSIONS, ROLE_PERMISSIONS
from apps.projects.selectors import roles_of
from apps.projects.types import READING, Membership


class AnonymousContext:
    """A caller who has not signed in: sees public projects."""

    principal: Principal | None = None
    name = ""
    is_system_admin = False
    sees_everything = False

    def can_project(
        self,
        project_id: int,  # noqa: ARG002
        *,
        public: bool,
        resource: str,
        action: str,
        repository: str = "",  # noqa: ARG002
    ) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        return public and (resource, action) in PUBLIC_PERMISSIONS

    def is_narrowed_in(self, project_id: int | None = None) -> bool:  # noqa: ARG002
        """See :class:`apps.accounts.security.SecurityContext`."""
        return False

    def can_system(self, resource: str, action: str) -> bool:  # noqa: ARG002
        """See :class:`apps.accounts.security.SecurityContext`: nothing."""
        return False


class LocalSecurityContext(PrincipalContext):
    """A person: a system administrator may everything, others what their roles and their groups' roles say.

    An auditor reads everything and changes nothing, whatever roles they have besides.
    """

    def __init__(self, principal: Principal) -> None:
        super().__init__(principal)
        self._loaded: Mapping[int, tuple[Membership, ...]] | None = None

    @property
    def sees_everything(self) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        return self.principal.is_system_admin or self.principal.is_auditor

    @property
    def _roles(self) -> Mapping[int, tuple[Membership, ...]]:
        """The roles as they were at the first question: one request is judged by one state."""
        if self._loaded is None:
            person = self.principal.person
            self._loaded = {} if person is None else roles_of(person)
        return self._loaded

    def can_project(
        self, project_id: int, *, public: bool, resource: str, action: str, repository: str = ""
    ) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        if self.principal.is_system_admin:
            return True
        if self.principal.is_auditor:
            return action in READING
        permission = (resource, action)
        if public and permission in PUBLIC_PERMISSIONS:
            return True
        return any(
            permission in ROLE_PERMISSIONS[membership.role]
            and membership.reaches(resource, action, repository)
            for membership in self._roles.get(project_id, ())
        )

    def is_narrowed_in(self, project_id: int | None = None) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        if self.sees_everything:
            return False
        if project_id is None:
            return any(map(_narrows, self._roles.values()))
        return _narrows(self._roles.get(project_id, ()))

    def can_system(self, resource: str, action: str) -> bool:  # noqa: ARG002 (every resource is alike)
        """See :class:`apps.accounts.security.SecurityContext`."""
        if self.principal.is_system_admin:
            return True
        return self.principal.is_auditor and action in READING


def _narrows(memberships: tuple[Membership, ...]) -> bool:
    return any(membership.pull_patterns or membership.push_patterns for membership in memberships)
