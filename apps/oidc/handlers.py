"""What this app tells the floor below of itself."""

from apps.accounts.bearers import register_bearer
from apps.accounts.directories import register_directory
from apps.accounts.reauthentication import register_reauthentication
from apps.accounts.types import Source
from apps.oidc.directory import OidcDirectory, bearer_check
from apps.oidc.visits import way_to_confirm


def register() -> None:
    """The directory, and ID tokens as bearers of the API."""
    register_directory(Source.OIDC, OidcDirectory())
    register_bearer(bearer_check)
    register_reauthentication(Source.OIDC, way_to_confirm)
