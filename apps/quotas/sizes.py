"""Sizes as people read them."""

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def format_size(size: int) -> str:
    """``size`` bytes in the largest binary unit that leaves at least one, with one decimal: ``3.0 MiB``."""
    if abs(size) < 1024:
        return f"{size} B"
    value = float(size)
    for unit in _UNITS:
        value /= 1024
        if abs(value) < 1024:
            break
    return f"{value:.1f} {unit}"
