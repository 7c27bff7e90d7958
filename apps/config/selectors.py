"""The settings as they are now."""

import json

from apps.common.caches import StampedCache
from apps.config.models import Setting
from apps.config.types import SystemSettings

STAMP = "settings"
_settings: StampedCache[SystemSettings] = StampedCache(max_entries=1, max_age=10)


def system_settings() -> SystemSettings:
    """Every setting; no SQL when warm, and a change is seen by every process at once."""
    return _settings.get("all", (STAMP,), _load) or SystemSettings()


def _load() -> SystemSettings:
    rows = Setting.objects.values_list("name", "value")
    return SystemSettings(**{name: json.loads(value) for name, value in rows})
