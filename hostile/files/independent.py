"""Read tables by other programs than the one that is tried: DuckDB, SQLite, and the csv module of Python.

Arrow IPC has no second reader at hand: pyarrow reads it whole here, and validates every value before it is used.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import pickle
import sqlite3
import struct
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

try:
    import duckdb
except ImportError:  # group neighbours
    duckdb = None

_SEPARATORS: Final = ",;\t|"


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table as plain values of Python.

    Attributes
    ----------
    names : list of str
    columns : list of list
        One a name.
    metadata : dict of str to str
        Of the file.
    """

    names: list[str]
    columns: list[list[Any]]
    metadata: dict[str, str]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def column(self, name: str) -> list[Any] | None:
        """Return a column, or None if there is not exactly one of this name."""
        places = [i for i, other in enumerate(self.names) if other == name]
        return self.columns[places[0]] if len(places) == 1 else None


def read_to(path: Path, result: Path, *, by_arrow: bool = False) -> None:
    """Read a table and write it down for the process that has asked."""
    result.write_bytes(pickle.dumps(_read_whole_parquet(path) if by_arrow else read_plain(path)))


def read_plain(path: Path) -> PlainTable | None:
    """Read a table; None where there is no independent reader.

    Raises
    ------
    Exception
        Of the reader, if the file is damaged.
    """
    extension = path.suffix
    if extension == ".parquet":
        return _read_parquet(path)
    if extension in {".arrow", ".arrows"}:
        return _read_ipc(path)
    if extension == ".csv":
        return _read_csv(path.read_bytes(), _metadata_beside(path))
    if extension == ".zip":
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if name.lower().endswith((".csv", ".dbf"))]
            content = archive.read(name)
            if name.lower().endswith(".csv"):
                return _read_csv(content)
            page = f"{name[:-4]}.cpg"
            return _read_dbf(content, archive.read(page) if page in archive.namelist() else b"")
    if extension == ".dbf":
        return _read_dbf(path.read_bytes(), b"")
    if extension in {".gz", ".bz2"}:
        return _read_csv((gzip if extension == ".gz" else bz2).decompress(path.read_bytes()))
    if extension == ".gpkg":
        return _read_geopackage(path)
    return None


def _read_parquet(path: Path) -> PlainTable | None:
    if duckdb is None:
        return None
    with closing(duckdb.connect(config={"threads": 1})) as database:
        found = database.execute("SELECT * FROM read_parquet(?)", [str(path)])
        names = [column[0] for column in found.description]
        rows = found.fetchall()
        pairs = database.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(path)]).fetchall()
    metadata = {_text(key): _text(value) for key, value in pairs}
    return PlainTable(names, [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names], metadata)


def _read_whole_parquet(path: Path) -> PlainTable:
    """Read Parquet by pyarrow at once, where DuckDB and the command differ: both may be right about damaged pages."""
    table = pq.read_table(path, use_threads=False)
    table.validate(full=True)
    metadata = {_text(key): _text(value) for key, value in (table.schema.metadata or {}).items()}
    return PlainTable(list(table.schema.names), [column.to_pylist() for column in table.columns], metadata)


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _read_ipc(path: Path) -> PlainTable:
    content = path.read_bytes()
    open_reader: Any = pa.ipc.open_file if content.startswith(b"ARROW1") else pa.ipc.open_stream
    with open_reader(pa.py_buffer(content)) as reader:
        table = reader.read_all()
    table.validate(full=True)
    metadata = {_text(key): _text(value) for key, value in (table.schema.metadata or {}).items()}
    return PlainTable(list(table.schema.names), [column.to_pylist() for column in table.columns], metadata)


def _metadata_beside(path: Path) -> dict[str, str]:
    """Return the metadata of a CSV of ours, which stand in a file beside it."""
    beside = path.with_name(f"{path.name}.json")
    if not beside.is_file():
        return {}
    return {"insar_runtime": json.dumps(json.loads(beside.read_text("utf-8"))["insar_runtime"])}


