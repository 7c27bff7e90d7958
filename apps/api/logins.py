"""Sessions of people and locks after wrong passwords: ``/users/{user_id}/sessions``, ``/lock``; beyond Harbor."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.cookies import SESSION_COOKIE
from apps.accounts.locks import user_locked_until, user_unlock
from apps.accounts.models import UserSession
from apps.accounts.session_services import session_end, session_is, session_list, sessions_end
from apps.api.parameters import LISTED
from apps.api.shapes import OptionalTimeField, Shape, TimeField
from apps.api.views import HarborView, ListRules
from apps.common.errors import PreconditionError
from apps.common.query import QueryField, read_int, read_time

SESSIONS = ListRules(
    order=("-seen_at", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "address": QueryField("address"),
        "began_at": QueryField("began_at", read_time),
        "seen_at": QueryField("seen_at", read_time),
    },
)


class SessionShape(Shape):
    """``is_current`` is the session that asks, if it is one."""

    keep: ClassVar[frozenset[str]] = frozenset({"is_current"})

    id = serializers.IntegerField()
    address = serializers.CharField()
    agent = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a declared field is no attribute
    began_at = TimeField()
    seen_at = TimeField()
    is_current = serializers.SerializerMethodField()

    def get_is_current(self, session: UserSession) -> bool:
        """By the key of the request, which is in the context."""
        return session_is(session, self.context["key"])


class LockShape(Shape):
    """Where there is no lock, there is no ``until``."""

    keep: ClassVar[frozenset[str]] = frozenset({"locked"})

    locked = serializers.BooleanField()
    until = OptionalTimeField()


class _OfUserView(HarborView):
    in_read_only = True

    def user_id(self) -> int:
        """The person of the path: a number, or ``current``."""
        if self.kwargs["user_id"] != "current":
            return self.path_int("user_id")
        principal = self.require_signed_in().principal
        if principal is None or principal.person is None:
            raise PreconditionError("a robot account has no sessions")
        return principal.person

    @property
    def key(self) -> str:
        """The key of the session that asks; "" where it is none that counts."""
        if "HTTP_AUTHORIZATION" in self.request.META:
            return ""
        return self.request.COOKIES.get(SESSION_COOKIE, "")


class SessionsView(_OfUserView):
    """``/users/{user_id}/sessions``."""

    asks = {"get": LISTED}
    answers = {"get": [SessionShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """A person's sessions, the one used last first."""
        rows = session_list(actor=self.actor, user_id=self.user_id())
        return self.list_response(rows, SESSIONS, SessionShape, batch=lambda _: {"key": self.key})

    def delete(self, _request: Request, **_: Any) -> Response:
        """End them all, but the one that asks."""
        sessions_end(actor=self.actor, user_id=self.user_id(), but=self.key)
        return Response()


class SessionView(_OfUserView):
    """``/users/{user_id}/sessions/{session_id}``."""

    def delete(self, _request: Request, **_: Any) -> Response:
        """End it."""
        session_end(actor=self.actor, user_id=self.user_id(), session_id=self.path_int("session_id"))
        return Response()


class LockView(HarborView):
    """``/users/{user_id}/lock``."""

    answers = {"get": LockShape}
    in_read_only = True

    def get(self, _request: Request, **_: Any) -> Response:
        """Whether a person is locked after wrong passwords, anywhere or at some address."""
        until = user_locked_until(actor=self.actor, user_id=self.path_int("user_id"))
        return Response(LockShape({"locked": until is not None, "until": until}).data)

    def delete(self, _request: Request, **_: Any) -> Response:
        """Let a person sign in again."""
        user_unlock(actor=self.actor, user_id=self.path_int("user_id"))
        return Response()
