"""Damage to the structure of dBASE tables, shapefiles, GeoPackages and compressed text."""

from __future__ import annotations

import io
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from typing import Final

import numpy as np

from hostile.chance import pick

Damage = Callable[[np.random.Generator, bytes, bytes], bytes]
_NUMBERS: Final = (0, 1, 2, 31, 33, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def _put(content: bytes, place: int, layout: str, value: int) -> bytes:
    size = struct.calcsize(layout)
    return content[:place] + struct.pack(layout, value % (1 << 8 * size)) + content[place + size :]


def _dbf_header(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change the version, the number of records, a length or the language."""
    del other
    place, layout = pick(rng, ((0, "<B"), (4, "<I"), (4, "<I"), (8, "<H"), (10, "<H"), (29, "<B")))
    return _put(content, place, layout, pick(rng, _NUMBERS) if place else pick(rng, (2, 3, 4, 0x30, 0x8B, 0xF5)))


def _dbf_field(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change the name, type, width or decimals of a field."""
    del other
    fields = (struct.unpack("<H", content[8:10])[0] - 33) // 32
    place = 32 + 32 * int(rng.integers(fields))
    what = int(rng.integers(4))
    if what == 0:
        return content[:place] + rng.bytes(11) + content[place + 11 :]
    if what == 1:
        return (
            content[: place + 11]
            + pick(rng, (b"C", b"D", b"L", b"I", b"O", b"B", b"M", b"@", b"\0"))
            + content[place + 12 :]
        )
    return _put(content, place + 14 + what, "<B", pick(rng, _NUMBERS))


def _dbf_records(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Delete records, or put stars, zeros, letters and line ends into their cells."""
    del other
    begin, width = struct.unpack("<HH", content[8:12])
    changed = bytearray(content)
    for _ in range(pick(rng, (1, 3, 10))):
        row = begin + width * int(rng.integers(max((len(content) - begin) // width, 1)))
        if rng.random() < 0.4:
            changed[row] = pick(rng, (0x2A, 0x20, 0x00, 0x1A))
        else:
            changed[row + int(rng.integers(width))] = pick(rng, (0x2A, 0, 0x0A, 0x0D, 0x2C, 0x41, 0xFF, 0x1F, 0x22))
    return bytes(changed[: len(content)])


def _in_shapefile(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change a part of a shapefile in a zip, exchange it for that of another, or leave it out."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(io.BytesIO(other)) as archive:
        others = {name: archive.read(name) for name in archive.namelist()}
    name = pick(rng, tuple(parts))
    what = int(rng.integers(5))
    if what == 0:
        del parts[name]
    elif what == 1:
        parts[name] = others[name]
    elif what == 2:
        parts[name] = parts[name][: int(rng.integers(len(parts[name]) + 1))]
    elif name.endswith(".dbf"):
        parts[name] = pick(rng, (_dbf_header, _dbf_field, _dbf_records))(rng, parts[name], b"")
    elif name.endswith(".shp"):
        parts[name] = _shape(rng, parts[name])
    else:
        parts[name] = rng.bytes(20) + parts[name][20:]
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, data in parts.items():
            archive.writestr(zipfile.ZipInfo(key, (2024, 1, 1, 0, 0, 0)), data)
    return sink.getvalue()


def _shape(rng: np.random.Generator, content: bytes) -> bytes:
    """Change the type of all shapes, or the length, type or place of one."""
    if rng.random() < 0.3:
        return _put(content, 32, "<I", pick(rng, (0, 1, 3, 5, 8, 11, 15, 18, 21, 28, 31, 99)))
    place = 100 + 4 * int(rng.integers(max((len(content) - 100) // 4, 1)))
    return _put(content, place, pick(rng, ("<I", ">I")), pick(rng, (*_NUMBERS, 3, 5, 8, 11, 21)))[: len(content)]


def _statement(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change a GeoPackage by a statement: its tables of contents, types, geometries, values."""
    del other
    statement = pick(rng, _STATEMENTS)
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(content)
        database.executescript(statement)
        database.commit()
        return database.serialize()


_STATEMENTS: Final = (
    "DROP TABLE gpkg_contents",
    "DROP TABLE gpkg_geometry_columns",
    "DROP TABLE gpkg_spatial_ref_sys",
    "DELETE FROM gpkg_contents",
    "INSERT INTO gpkg_contents VALUES ('gpkg_metadata', 'attributes', 0)",
    "CREATE TABLE more AS SELECT * FROM points; INSERT INTO gpkg_contents VALUES ('more', 'features', 4326)",
    "UPDATE gpkg_contents SET table_name = NULL",
    "UPDATE gpkg_contents SET table_name = X'00FF'",
    "UPDATE gpkg_geometry_columns SET geometry_type_name = 'POLYGON'",
    "UPDATE gpkg_geometry_columns SET column_name = 'fid'",
    "UPDATE gpkg_spatial_ref_sys SET organization_coordsys_id = 'x', definition = 'PROJCS[\"a\"'",
    "UPDATE gpkg_spatial_ref_sys SET organization_coordsys_id = 9223372036854775807",
    "UPDATE points SET geom = X'47500001'",
    "UPDATE points SET geom = 'text'",
    "UPDATE points SET geom = randomblob(40) WHERE fid % 2",
    "UPDATE points SET geom = NULL",
    "UPDATE points SET geom = zeroblob(30000000) WHERE fid = 1",
    "UPDATE points SET fid = 9223372036854775807 WHERE fid = 1",
    "UPDATE points SET fid = -fid * 1000000007",
    "DELETE FROM points",
    "DELETE FROM points WHERE fid % 3",
    "ALTER TABLE points ADD COLUMN g GENERATED ALWAYS AS (zeroblob(900000000)) VIRTUAL",
    "ALTER TABLE points ADD COLUMN g TEXT GENERATED ALWAYS AS (printf('%9000000d', fid)) VIRTUAL",
    "ALTER TABLE points RENAME TO p; CREATE VIEW points AS WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 "
    "FROM n) SELECT i AS fid, i AS D20200101 FROM n",
    "CREATE TRIGGER t BEFORE UPDATE ON points BEGIN DELETE FROM points; END",
    "PRAGMA user_version = -1; PRAGMA application_id = 7",
)


def _sqlite_header(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change a number in the header of the database."""
    del other
    place, layout = pick(
        rng, ((16, ">H"), (18, ">B"), (19, ">B"), (20, ">B"), (28, ">I"), (32, ">I"), (44, ">I"), (56, ">I"))
    )
    return _put(content, place, layout, pick(rng, (*_NUMBERS, 512, 4096)))


def _sqlite_page(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change numbers in the headers of pages: types, counts, pointers to cells."""
    del other
    size = struct.unpack(">H", content[16:18])[0]
    changed = bytearray(content)
    for _ in range(pick(rng, (1, 2, 5))):
        page = int(rng.integers(len(content) // size))
        changed[page * size + (100 if page == 0 else 0) + int(rng.integers(20))] = int(rng.integers(256))
    return bytes(changed)


def _frame(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Change the frame of a compressed text: its first or last bytes, its end, what follows."""
    what = int(rng.integers(5))
    if what == 0:
        return content[: int(rng.integers(2, len(content)))]
    if what == 1:
        return content + pick(rng, (b"\0" * 20, b"garbage", other, content[:15]))
    place = int(rng.integers(2, 14)) if what == 2 else len(content) - 1 - int(rng.integers(8)) if what == 3 else None
    place = int(rng.integers(len(content))) if place is None else place
    return content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]


_JSON: Final = (
    b"}",
    b"]",
    b",",
    b'"',
    b"[" * 5000,
    b'{"a":' * 3000,
    b"9" * 5000,
    b"NaN",
    b"1e999",
    b"\\ud800",
    b"\xff",
    b"null",
)


def _json_token(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Put a token of JSON where none is expected, or leave some signs out."""
    del other
    place = int(rng.integers(len(content)))
    return content[:place] + pick(rng, _JSON) + content[place + int(rng.integers(4)) :]


DBF_DAMAGES: Final[dict[str, Damage]] = {
    "header of a dBASE table": _dbf_header,
    "field of a dBASE table": _dbf_field,
    "records of a dBASE table": _dbf_records,
}
SHAPEFILE_DAMAGES: Final[dict[str, Damage]] = {
    "part of a shapefile": _in_shapefile,
    "part of a shapefile again": _in_shapefile,
}
GEOPACKAGE_DAMAGES: Final[dict[str, Damage]] = {
    "statement": _statement,
    "statement again": _statement,
    "header of SQLite": _sqlite_header,
    "pages of SQLite": _sqlite_page,
}
COMPRESSED_DAMAGES: Final[dict[str, Damage]] = {"frame of compressed text": _frame}
JSON_DAMAGES: Final[dict[str, Damage]] = {"token of JSON": _json_token}
