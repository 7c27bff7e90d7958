"""Writes of settings, for :mod:`apps.accounts.configuration`, which authorises them."""

import json
from collections.abc import Iterable

from django.utils import timezone
from pydantic import SecretStr

from apps.common.encryption import encrypt
from apps.common.stamps import touch
from apps.config.models import Setting
from apps.config.selectors import SETTINGS_STAMP, secret_purpose, settings_load
from apps.config.types import SystemSettings


def settings_lock() -> SystemSettings:
    """The settings as they are, locked until the end of the transaction around."""
    list(Setting.objects.select_for_update().values_list("name"))
    # Read after the lock was got: what another transaction has added meanwhile is seen.
    return settings_load()


def settings_store(values: SystemSettings, *, names: Iterable[str]) -> None:
    """Keep these settings of ``values``, inside the transaction of the caller."""
    now = timezone.now()
    Setting.objects.bulk_create(
        [
            Setting(name=name, value=_stored(name, getattr(values, name)), update_time=now)
            for name in sorted(names)
        ],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["value", "update_time"],
    )
    touch(SETTINGS_STAMP)


def _stored(name: str, value: object) -> str:
    if isinstance(value, SecretStr):
        return encrypt(value.get_secret_value(), purpose=secret_purpose(name))
    return json.dumps(value)
