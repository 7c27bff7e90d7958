"""What the caller may do, and what robot accounts can be granted."""

import re
from collections.abc import Iterable
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import Parameter, text_asked
from apps.api.shapes import Shape
from apps.api.views import HarborView
from apps.common.errors import ForbiddenError, NotFoundError
from apps.projects.roles import (
    PROJECT_GRANTABLE,
    SYSTEM_GRANTABLE,
    SYSTEM_PERMISSIONS,
    Permission,
)
from apps.projects.selectors import permissions_in, project_get, roles_of
from apps.projects.types import Role

_PROJECT_SCOPE = re.compile(r"/project/(?P<id>[0-9]{1,18})\Z")
_SYSTEM_SCOPE = "/system"
_RELATIVE = Parameter(name="relative", kind="boolean", description="Leave the scope out of each resource.")


class PermissionShape(Shape):
    resource = serializers.CharField()
    action = serializers.CharField()


class CurrentPermissionsView(HarborView):
    """``/users/current/permissions``."""

    asks = {
        "get": (
            text_asked("scope", description="/system or /project/ID."),
            _RELATIVE,
        )
    }
    answers = {"get": [PermissionShape]}

    def get(self, request: Request) -> Response:
        """What the caller may do in a ``scope``; ``relative`` leaves the scope out of each resource."""
        self.require_signed_in()
        scope = request.query_params.get("scope", "").rstrip("/")
        permissions: Iterable[Permission] = ()
        if scope == _SYSTEM_SCOPE:
            permissions = [pair for pair in SYSTEM_PERMISSIONS if self.actor.can_system(*pair)]
        elif found := _PROJECT_SCOPE.match(scope):
            permissions = self._in_project(found["id"])
        prefix = "" if self.query_flag(_RELATIVE) else f"{scope}/"
        own = "." if self.query_flag(_RELATIVE) else scope
        rows = [
            {"resource": f"{prefix}{resource}" if resource else own, "action": action}
            for resource, action in permissions
        ]
        return Response(PermissionShape(rows, many=True).data)

    def _in_project(self, project_id: str) -> list[Permission]:
        """Nothing for a project that is not there: who may not see it learns nothing."""
        try:
            project = project_get(name_or_id=project_id)
        except NotFoundError:
            return []
        return sorted(permissions_in(actor=self.actor, project=project))


class GrantableShape(Shape):
    system = PermissionShape(many=True)
    project = PermissionShape(many=True)


class GrantableView(HarborView):
    """``/permissions``."""

    answers = {"get": GrantableShape}

    def get(self, _request: Request) -> Response:
        """What robot accounts can be granted, for those who can make some."""
        principal = self.require_signed_in().principal
        answer: dict[str, Any] = {}
        if self.actor.sees_everything:
            answer["system"] = _shown(SYSTEM_GRANTABLE)
        elif principal is None or principal.person is None or not _administers_any(principal.person):
            raise ForbiddenError("you do not have permission to do this")
        answer["project"] = _shown(PROJECT_GRANTABLE)
        return Response(answer)


def _administers_any(user_id: int) -> bool:
    return any(
        membership.role == Role.PROJECT_ADMIN
        for memberships in roles_of(user_id).values()
        for membership in memberships
    )


def _shown(permissions: Iterable[Permission]) -> list[dict[str, str]]:
    return [{"resource": resource, "action": action} for resource, action in permissions]
