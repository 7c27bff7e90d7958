"""People: ``/users``."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.external_services import cli_secret_set
from apps.accounts.identities import cli_secret_reveal, identity_of
from apps.accounts.models import User
from apps.accounts.security import SecurityContext
from apps.accounts.selectors import is_self, user_get, user_list, user_search
from apps.accounts.types import Source
from apps.api.parameters import LISTED, PAGED, text_asked
from apps.api.shapes import Input, Shape, TimeField, flag, text
from apps.api.views import HarborView, ListRules
from apps.common.errors import PreconditionError, UnprocessableError
from apps.common.query import QueryField, read_bool, read_int, read_time


def _read_suspended(text: str) -> bool:
    """The column says the opposite."""
    return not read_bool(text)


USERS = ListRules(
    order=("username", "id"),
    fields={
        "user_id": QueryField("id", read_int),
        "username": QueryField("username"),
        "email": QueryField("email"),
        "realname": QueryField("realname"),
        "comment": QueryField("comment"),
        "sysadmin_flag": QueryField("sysadmin_flag", read_bool),
        "auditor_flag": QueryField("auditor_flag", read_bool),
        "suspended": QueryField("is_active", _read_suspended),
        "creation_time": QueryField("creation_time", read_time),
        "update_time": QueryField("update_time", read_time),
    },
)
FOUND_USERS = ListRules(order=("username", "id"))


class OidcMetaShape(Shape):
    """What a provider of identities told of a person."""

    id = serializers.IntegerField()
    user_id = serializers.IntegerField()
    subiss = serializers.CharField()
    secret = serializers.CharField()
    creation_time = TimeField()
    update_time = TimeField()


class UserShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"sysadmin_flag", "admin_role_in_auth"})

    email = serializers.CharField()
    realname = serializers.CharField()
    comment = serializers.CharField()
    user_id = serializers.IntegerField(source="id")
    username = serializers.CharField()
    sysadmin_flag = serializers.BooleanField()
    admin_role_in_auth = serializers.BooleanField()
    auditor_flag = serializers.BooleanField()
    suspended = serializers.SerializerMethodField()
    oidc_user_meta = serializers.SerializerMethodField()
    creation_time = TimeField()
    update_time = TimeField()

    @extend_schema_field(OidcMetaShape)
    def get_oidc_user_meta(self, user: User) -> dict[str, Any] | None:
        """Who they are to the provider, where one person is shown; the secret to nobody but themselves."""
        actor: SecurityContext | None = self.context.get("actor")
        identity = identity_of(user) if actor is not None and user.source == Source.OIDC else None
        if identity is None or actor is None:
            return None
        meta = {
            "id": identity.pk,
            "user_id": user.pk,
            "subiss": identity.subject + identity.issuer,
            "secret": cli_secret_reveal(actor=actor, user_id=user.pk),
            "creation_time": identity.creation_time,
            "update_time": identity.update_time,
        }
        return dict(OidcMetaShape(meta).data)

    def get_suspended(self, user: User) -> bool:
        """Whether this person may not sign in now; left out for all others, as Harbor has no such thing."""
        return not user.is_active


class FoundUserShape(Shape):
    user_id = serializers.IntegerField(source="id")
    username = serializers.CharField()


class UserInput(Input):
    username = text(255)
    email = text(255)
    realname = text()
    comment = text()
    password = text()


class ProfileInput(Input):
    email = text(default=None)
    realname = text(default=None)
    comment = text(default=None)


class SysadminInput(Input):
    sysadmin_flag = flag()


class AuditorInput(Input):
    auditor_flag = flag()


class SuspendedInput(Input):
    suspended = flag(default=None)


class CliSecretInput(Input):
    secret = text()


class PasswordInput(Input):
    old_password = text()
    new_password = text()


class UsersView(HarborView):
    """``/users``."""

    asks = {"get": LISTED}
    takes = {"post": UserInput}
    answers = {"get": [UserShape]}

    def get(self, _request: Request) -> Response:
        """Everybody, for those who may see everybody."""
        return self.list_response(user_list(actor=self.actor), USERS, UserShape)

    def post(self, _request: Request) -> Response:
        """A new person."""
        values = self.read(UserInput, name="userReq")
        user = services.user_create(actor=self.actor, **values)
        return self.created(user.pk)


class FoundUsersView(HarborView):
    """``/users/search``: names only, for everybody who has signed in."""

    asks = {"get": (*PAGED, text_asked("username", required=True))}
    answers = {"get": [FoundUserShape]}

    def get(self, request: Request) -> Response:
        """People whose name holds ``username``."""
        found = user_search(actor=self.actor, name=request.query_params.get("username", ""))
        if not request.query_params.get("username"):
            raise UnprocessableError("username in query is required")
        return self.list_response(found, FOUND_USERS, FoundUserShape)


class CurrentUserView(HarborView):
    """``/users/current``."""

    answers = {"get": UserShape}

    def get(self, _request: Request) -> Response:
        """Who is signed in."""
        return Response(UserShape(self.current_user(), context={"actor": self.actor}).data)

    def current_user(self) -> User:
        """The row of the caller; a robot account is nobody in this sense."""
        principal = self.require_signed_in().principal
        if principal is None or principal.person is None:
            raise PreconditionError("get user not available for the security context of a robot account")
        return user_get(actor=self.actor, user_id=principal.person)


class UserView(HarborView):
    """``/users/{user_id}``."""

    takes = {"put": ProfileInput}
    dangerous = frozenset({"delete"})
    answers = {"get": UserShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One person: oneself, or anybody for those who may see everybody."""
        user = user_get(actor=self.actor, user_id=self.path_int("user_id"))
        return Response(UserShape(user, context={"actor": self.actor}).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Change the profile."""
        values = self.read(ProfileInput, name="profile")
        services.user_update_profile(actor=self.actor, user_id=self.path_int("user_id"), **values)
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete a person."""
        services.user_delete(actor=self.actor, user_id=self.path_int("user_id"))
        return Response()


class SysadminView(HarborView):
    """``/users/{user_id}/sysadmin``."""

    takes = {"put": SysadminInput}
    dangerous = frozenset({"put"})

    def put(self, _request: Request, **_: Any) -> Response:
        """Make or unmake an administrator."""
        values = self.read(SysadminInput, name="sysadmin_flag")
        services.user_set_sysadmin(
            actor=self.actor, user_id=self.path_int("user_id"), sysadmin=values["sysadmin_flag"]
        )
        return Response()


class AuditorView(HarborView):
    """``/users/{user_id}/auditor``; beyond Harbor."""

    takes = {"put": AuditorInput}
    dangerous = frozenset({"put"})

    def put(self, _request: Request, **_: Any) -> Response:
        """Let a person read everything and change nothing, or no longer."""
        values = self.read(AuditorInput, name="auditor_flag")
        services.user_set_auditor(
            actor=self.actor, user_id=self.path_int("user_id"), auditor=values["auditor_flag"]
        )
        return Response()


class SuspendedView(HarborView):
    """``/users/{user_id}/suspended``; beyond Harbor."""

    takes = {"put": SuspendedInput}

    def put(self, _request: Request, **_: Any) -> Response:
        """Suspend a person, or let them in again."""
        suspended = self.read(SuspendedInput, name="suspended")["suspended"]
        if suspended is None:
            raise UnprocessableError("suspended in body is required")
        services.user_set_active(actor=self.actor, user_id=self.path_int("user_id"), active=not suspended)
        return Response()


class CliSecretView(HarborView):
    """``/users/{user_id}/cli_secret``."""

    takes = {"put": CliSecretInput}
    dangerous = frozenset({"put"})

    def put(self, _request: Request, **_: Any) -> Response:
        """Give a person of OpenID Connect a secret for their clients, a random one for an empty one."""
        values = self.read(CliSecretInput, name="secret")
        cli_secret_set(actor=self.actor, user_id=self.path_int("user_id"), secret=values["secret"])
        return Response()


class PasswordView(HarborView):
    """``/users/{user_id}/password``."""

    takes = {"put": PasswordInput}

    def put(self, _request: Request, **_: Any) -> Response:
        """Change one's own password, or as an administrator another's."""
        values = self.read(PasswordInput, name="password")
        if not is_self(self.actor, self.path_int("user_id")):
            # For one's own the old one is asked anyway.
            self.require_confirmed()
        services.user_change_password(
            actor=self.actor,
            user_id=self.path_int("user_id"),
            new=values["new_password"],
            old=values["old_password"],
        )
        return Response()
