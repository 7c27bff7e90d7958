"""Who may pass to a repository's handler.

What was decided for a token is remembered under the stamps of its account and of the project: a warm pull looks up
one entry here, and one in its handler.
"""

from dataclasses import dataclass

from apps.common.caches import StampedCache
from apps.common.stamps import get_stamps, project_key, repository_key
from apps.config.selectors import SETTINGS_STAMP
from apps.distribution.access import Caller, project_of
from apps.distribution.authentication import bearer_text, caller_of, check_source, scope_for, unauthorized
from apps.distribution.errors import ProtocolError
from apps.distribution.messages import Request
from apps.distribution.refusals import note_denied, take_caller
from apps.distribution.target import Target
from apps.distribution.tokens import TokenInvalidError, token_verify
from apps.oci.references import check_repository_name


@dataclass(frozen=True, slots=True)
class Admission:
    """A caller who may do to the target what was asked."""

    caller: Caller
    target: Target


_admissions: StampedCache[Admission] = StampedCache(max_entries=16384, max_age=10)


def admit(request: Request, name: str, action: str, mount_from: str = "") -> Admission:
    """Let a caller do ``action`` in the repository ``name``, or raise what to answer instead."""
    if mount_from:
        # Before it goes into the challenge, which is a header.
        check_repository_name(mount_from)
    text = bearer_text(request)
    try:
        account = token_verify(text).account if text else None
    except TokenInvalidError:
        text = None  # Refused below, with the challenge.
    project = project_key(name.partition("/")[0])
    keys = (project,) if not text or account is None else (project, *account.stamps)
    get_stamps().prefetch(repository_key(name), SETTINGS_STAMP, *keys)
    if text:
        admission = _admissions.get(
            (text, name, action), keys, lambda: _decide(request, name, action, mount_from)
        )
    if not text or admission is None:
        admission = _decide(request, name, action, mount_from)
    principal = admission.caller.principal
    if principal is not None and principal.sources:
        # What was remembered was decided for another request, from another address perhaps.
        check_source(request, principal, scope_for(name, action, mount_from))
    request.person = admission.caller.name
    request.repository = name
    take_caller(admission.caller.principal)
    return admission


def _decide(request: Request, name: str, action: str, mount_from: str) -> Admission:
    request.repository = check_repository_name(name)
    scope = scope_for(name, action, mount_from)
    caller = caller_of(request, scope)
    project = project_of(name)
    if project is None or action not in caller.actions(project, name):
        note_denied(request, caller, project, action)
        raise _not_allowed(request, name, action, scope, uses_token=caller.uses_token)
    return Admission(caller, Target(project, name))


def _not_allowed(request: Request, name: str, action: str, scope: str, *, uses_token: bool) -> ProtocolError:
    """A project that is not there and one that the caller may not see look the same."""
    if "/" not in name:
        return ProtocolError(
            "NAME_INVALID",
            f"a repository's name begins with its project: PROJECT/{name}",
            detail={"name": name},
        )
    message = f"unauthorized to access repository: {name}, action: {action}"
    if uses_token:
        return unauthorized(request, message, scope=scope, error="insufficient_scope")
    return ProtocolError("DENIED", message)
