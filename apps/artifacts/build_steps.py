"""The layers of an artifact with the commands that made them, as the config of an image tells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.artifacts.contents import config_of
from apps.oci.manifests import Descriptor, Manifest

# What builders write before the command itself.
_PREFIXES = ("/bin/sh -c #(nop) ", "/bin/sh -c ")
_MOST_LINES = 1000
_TITLE = "org.opencontainers.image.title"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStep:
    """One line of the history. ``layer`` is None for a step that changed no file.

    A layer that no line tells of has a step without a command.
    """

    created: datetime | None = None
    command: str = ""
    comment: str = ""
    layer: Descriptor | None = None

    @property
    def digest(self) -> str:
        """The layer's; "" without one."""
        return "" if self.layer is None else str(self.layer.digest)

    @property
    def title(self) -> str:
        """The name of the file that the layer is, where whoever pushed it said so."""
        return "" if self.layer is None else self.layer.annotations.get(_TITLE, "")


def build_steps(manifest: Manifest) -> list[BuildStep]:
    """The steps in the order in which they were made; of a history only the first 1000 lines.

    Artifacts that are no images have no history: of those only their layers.
    """
    layers = iter(manifest.layers)
    steps = [_step(line, layers) for line in _history(manifest)]
    return [*steps, *(BuildStep(layer=layer) for layer in layers)]


def moment_written(value: object) -> datetime | None:
    """A time as a config has it, in UTC; None for what is none, or before time was kept, as builders write."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        in_utc = None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return in_utc if in_utc is not None and in_utc.timestamp() > 0 else None


def _history(manifest: Manifest) -> list[Mapping[str, Any]]:
    lines = config_of(manifest).get("history")
    return [line for line in lines[:_MOST_LINES] if isinstance(line, dict)] if isinstance(lines, list) else []


def _step(line: Mapping[str, Any], layers: Iterator[Descriptor]) -> BuildStep:
    layer = None if line.get("empty_layer") is True else next(layers, None)
    command = _text(line, "created_by")
    for prefix in _PREFIXES:
        command = command.removeprefix(prefix)
    return BuildStep(
        created=moment_written(line.get("created")),
        command=command.strip(),
        comment=_text(line, "comment"),
        layer=layer,
    )


def _text(line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    return value if isinstance(value, str) else ""
