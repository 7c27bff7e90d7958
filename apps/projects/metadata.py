"""The switches of a project: which keys there are and what each may say (all values are text)."""

from collections.abc import Callable, Mapping

from apps.common.errors import BadRequestError

PUBLIC = "public"
_BOOLEANS = {"true": "true", "false": "false", "1": "true", "0": "false", "t": "true", "f": "false"}
_SEVERITIES = ("none", "low", "medium", "high", "critical")
_MAX_VALUE = 255


def _boolean(value: str) -> str | None:
    return _BOOLEANS.get(value.lower())


def _severity(value: str) -> str | None:
    return value.lower() if value.lower() in _SEVERITIES else None


def _integer(value: str) -> str | None:
    digits = value.removeprefix("-")
    return value if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _text(value: str) -> str | None:
    return value if len(value) <= _MAX_VALUE and value.isprintable() else None


_KEYS: dict[str, Callable[[str], str | None]] = {
    PUBLIC: _boolean,
    "enable_content_trust": _boolean,
    "enable_content_trust_cosign": _boolean,
    "prevent_vul": _boolean,
    "severity": _severity,
    "auto_scan": _boolean,
    "auto_sbom_generation": _boolean,
    "reuse_sys_cve_allowlist": _boolean,
    "retention_id": _integer,
    "proxy_speed_kb": _integer,
    "max_upstream_conn": _integer,
    "proxy_cache_local_on_not_found": _boolean,
    "proxy_referrer_api": _boolean,
    "proxy_cache_filter_pattern": _text,
    "proxy_cache_filter_kind": _text,
}


def metadata_names() -> tuple[str, ...]:
    """Every switch that there is."""
    return tuple(_KEYS)


def is_metadata(name: str) -> bool:
    """Whether there is such a switch."""
    return name in _KEYS


def metadata_clean(values: Mapping[str, str]) -> dict[str, str]:
    """The values as stored; raises :class:`BadRequestError` for an unknown key or a value it cannot have."""
    clean = {}
    for name, value in values.items():
        if name not in _KEYS:
            raise BadRequestError(f"there is no project metadata {name}")
        stored = _KEYS[name](value)
        if stored is None:
            raise BadRequestError(f"the value of project metadata {name} is not valid")
        clean[name] = stored
    return clean
