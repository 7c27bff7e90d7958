"""What stands for the directory where the extra is not installed: it says so."""

from apps.accounts.directories import Confirmation, ExternalPerson, SourceUnreachableError
from apps.accounts.models import Identity
from apps.ldap.types import MISSING


class MissingDirectory:
    """See :class:`apps.accounts.directories.Directory`."""

    def unavailable(self) -> str:
        """See :class:`apps.accounts.directories.Directory`."""
        return MISSING

    def authenticate(self, username: str, password: str) -> ExternalPerson | None:  # noqa: ARG002
        """See :class:`apps.accounts.directories.Directory`."""
        raise SourceUnreachableError(MISSING)

    def find(self, username: str) -> ExternalPerson | None:  # noqa: ARG002
        """See :class:`apps.accounts.directories.Directory`."""
        raise SourceUnreachableError(MISSING)

    def confirm(self, identity: Identity) -> Confirmation:  # noqa: ARG002
        """See :class:`apps.accounts.directories.Directory`."""
        raise SourceUnreachableError(MISSING)
