"""What people and strangers may do."""

from collections.abc import Mapping

from apps.accounts.security import Principal
from apps.projects.roles import PUBLIC_PERMISSIONS, ROLE_PERMISSIONS
from apps.projects.selectors import roles_of
from apps.projects.types import Role


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

    def can_system(self, resource: str, action: str) -> bool:  # noqa: ARG002
        """See :class:`apps.accounts.security.SecurityContext`: nothing."""
        return False


class LocalSecurityContext:
    """A person: a system administrator may everything, others what their roles say."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal
        self._roles: Mapping[int, Role] | None = None

    @property
    def principal(self) -> Principal | None:
        """The person."""
        return self._principal

    @property
    def name(self) -> str:
        """The username."""
        return self._principal.name

    @property
    def is_system_admin(self) -> bool:
        """Whether this person administers the installation."""
        return self._principal.is_system_admin

    @property
    def sees_everything(self) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        return self._principal.is_system_admin or self._principal.is_auditor

    def can_project(
        self,
        project_id: int,
        *,
        public: bool,
        resource: str,
        action: str,
        repository: str = "",  # noqa: ARG002
    ) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`; roles are asked for once a context."""
        if self._principal.is_system_admin:
            return True
        permission = (resource, action)
        if public and permission in PUBLIC_PERMISSIONS:
            return True
        if self._roles is None:
            self._roles = roles_of(self._principal.id)
        role = self._roles.get(project_id)
        return role is not None and permission in ROLE_PERMISSIONS[role]

    def can_system(self, resource: str, action: str) -> bool:  # noqa: ARG002
        """See :class:`apps.accounts.security.SecurityContext`."""
        return self._principal.is_system_admin
