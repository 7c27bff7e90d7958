"""Who is calling the REST API: HTTP Basic for people and robot accounts."""

import base64
import binascii

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.accounts.authentication import authenticate
from apps.accounts.security import Principal, SecurityContext, context_of
from apps.api.middleware import PERSON
from apps.common.forwarding import client_address


class HarborAuthentication(BaseAuthentication):
    """``request.user`` is the principal and ``request.auth`` its security context.

    Wrong credentials are no error here: the request goes on as an anonymous one, as in Harbor, and fails with
    401 where that does not suffice.
    """

    def authenticate(self, request: Request) -> tuple[Principal, SecurityContext] | None:
        """See DRF."""
        credentials = basic_credentials(request.META.get("HTTP_AUTHORIZATION", ""))
        if credentials is None:
            return None
        principal = authenticate(*credentials, address=client_address(request.META))
        if principal is None:
            return None
        request.META[PERSON] = principal.name
        return principal, context_of(principal)


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Name and password of an ``Authorization`` header; None if it is no well-formed Basic one."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, separator, password = (
            base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        )
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if separator and name and "\x00" not in name else None
