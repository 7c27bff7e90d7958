"""What answers look like on the wire, as Harbor's generated code writes them.

Scalars of zero value (0, "", false) and empty objects are left out unless a shape names them in ``keep``; empty
lists are ``null`` unless named in ``lists``; times are UTC with milliseconds and "never" is the year 1.
Inputs take ``null`` and absence as the zero value, and ignore what they do not know.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

NEVER = "0001-01-01T00:00:00.000Z"


class Shape(serializers.Serializer[Any]):
    """An answer (or a part of one) that leaves out what Harbor leaves out."""

    keep: ClassVar[frozenset[str]] = frozenset()
    lists: ClassVar[frozenset[str]] = frozenset()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The instance as a dictionary."""
        shown: dict[str, Any] = {}
        for name, value in super().to_representation(instance).items():
            if isinstance(value, list):
                shown[name] = value if value or name in self.lists else None
            elif name in self.keep or not _is_zero(value):
                shown[name] = value
        return shown


def _is_zero(value: Any) -> bool:
    return value is None or value is False or value in ("", 0) or value == {}


@extend_schema_field(OpenApiTypes.DATETIME)
class TimeField(serializers.Field[datetime | None, str, str, Any]):
    """A time of an answer; None is "never"."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def get_attribute(self, instance: Any) -> Any:
        """None must reach :meth:`to_representation`, which DRF would skip for a plain None."""
        value = super().get_attribute(instance)
        return NEVER if value is None else value

    def to_representation(self, value: Any) -> str:
        """``2006-01-02T15:04:05.000Z``."""
        if isinstance(value, str):
            return value
        moment: datetime = value.astimezone(UTC)
        return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


class OptionalTimeField(TimeField):
    """A time that is left out when there is none."""

    def get_attribute(self, instance: Any) -> Any:
        """The empty text is what a shape leaves out."""
        value = super().get_attribute(instance)
        return "" if value == NEVER else value


class Input(serializers.Serializer[Any]):
    """The body of a request: ``null`` is the same as absence."""

    def to_internal_value(self, data: Any) -> Any:
        """The checked values, with the defaults of what is absent."""
        if isinstance(data, Mapping):
            data = {name: value for name, value in data.items() if value is not None}
        return super().to_internal_value(data)


def text(max_length: int | None = None, *, default: str | None = "") -> serializers.CharField:
    """A string of an input, kept as it came; ``default`` (None for "leave as it is") if it is absent."""
    return serializers.CharField(
        required=False, allow_blank=True, default=default, trim_whitespace=False, max_length=max_length
    )


def integer(*, default: int | None = 0) -> serializers.IntegerField:
    """A 64-bit number of an input; ``default`` if it is absent."""
    return serializers.IntegerField(required=False, default=default, min_value=-(2**63), max_value=2**63 - 1)


def flag(*, default: bool | None = False) -> serializers.BooleanField:
    """A boolean of an input; ``default`` if it is absent."""
    return serializers.BooleanField(required=False, default=default)
