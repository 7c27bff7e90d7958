"""How robot accounts sign in."""

from apps.accounts.passwords import password_matches
from apps.accounts.security import Principal
from apps.robots.models import Robot
from apps.robots.selectors import name_prefix, principal_of, robot_of_login


class RobotAuthenticator:
    """Implements :class:`apps.accounts.security.Authenticator` for names that begin with the prefix of robots."""

    def claims(self, username: str, password: str) -> bool:  # noqa: ARG002 (its secret has no form of its own)
        """See :class:`apps.accounts.security.Authenticator`.

        No person's name can hold the ``$`` of Harbor's prefix; with another one a name can be of both kinds.
        """
        return username.startswith(name_prefix())

    def authenticate(self, username: str, password: str) -> Principal | None:
        """See :class:`apps.accounts.security.Authenticator`; a name that is not there costs the same work."""
        robot = robot_of_login(username) if self.claims(username, password) else None
        if not password_matches(password, None if robot is None else robot.secret) or robot is None:
            return None
        return principal_of(robot)

    def current(self, principal_id: int) -> Principal | None:
        """See :class:`apps.accounts.security.Authenticator`."""
        robot = Robot.objects.filter(pk=principal_id).first()
        return None if robot is None else principal_of(robot)
