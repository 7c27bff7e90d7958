"""Changes to what a robot account trusts. As with its secret, each ends the tokens given out before."""

from collections.abc import Sequence

from django.db.models import QuerySet

from apps.accounts.security import SecurityContext
from apps.common.database import write_atomic
from apps.common.errors import BadRequestError, ConflictError, NotFoundError
from apps.robots.models import Robot, RobotTrust
from apps.robots.selectors import require_robot, robot_row
from apps.robots.services import robot_change_told, robot_lock
from apps.robots.trusts import MAX_TRUSTS, Trust, trust_check


def robot_trust_list(*, actor: SecurityContext, robot_id: int) -> QuerySet[RobotTrust]:
    """What a robot account trusts, the oldest first; for who may see the account."""
    robot = require_robot(actor, robot_row(robot_id), "read")
    return RobotTrust.objects.filter(robot=robot).order_by("id")


def robot_trust_get(*, actor: SecurityContext, robot_id: int, trust_id: int) -> RobotTrust:
    """One of them; raises NotFoundError."""
    trust = robot_trust_list(actor=actor, robot_id=robot_id).filter(pk=trust_id).first()
    if trust is None:
        raise NotFoundError("trust not found")
    return trust


def robot_trust_add(*, actor: SecurityContext, robot_id: int, trust: Trust) -> RobotTrust:
    """Have a robot account trust some tokens of an issuer, for who may change the account.

    Raises BadRequestError (a rule), ConflictError (it does already), and as :func:`require_robot` does.
    """
    require_robot(actor, robot_row(robot_id), "update")
    trust_check(trust)
    with write_atomic():
        robot = robot_lock(actor, robot_id, "update")
        known = list(robot.trusts.all())
        if len(known) >= MAX_TRUSTS:
            raise BadRequestError(f"a robot account has at most {MAX_TRUSTS} trusts")
        if any(_value(row) == trust for row in known):
            raise ConflictError("the robot account trusts this already")
        row = _make(robot, trust)
        robot_change_told(actor, robot, f"trust {_words(trust)}")
    return row


def robot_trust_remove(*, actor: SecurityContext, robot_id: int, trust_id: int) -> None:
    """End a trust and what was signed in by it, at once. Raises NotFoundError, and as :func:`require_robot` does."""
    with write_atomic():
        robot = robot_lock(actor, robot_id, "update")
        row = robot.trusts.filter(pk=trust_id).first()
        if row is None:
            raise NotFoundError("trust not found")
        words = _words(_value(row))
        row.delete()
        robot_change_told(actor, robot, f"trust no more {words}")


def robot_trusts_replace(
    *, actor: SecurityContext, robot_id: int, trusts: Sequence[Trust]
) -> list[RobotTrust]:
    """Have a robot account trust these and nothing else; those that it has already stay as they are.

    Raises what :func:`robot_trust_add` does, but for ConflictError.
    """
    require_robot(actor, robot_row(robot_id), "update")
    if len(trusts) > MAX_TRUSTS:
        raise BadRequestError(f"a robot account has at most {MAX_TRUSTS} trusts")
    wanted = [trust_check(trust) for trust in trusts]
    with write_atomic():
        robot = robot_lock(actor, robot_id, "update")
        known = list(robot.trusts.all())
        for row in known:
            if _value(row) not in wanted:
                row.delete()
        kept = [_value(row) for row in known]
        changed = any(value not in wanted for value in kept)
        for trust in wanted:
            if trust not in kept:
                _make(robot, trust)
                kept.append(trust)
                changed = True
        if changed:
            robot_change_told(actor, robot, f"trust {len(wanted)} issuers and subjects")
        return list(robot.trusts.order_by("id"))


def _make(robot: Robot, trust: Trust) -> RobotTrust:
    return RobotTrust.objects.create(
        robot=robot,
        issuer=trust.issuer,
        audience=trust.audience,
        subject=trust.subject,
        claims=dict(trust.claims),
    )


def _value(row: RobotTrust) -> Trust:
    return Trust(row.issuer, row.audience, row.subject, row.claims)


def _words(trust: Trust) -> str:
    claims = "".join(f", {name}={pattern}" for name, pattern in sorted(trust.claims.items()))
    return f"{trust.subject}{claims} of {trust.issuer} for {trust.audience}"
