"""Members: ``/projects/{project_name_or_id}/members``."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.shapes import Input, Shape, integer, text
from apps.api.views import HarborView, ListRules
from apps.common.errors import BadRequestError
from apps.projects.models import Member
from apps.projects.selectors import member_get, member_list
from apps.projects.services import member_add, member_delete, member_update
from apps.projects.types import Role

MEMBERS = ListRules(order=("user__username", "id"))

ROLE_NAMES = {
    Role.PROJECT_ADMIN: "projectAdmin",
    Role.MAINTAINER: "maintainer",
    Role.DEVELOPER: "developer",
    Role.GUEST: "guest",
    Role.LIMITED_GUEST: "limitedGuest",
}


class MemberShape(Shape):
    id = serializers.IntegerField()
    project_id = serializers.IntegerField()
    entity_name = serializers.CharField(source="user.username")
    role_name = serializers.SerializerMethodField()
    role_id = serializers.IntegerField(source="role")
    entity_id = serializers.IntegerField(source="user_id")
    entity_type = serializers.SerializerMethodField()

    def get_role_name(self, member: Member) -> str:
        """The role as Harbor spells it."""
        return ROLE_NAMES[Role(member.role)]

    def get_entity_type(self, _member: Member) -> str:
        """``u`` for a person; there are no groups yet."""
        return "u"


class PersonInput(Input):
    user_id = integer()
    username = text()


class MemberInput(Input):
    role_id = integer()
    member_user = PersonInput(required=False, default=dict)
    member_group = serializers.DictField(required=False, default=dict)


class RoleInput(Input):
    role_id = integer()


class MembersView(HarborView):
    """``…/members``."""

    takes = {"post": MemberInput}
    answers = {"get": [MemberShape]}

    def get(self, request: Request, **_: Any) -> Response:
        """The members, those whose name holds ``entityname``."""
        project = self.project(resource="member", action="list")
        name = request.query_params.get("entityname", "")
        return self.list_response(
            member_list(actor=self.actor, project=project, name=name), MEMBERS, MemberShape
        )

    def post(self, _request: Request, **_: Any) -> Response:
        """A new member, a person by id or by name."""
        project = self.project(resource="member", action="create")
        values = self.read(MemberInput, name="project_member")
        if any(values["member_group"].values()):
            raise BadRequestError("groups are not supported yet")
        member = member_add(
            actor=self.actor,
            project_id=project.pk,
            role=values["role_id"],
            user_id=values["member_user"].get("user_id") or None,
            username=values["member_user"].get("username") or None,
        )
        return self.created(member.pk)


class MemberView(HarborView):
    """``…/members/{mid}``."""

    takes = {"put": RoleInput}
    answers = {"get": MemberShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One member."""
        project = self.project(resource="member", action="read")
        member = member_get(actor=self.actor, project=project, member_id=self.path_int("mid"))
        return Response(MemberShape(member).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Change the role."""
        project = self.project(resource="member", action="update")
        values = self.read(RoleInput, name="role")
        member_update(
            actor=self.actor, project_id=project.pk, member_id=self.path_int("mid"), role=values["role_id"]
        )
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Take a member out."""
        project = self.project(resource="member", action="delete")
        member_delete(actor=self.actor, project_id=project.pk, member_id=self.path_int("mid"))
        return Response()
