"""The settings as a page, as a JSON schema and as masked values, all from :class:`Configuration`."""

import re
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from pydantic.fields import FieldInfo

from apps.common.configuration import PREFIX, Configuration
from apps.common.sign_in_configuration import SignInConfiguration

MASK = "********"
_SECRET_SETTINGS = frozenset({"admin_password", "config_overwrite_json"})
_SECRET_PARAMETERS = re.compile(r"key|secret|token|password|passfile", re.IGNORECASE)

# What depends on the machine that makes the page.
_DEFAULTS = {"data_dir": "`data`, in the folder where it is started", "workers": "one a core, at most 4"}

_INTRODUCTION = """\
# Configuration

Made by `harbor-py config docs` from `apps/common/configuration.py`; a test keeps it current. Do not edit it.

What administrators change while it runs is in [settings.md](settings.md).
What is set before the process starts is set in three places. A later one wins:

1. one YAML file, named by `harbor-py up --config FILE` or `HARBOR_CONFIG`, with the names of the first column:

   ```yaml
   bind: 0.0.0.0:8080
   external_url: https://registry.example.com
   ```

2. the environment, with the names of the second column: `HARBOR_BIND=0.0.0.0:8080`;
3. the options of `harbor-py up`: `--data-dir`, `--bind`, `--workers`, `--tls-cert`, `--tls-key`.

A setting that is not on this page is refused by name, in the file and in the environment, so that a misspelt one is
not ignored. `harbor-py config check` says whether all is well, `harbor-py config show` prints what is in force with
secrets masked, `harbor-py config schema` prints a JSON schema for editors.

| Setting | Environment | Default | Meaning |
|---|---|---|---|
"""

_REDIS = """
## Redis with Sentinel

One setting is for all that Redis is used for, the broker of jobs and the stamps of caches:

```
HARBOR_REDIS_URL=redis+sentinel://:PASSWORD@sentinel-1:26379,sentinel-2:26379,sentinel-3:26379/mymaster/0
```

It is written as Harbor's: the sentinels, the name of the master that they watch, the number of the database (0 if left out).
Name and password before the `@` are Redis' own; where the sentinels have others, `?sentinel_username=…&sentinel_password=…`.
What is special in a name or password is percent-encoded. `sentinel://` is the same; there is no TLS to sentinels.

While no master answers, pulls go on without caches, and pushes and changes are told 503 and to try again. Jobs that run go on; what
was begun meanwhile begins afterwards. Nothing that counts is in Redis: a new master may have lost what the old one had taken last.
With three Redis servers or more, set `min-replicas-to-write 1` on them: an old master that is cut off from the others then takes
no changes any more. A node that still reaches it, and not the sentinels, goes on by what it knows for a minute at most.
"""


def page() -> str:
    """``docs/configuration.md``; the same on every machine."""
    # Those of the base class would come first.
    fields = sorted(
        Configuration.model_fields.items(), key=lambda item: item[0] in SignInConfiguration.model_fields
    )
    rows = [_row(name, field) for name, field in fields]
    return _INTRODUCTION + "".join(rows) + _REDIS


def _row(name: str, field: FieldInfo) -> str:
    meaning = field.description or ""
    if choices := _choices(field.annotation):
        meaning += f" One of {choices}."
    if limits := _limits(field):
        meaning += f" {limits}."
    cells = (f"`{name}`", f"`{PREFIX}{name.upper()}`", _default(name, field), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(name: str, field: FieldInfo) -> str:
    if name in _DEFAULTS:
        return _DEFAULTS[name]
    if field.default is None or field.default == "":
        return "—"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default}`"


def _choices(annotation: Any) -> str:
    values = [value for value in get_args(annotation) if isinstance(value, str)]
    return ", ".join(f"`{value}`" for value in values)


def _limits(field: FieldInfo) -> str:
    bounds = {type(item).__name__: item for item in field.metadata}
    low = getattr(bounds.get("Ge"), "ge", None)
    high = getattr(bounds.get("Le"), "le", None)
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"{low} or more" if low is not None else ""


def masked(configuration: Configuration) -> dict[str, object]:
    """Every setting's value in force, as YAML can write it, with passwords and keys replaced by asterisks."""
    return {name: _masked_value(name, getattr(configuration, name)) for name in Configuration.model_fields}


def _masked_value(name: str, value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if name in _SECRET_SETTINGS and value:
        return MASK
    if isinstance(value, str) and "://" in value:
        return _masked_url(value)
    return value


def _masked_url(url: str) -> str:
    parts = urlsplit(url)
    person, at, host = parts.netloc.rpartition("@")
    if at:
        name, colon, _ = person.partition(":")
        person = f"{name}{colon}{MASK if colon else ''}"
    query = urlencode(
        [
            (name, MASK if _SECRET_PARAMETERS.search(name) else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        safe="*/:",
        quote_via=quote,
    )
    return urlunsplit((parts.scheme, f"{person}{at}{host}", parts.path, query, parts.fragment))
