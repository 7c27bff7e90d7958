"""The history of a repository's tags, and the repository as it was; beyond Harbor. Both outlive the repository."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import LISTED
from apps.api.repositories import RepositoryScopedView
from apps.api.shapes import Input, Shape, TimeField, flag, text
from apps.api.views import ListRules
from apps.artifacts.models import TagMove
from apps.artifacts.selectors import history_action, tag_move_list
from apps.artifacts.services.expiry import moment_read
from apps.artifacts.services.rewinds import repository_rewind
from apps.common.query import QueryField, read_int, read_time
from apps.oci.references import check_repository_name

TAG_MOVES = ListRules(
    order=("-at", "-id"),
    fields={
        "id": QueryField("id", read_int),
        "tag": QueryField("tag"),
        "operator": QueryField("operator"),
        "reason": QueryField("reason"),
        "at": QueryField("at", read_time),
    },
)


class TagMoveShape(Shape):
    """Context ``with_address``: whether the caller may know where it was done from."""

    id = serializers.IntegerField()
    tag = serializers.CharField()
    operation = serializers.SerializerMethodField()
    previous_digest = serializers.CharField()
    digest = serializers.CharField()
    operator = serializers.CharField()
    reason = serializers.CharField()
    address = serializers.SerializerMethodField()
    at = TimeField()

    def get_operation(self, move: TagMove) -> str:
        """``create``, ``move`` or ``delete``."""
        if not move.digest:
            return "delete"
        return "move" if move.previous_digest else "create"

    def get_address(self, move: TagMove) -> str:
        """As in the audit log, and for those who may read that."""
        return move.address if self.context["with_address"] else ""


class TagHistoryView(RepositoryScopedView):
    """``…/tag-history``."""

    asks: ClassVar = {"get": LISTED}
    answers = {"get": [TagMoveShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """Each move of each tag, the newest first."""
        action = history_action(self.actor)
        name = self.repository_name(resource="tag", action=action)
        project = self.project(resource="tag", action=action, repository=self.repository_path)
        with_address = self.actor.can_project(
            project.pk, public=project.public, resource="log", action="list"
        )
        return self.list_response(
            tag_move_list(project_id=project.pk, repository_name=name),
            TAG_MOVES,
            TagMoveShape,
            batch=lambda _: {"with_address": with_address},
        )


class RewindInput(Input):
    time = text()
    dry_run = flag()


class TagThenShape(Shape):
    tag = serializers.CharField()
    digest = serializers.CharField()
    previous_digest = serializers.CharField()
    action = serializers.CharField()


class RewindShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"dry_run"})
    lists: ClassVar[frozenset[str]] = frozenset({"tags"})

    repository_name = serializers.CharField()
    time = TimeField()
    dry_run = serializers.BooleanField()
    tags = TagThenShape(many=True)


class RepositoryRestoreView(RepositoryScopedView):
    """``…/restore``."""

    takes = {"post": RewindInput}
    answers = {"post": RewindShape}
    statuses = {"post": 200}

    def post(self, _request: Request, **_: Any) -> Response:
        """Move every tag to where it was at a time, or say what that would mean."""
        name = check_repository_name(self.repository_name(resource="artifact", action="delete"))
        project = self.project(resource="artifact", action="delete", repository=self.repository_path)
        values = self.read(RewindInput, name="restore")
        time = moment_read(values["time"], name="time")
        tags = repository_rewind(
            actor=self.actor,
            project=project.ref,
            repository_name=name,
            time=time,
            dry_run=values["dry_run"],
        )
        answer = {"repository_name": name, "time": time, "dry_run": values["dry_run"], "tags": tags}
        return Response(RewindShape(answer).data)
