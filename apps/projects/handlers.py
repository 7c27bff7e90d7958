"""What projects do when something happens elsewhere."""

from apps.events.catalogue import UserChanged
from apps.projects.services import members_of_deleted_user_remove


def on_user_changed(event: UserChanged) -> None:
    """A deleted person is nobody's member; in the transaction that deletes them."""
    if event.operation == "delete":
        members_of_deleted_user_remove(user_id=event.user_id)
