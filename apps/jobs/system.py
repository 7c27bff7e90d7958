"""Work of the whole installation: what has run of a kind, and when it runs by itself, for those who may read it."""

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.accounts.security import SecurityContext, require_system
from apps.jobs.models import Execution, Schedule
from apps.jobs.selectors import execution_get, execution_list, execution_log, schedule_find
from apps.jobs.types import VendorType


@dataclass(frozen=True, slots=True)
class SystemWork:
    """A kind of work that belongs to no project; ``resource`` is what the rights to it are named after."""

    vendor_type: VendorType
    resource: str

    def executions(self, *, actor: SecurityContext) -> QuerySet[Execution]:
        """What has run and runs, the newest first; needs ``list``."""
        require_system(actor, self.resource, "list")
        return execution_list(vendor_type=self.vendor_type)

    def execution(self, *, actor: SecurityContext, execution_id: int) -> Execution:
        """One execution; needs ``read``. Raises :class:`NotFoundError`."""
        require_system(actor, self.resource, "read")
        return execution_get(vendor_type=self.vendor_type, execution_id=execution_id)

    def log(self, *, actor: SecurityContext, execution_id: int) -> str:
        """What an execution has written so far; as :meth:`execution`."""
        return execution_log(execution=self.execution(actor=actor, execution_id=execution_id))

    def schedule(self, *, actor: SecurityContext) -> Schedule | None:
        """When it runs by itself, if it does; needs ``read``."""
        require_system(actor, self.resource, "read")
        return schedule_find(vendor_type=self.vendor_type)