def _read_csv(content: bytes, metadata: dict[str, str] | None = None) -> PlainTable:
    text = content.decode("utf-8-sig")
    first, _, rest = text.partition("\n")
    while _is_no_header(first, rest.partition("\n")[0]):
        text = rest
        first, _, rest = text.partition("\n")
    separator = max(_SEPARATORS, key=first.count)
    usual = csv.field_size_limit(len(text) + 1)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if row]
    finally:
        csv.field_size_limit(usual)
    names, lines = [name.strip() for name in rows[0]], rows[1:]
    if any(len(line) != len(names) for line in lines):
        raise ValueError("rows of another length than the header")
    return PlainTable(
        names, [list(column) for column in zip(*lines, strict=True)] or [[] for _ in names], metadata or {}
    )


def _is_no_header(line: str, following: str) -> bool:
    """Whether a first line names the separator, or is a remark: it begins with #, and the next has more columns."""
    if line.rstrip("\r").lower() in {f"sep={sign}" for sign in _SEPARATORS}:
        return True
    separators = [max(map(text.count, _SEPARATORS)) for text in (line, following)]
    return line.startswith("#") and separators[1] > separators[0] + 1


def _read_dbf(content: bytes, page: bytes) -> PlainTable:
    """Read a dBASE table record by record, all cells as text; `page` is the content of its .cpg file."""
    records, begin, width = struct.unpack("<IHH", content[4:12])
    places, offset = list[tuple[bytes, str, int, int]](), 1
    for place in range(32, begin - 31, 32):
        if content[place] == 0x0D:
            break
        size = content[place + 16]
        places.append((content[place : place + 11].partition(b"\0")[0], chr(content[place + 11]), offset, size))
        offset += size
    columns: list[list[bytes]] = [[] for _ in places]
    for row in range(records):
        record = content[begin + row * width : begin + (row + 1) * width]
        if len(record) < width:
            raise ValueError("records are missing")
        if record[0] == 0x2A:
            continue
        for column, (_, kind, start, size) in zip(columns, places, strict=True):
            cell = record[start : start + size].partition(b"\0")[0].strip(b" ")
            column.append(b"" if kind in "NF" and b"*" in cell else cell)
    texts = b" ".join([*(name for name, *_ in places), *(cell for column in columns for cell in column)])
    encoding = _dbf_encoding(texts, content[29], page)
    names = [name.decode(encoding) for name, *_ in places]
    return PlainTable(names, [[cell.decode(encoding) for cell in column] for column in columns], {})


def _dbf_encoding(texts: bytes, language: int, page: bytes) -> str:
    """Return the encoding that is named; if none is, UTF-8 where all texts together are, and Latin-1 otherwise."""
    if page.strip():
        return page.strip().decode("ascii")
    if language and not texts.isascii():
        raise ValueError("a code page of DOS")
    try:
        texts.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _read_geopackage(path: Path) -> PlainTable:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise ValueError("the integrity check fails")
        query = "SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes')"
        (layer,) = database.execute(query).fetchone()
        quoted = '"' + str(layer).replace('"', '""') + '"'
        found = database.execute(f"SELECT * FROM {quoted} ORDER BY rowid")
        names = [column[0] for column in found.description]
        rows = found.fetchall()
        texts = database.execute("SELECT metadata FROM gpkg_metadata").fetchall()
    metadata = {"insar_runtime": str(texts[0][0])} if texts else {}
    return PlainTable(names, [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names], metadata)


def block_of(table: PlainTable) -> dict[str, Any]:
    """Return what the run has written of itself into the metadata of its output; empty if nothing that can be read."""
    try:
        block = json.loads(table.metadata.get("insar_runtime", "{}"))
    except ValueError:
        return {}
    return block if isinstance(block, dict) else {}
