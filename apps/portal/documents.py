"""Documents that somebody has pushed, as text for a page: never more than a page can hold."""

from dataclasses import dataclass

import orjson

_MOST_SHOWN = 256 * 1024
_MOST_LAID_OUT = 128 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """``is_cut`` says that there is more; ``size`` is that of the whole, in bytes."""

    text: str
    size: int
    is_cut: bool


def text_document(raw: bytes) -> Document:
    """A text, or the beginning of a long one. What is no UTF-8 has marks in its place."""
    return Document(raw[:_MOST_SHOWN].decode(errors="replace"), len(raw), len(raw) > _MOST_SHOWN)


def json_document(raw: bytes) -> Document:
    """JSON laid out to be read; as it came if it is long, nests deep or is none."""
    if len(raw) <= _MOST_LAID_OUT:
        try:
            laid_out = orjson.dumps(orjson.loads(raw), option=orjson.OPT_INDENT_2)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            return text_document(raw)
        if len(laid_out) <= _MOST_SHOWN:
            return Document(laid_out.decode(), len(raw), is_cut=False)
    return text_document(raw)
