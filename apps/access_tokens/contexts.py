"""What personal access tokens may do."""

from apps.access_tokens.selectors import TokenRights, rights_of
from apps.accounts.security import Principal, PrincipalContext
from apps.projects.contexts import LocalSecurityContext
from apps.projects.roles import PUBLIC_PERMISSIONS
from apps.projects.types import READING

# People are managed by people, with their password: a stolen token must not outlive its revocation.
_NEVER = "user"


class TokenContext(PrincipalContext):
    """A token: what its owner may do, within its scope, and in public projects what anybody may do."""

    def __init__(self, principal: Principal) -> None:
        super().__init__(principal)
        self._rights: TokenRights | None = rights_of(principal)
        self._owner = None if self._rights is None else LocalSecurityContext(self._rights.owner)

    @property
    def is_read_only(self) -> bool:
        """Whether it can change nothing at all."""
        return self._rights is None or self._rights.read_only

    @property
    def sees_everything(self) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        rights, owner = self._rights, self._owner
        return rights is not None and rights.projects is None and owner is not None and owner.sees_everything

    def can_project(
        self, project_id: int, *, public: bool, resource: str, action: str, repository: str = ""
    ) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`."""
        rights = self._rights
        if public and (resource, action) in PUBLIC_PERMISSIONS:
            return True
        if rights is None or self._owner is None or (rights.read_only and action not in READING):
            return False
        if rights.projects is not None and project_id not in rights.projects:
            return False
        return self._owner.can_project(
            project_id, public=public, resource=resource, action=action, repository=repository
        )

    def is_narrowed_in(self, project_id: int | None = None) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`: what narrows its owner narrows it."""
        return self._owner is not None and self._owner.is_narrowed_in(project_id)

    def can_system(self, resource: str, action: str) -> bool:
        """See :class:`apps.accounts.security.SecurityContext`: nothing for a token of some projects."""
        rights = self._rights
        if rights is None or self._owner is None or rights.projects is not None:
            return False
        if action not in READING and (rights.read_only or resource == _NEVER):
            return False
        return self._owner.can_system(resource, action)
