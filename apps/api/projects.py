"""Projects: ``/projects``."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.security import USER, SecurityContext
from apps.api.shapes import NEVER, Input, Shape, TimeField, flag, integer, text
from apps.api.views import HarborView, ListRules
from apps.catalog.projects import ProjectSummary, project_deletable, project_summary, repository_counts
from apps.common.errors import BadRequestError, NotFoundError, UnprocessableError
from apps.common.query import QueryField, read_bool, read_int, read_time
from apps.projects.models import Project
from apps.projects.roles import ROLE_RANK
from apps.projects.selectors import metadata_of, project_find, projects_visible_to, roles_of
from apps.projects.services import project_create, project_delete, project_update
from apps.projects.types import Role

PROJECTS = ListRules(
    order=("name", "id"),
    fields={
        "project_id": QueryField("id", read_int),
        "name": QueryField("name"),
        "public": QueryField("public", read_bool),
        "owner": QueryField("owner__username"),
        "owner_id": QueryField("owner_id", read_int),
        "creation_time": QueryField("creation_time", read_time),
        "update_time": QueryField("update_time", read_time),
    },
)

_SUMMARY_COUNTS = {
    "project_admin_count": Role.PROJECT_ADMIN,
    "maintainer_count": Role.MAINTAINER,
    "developer_count": Role.DEVELOPER,
    "guest_count": Role.GUEST,
    "limited_guest_count": Role.LIMITED_GUEST,
}


class ProjectShape(Shape):
    """Context: ``repo_counts`` by project id and ``roles``, the caller's by project id."""

    keep: ClassVar[frozenset[str]] = frozenset({"repo_count"})

    project_id = serializers.IntegerField(source="id")
    owner_id = serializers.IntegerField()
    name = serializers.CharField()
    creation_time = TimeField()
    update_time = TimeField()
    owner_name = serializers.CharField(source="owner.username")
    current_user_role_id = serializers.SerializerMethodField()
    current_user_role_ids = serializers.SerializerMethodField()
    repo_count = serializers.SerializerMethodField()
    metadata = serializers.SerializerMethodField()
    cve_allowlist = serializers.SerializerMethodField()

    def get_current_user_role_id(self, project: Project) -> int:
        """The caller's highest role; 0 for none."""
        roles = self._roles(project)
        return next((role.value for role in ROLE_RANK if role in roles), 0)

    def get_current_user_role_ids(self, project: Project) -> list[int]:
        """All of the caller's roles."""
        return [role.value for role in self._roles(project)]

    def get_repo_count(self, project: Project) -> int:
        """Repositories that something was pushed to."""
        counts: dict[int, int] = self.context["repo_counts"]
        return counts.get(project.pk, 0)

    def get_metadata(self, project: Project) -> dict[str, str]:
        """The switches, ``public`` among them; all values are text."""
        return metadata_of(project)

    def get_cve_allowlist(self, project: Project) -> dict[str, Any]:
        """Empty, in the shape that clients expect: there are no allowlists yet."""
        return {"project_id": project.pk, "items": [], "creation_time": NEVER, "update_time": NEVER}

    def _roles(self, project: Project) -> tuple[Role, ...]:
        role: Role | None = self.context["roles"].get(project.pk)
        return () if role is None else (role,)


