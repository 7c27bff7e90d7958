"""Search and statistics: ``/search`` and ``/statistics``."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import text_asked
from apps.api.projects import ProjectShape, shape_context
from apps.api.shapes import Shape
from apps.api.views import HarborView
from apps.artifacts.models import Repository
from apps.catalog.artifacts import artifact_counts
from apps.catalog.search import projects_search, repositories_search
from apps.catalog.statistics import statistics
from apps.common.errors import UnprocessableError


class FoundRepositoryShape(Shape):
    """Context ``artifact_counts``: by repository id."""

    project_id = serializers.IntegerField()
    project_name = serializers.CharField(source="project.name")
    project_public = serializers.BooleanField(source="project.public")
    repository_name = serializers.CharField(source="name")
    pull_count = serializers.IntegerField()
    artifact_count = serializers.SerializerMethodField()

    def get_artifact_count(self, repository: Repository) -> int:
        """Artifacts that the list of this repository shows."""
        counts: dict[int, int] = self.context["artifact_counts"]
        return counts.get(repository.pk, 0)


class SearchShape(Shape):
    lists: ClassVar[frozenset[str]] = frozenset({"project", "repository"})

    project = ProjectShape(many=True)
    repository = FoundRepositoryShape(many=True)


class SearchView(HarborView):
    """``GET /search``."""

    asks = {"get": [text_asked("q", required=True, description="Part of a name, or a whole digest.")]}
    answers = {"get": SearchShape}

    def get(self, request: Request) -> Response:
        """Projects and repositories by a part of their names, as far as the caller may see them; 100 of each."""
        if not (text := request.query_params.get("q", "")):
            raise UnprocessableError("q in query is required")
        projects = list(projects_search(actor=self.actor, text=text))
        repositories = list(repositories_search(actor=self.actor, text=text))
        counts = artifact_counts(repositories)
        context: dict[str, Any] = shape_context(self.actor, projects) | {"artifact_counts": counts}
        found = {"project": projects, "repository": repositories}
        return Response(SearchShape(found, context=context).data)


class StatisticShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset(
        {
            "private_project_count",
            "private_repo_count",
            "public_project_count",
            "public_repo_count",
            "total_project_count",
            "total_repo_count",
            "total_storage_consumption",
        }
    )

    private_project_count = serializers.IntegerField()
    private_repo_count = serializers.IntegerField()
    public_project_count = serializers.IntegerField()
    public_repo_count = serializers.IntegerField()
    total_project_count = serializers.IntegerField()
    total_repo_count = serializers.IntegerField()
    total_storage_consumption = serializers.IntegerField()


class StatisticsView(HarborView):
    """``GET /statistics``."""

    answers = {"get": StatisticShape}

    def get(self, _request: Request) -> Response:
        """Counts of what the caller may see; totals and bytes for those who see everything."""
        return Response(StatisticShape(statistics(actor=self.require_signed_in())).data)
