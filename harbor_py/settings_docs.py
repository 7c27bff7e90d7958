"""The system settings as a page, from :class:`apps.config.types.SystemSettings`."""

import json
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from apps.config.types import SystemSettings, about, kind_of

_INTRODUCTION = """\
# System settings

Made by `harbor-py config docs settings` from `apps/config/types.py`; a test keeps it current. Do not edit it.

What an administrator changes while the system runs: Harbor's keys, types, defaults and bounds. A change is in force
in every process before it is answered. What is set before the start is in [configuration.md](configuration.md).

- `GET /api/v2.0/configurations` shows every setting as `{"KEY": {"value": …, "editable": …}}`;
  `PUT /api/v2.0/configurations` takes `{"KEY": value}` and changes those that are given, all of them or, if one is
  wrong (400), none. Both need the system's `configuration` permission. The audit log has the keys, never the values.
- Secrets are encrypted in the database under a key that is derived from the installation's secret key, and are never
  shown. If that key is lost they have to be set anew; a secret that cannot be read counts as not set.
- `CONFIG_OVERWRITE_JSON` in the environment, a JSON object of keys and values, fixes settings. While it is set no
  setting can be changed by the API (403). Its values are not written to the database: without it, what was kept
  before holds again.
- `auth_mode` can be changed as long as there is no user besides `admin`, `auth_sources` always: see [sign-in.md](sign-in.md).
- The group `beyond` is not in Harbor. The group `uaa` is kept and checked, and has no effect.

| Key | Type | Default | Group | Meaning |
|---|---|---|---|---|
"""


def settings_page() -> str:
    """``docs/settings.md``; the same on every machine."""
    return _INTRODUCTION + "".join(_row(name, field) for name, field in SystemSettings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    kind, purpose = kind_of(name), about(name)
    meaning = purpose.text + _bounds(field)
    if kind.is_secret:
        meaning += " Secret."
    cells = (f"`{name}`", kind.name, _default(field.default), purpose.group, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(value: Any) -> str:
    if isinstance(value, SecretStr) or value == "":
        return "—"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _bounds(field: FieldInfo) -> str:
    choices = [f"`{value}`" for value in get_args(field.annotation) if isinstance(value, str)]
    if choices:
        return f" One of {', '.join(choices)}."
    found = {type(item).__name__: item for item in field.metadata}
    if "Ge" in found and "Le" in found:
        return f" {found['Ge'].ge} to {found['Le'].le}."
    return ""
