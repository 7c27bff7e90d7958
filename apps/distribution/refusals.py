"""What the data plane tells the audit log about those whom it refuses.

A client without credentials, or with a token that does not hold enough, is told to bring a better one: that is how
clients sign in and no refusal, unless the account behind the token could not have got one.
"""

from apps.accounts.security import Principal
from apps.artifacts.errors import ArtifactDeactivatedError
from apps.artifacts.gates import GateRefusedError, StorageRefusedError
from apps.audit.refusals import refusal_record
from apps.common.errors import DomainError
from apps.common.origin import take_credential
from apps.distribution.access import Caller, actions_now
from apps.distribution.messages import Request
from apps.projects.types import ProjectRef

_OPERATIONS = {"pull": "pull", "push": "create", "delete": "delete"}
_REFUSED = {"UNAUTHORIZED", "FORBIDDEN"}
_METHODS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}


def take_caller(principal: Principal | None) -> None:
    """Have rows of this request say by what its caller is known."""
    if principal is not None:
        take_credential(principal.credential)


def note_denied(request: Request, caller: Caller, project: ProjectRef | None, action: str) -> None:
    """Somebody may not do ``action`` in the repository of the request."""
    take_caller(caller.principal)
    if caller.uses_token and project is not None:
        may = actions_now(caller.principal, project, request.repository)
        if action in may:
            return
    _record(request, caller.name, _OPERATIONS[action], f"{action} not allowed")


def note_refused(request: Request, error: DomainError) -> None:
    """A service or a gate may have refused what the caller asked for in the repository of the request.

    What the quota refuses leaves a row of its own.
    """
    is_gate = isinstance(error, GateRefusedError | ArtifactDeactivatedError) and not isinstance(
        error, StorageRefusedError
    )
    if request.repository and (is_gate or error.code in _REFUSED):
        operation = _METHODS.get(request.method, "create")
        _record(request, request.person, operation, error.message)


def _record(request: Request, operator: str, operation: str, reason: str) -> None:
    refusal_record(
        operator=operator,
        operation=operation,
        resource_type="artifact",
        resource=request.repository,
        project=request.repository.partition("/")[0],
        reason=f"refused: {operation} artifact in {request.repository}: {reason}",
    )
