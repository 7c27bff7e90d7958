"""What robot accounts do when something happens elsewhere, and what they tell the floors below at start."""

from apps.accounts.federation import register_federation
from apps.accounts.security import ROBOT, Kind, register_kind
from apps.events.bus import subscribe
from apps.events.catalogue import ProjectDeleted
from apps.robots.authenticator import RobotAuthenticator
from apps.robots.contexts import RobotContext
from apps.robots.federation import robot_of_token
from apps.robots.services import project_robots_forget


def register() -> None:
    """Make robot accounts a kind of caller, and have them forget projects that go."""
    register_kind(ROBOT, Kind(authenticator=RobotAuthenticator(), context=RobotContext))
    register_federation(robot_of_token)
    subscribe(ProjectDeleted, on_project_deleted)


def on_project_deleted(event: ProjectDeleted) -> None:
    """Told while the project's rows are still there."""
    project_robots_forget(project_id=event.project_id, project_name=event.project_name)
