"""Seeded rows of the audit log: mostly pulls, as everywhere."""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import Random

from apps.audit.models import AuditLog
from harbor_py.seeding.artifacts import Known
from harbor_py.seeding.clock import SPAN, at
from harbor_py.seeding.people import People
from harbor_py.seeding.projects import SeedProject
from harbor_py.seeding.sizes import Size
from harbor_py.seeding.tables import Sink

_CHUNK = 10_000
# Operation, resource type, share.
_KINDS = (
    ("pull", "artifact", 0.84),
    ("create", "artifact", 0.08),
    ("create", "tag", 0.03),
    ("delete", "artifact", 0.02),
    ("login", "user", 0.02),
    ("delete", "tag", 0.005),
    ("create", "member", 0.002),
    ("update", "project", 0.002),
    ("create", "robot", 0.001),
)


def audit_seed(
    sink: Sink,
    random: Random,
    size: Size,
    people: People,
    projects: Sequence[SeedProject],
    known: Sequence[Known],
) -> None:
    """Make the log of two years, oldest first, and count the pulls of each repository."""
    log = sink.table(
        AuditLog, "op_time", "operation", "operation_description", "operation_result", "resource", "resource_type",
        "username", "project_id",
    )  # fmt: skip
    robots = [f"robot${project.name}+{name}" for project in projects for name in ("deploy", "ci")]
    users = [name for _, name in people.users] + robots * 3 + ["anonymous"] * len(robots)
    # Some are pulled much more often than others.
    popular = list(accumulate(random.paretovariate(0.9) for _ in known))
    limits = list(accumulate(share for _, _, share in _KINDS))
    pace = SPAN / max(size.audit_rows, 1)
    for start in range(0, size.audit_rows, _CHUNK):
        rows = range(start, min(start + _CHUNK, size.audit_rows))
        targets = random.choices(known, cum_weights=popular, k=len(rows))
        for number, target, user in zip(rows, targets, random.choices(users, k=len(rows)), strict=True):
            lot = random.random()
            operation, kind, _ = _KINDS[min(bisect(limits, lot), len(_KINDS) - 1)]
            resource, description, project = _words(operation, kind, target, user)
            succeeded = int(kind != "user" or number % 10 != 0)
            if operation == "pull":
                target.repository.pulls += 1
            log.add(at(number * pace), operation, description, succeeded, resource, kind, user, project)
        sink.flush()


def _words(operation: str, kind: str, target: Known, user: str) -> tuple[str, str, int | None]:
    """Resource, description and project, as the handlers of :mod:`apps.audit` write them."""
    repository = target.repository.name
    if kind == "artifact":
        resource = f"{repository}:{target.tag}" if target.tag else f"{repository}@{target.digest}"
        verb = "push" if operation == "create" else operation
        return resource, f"{verb} artifact: {repository}@{target.digest}", target.project
    if kind == "tag":
        resource = f"{repository}:{target.tag or 'old'}"
        return resource, f"{operation} tag: {resource} at {target.digest}", target.project
    if kind == "user":
        return user, f"login user: {user} from 192.0.2.40", None
    project = repository.partition("/")[0]
    resource = {"member": user, "robot": f"robot${project}+ci"}.get(kind, project)
    return resource, f"{operation} {kind}: {resource}", target.project
