"""Repositories: ``/repositories`` and ``/projects/{project_name}/repositories``.

Names hold slashes. Clients encode them twice (``a%252Fb``), so that ``a%2Fb`` is left after the server's own
decoding; one that comes with plain slashes is understood too.
"""

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import unquote

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import LISTED
from apps.api.shapes import Input, Shape, TimeField, integer, text
from apps.api.views import HarborView, ListRules
from apps.artifacts.models import Repository
from apps.artifacts.selectors import repository_get, repository_list
from apps.artifacts.services.repositories import repository_delete, repository_update
from apps.artifacts.visibility import visible_repositories, visible_repositories_of
from apps.catalog.artifacts import artifact_counts
from apps.common.errors import BadRequestError
from apps.common.query import QueryField, read_int, read_time

REPOSITORIES = ListRules(
    order=("-creation_time", "-id"),
    fields={
        "repository_id": QueryField("id", read_int),
        "id": QueryField("id", read_int),
        "name": QueryField("name"),
        "project_id": QueryField("project_id", read_int),
        "description": QueryField("description"),
        "pull_count": QueryField("pull_count", read_int),
        "creation_time": QueryField("creation_time", read_time),
        "update_time": QueryField("update_time", read_time),
    },
)


class RepositoryShape(Shape):
    """Context ``artifact_counts``: by repository id."""

    keep: ClassVar[frozenset[str]] = frozenset({"artifact_count", "pull_count"})

    id = serializers.IntegerField()
    project_id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    artifact_count = serializers.SerializerMethodField()
    pull_count = serializers.IntegerField()
    creation_time = TimeField()
    update_time = TimeField()

    def get_artifact_count(self, repository: Repository) -> int:
        """Artifacts that the list of this repository shows."""
        counts: dict[int, int] = self.context["artifact_counts"]
        return counts.get(repository.pk, 0)


class RepositoryInput(Input):
    """Clients send back what they got; only the description (Markdown, for people) can be changed."""

    id = integer()
    project_id = integer()
    name = text()
    description = text()
    artifact_count = integer()
    pull_count = integer()
    creation_time = serializers.DateTimeField(required=False, read_only=True)
    update_time = serializers.DateTimeField(required=False, read_only=True)


def with_counts(repositories: Sequence[Repository]) -> dict[str, Any]:
    """The context that :class:`RepositoryShape` needs, in one statement."""
    return {"artifact_counts": artifact_counts(repositories)}


class RepositoryScopedView(HarborView):
    """Base of the views below ``/projects/{project_name}/repositories/{repository_name}``."""

    def repository_name(self, *, resource: str, action: str) -> str:
        """The full name, after a check that the caller may do this there."""
        name = self.repository_path
        project = self.project(resource=resource, action=action, repository=name)
        if "\x00" in name:
            raise BadRequestError("the repository name holds a NUL character")
        return f"{project.name}/{name}"

    @property
    def repository_path(self) -> str:
        """The name without the project, as the path has it."""
        return unquote(self.kwargs["repository_name"])


class AllRepositoriesView(HarborView):
    """``/repositories``."""

    asks: ClassVar = {"get": LISTED}
    answers = {"get": [RepositoryShape]}

    def get(self, _request: Request) -> Response:
        """The repositories of every project that the caller may see."""
        rows = visible_repositories(self.actor, Repository.objects.filter(listed=True))
        return self.list_response(rows, REPOSITORIES, RepositoryShape, batch=with_counts)


class RepositoriesView(HarborView):
    """``/projects/{project_name}/repositories``."""

    asks: ClassVar = {"get": LISTED}
    answers = {"get": [RepositoryShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The repositories of one project."""
        project = self.project(resource="repository", action="list")
        rows = visible_repositories_of(
            self.actor, repository_list([project.pk]), project_id=project.pk, public=project.public
        )
        return self.list_response(rows, REPOSITORIES, RepositoryShape, batch=with_counts)


class RepositoryView(RepositoryScopedView):
    """``/projects/{project_name}/repositories/{repository_name}``."""

    takes = {"put": RepositoryInput}
    answers = {"get": RepositoryShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """One repository."""
        repository = repository_get(self.repository_name(resource="repository", action="read"))
        return Response(RepositoryShape(repository, context=with_counts([repository])).data)

    def put(self, _request: Request, **_: Any) -> Response:
        """Change the description."""
        name = self.repository_name(resource="repository", action="update")
        values = self.read(RepositoryInput, name="repository")
        repository_update(actor=self.actor, repository_name=name, description=values["description"])
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete it with all that is in it."""
        name = self.repository_name(resource="repository", action="delete")
        repository_delete(actor=self.actor, repository_name=name)
        return Response()
