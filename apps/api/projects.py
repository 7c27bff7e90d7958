"""Projects: ``/projects``."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.security import SecurityContext
from apps.api.allowlists import CVEAllowlistInput, CVEAllowlistShape, allowlist_given, allowlist_shown
from apps.api.metadata import MetadataShape
from apps.api.parameters import IN_LOCATION, LISTED, Parameter, flag_asked, text_asked
from apps.api.shapes import Input, Shape, TimeField, flag, integer, text
from apps.api.views import HarborView, ListRules
from apps.catalog.projects import project_deletable, project_summary, repository_counts
from apps.common.errors import BadRequestError, NotFoundError, UnprocessableError
from apps.common.query import QueryField, read_bool, read_int, read_time
from apps.projects.allowlists import Allowlist, allowlist_of
from apps.projects.models import Project
from apps.projects.roles import ROLE_RANK
from apps.projects.selectors import metadata_of, project_find, projects_visible_to, roles_of
from apps.projects.services import project_create, project_delete, project_update
from apps.projects.types import Membership, Role

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

_PUBLIC = Parameter(name="public", kind="boolean", description="Only public projects, or only private ones.")
_WITH_DETAIL = flag_asked(
    "with_detail", default=True, description="Whether with owner, metadata and allowlist."
)
_SUMMARY_COUNTS = {
    "project_admin_count": Role.PROJECT_ADMIN,
    "maintainer_count": Role.MAINTAINER,
    "developer_count": Role.DEVELOPER,
    "guest_count": Role.GUEST,
    "limited_guest_count": Role.LIMITED_GUEST,
}


@extend_schema_field(MetadataShape)
class MetadataField(serializers.DictField):
    """The switches of an input; empty values are as good as absent ones."""

    child = serializers.CharField(allow_blank=True, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Those that say something."""
        return {name: value for name, value in super().to_internal_value(data).items() if value}


class ProjectShape(Shape):
    """Context: ``repo_counts`` by project id, ``roles``, the caller's by project id, and ``brief`` for less."""

    keep: ClassVar[frozenset[str]] = frozenset({"repo_count"})
    details: ClassVar[tuple[str, ...]] = ("owner_name", "metadata", "cve_allowlist")

    project_id = serializers.IntegerField(source="id")
    owner_id = serializers.IntegerField()
    name = serializers.CharField()
    creation_time = TimeField()
    update_time = TimeField()
    owner_name = serializers.CharField(source="owner.username")
    current_user_role_id = serializers.SerializerMethodField()
    current_user_role_ids = serializers.SerializerMethodField()
    repo_count = serializers.SerializerMethodField()
    registry_id = serializers.SerializerMethodField()
    deleted = serializers.SerializerMethodField()
    togglable = serializers.SerializerMethodField()
    metadata = serializers.SerializerMethodField()
    cve_allowlist = serializers.SerializerMethodField()

    def to_representation(self, instance: Project) -> dict[str, Any]:
        """As Harbor, which leaves the details out of a list that is asked for without."""
        shown = super().to_representation(instance)
        if self.context.get("brief"):
            return {name: value for name, value in shown.items() if name not in self.details}
        return shown

    def get_current_user_role_id(self, project: Project) -> int:
        """The caller's highest role; 0 for none."""
        roles = self._roles(project)
        return next((role.value for role in ROLE_RANK if role in roles), 0)

    def get_current_user_role_ids(self, project: Project) -> list[int]:
        """All of the caller's roles."""
        return [role.value for role in dict.fromkeys(self._roles(project))]

    def get_repo_count(self, project: Project) -> int:
        """Repositories that something was pushed to."""
        counts: dict[int, int] = self.context["repo_counts"]
        return counts.get(project.pk, 0)

    def get_registry_id(self, _project: Project) -> int:
        """The registry that a proxy cache stands before: there are none yet."""
        return 0

    def get_deleted(self, _project: Project) -> bool:
        """What is deleted is gone."""
        return False

    def get_togglable(self, _project: Project) -> bool:
        """Nobody sets it any more, in Harbor neither."""
        return False

    @extend_schema_field(MetadataShape)
    def get_metadata(self, project: Project) -> dict[str, str]:
        """The switches, ``public`` among them; all values are text."""
        return metadata_of(project)

    @extend_schema_field(CVEAllowlistShape)
    def get_cve_allowlist(self, project: Project) -> dict[str, Any]:
        """The project's own list, whether or not it goes by the installation's."""
        return allowlist_shown(allowlist_of(project), project_id=project.pk)

    def _roles(self, project: Project) -> tuple[Role, ...]:
        memberships: tuple[Membership, ...] = self.context["roles"].get(project.pk, ())
        return tuple(membership.role for membership in memberships)


class ProjectInput(Input):
    project_name = text(255)
    public = flag(default=None)
    metadata = MetadataField(required=False, default=dict)
    cve_allowlist = CVEAllowlistInput(required=False, default=None)
    storage_limit = integer(default=None)
    registry_id = integer(default=None)

    def validate_registry_id(self, value: int | None) -> int | None:
        """Refuse what would be lost."""
        if value:
            raise BadRequestError("proxy cache projects are not supported yet")
        return value


