"""Groups of people: ``/usergroups``; local groups and their members are beyond Harbor."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.group_selectors import group_get, group_list, group_member_list, group_search
from apps.accounts.group_services import (
    group_create,
    group_delete,
    group_member_add,
    group_member_remove,
    group_rename,
)
from apps.api.parameters import PAGED, text_asked
from apps.api.shapes import Input, Shape, integer, text
from apps.api.views import HarborView, ListRules
from apps.common.errors import UnprocessableError

GROUPS = ListRules(order=("group_name", "id"))
PEOPLE = ListRules(order=("username", "id"))


class FoundGroupShape(Shape):
    id = serializers.IntegerField()
    group_name = serializers.CharField()
    group_type = serializers.IntegerField()


class GroupShape(FoundGroupShape):
    ldap_group_dn = serializers.CharField()


class GroupPersonShape(Shape):
    user_id = serializers.IntegerField(source="id")
    username = serializers.CharField()


class GroupInput(Input):
    id = integer()
    group_name = text()
    group_type = integer()
    ldap_group_dn = text()


class GroupPersonInput(Input):
    user_id = integer()
    username = text()


class GroupsView(HarborView):
    """``/usergroups``."""

    asks = {"get": (*PAGED, text_asked("ldap_group_dn"), text_asked("group_name"))}
    takes = {"post": GroupInput}
    answers = {"get": [GroupShape]}

    def get(self, request: Request) -> Response:
        """The groups that are in use now."""
        asked = request.query_params
        rows = group_list(
            actor=self.actor,
            name=asked.get("group_name", ""),
            ldap_group_dn=asked.get("ldap_group_dn", ""),
        )
        return self.list_response(rows, GROUPS, GroupShape)

    def post(self, _request: Request) -> Response:
        """A new group."""
        values = self.read(GroupInput, name="usergroup")
        fields = {name: value for name, value in values.items() if name != "id"}
        return self.created(group_create(actor=self.actor, **fields).pk)


class FoundGroupsView(HarborView):
    """``/usergroups/search``: for everybody who has signed in."""

    asks = {"get": (*PAGED, text_asked("groupname", required=True))}
    answers = {"get": [FoundGroupShape]}

    def get(self, request: Request) -> Response:
        """Groups whose name holds ``groupname``."""
        rows = group_search(actor=self.actor, name=request.query_params.get("groupname", ""))
        if "groupname" not in request.query_params:
            raise UnprocessableError("groupname in query is required")
        return self.list_response(rows, GROUPS, FoundGroupShape)


class GroupView(HarborView):
    """``/usergroups/{group_id}``."""

    takes = {"put": GroupInput}
    answers = {"get": GroupShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One group."""
        return Response(GroupShape(group_get(actor=self.actor, group_id=self.path_int("group_id"))).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Change the name; the rest stays."""
        name = self.read(GroupInput, name="usergroup")["group_name"]
        group_rename(actor=self.actor, group_id=self.path_int("group_id"), group_name=name)
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete it; its people lose the roles that they had by it."""
        group_delete(actor=self.actor, group_id=self.path_int("group_id"))
        return Response()


class GroupPeopleView(HarborView):
    """``/usergroups/{group_id}/members``."""

    asks = {"get": PAGED}
    takes = {"post": GroupPersonInput}
    answers = {"get": [GroupPersonShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The people of a group; of a directory's, those who have signed in since."""
        rows = group_member_list(actor=self.actor, group_id=self.path_int("group_id"))
        return self.list_response(rows, PEOPLE, GroupPersonShape)

    def post(self, _request: Request, **_: Any) -> Response:
        """One more person in a local group, by id or by name."""
        values = self.read(GroupPersonInput, name="member")
        user = group_member_add(
            actor=self.actor,
            group_id=self.path_int("group_id"),
            user_id=values["user_id"] or None,
            username=values["username"],
        )
        return self.created(user.pk)


class GroupPersonView(HarborView):
    """``/usergroups/{group_id}/members/{user_id}``."""

    def delete(self, _request: Request, **_: Any) -> Response:
        """Take a person out of a local group."""
        group_member_remove(
            actor=self.actor, group_id=self.path_int("group_id"), user_id=self.path_int("user_id")
        )
        return Response()
