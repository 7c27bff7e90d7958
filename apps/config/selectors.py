"""The settings as they are now: what the environment fixes, else what was changed, else the defaults."""

import json
import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from pydantic import ValidationError

from apps.common.caches import StampedCache
from apps.common.encryption import UndecipherableError, decrypt
from apps.config.models import Setting
from apps.config.types import SystemSettings, overwrite_parse, secret_settings

logger = logging.getLogger(__name__)

SETTINGS_STAMP = "settings"
_settings: StampedCache[SystemSettings] = StampedCache(max_entries=1, max_age=10)


def system_settings() -> SystemSettings:
    """Every setting; no SQL when warm, and a change is seen by every process at once."""
    return _settings.get("all", (SETTINGS_STAMP,), settings_load) or SystemSettings()


def settings_load() -> SystemSettings:
    """Every setting, from the database: for those who are about to change some."""
    values: dict[str, Any] = {}
    for name, stored in Setting.objects.values_list("name", "value"):
        try:
            values[name] = (
                decrypt(stored, purpose=secret_purpose(name))
                if name in secret_settings()
                else json.loads(stored)
            )
        except (UndecipherableError, json.JSONDecodeError):
            logger.exception("the setting %s cannot be read and has its default", name)
    values |= overwrites()
    try:
        return SystemSettings.model_validate(values)
    except ValidationError as error:
        # Another release may have had other bounds; one setting that is off must not stop every pull.
        wrong = {str(problem["loc"][0]) for problem in error.errors(include_input=False, include_url=False)}
        logger.exception("settings with values that cannot be used have their defaults: %s", sorted(wrong))
        return SystemSettings.model_validate(
            {name: value for name, value in values.items() if name not in wrong}
        )


@cache
def overwrites() -> Mapping[str, Any]:
    """What ``CONFIG_OVERWRITE_JSON`` fixes. While it is set nothing can be changed by the API."""
    return overwrite_parse(settings.HARBOR.config_overwrite_json)


def is_read_only() -> bool:
    """Whether the environment has the settings."""
    return bool(settings.HARBOR.config_overwrite_json)


def secret_purpose(name: str) -> str:
    """What the stored text of a secret setting is bound to."""
    return f"setting:{name}"
