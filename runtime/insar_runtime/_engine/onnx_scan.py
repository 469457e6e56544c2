"""Look through an ONNX file before onnxruntime does: it must be whole in itself, and use standard operators only.

An ONNX file is a protocol buffer, and may name other files that hold its weights; onnxruntime reads these from wherever
their names lead. The file is walked through by the few fields that matter, without the package onnx, which is no
dependency (field numbers: onnx/onnx.proto of ONNX 1.19; encoding: protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_MESSAGES: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 9: "opset", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
    "tensor": {},
    "opset": {},
}
"""Fields of each message that hold a message that matters."""
_DOMAINS: Final = {("node", 7), ("opset", 1), ("function", 10)}
_STANDARD_DOMAINS: Final = (b"", b"ai.onnx")
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_DEEPEST: Final = 32
_MOST_FIELDS: Final = 2_000_000
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


def scan_onnx(data: bytes) -> None:
    """Refuse an ONNX file that needs other files or operators of other domains, or is none.

    Parameters
    ----------
    data : bytes
        The file.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    waiting = [("model", 0, len(data), 0)]
    fields, graphs = 0, 0
    while waiting:
        message, start, end, depth = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError("its graphs nest too deep")
        for number, kind, begin, stop, value in _fields(data, start, end):
            fields += 1
            if fields > _MOST_FIELDS:
                raise ValueError("it has too many parts")
            if message == "tensor":
                if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and (kind != _VARINT or value)):
                    raise ValueError("it keeps weights in other files")
            elif (message, number) in _DOMAINS and kind == _BYTES and data[begin:stop] not in _STANDARD_DOMAINS:
                raise ValueError(f"it uses operators of the domain {ascii(data[begin:stop][:40])[2:-1]!r}")
            elif kind == _BYTES and (inner := _MESSAGES[message].get(number)):
                graphs += inner == "graph"
                waiting.append((inner, begin, stop, depth + 1))
    if not graphs:
        raise ValueError("it holds no graph")


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield number, wire type, first and last byte of the content, and the value if it is a whole number."""
    while at < end:
        key, at = _varint(data, at, end)
        number, kind, value = key >> 3, key & 7, 0
        begin = at
        if kind == _VARINT:
            value, at = _varint(data, at, end)
        elif kind == _BYTES:
            length, begin = _varint(data, at, end)
            at = begin + length
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            at += 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError("it is not an ONNX file")
        if not 0 < number < 1 << 29 or at > end:
            raise ValueError("it is not an ONNX file, or is cut off")
        yield number, kind, begin, at, value


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the whole number that begins at a byte, and where it ends."""
    value = 0
    for i in range(10):
        if at + i >= end:
            break
        byte = data[at + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, at + i + 1
    raise ValueError("it is not an ONNX file, or is cut off")
