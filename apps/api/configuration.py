"""The settings of the installation: ``/configurations`` and ``/internalconfig``."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.configuration import ConfigurationItem, configuration_list, configuration_update
from apps.api.shapes import Input, Shape, flag, integer, text
from apps.api.views import HarborView
from apps.audit.types import EVENT_TYPES
from apps.common.errors import BadRequestError, ForbiddenError
from apps.config.types import SystemSettings, kind_of

_INTEGERS = {"Int", "Int64", "Quota", "LdapScope"}
_OLD_POLICY = "scan_all_policy"
_EVENT_TYPES = "disabled_audit_log_event_types"


class TextItemShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"value", "editable"})

    value: serializers.Field[Any, Any, Any, Any] = serializers.CharField()
    editable = serializers.BooleanField()


class NumberItemShape(TextItemShape):
    value = serializers.IntegerField()


class FlagItemShape(TextItemShape):
    value = serializers.BooleanField()


class DailyTimeShape(Shape):
    daily_time = serializers.IntegerField()


class ScanAllPolicyShape(Shape):
    type = serializers.CharField()
    parameter = DailyTimeShape()


def _item_shape(name: str) -> Shape:
    if name == _OLD_POLICY:
        return ScanAllPolicyShape(required=False)
    match kind_of(name).name:
        case "Bool":
            return FlagItemShape(required=False)
        case kind if kind in _INTEGERS:
            return NumberItemShape(required=False)
        case _:
            return TextItemShape(required=False)


class ConfigurationsShape(Shape):
    """Items by key; what the instance does not have, secrets among it, is not there."""

    def get_fields(self) -> dict[str, Any]:
        """One for each setting that is no password."""
        return {
            name: _item_shape(name)
            for name in SystemSettings.model_fields
            if kind_of(name).name != "Password"
        }


class AnyItemShape(TextItemShape):
    value = serializers.JSONField()


class InternalConfigurationsShape(Shape):
    """Items by key, all of the same shape."""

    def get_fields(self) -> dict[str, Any]:
        """One for each setting; secrets are not in the instance."""
        return {name: AnyItemShape(required=False) for name in SystemSettings.model_fields}


def _input_field(name: str) -> serializers.Field[Any, Any, Any, Any]:
    match kind_of(name).name:
        case "Bool":
            return flag(default=None)
        case kind if kind in _INTEGERS:
            return integer(default=None)
        case _:
            return text(default=None)


class ConfigurationsInput(Input):
    """Settings by key, flat. The service checks them, more strictly than fields of this kind would."""

    def get_fields(self) -> dict[str, Any]:
        """One for each setting but the policy of older releases, which only the answer has."""
        return {name: _input_field(name) for name in SystemSettings.model_fields if name != _OLD_POLICY}

    def to_internal_value(self, data: Any) -> Any:
        """What is given, as it came."""
        if not isinstance(data, Mapping):
            raise BadRequestError("the configurations must be an object of settings by name")
        given = {name: value for name, value in data.items() if name in self.fields and value is not None}
        _check_event_types(given.get(_EVENT_TYPES))
        return given


def _check_event_types(value: Any) -> None:
    """A misspelt event type would go on being logged, or so it would be believed."""
    if isinstance(value, str):
        unknown = {name.strip() for name in value.split(",") if name.strip()}.difference(EVENT_TYPES)
        if unknown:
            raise BadRequestError(f"{_EVENT_TYPES}: there is no event type {min(unknown)}")


class ConfigurationsView(HarborView):
    """``/configurations``."""

    takes = {"put": ConfigurationsInput}
    dangerous = frozenset({"put"})
    answers = {"get": ConfigurationsShape}

    def get(self, _request: Request) -> Response:
        """Every setting but the secrets, and whether it can be changed."""
        shown: dict[str, Any] = {}
        for name, item in configuration_list(actor=self.actor).items():
            if name == _OLD_POLICY:
                # Harbor shows it bare, and only where one was kept.
                shown |= {name: item.value} if item.value else {}
            else:
                shown[name] = {"value": _shown(name, item), "editable": item.editable}
        return Response(ConfigurationsShape(shown).data)

    def put(self, _request: Request) -> Response:
        """Change those that are given."""
        configuration_update(actor=self.actor, changes=self.read(ConfigurationsInput, name="configurations"))
        return Response()


class InternalConfigView(HarborView):
    """``/internalconfig``: in Harbor for its own components, which here have no need to ask."""

    answers = {"get": InternalConfigurationsShape}

    def get(self, _request: Request) -> Response:
        """Every setting but the secrets, for system administrators."""
        items = configuration_list(actor=self.actor)
        if not self.actor.is_system_admin:
            raise ForbiddenError("only a system administrator can do this")
        shown = {
            name: {"value": _shown(name, item), "editable": item.editable} for name, item in items.items()
        }
        return Response(InternalConfigurationsShape(shown).data)


def _shown(name: str, item: ConfigurationItem) -> Any:
    return json.dumps(item.value) if kind_of(name).is_json else item.value
