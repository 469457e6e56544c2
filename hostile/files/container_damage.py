"""Damage to the structure of one container: footers, lengths, flags, dialects, members."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Final

import numpy as np

from hostile.chance import pick
from hostile.files.point_damage import (
    COMPRESSED_DAMAGES,
    DBF_DAMAGES,
    GEOPACKAGE_DAMAGES,
    JSON_DAMAGES,
    SHAPEFILE_DAMAGES,
)
from hostile.files.text_damage import TEXT_DAMAGES
from hostile.files.zip_damage import ZIP_DAMAGES

Damage = Callable[[np.random.Generator, bytes, bytes], bytes]
_SIZES: Final = (0, 1, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 20)


def damage_container(rng: np.random.Generator, kind: str, content: bytes, other: bytes) -> tuple[bytes, str]:
    """Return a damaged file of a container, and the name of the damage.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : str
        A key of ``containers.WRITERS``.
    content : bytes
        Of the file.
    other : bytes
        Of another file of the same container.
    """
    known = DAMAGES.get(kind, {})
    if not known:
        return content, "none"
    name = pick(rng, tuple(known))
    try:
        return known[name](rng, content, other), name
    except Exception:  # a file without the part that would be damaged
        return content, f"{name} (not possible)"


def _footer(content: bytes) -> tuple[int, int]:
    """Return where the length of the footer stands, which is behind it, and this length: Parquet or an Arrow file."""
    place = len(content) - (8 if content.startswith(b"PAR1") else 10)
    return place, struct.unpack("<I", content[place : place + 4])[0]


def _footer_length(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    place, length = _footer(content)
    new = pick(rng, (*_SIZES, length - 1, length + 1, length * 2, len(content)))
    return content[:place] + struct.pack("<I", new % (1 << 32)) + content[place + 4 :]


def _footer_of_other(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del rng
    mine, its = (place - length for place, length in (_footer(content), _footer(other)))
    return content[:mine] + other[its:]


def _footer_flipped(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    end, length = _footer(content)
    changed = bytearray(content)
    for _ in range(pick(rng, (1, 1, 2, 4))):
        place = end - int(rng.integers(1, length + 1))
        changed[place] = changed[place] ^ (1 << int(rng.integers(8))) if rng.random() < 0.6 else int(rng.integers(256))
    return bytes(changed)


def _parquet_magic(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    return pick(rng, (content[:-4] + b"PARE", b"PARE" + content[4:-4] + b"PARE", content[:-4] + b"PAR2", content[:4]))


def _pages_flipped(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Flip bits among the pages, whose headers state encodings, sizes and compression."""
    del other
    end, length = _footer(content)
    changed = bytearray(content)
    for _ in range(pick(rng, (1, 2, 8))):
        changed[int(rng.integers(4, end - length))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _message_length(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change the length of one message of Arrow IPC."""
    del other
    places = [match.start() + 4 for match in re.finditer(b"\xff\xff\xff\xff", content)]
    place = pick(rng, places)
    return content[:place] + struct.pack("<I", pick(rng, _SIZES)) + content[place + 4 :]


def _message_dropped(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    places = [match.start() for match in re.finditer(b"\xff\xff\xff\xff", content)]
    i = int(rng.integers(len(places) - 1))
    return content[: places[i]] + content[places[i + 1] :]


def _messages_exchanged(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Take the schema of one stream and the batches of another."""
    first, second = ([match.start() for match in re.finditer(b"\xff\xff\xff\xff", data)] for data in (content, other))
    return content[: pick(rng, first[1:])] + other[pick(rng, second[1:]) :]


def _message_flipped(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Flip a bit of the metadata of one message: lengths, offsets, null counts, types, compression."""
    del other
    places = [match.start() for match in re.finditer(b"\xff\xff\xff\xff", content)]
    place = pick(rng, places)
    length = min(struct.unpack("<I", content[place + 4 : place + 8])[0], len(content) - place - 8)
    changed = bytearray(content)
    for _ in range(pick(rng, (1, 1, 2, 4))):
        changed[place + 8 + int(rng.integers(length))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _buffers_flipped(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change integers among the values of the batches: offsets of texts and lists, indices, validity."""
    del other
    changed = bytearray(content)
    for _ in range(pick(rng, (1, 2, 4))):
        place = int(rng.integers(len(content) // 8)) * 8
        changed[place : place + 4] = struct.pack("<I", pick(rng, (*_SIZES, 3, 255)))
    return bytes(changed[: len(content)])


def _offsets_changed(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change one of the offsets of a text or list column: integers that rise from zero."""
    del other
    numbers = np.frombuffer(content[: len(content) // 8 * 8], "<i4").astype(np.int64)
    steps = np.diff(numbers)
    rising = (numbers[:-3] == 0) & (steps[:-2] > 0) & (steps[1:-1] > 0) & (steps[:-2] < 100) & (steps[1:-1] < 100)
    start = int(rng.choice(np.flatnonzero(rising)))
    rest = np.flatnonzero(steps[start:] <= 0)
    place = start + int(rng.integers(0, 1 + (int(rest[0]) if len(rest) else 2)))
    value = pick(rng, (-1, 0, 1, 3, int(numbers[place]) + 1, 1 << 16, 1 << 20, 1 << 30, -(1 << 31)))
    return content[: 4 * place] + struct.pack("<i", value) + content[4 * place + 4 :]


DAMAGES: Final[dict[str, dict[str, Damage]]] = {
    "parquet": {
        "length of the footer": _footer_length,
        "footer of another file": _footer_of_other,
        "bits of the footer": _footer_flipped,
        "bits of the footer again": _footer_flipped,
        "magic": _parquet_magic,
        "bits of the pages": _pages_flipped,
    },
    "arrow": {
        "length of the footer": _footer_length,
        "footer of another file": _footer_of_other,
        "bits of the footer": _footer_flipped,
        "length of a message": _message_length,
        "bits of a message": _message_flipped,
        "numbers of the buffers": _buffers_flipped,
        "offset of a text or list": _offsets_changed,
        "message dropped": _message_dropped,
    },
    "arrows": {
        "length of a message": _message_length,
        "bits of a message": _message_flipped,
        "bits of a message again": _message_flipped,
        "numbers of the buffers": _buffers_flipped,
        "offset of a text or list": _offsets_changed,
        "message dropped": _message_dropped,
        "messages of another stream": _messages_exchanged,
    },
    "csv": TEXT_DAMAGES,
    "transposed": TEXT_DAMAGES,
    "zip": ZIP_DAMAGES,
    "gpkg": GEOPACKAGE_DAMAGES,
    "shapefile": {**SHAPEFILE_DAMAGES, "field of a header": ZIP_DAMAGES["field of a header"]},
    "dbf": DBF_DAMAGES,
    **dict.fromkeys(("csv.gz", "csv.zst", "csv.bz2"), COMPRESSED_DAMAGES),
    "geojson": JSON_DAMAGES,
}
