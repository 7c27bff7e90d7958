"""Signing in as a robot account with a token of an issuer that it trusts."""

import logging
import time

from apps.accounts.issuers import IssuerUnreachableError, TokenRefusedError, token_check, unverified_claims
from apps.accounts.security import FEDERATED, Principal
from apps.robots.models import Robot
from apps.robots.selectors import full_name, name_prefix, principal_of, robot_of_login
from apps.robots.trusts import Trust, trust_of

_log = logging.getLogger(__name__)
_SHOWN = 255


def robot_of_token(username: str, token: str) -> Principal | None:
    """The robot account of this name until the token's end, if it trusts the token; the log says why if not.

    Only issuers that the account trusts are asked for their keys.
    """
    robot = robot_of_login(username) if username.startswith(name_prefix()) else None
    principal = None if robot is None else principal_of(robot)
    if robot is None or principal is None:
        return None
    try:
        until = _end_of(robot, token)
    except TokenRefusedError as error:
        _log.warning("a token for %s is refused: %s", full_name(robot), error)
        return None
    except IssuerUnreachableError as error:
        _log.warning(
            "a token for %s cannot be checked, its issuer cannot be used: %s", full_name(robot), error
        )
        return None
    return principal.through(FEDERATED, until=until)


def _end_of(robot: Robot, token: str) -> float:
    """When a token that the robot account trusts ends, in seconds since 1970."""
    issuer = unverified_claims(token).get("iss")
    # Compared here: a database does not take every text that a stranger can write.
    trusts = [
        Trust(row.issuer, row.audience, row.subject, row.claims)
        for row in robot.trusts.all()
        if row.issuer == issuer
    ]
    if not trusts:
        raise TokenRefusedError(f"it trusts no issuer {str(issuer)[:_SHOWN]!r}")
    claims = token_check(
        token=token, issuer=trusts[0].issuer, audience=sorted({trust.audience for trust in trusts})
    )
    until = float(claims["exp"])
    # Others allow for clocks that differ; what a job may do ends with its token.
    if until <= time.time():
        raise TokenRefusedError("the token has expired")
    if trust_of(trusts, claims) is None:
        raise TokenRefusedError(
            f"it trusts the issuer, but not the subject {str(claims.get('sub'))[:_SHOWN]!r} with these claims"
        )
    return until
