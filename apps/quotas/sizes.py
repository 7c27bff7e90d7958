"""Sizes as people read them."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def format_size(size: int) -> str:
    """``size`` bytes in the largest binary unit that leaves at least one, with one decimal: ``3.0 MiB``."""
    if size < 1024:
        return f"{size} B"
    power = (size.bit_length() - 1) // 10
    return f"{size / 1024**power:.1f} {_UNITS[power]}"
