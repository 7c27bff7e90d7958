"""What this app tells the floor below of itself."""

from apps.accounts.directories import register_directory
from apps.accounts.security import Kind, context_of, register_kind
from apps.accounts.types import Source
from apps.http_auth.directory import HttpDirectory, TokenReviewAuthenticator


def register() -> None:
    """The directory, and the names ``tokenreview$NAME`` that come with a token of the proxy for a password."""
    register_directory(Source.HTTP, HttpDirectory())
    register_kind("tokenreview", Kind(authenticator=TokenReviewAuthenticator(), context=context_of))