class ProjectsView(HarborView):
    """``/projects``."""

    asks = {
        "get": (
            *LISTED,
            text_asked("name", description="Part of a project's name."),
            _PUBLIC,
            text_asked("owner", description="The name of the owner."),
            _WITH_DETAIL,
        ),
        "head": (text_asked("project_name", required=True),),
        "post": (IN_LOCATION,),
    }
    takes = {"post": ProjectInput}
    answers = {"get": [ProjectShape]}

    def get(self, request: Request) -> Response:
        """The projects that the caller may see; public ones for an anonymous caller."""
        rows = (
            projects_visible_to(actor=self.actor).select_related("cve_allowlist").prefetch_related("metadata")
        )
        brief = not self.query_flag(_WITH_DETAIL)
        return self.list_response(
            self._filter(request, rows),
            PROJECTS,
            ProjectShape,
            batch=lambda projects: shape_context(self.actor, projects) | {"brief": brief},
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
            allowlist=_allowlist(values, project_id=0),
        )
        by_name = request.headers.get("X-Resource-Name-In-Location", "").lower() in {"true", "1"}
        return self.created(project.name if by_name else project.pk)

    def _filter(self, request: Request, rows: QuerySet[Project]) -> QuerySet[Project]:
        """The parameters that this list has besides ``q``."""
        if name := request.query_params.get("name"):
            rows = rows.filter(name__icontains=name)
        if owner := request.query_params.get("owner"):
            rows = rows.filter(owner__username=owner)
        if (public := self.query_flag(_PUBLIC)) is not None:
            rows = rows.filter(public=public)
        return rows


def shape_context(actor: SecurityContext, projects: Sequence[Project]) -> dict[str, Any]:
    """The context of :class:`ProjectShape`, in one statement and one look into a cache."""
    person = actor.principal.person if actor.principal is not None else None
    return {
        "repo_counts": repository_counts([project.pk for project in projects]),
        "roles": roles_of(person) if person is not None else {},
    }


class ProjectView(HarborView):
    """``/projects/{project_name_or_id}``."""

    takes = {"put": ProjectInput}
    answers = {"get": ProjectShape}
    dangerous = frozenset({"delete"})

    def get(self, _request: Request, **_: Any) -> Response:
        """One project."""
        project = self.project(resource="", action="read")
        return Response(ProjectShape(project, context=shape_context(self.actor, [project])).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Change visibility and switches."""
        project = self.project(resource="", action="update")
        values = self.read(ProjectInput, name="project")
        project_update(
            actor=self.actor,
            project_id=project.pk,
            public=values["public"],
            metadata=values["metadata"],
            allowlist=_allowlist(values, project_id=project.pk),
        )
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete a project that has no repositories."""
        project = self.project(resource="", action="delete")
        project_delete(actor=self.actor, project_id=project.pk)
        return Response()


def _allowlist(values: dict[str, Any], *, project_id: int) -> Allowlist | None:
    """The list of an input, if it has one; it may name the project, but no other."""
    given = values["cve_allowlist"]
    if given is None:
        return None
    named = given["project_id"] or project_id
    if project_id and named != project_id:
        raise BadRequestError(f"project_id in cve_allowlist must be {project_id} but it is {named}")
    return allowlist_given(given)


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


class BytesShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"storage"})

    storage = serializers.IntegerField()


class SummaryQuotaShape(Shape):
    """Bytes."""

    hard = BytesShape()
    used = BytesShape()


class CredentialShape(Shape):
    type = serializers.CharField()
    access_key = serializers.CharField()
    access_secret = serializers.CharField()


class RegistryShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"id"})

    id = serializers.IntegerField()
    url = serializers.CharField()
    name = serializers.CharField()
    credential = CredentialShape()
    type = serializers.CharField()
    insecure = serializers.BooleanField()
    ca_certificate = serializers.CharField()
    description = serializers.CharField()
    status = serializers.CharField()
    creation_time = TimeField()
    update_time = TimeField()


class SummaryShape(Shape):
    """A count for each role that has members; ``quota`` is left out for those who may not see it."""

    keep: ClassVar[frozenset[str]] = frozenset({"repo_count"})

    repo_count = serializers.IntegerField()
    project_admin_count = serializers.IntegerField()
    maintainer_count = serializers.IntegerField()
    developer_count = serializers.IntegerField()
    guest_count = serializers.IntegerField()
    limited_guest_count = serializers.IntegerField()
    quota = SummaryQuotaShape()
    # Of a proxy cache: there are none yet.
    registry = RegistryShape(required=False)


class SummaryView(HarborView):
    """``/projects/{project_name_or_id}/summary``."""

    answers = {"get": SummaryShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """Counts and quota of the project."""
        project = self.project(resource="", action="read")
        summary = project_summary(actor=self.actor, project=project)
        counts = {name: summary.members.get(role, 0) for name, role in _SUMMARY_COUNTS.items()}
        quota = summary.quota and {
            "hard": {"storage": summary.quota.hard},
            "used": {"storage": summary.quota.used},
        }
        return Response(SummaryShape({"repo_count": summary.repo_count, "quota": quota, **counts}).data)
