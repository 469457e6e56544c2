"""Shapefiles for tests: by bytes, where a test needs what no writer makes, and by GDAL."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Field = tuple[str, str, int, int]
"""Name, type, width and decimals."""


def dbf(
    fields: Sequence[Field],
    records: Sequence[Sequence[bytes]],
    *,
    deleted: Sequence[int] = (),
    version: int = 3,
    language: int = 0,
) -> bytes:
    """Return a dBASE table; cells are padded with blanks, those of numbers on the left."""
    begin, width = 32 + 32 * len(fields) + 1, 1 + sum(field[2] for field in fields)
    head = struct.pack("<BBBBIHH17xB2x", version, 124, 1, 1, len(records), begin, width, language)
    for name, kind, size, decimals in fields:
        head += name.encode("latin-1").ljust(11, b"\0") + kind.encode() + b"\0\0\0\0"
        head += bytes([size, decimals]) + b"\0" * 14
    content = head + b"\r"
    for number, cells in enumerate(records):
        content += b"*" if number in deleted else b" "
        for cell, (_, kind, size, _) in zip(cells, fields, strict=True):
            content += cell.rjust(size) if kind in "NF" else cell.ljust(size)
    return content + b"\x1a"


def shp(shapes: Sequence[tuple[float, float] | None], kind: int = 1) -> bytes:
    """Return a .shp of points (1), points with z (11) or with m (21), null shapes where there is none."""
    body = b""
    for number, shape in enumerate(shapes, 1):
        content = struct.pack("<i", 0)
        if shape is not None:
            content = struct.pack("<idd", kind, *shape) + b"\0" * {1: 0, 11: 16, 21: 8}[kind]
        body += struct.pack(">ii", number, len(content) // 2) + content
    head = struct.pack(">i20xi", 9994, (100 + len(body)) // 2) + struct.pack("<ii", 1000, kind) + b"\0" * 64
    return head + body


SERIES: list[Field] = [("CODE", "C", 8, 0), ("VEL", "N", 8, 2), ("D20200103", "N", 10, 3), ("D20200109", "F", 10, 3)]
RECORDS: list[list[bytes]] = [[b"A1", b"-1.50", b"1.125", b"-2.25"], [b"A2", b"0.50", b"", b"*" * 10]]
POINTS = [(7.5, 45.5), (7.25, 45.25)]
WGS84 = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)


def write(folder: Path, **parts: Any) -> Path:
    """Write a.shp with the parts that are named by their extensions; None leaves one out."""
    parts = {"shp": shp(POINTS), "dbf": dbf(SERIES, RECORDS), "prj": WGS84.encode(), **parts}
    for suffix, content in parts.items():
        if content is not None:
            (folder / f"a.{suffix}").write_bytes(content)
    return folder / "a.shp"