class ProjectInput(Input):
    project_name = text(255)
    public = flag(default=None)
    metadata = serializers.DictField(
        child=serializers.CharField(allow_blank=True, allow_null=True), required=False, default=dict
    )
    cve_allowlist = serializers.DictField(required=False, default=dict)
    storage_limit = integer(default=None)
    registry_id = integer(default=None)

    def validate_metadata(self, values: dict[str, str | None]) -> dict[str, str]:
        """Empty values are as good as absent ones."""
        return {name: value for name, value in values.items() if value}

    def validate_cve_allowlist(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what would be lost: an allowlist that is not kept gives a false sense of safety."""
        if values.get("items"):
            raise BadRequestError("CVE allowlists are not supported yet")
        return values

    def validate_registry_id(self, value: int | None) -> int | None:
        """Refuse what would be lost."""
        if value:
            raise BadRequestError("proxy cache projects are not supported yet")
        return value


class ProjectsView(HarborView):
    """``/projects``."""

    takes = {"post": ProjectInput}
    answers = {"get": [ProjectShape]}

    def get(self, request: Request) -> Response:
        """The projects that the caller may see; public ones for an anonymous caller."""
        rows = projects_visible_to(actor=self.actor).prefetch_related("metadata")
        return self.list_response(
            self._filter(request, rows),
            PROJECTS,
            ProjectShape,
            batch=lambda projects: shape_context(self.actor, projects),
        )

    def head(self, request: Request) -> Response:
        """Whether there is a project of this name, for anybody who has signed in."""
        self.require_signed_in()
        if not (name := request.query_params.get("project_name", "")):
            raise UnprocessableError("project_name in query is required")
        if project_find(name) is None:
            raise NotFoundError(f"project {name} not found")
        return Response()

    def post(self, request: Request) -> Response:
        """A new project."""
        values = self.read(ProjectInput, name="project")
        project = project_create(
            actor=self.actor,
            name=values["project_name"],
            public=bool(values["public"]),
            storage_limit=values["storage_limit"],
            metadata=values["metadata"],
        )
        by_name = request.headers.get("X-Resource-Name-In-Location", "").lower() in {"true", "1"}
        return self.created(project.name if by_name else project.pk)

    def _filter(self, request: Request, rows: QuerySet[Project]) -> QuerySet[Project]:
        """The parameters that this list has besides ``q``."""
        if name := request.query_params.get("name"):
            rows = rows.filter(name__icontains=name)
        if owner := request.query_params.get("owner"):
            rows = rows.filter(owner__username=owner)
        if (public := self.query_flag("public", default=None)) is not None:
            rows = rows.filter(public=public)
        return rows


def shape_context(actor: SecurityContext, projects: Sequence[Project]) -> dict[str, Any]:
    """The context of :class:`ProjectShape`, in one statement and one look into a cache."""
    principal = actor.principal
    return {
        "repo_counts": repository_counts([project.pk for project in projects]),
        "roles": roles_of(principal.id) if principal is not None and principal.kind == USER else {},
    }


class ProjectView(HarborView):
    """``/projects/{project_name_or_id}``."""

    takes = {"put": ProjectInput}
    answers = {"get": ProjectShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One project."""
        project = self.project(resource="", action="read")
        return Response(ProjectShape(project, context=shape_context(self.actor, [project])).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Change visibility and switches."""
        project = self.project(resource="", action="update")
        values = self.read(ProjectInput, name="project")
        project_update(
            actor=self.actor, project_id=project.pk, public=values["public"], metadata=values["metadata"]
        )
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete a project that has no repositories."""
        project = self.project(resource="", action="delete")
        project_delete(actor=self.actor, project_id=project.pk)
        return Response()


class DeletableShape(Shape):
    deletable = serializers.BooleanField()
    message = serializers.CharField()


class DeletableView(HarborView):
    """``/projects/{project_name_or_id}/_deletable``."""

    answers = {"get": DeletableShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """Whether the project could be deleted now, and why not."""
        reason = project_deletable(self.project(resource="", action="delete"))
        return Response(DeletableShape({"deletable": not reason, "message": reason}).data)


class SummaryShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"repo_count"})

    repo_count = serializers.IntegerField()
    quota = serializers.SerializerMethodField()

    def to_representation(self, instance: ProjectSummary) -> dict[str, Any]:
        """With a count for each role that has members."""
        shown = super().to_representation(instance)
        counts = {name: instance.members.get(role, 0) for name, role in _SUMMARY_COUNTS.items()}
        return shown | {name: count for name, count in counts.items() if count}

    def get_quota(self, summary: ProjectSummary) -> dict[str, Any]:
        """Bytes; empty (and so left out) for those who may not see it."""
        if summary.quota is None:
            return {}
        return {"hard": {"storage": summary.quota.hard}, "used": {"storage": summary.quota.used}}


class SummaryView(HarborView):
    """``/projects/{project_name_or_id}/summary``."""

    answers = {"get": SummaryShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """Counts and quota of the project."""
        project = self.project(resource="", action="read")
        summary = project_summary(actor=self.actor, project=project)
        return Response(SummaryShape(summary).data)
