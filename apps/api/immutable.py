"""Immutable rules of a project: ``/projects/{project}/immutabletagrules``."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import LISTED
from apps.api.shapes import Input, Shape, flag, integer, text
from apps.api.views import HarborView, ListRules
from apps.common.errors import BadRequestError
from apps.common.query import QueryField, read_bool, read_int
from apps.immutability.models import ImmutableRule
from apps.immutability.selectors import immutable_rule_list
from apps.immutability.services import (
    immutable_rule_create,
    immutable_rule_delete,
    immutable_rule_update,
)
from apps.immutability.types import ACTION, TEMPLATE

RULES = ListRules(
    order=("id",),
    fields={
        "id": QueryField("id", read_int),
        "disabled": QueryField("disabled", read_bool),
        "priority": QueryField("priority", read_int),
    },
)


_NO_USE = frozenset({"id", "action", "template", "params"})


class SelectorShape(Shape):
    kind = serializers.CharField()
    decoration = serializers.CharField()
    pattern = serializers.CharField()
    extras = serializers.CharField(default="")


class ImmutableRuleShape(Shape):
    id = serializers.IntegerField()
    priority = serializers.IntegerField()
    disabled = serializers.BooleanField()
    action = serializers.SerializerMethodField()
    template = serializers.SerializerMethodField()
    params = serializers.SerializerMethodField()
    tag_selectors = SelectorShape(many=True)
    scope_selectors = serializers.DictField(child=SelectorShape(many=True))

    def get_action(self, _rule: ImmutableRule) -> str:
        """The only one there is."""
        return ACTION

    def get_params(self, _rule: ImmutableRule) -> dict[str, dict[str, Any]]:
        """Empty, and so left out: the template has none."""
        return {}

    def get_template(self, _rule: ImmutableRule) -> str:
        """The only one there is."""
        return TEMPLATE


class SelectorInput(Input):
    kind = text()
    decoration = text()
    pattern = text()
    extras = text()


class ImmutableRuleInput(Input):
    """What the selectors say is the app's to check. ``id`` and ``params`` are taken and have no use, as in Harbor."""

    id = integer()
    priority = integer()
    disabled = flag()
    action = text()
    template = text()
    params = serializers.DictField(child=serializers.DictField(), required=False, default=dict)
    tag_selectors = SelectorInput(many=True, required=False, default=list)
    scope_selectors = serializers.DictField(child=SelectorInput(many=True), required=False, default=dict)

    def validate_action(self, value: str) -> str:
        """Nothing else is done to a tag here."""
        if value not in ("", ACTION):
            raise BadRequestError(f"the action of an immutable rule is {ACTION}")
        return value

    def validate_template(self, value: str) -> str:
        """Nothing else is known."""
        if value not in ("", TEMPLATE):
            raise BadRequestError(f"the template of an immutable rule is {TEMPLATE}")
        return value


class _RulesBase(HarborView):
    def values(self) -> dict[str, Any]:
        """The rule of the request, as the services take it."""
        values = self.read(ImmutableRuleInput, name="ImmutableRule")
        return {name: value for name, value in values.items() if name not in _NO_USE}


class ImmutableRulesView(_RulesBase):
    """``/projects/{project_name_or_id}/immutabletagrules``."""

    asks = {"get": LISTED}
    takes = {"post": ImmutableRuleInput}
    answers = {"get": [ImmutableRuleShape]}

    def get(self, _request: Request, **_: Any) -> Response:
        """The rules of the project."""
        project = self.project(resource="immutable-tag", action="list")
        rows = immutable_rule_list(actor=self.actor, project=project)
        return self.list_response(rows, RULES, ImmutableRuleShape)

    def post(self, _request: Request, **_: Any) -> Response:
        """A new rule."""
        project = self.project(resource="immutable-tag", action="create")
        return self.created(immutable_rule_create(actor=self.actor, project=project, **self.values()).pk)


class ImmutableRuleView(_RulesBase):
    """``/projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}``."""

    takes = {"put": ImmutableRuleInput}

    def put(self, _request: Request, **_: Any) -> Response:
        """Replace the rule."""
        project = self.project(resource="immutable-tag", action="update")
        rule_id = self.path_int("immutable_rule_id")
        immutable_rule_update(actor=self.actor, project=project, rule_id=rule_id, **self.values())
        return Response()

    def delete(self, _request: Request, **_: Any) -> Response:
        """Delete the rule."""
        project = self.project(resource="immutable-tag", action="delete")
        rule_id = self.path_int("immutable_rule_id")
        immutable_rule_delete(actor=self.actor, project=project, rule_id=rule_id)
        return Response()
