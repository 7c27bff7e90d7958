"""What projects do when something happens elsewhere, and what they tell the floors below at start."""

from apps.accounts.local import LocalAuthenticator
from apps.accounts.security import USER, Kind, register_kind
from apps.events import bus
from apps.events.catalogue import GroupChanged, UserChanged
from apps.projects.contexts import LocalSecurityContext
from apps.projects.member_services import members_of_deleted_user_remove, projects_of_group_touch


def register() -> None:
    """Make people a kind of caller: how they sign in is the accounts' business, what they may do the roles'."""
    register_kind(USER, Kind(authenticator=LocalAuthenticator(), context=LocalSecurityContext))
    bus.subscribe(UserChanged, on_user_changed)
    bus.subscribe(GroupChanged, on_group_changed)


def on_user_changed(event: UserChanged) -> None:
    """A deleted person is nobody's member; in the transaction that deletes them."""
    if event.operation == "delete":
        members_of_deleted_user_remove(user_id=event.user_id)


def on_group_changed(event: GroupChanged) -> None:
    """Told while a group that is deleted is still there with its memberships in projects."""
    if event.operation == "delete":
        projects_of_group_touch(group_id=event.group_id)
