"""What access tokens do when something happens elsewhere, and what they tell the floors below at start."""

from apps.access_tokens.authenticator import TokenAuthenticator
from apps.access_tokens.contexts import TokenContext
from apps.access_tokens.services import tokens_of_deleted_user_remove
from apps.access_tokens.uses import last_uses
from apps.accounts.security import TOKEN, Kind, register_kind
from apps.events.bus import subscribe
from apps.events.catalogue import UserChanged


def register() -> None:
    """Make tokens a kind of caller, and have them go with their owner."""
    register_kind(TOKEN, Kind(authenticator=TokenAuthenticator(), context=TokenContext, used=last_uses.take))
    subscribe(UserChanged, on_user_changed)


def on_user_changed(event: UserChanged) -> None:
    """A deleted person has no tokens; in the transaction that deletes them."""
    if event.operation == "delete":
        tokens_of_deleted_user_remove(user_id=event.user_id)
