"""Pictures of artifact types: drawn here, each known by the digest of its bytes as any other picture."""

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
GIF: Final = "image/gif"
LARGEST_ICON: Final = 1024 * 1024

_MAGIC = ((b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", JPEG), (b"GIF87a", GIF), (b"GIF89a", GIF))
_CELL = 6
_SIDE = 50

# Eight by eight cells, drawn large; the colour is red, green, blue.
_DRAWINGS: Mapping[str, tuple[tuple[int, int, int], Sequence[str]]] = {
    "IMAGE": (
        (0x1E, 0x6F, 0xB8),
        ("........", ".######.", ".#....#.", ".######.", ".#....#.", ".######.", ".#....#.", ".######."),
    ),
    "CHART": (
        (0x0F, 0x3B, 0x8C),
        ("...##...", ".#.##.#.", "..####..", "##.##.##", "##.##.##", "..####..", ".#.##.#.", "...##..."),
    ),
    "CNAB": (
        (0x8A, 0x5A, 0x1C),
        ("...##...", ".######.", "########", "#..##..#", "#..##..#", "#..##..#", ".######.", "...##..."),
    ),
    "WASM": (
        (0x5B, 0x3F, 0xC4),
        ("###..###", "########", "########", "#.#.#.##", "#.#.#.##", "#.#.#.##", "##.#.###", "########"),
    ),
    "CNAI": (
        (0x0B, 0x8A, 0x6E),
        ("..#..#..", ".######.", "##....##", ".#.##.#.", ".#.##.#.", "##....##", ".######.", "..#..#.."),
    ),
    "sbom.harbor": (
        (0x3C, 0x7A, 0x2B),
        (".#####..", ".#...##.", ".#.#.##.", ".#....#.", ".#.##.#.", ".#....#.", ".#.##.#.", ".######."),
    ),
    "signature.cosign": (
        (0xB2, 0x3A, 0x48),
        ("......##", ".....##.", "....##..", "#..##...", "##.#....", ".##.....", "..#.....", "########"),
    ),
    "signature.notation": (
        (0x7A, 0x2E, 0x8C),
        ("..####..", ".#....#.", "#..##..#", "#.####.#", "#..##..#", ".#....#.", "..#..#..", ".##..##."),
    ),
    "accelerator.nydus": (
        (0xC7, 0x6A, 0x10),
        ("....##..", "...##...", "..##....", ".######.", "....##..", "...##...", "..##....", ".##....."),
    ),
    "": (
        (0x5A, 0x67, 0x73),
        ("..####..", ".##..##.", ".....##.", "....##..", "...##...", "...##...", "........", "...##..."),
    ),
}
# What is drawn by another name.
_SAME: Mapping[str, str] = {"SBOM": "sbom.harbor"}


def icon_type(data: bytes) -> str:
    """The media type of a picture by its first bytes; "" for what is no PNG, JPEG or GIF."""
    return next((media_type for magic, media_type in _MAGIC if data.startswith(magic)), "")


def built_in_icon(digest: str) -> bytes | None:
    """The PNG that we have drawn of this digest."""
    return _BY_DIGEST.get(digest)


def icon_digest(kind: str) -> str:
    """The digest of the picture for a type of artifact or accessory."""
    return _DIGESTS.get(_SAME.get(kind, kind), _DIGESTS[""])


def _drawn(colour: tuple[int, int, int], rows: Sequence[str]) -> bytes:
    """A PNG of 50 by 50 pixels with a palette of two: transparent, and the colour."""
    margin = (_SIDE - _CELL * len(rows)) // 2
    blank = bytes(_SIDE + 1)
    # Each line begins with its filter: none.
    lines = [
        bytes(1 + margin)
        + b"".join((b"\x01" if cell == "#" else b"\x00") * _CELL for cell in row)
        + bytes(margin)
        for row in rows
        for _ in range(_CELL)
    ]
    pixels = b"".join([*[blank] * margin, *lines, *[blank] * margin])
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 3, 0, 0, 0)
    return b"".join(
        [
            _MAGIC[0][0],
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", bytes((255, 255, 255, *colour))),
            _chunk(b"tRNS", b"\x00\xff"),
            # Stored, not compressed: the digest is the same with every version of the library.
            _chunk(b"IDAT", zlib.compress(pixels, 0)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_PICTURES = {kind: _drawn(*drawing) for kind, drawing in _DRAWINGS.items()}
_DIGESTS = {kind: f"sha256:{hashlib.sha256(data).hexdigest()}" for kind, data in _PICTURES.items()}
_BY_DIGEST = {_DIGESTS[kind]: data for kind, data in _PICTURES.items()}
