"""Damage to the structure of one container: footers, lengths, flags, dialects, members."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Final

import numpy as np

from hostile.chance import pick
from hostile.files.containers import add_member

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
    except (ValueError, IndexError, struct.error, zipfile.BadZipFile):
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
    """Flip bits among the pages, whose headers tell encodings, sizes and compression."""
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


def _lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")


def _ragged(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    lines = _lines(content)
    i = int(rng.integers(len(lines)))
    lines[i] = pick(
        rng,
        (lines[i] + b",1", lines[i].rpartition(b",")[0], b"," * 500, lines[i] + b";;", lines[i][: len(lines[i]) // 2]),
    )
    return b"\n".join(lines)


def _open_quote(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    place = int(rng.integers(len(content)))
    return content[:place] + b'"' + content[place:]


def _encoded(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    text = content.decode("utf-8", "replace")
    return text.encode(pick(rng, ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7")), "replace") or content


def _latin(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    place = int(rng.integers(len(content)))
    return content[:place] + b"caf\xe9" + content[place:]


def _cells(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Put an odd text into one cell."""
    del other
    lines = _lines(content)
    i = int(rng.integers(1, len(lines)))
    sign = max((b",", b";", b"\t", b"|"), key=lines[0].count)
    cells = lines[i].split(sign)
    cells[int(rng.integers(len(cells)))] = pick(rng, _CELLS)
    lines[i] = sign.join(cells)
    return b"\n".join(lines)


_CELLS: Final = (
    b"1e400",
    b"-1e400",
    b"inf",
    b"-Infinity",
    b"1,5",
    b'"1,5"',
    b"0x1F",
    b"1_000",
    b"1 000",
    b"--1",
    b"#DIV/0!",
    b"\x00",
    b"\x1b[2J",
    b"9" * 400,
    b"1" * 70_000,
    b"0." + b"3" * 2000,
    b"true",
    b"=1+1",
    b"1e",
    b"+",
    b"\xe2\x88\x921.5",
    b"-9999",
    b"None",
    b'"',
    b'""',
    b"'1'",
)


def _lines_moved(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    lines = _lines(content)
    i, j = int(rng.integers(len(lines))), int(rng.integers(len(lines)))
    lines[i : i + 1] = pick(
        rng, ([], [lines[j], lines[i]], [b"", lines[i]], [b"# note", lines[i]], _lines(other)[:3], [b"\r"])
    )
    return b"\n".join(lines)


def _line_ends(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    return content.replace(b"\n", pick(rng, (b"\r", b"\r\r\n", b"\n\r", b"\n\n", b" \n", b",\n", b"\0\n", b"\x0b")))


def _separators(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    lines = _lines(content)
    old, new = pick(rng, (b",", b";", b"\t")), pick(rng, (b",", b";", b"\t", b"|", b" ", b":"))
    if rng.random() < 0.5:
        return content.replace(old, new)
    return b"\n".join([lines[0].replace(old, new), *lines[1:]])


def _remade_zip(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Write the members anew, with more of them, or under other names."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    change = int(rng.integers(8))
    if change == 0:
        members.append(("second.csv", other))
    elif change == 1:
        members.append(members[0])
    elif change == 2:
        members.append(("a.xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'))
    elif change == 3:
        members.append(("a.xml", b"<a>" * 20_000))
    elif change == 4:
        members = [
            (pick(rng, ("../../up.csv", "/root.csv", "c:\\x.csv", "\x1b[31m.csv", "a" * 500 + ".csv")), members[0][1])
        ]
    elif change == 5:
        members = [("table.CSV/", b""), *members]
    elif change == 6:
        members = [("table.txt", members[0][1])]
    else:
        members = [("table.csv", b"")]
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            add_member(archive, name, data)
    return sink.getvalue()


def _zip_fields(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change a field of a local or central header: version, flags, method, checksum, sizes, lengths."""
    del other
    changed = bytearray(content)
    signature, fields = pick(
        rng,
        (
            (b"PK\x03\x04", ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2))),
            (b"PK\x01\x02", ((6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4))),
            (b"PK\x05\x06", ((8, 2), (10, 2), (12, 4), (16, 4), (20, 2))),
        ),
    )
    place = content.index(signature)
    offset, size = pick(rng, fields)
    value = pick(rng, (0, 1, 8, 9, 12, 14, 93, 95, 99, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, 64))
    changed[place + offset : place + offset + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(changed)


def _compressed_flipped(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Flip bits of the compressed bytes alone."""
    del other
    start, end = 30 + content[26] + content[28], content.index(b"PK\x01\x02")
    changed = bytearray(content)
    for _ in range(pick(rng, (1, 4))):
        changed[int(rng.integers(start, end))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


_CSV: Final[dict[str, Damage]] = {
    "row of another length": _ragged,
    "quote left open": _open_quote,
    "other encoding": _encoded,
    "bytes that are no UTF-8": _latin,
    "odd cell": _cells,
    "odd cell again": _cells,
    "lines moved": _lines_moved,
    "other line ends": _line_ends,
    "other separators": _separators,
}
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
    "csv": _CSV,
    "transposed": _CSV,
    "zip": {
        "members changed": _remade_zip,
        "field of a header": _zip_fields,
        "field of a header again": _zip_fields,
        "compressed bytes": _compressed_flipped,
    },
}
