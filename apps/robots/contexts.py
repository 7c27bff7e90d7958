"""What robot accounts may do."""

from apps.accounts.security import Principal, PrincipalContext
from apps.projects.roles import PUBLIC_PERMISSIONS
from apps.robots.selectors import RobotRights, rights_of


class RobotContext(PrincipalContext):
    """A robot account: its permissions, and in public projects what anybody may do, unless it is denied that."""

    # Each permission of a robot account is written out.
    sees_everything = False

    def __init__(self, principal: Principal) -> None:
        super().__init__(principal)
        self._loaded: RobotRights | None = None

    @property
    def _rights(self) -> RobotRights:
        """The permissions as they were at the first question: one request is judged by one state."""
        if self._loaded is None:
            self._loaded = rights_of(self.principal.id)
        return self._loaded

    def can_project(
        self, project_id: int, *, public: bool, resource: str, action: str, repository: str = ""
    ) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        permissions = self._rights.permissions
        name = self._rights.names.get(project_id)
        granted = resource or "project"
        if permissions.denies(name, granted, action, repository):
            return False
        if public and (resource, action) in PUBLIC_PERMISSIONS:
            return True
        return permissions.may_project(name, granted, action, repository)

    def is_narrowed_in(self, project_id: int | None = None) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        permissions = self._rights.permissions
        if project_id is None:
            return permissions.narrows_any
        return permissions.narrows(self._rights.names.get(project_id))

    def can_system(self, resource: str, action: str) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        return self._rights.permissions.may_system(resource, action)
