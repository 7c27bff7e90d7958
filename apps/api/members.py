"""Members: ``/projects/{project_name_or_id}/members``."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import PAGED, text_asked
from apps.api.shapes import Input, Shape, integer, text
from apps.api.usergroups import GroupInput
from apps.api.views import HarborView, ListRules
from apps.projects.member_services import member_add, member_delete, member_update
from apps.projects.models import Member
from apps.projects.selectors import member_get, member_list
from apps.projects.types import Role

MEMBERS = ListRules(order=("entity_name", "id"))

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
    entity_name = serializers.SerializerMethodField()
    role_name = serializers.SerializerMethodField()
    role_id = serializers.IntegerField(source="role")
    entity_id = serializers.SerializerMethodField()
    entity_type = serializers.SerializerMethodField()
    pull_patterns = serializers.SerializerMethodField()
    push_patterns = serializers.SerializerMethodField()

    def get_entity_name(self, member: Member) -> str:
        """The name of the person or the group."""
        return str(member.user or member.group)

    def get_role_name(self, member: Member) -> str:
        """The role as Harbor spells it."""
        return ROLE_NAMES[Role(member.role)]

    def get_entity_id(self, member: Member) -> int:
        """The id of the person or the group."""
        return (member.user or member.group).pk  # type: ignore[union-attr] # one of them is there

    def get_entity_type(self, member: Member) -> str:
        """``u`` for a person, ``g`` for a group."""
        return "u" if member.user is not None else "g"

    def get_pull_patterns(self, member: Member) -> list[str] | None:
        """Repositories that may be read; left out for all."""
        return member.pull_patterns or None

    def get_push_patterns(self, member: Member) -> list[str] | None:
        """Repositories that may be changed; left out for all."""
        return member.push_patterns or None


class PersonInput(Input):
    user_id = integer()
    username = text()


class MemberInput(Input):
    role_id = integer()
    member_user = PersonInput(required=False, default=dict)
    member_group = GroupInput(required=False, default=dict)
    pull_patterns = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    push_patterns = serializers.ListField(child=serializers.CharField(), required=False, default=list)


class RoleInput(Input):
    role_id = integer()
    pull_patterns = serializers.ListField(child=serializers.CharField(), required=False, default=None)
    push_patterns = serializers.ListField(child=serializers.CharField(), required=False, default=None)


class MembersView(HarborView):
    """``…/members``."""

    asks = {"get": (*PAGED, text_asked("entityname"))}
    takes = {"post": MemberInput}
    answers = {"get": [MemberShape]}

    def get(self, request: Request, **_: Any) -> Response:
        """The members, people and groups, those whose name holds ``entityname``."""
        project = self.project(resource="member", action="list")
        name = request.query_params.get("entityname", "")
        return self.list_response(
            member_list(actor=self.actor, project=project, name=name), MEMBERS, MemberShape
        )

    def post(self, _request: Request, **_: Any) -> Response:
        """A new member: a person by id or by name, or a group by id, name or distinguished name."""
        project = self.project(resource="member", action="create")
        values = self.read(MemberInput, name="project_member")
        person, group = values["member_user"], values["member_group"]
        member = member_add(
            actor=self.actor,
            project_id=project.pk,
            role=values["role_id"],
            user_id=person.get("user_id") or None,
            username=person.get("username") or None,
            group_id=group.get("id") or None,
            group_name=group.get("group_name", ""),
            group_type=group.get("group_type", 0),
            ldap_group_dn=group.get("ldap_group_dn", ""),
            pull_patterns=values["pull_patterns"],
            push_patterns=values["push_patterns"],
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
        """Change the role, and the patterns where they are given."""
        project = self.project(resource="member", action="update")
        values = self.read(RoleInput, name="role")
        pull, push = values["pull_patterns"], values["push_patterns"]
        # Harbor's clients send a role and nothing else; patterns alone leave the role.
        only_patterns = not values["role_id"] and (pull is not None or push is not None)
        member_update(
            actor=self.actor,
            project_id=project.pk,
            member_id=self.path_int("mid"),
            role=None if only_patterns else values["role_id"],
            pull_patterns=pull,
            push_patterns=push,
        )
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Take a member out."""
        project = self.project(resource="member", action="delete")
        member_delete(actor=self.actor, project_id=project.pk, member_id=self.path_int("mid"))
        return Response()
