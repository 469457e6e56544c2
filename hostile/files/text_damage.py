"""Damage to text tables: rows of other lengths, open quotes, other encodings, odd cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from hostile.chance import pick

Damage = Callable[[np.random.Generator, bytes, bytes], bytes]


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


TEXT_DAMAGES: Final[dict[str, Damage]] = {
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
