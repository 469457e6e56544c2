"""Damage to zip archives: members, fields of headers, compressed bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Final

import numpy as np

from hostile.chance import pick
from hostile.files.containers import add_member

Damage = Callable[[np.random.Generator, bytes, bytes], bytes]


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


ZIP_DAMAGES: Final[dict[str, Damage]] = {
    "members changed": _remade_zip,
    "field of a header": _zip_fields,
    "field of a header again": _zip_fields,
    "compressed bytes": _compressed_flipped,
}
