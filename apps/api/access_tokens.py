"""Personal access tokens: ``/users/{user_id}/tokens``; beyond Harbor."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.access_tokens.models import AccessToken
from apps.access_tokens.selectors import token_get, token_list
from apps.access_tokens.services import token_create, token_delete, token_update
from apps.api.parameters import LISTED
from apps.api.shapes import Input, Shape, TimeField, flag, text
from apps.api.views import HarborView, ListRules
from apps.common.errors import PreconditionError
from apps.common.query import QueryField, read_bool, read_int, read_time

TOKENS = ListRules(
    order=("-creation_time", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "label": QueryField("label"),
        "read_only": QueryField("read_only", read_bool),
        "expires_at": QueryField("expires_at", read_time),
        "last_used_at": QueryField("last_used_at", read_time),
        "creation_time": QueryField("creation_time", read_time),
    },
)


class TokenShape(Shape):
    """Empty ``projects`` are all, empty ``sources`` anywhere."""

    keep: ClassVar[frozenset[str]] = frozenset({"read_only"})
    lists: ClassVar[frozenset[str]] = frozenset({"projects", "sources"})

    id = serializers.IntegerField()
    # Declared fields do not become attributes, so that these do not hide the attributes of the same names.
    label = serializers.CharField()  # type: ignore[assignment]
    read_only = serializers.BooleanField()  # type: ignore[assignment]
    projects = serializers.ListField(child=serializers.CharField())
    sources = serializers.ListField(child=serializers.CharField())
    expires_at = TimeField()
    last_used_at = TimeField()
    last_used_address = serializers.CharField()
    creation_time = TimeField()


class CreatedTokenShape(TokenShape):
    """The only answer with the secret, which is in the context."""

    secret = serializers.SerializerMethodField()

    def get_secret(self, _token: AccessToken) -> str:
        """Shown once."""
        secret: str = self.context["secret"]
        return secret


class TokenInput(Input):
    label = text()  # type: ignore[assignment]
    read_only = flag()  # type: ignore[assignment]
    projects = serializers.ListField(required=False, default=list)
    sources = serializers.ListField(required=False, default=list)
    expires_at = serializers.DateTimeField(required=False, default=None)


class _OfUserView(HarborView):
    def user_id(self) -> int:
        """The person of the path: a number, or ``current``."""
        if self.kwargs["user_id"] != "current":
            return self.path_int("user_id")
        principal = self.require_signed_in().principal
        if principal is None or principal.person is None:
            raise PreconditionError("a robot account has no access tokens")
        return principal.person


class TokensView(_OfUserView):
    """``/users/{user_id}/tokens``."""

    asks = {"get": LISTED}
    takes = {"post": TokenInput}
    answers = {"get": [TokenShape], "post": CreatedTokenShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """A person's tokens, without their secrets."""
        return self.list_response(token_list(actor=self.actor, user_id=self.user_id()), TOKENS, TokenShape)

    def post(self, _request: Request, **_: Any) -> Response:
        """A new token of the caller; the answer shows its secret, once."""
        user_id = self.user_id()
        made = token_create(actor=self.actor, user_id=user_id, **self.read(TokenInput, name="token"))
        response = self.created(made.token.pk)
        response.data = CreatedTokenShape(made.token, context={"secret": made.secret}).data
        response["Cache-Control"] = "no-store"
        return response


class TokenView(_OfUserView):
    """``/users/{user_id}/tokens/{token_id}``."""

    takes = {"put": TokenInput}
    answers = {"get": TokenShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One token."""
        token = token_get(actor=self.actor, user_id=self.user_id(), token_id=self.path_int("token_id"))
        return Response(TokenShape(token).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Replace its label and scope; the secret stays."""
        token_update(
            actor=self.actor,
            user_id=self.user_id(),
            token_id=self.path_int("token_id"),
            **self.read(TokenInput, name="token"),
        )
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Revoke it."""
        token_delete(actor=self.actor, user_id=self.user_id(), token_id=self.path_int("token_id"))
        return Response()
