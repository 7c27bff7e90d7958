"""Robot accounts of both levels: ``/robots``."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.security import require_project
from apps.api.parameters import LISTED
from apps.api.shapes import Input, Shape, TimeField, flag, integer, text
from apps.api.views import HarborView, ListRules
from apps.common.errors import BadRequestError, NotFoundError
from apps.common.query import Condition, Form, QueryField, parse_query, read_bool, read_int, read_time
from apps.projects.selectors import project_get
from apps.robots.constants import PROJECT, SYSTEM
from apps.robots.models import Robot
from apps.robots.selectors import full_name, robot_get, robot_list
from apps.robots.services import robot_create, robot_delete, robot_secret_refresh, robot_update
from apps.robots.types import permissions_from_json

ROBOTS = ListRules(
    order=("name", "id"),
    fields={
        "id": QueryField("id", read_int),
        "name": QueryField("name"),
        "description": QueryField("description"),
        "disable": QueryField("disable", read_bool),
        "disabled": QueryField("disable", read_bool),
        "expires_at": QueryField("expires_at", read_int),
        "duration": QueryField("duration", read_int),
        "creator_type": QueryField("creator_type"),
        "creator_ref": QueryField("creator_ref", read_int),
        "creation_time": QueryField("creation_time", read_time),
        "update_time": QueryField("update_time", read_time),
    },
)


class AccessShape(Shape):
    resource = serializers.CharField()
    action = serializers.CharField()
    effect = serializers.CharField()


class RobotPermissionShape(Shape):
    """``repositories`` are patterns that narrow it to some repositories of the project."""

    kind = serializers.CharField()
    namespace = serializers.CharField()
    access = AccessShape(many=True)
    repositories = serializers.ListField(child=serializers.CharField())


@extend_schema_field(RobotPermissionShape(many=True))
class PermissionsField(serializers.JSONField):
    """Permissions as they are kept."""


@extend_schema_field(RobotPermissionShape(many=True))
class PermissionsInputField(serializers.ListField):
    """Permissions as a client sends them; :func:`permissions_from_json` reads them."""


class RobotShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"editable", "disable", "duration"})
    lists: ClassVar[frozenset[str]] = frozenset({"permissions"})

    id = serializers.IntegerField()
    name = serializers.SerializerMethodField()
    description = serializers.CharField()
    level = serializers.SerializerMethodField()
    duration = serializers.IntegerField()
    editable = serializers.SerializerMethodField()
    disable = serializers.BooleanField()
    expires_at = serializers.IntegerField()
    sources = serializers.SerializerMethodField()
    permissions = PermissionsField()
    creator_type = serializers.CharField()
    creator_ref = serializers.IntegerField()
    creation_time = TimeField()
    update_time = TimeField()

    def get_name(self, robot: Robot) -> str:
        """The name to sign in with."""
        return full_name(robot)

    def get_level(self, robot: Robot) -> str:
        """``system`` or ``project``."""
        return SYSTEM if robot.project_id is None else PROJECT

    def get_sources(self, robot: Robot) -> list[str] | None:
        """The networks that it may be used from; left out for anywhere."""
        return robot.sources or None

    def get_editable(self, _robot: Robot) -> bool:
        """Only robot accounts of Harbor's first version are not."""
        return True


class CreatedRobotShape(Shape):
    """The only answer with the secret, which is in the context."""

    id = serializers.IntegerField()
    name = serializers.SerializerMethodField()
    secret = serializers.SerializerMethodField()
    creation_time = TimeField()
    expires_at = serializers.IntegerField()

    def get_name(self, robot: Robot) -> str:
        """The name to sign in with."""
        return full_name(robot)

    def get_secret(self, _robot: Robot) -> str:
        """Shown once."""
        secret: str = self.context["secret"]
        return secret


class SecretShape(Shape):
    secret = serializers.CharField()


class RobotInput(Input):
    """``secret`` is taken and not used, as in Harbor: a new robot account always gets a random one."""

    name = text()
    description = text()
    secret = text()
    level = text()
    disable = flag()
    duration = integer(default=None)
    expires_at = integer()
    sources = serializers.ListField(required=False, default=list)
    permissions = PermissionsInputField(child=serializers.DictField(), required=False, default=list)


class RobotChangeInput(RobotInput):
    """A whole robot account, of which what cannot be changed is left alone."""

    id = integer()
    editable = flag()
    creator_type = text()
    creator_ref = integer()
    creation_time = text()
    update_time = text()
    expires_at = integer(default=None)
    sources = serializers.ListField(required=False, default=None)


class SecretInput(Input):
    secret = text()


class RobotsView(HarborView):
    """``/robots``."""

    asks = {"get": LISTED}
    takes = {"post": RobotInput}
    answers = {"get": [RobotShape], "post": CreatedRobotShape}

    def get(self, request: Request) -> Response:
        """Those of system level, or with ``q=Level=project,ProjectID=N`` those of one project."""
        conditions = parse_query(request.query_params.get("q", ""))
        return self.list_response(self._rows(conditions), ROBOTS, RobotShape)

    def post(self, _request: Request) -> Response:
        """A new robot account; the answer shows its secret."""
        values = self.read(RobotInput, name="robot")
        del values["secret"]
        values["permissions"] = permissions_from_json(values["permissions"])
        made = robot_create(actor=self.actor, **values)
        response = self.created(made.robot.pk)
        response.data = CreatedRobotShape(made.robot, context={"secret": made.secret}).data
        return response

    def _rows(self, conditions: tuple[Condition, ...]) -> QuerySet[Robot]:
        asked = {part.key: part.values[0] for part in conditions if part.form is Form.EQUAL}
        level = asked.get("level", SYSTEM)
        if level not in (SYSTEM, PROJECT):
            raise BadRequestError("the level of a robot account is system or project")
        if level == SYSTEM:
            return robot_list(actor=self.actor)
        if (project_id := read_int(asked.get("projectid", "0"))) < 1:
            raise BadRequestError("ProjectID is needed to list the robot accounts of a project")
        try:
            project = project_get(name_or_id=project_id)
        except NotFoundError:
            require_project(self.actor, 0, public=False, resource="robot", action="list")
            raise
        return robot_list(actor=self.actor, project=project.ref)


# What clients send back as they got it.
_UNCHANGEABLE = ("id", "secret", "editable", "creator_type", "creator_ref", "creation_time", "update_time")


class RobotView(HarborView):
    """``/robots/{robot_id}``."""

    takes = {"put": RobotChangeInput, "patch": SecretInput}
    answers = {"get": RobotShape, "patch": SecretShape}
    dangerous = frozenset({"patch"})

    def get(self, _request: Request, **_: Any) -> Response:
        """One robot account."""
        return Response(RobotShape(robot_get(actor=self.actor, robot_id=self.path_int("robot_id"))).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Change it; name and level stay."""
        values = self.read(RobotChangeInput, name="robot")
        for name in _UNCHANGEABLE:
            del values[name]
        values["permissions"] = permissions_from_json(values["permissions"])
        robot_update(actor=self.actor, robot_id=self.path_int("robot_id"), **values)
        return Response()

    def patch(self, _request: Request, **_: Any) -> Response:
        """A new secret: the given one, or without one a random one, which the answer shows."""
        values = self.read(SecretInput, name="robotSec")
        made = robot_secret_refresh(actor=self.actor, robot_id=self.path_int("robot_id"), **values)
        return Response(SecretShape({"secret": made}).data)

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete it."""
        robot_delete(actor=self.actor, robot_id=self.path_int("robot_id"))
        return Response()
