"""Damage to the bytes of a file: flips, cuts, insertions, splices of two files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from hostile.chance import happens, pick

Damage = Callable[[np.random.Generator, bytes, bytes], bytes]
"""Changes the bytes of a file; the last are those of another file of the same container."""
_ENDS: Final = 1500
"""Bytes at both ends of a file, where containers keep what the rest means."""
_NUMBERS: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000000)


def damage_bytes(rng: np.random.Generator, content: bytes, other: bytes) -> tuple[bytes, str]:
    """Return damaged bytes, and the name of the damage.

    Parameters
    ----------
    rng : numpy.random.Generator
    content : bytes
        Of a valid file, or of one that is damaged already.
    other : bytes
        Of a valid file of the same container.
    """
    name = pick(rng, tuple(DAMAGES))
    return DAMAGES[name](rng, content, other), name


def _place(rng: np.random.Generator, content: bytes) -> int:
    """Return a position, with a preference for both ends of the file."""
    size = max(len(content), 1)
    where = rng.random()
    if where < 0.3:
        return int(rng.integers(min(_ENDS, size)))
    if where < 0.65:
        return size - 1 - int(rng.integers(min(_ENDS, size)))
    return int(rng.integers(size))


def _flip_bit(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    changed = bytearray(content)
    for _ in range(pick(rng, (1, 1, 1, 2, 8))):
        if changed:
            changed[_place(rng, content)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _set_byte(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    changed = bytearray(content)
    if changed:
        changed[_place(rng, content)] = int(rng.integers(256))
    return bytes(changed)


def _set_number(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    place, size = _place(rng, content), pick(rng, (1, 2, 4, 8))
    value = pick(rng, _NUMBERS) if happens(rng, 0.8) else int(rng.integers(1 << 32))
    return content[:place] + (value % (1 << 8 * size)).to_bytes(size, "little") + content[place + size :]


def _cut_end(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    return content[: _place(rng, content)]


def _cut_beginning(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    return content[int(rng.integers(1, 64)) :]


def _delete(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    place = _place(rng, content)
    return content[:place] + content[place + int(rng.integers(1, 64)) :]


def _insert(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    place, size = _place(rng, content), int(rng.integers(1, 32))
    added = rng.bytes(size) if happens(rng, 0.6) else bytes([int(rng.integers(256))]) * size
    return content[:place] + added + content[place:]


def _zero(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    place = _place(rng, content)
    size = min(int(rng.integers(1, 512)), len(content) - place)
    return content[:place] + bytes(size) + content[place + size :]


def _repeat(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    place, size = _place(rng, content), int(rng.integers(1, 256))
    return content[: place + size] + content[place:]


def _exchange(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    del other
    size = int(rng.integers(1, 128))
    first, second = sorted((_place(rng, content), _place(rng, content)))
    if second < first + size or second + size > len(content):
        return content[::-1]
    middle = content[first + size : second]
    return (
        content[:first]
        + content[second : second + size]
        + middle
        + content[first : first + size]
        + content[second + size :]
    )


def _splice(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    return content[: _place(rng, content)] + other[_place(rng, other) :]


def _append(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    return content + pick(rng, (other, b"\0" * 16, b"\n" * 8, rng.bytes(32), content))


def _foreign(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    place, size = _place(rng, content), int(rng.integers(1, 64))
    start = _place(rng, other)
    return content[:place] + other[start : start + size] + content[place + size :]


DAMAGES: Final[dict[str, Damage]] = {
    "bits flipped": _flip_bit,
    "byte set": _set_byte,
    "number set": _set_number,
    "end cut": _cut_end,
    "beginning cut": _cut_beginning,
    "bytes deleted": _delete,
    "bytes inserted": _insert,
    "bytes zeroed": _zero,
    "bytes repeated": _repeat,
    "parts exchanged": _exchange,
    "two files spliced": _splice,
    "bytes appended": _append,
    "part of another file": _foreign,
}
