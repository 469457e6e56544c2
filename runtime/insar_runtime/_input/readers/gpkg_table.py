"""A layer of a GeoPackage as a stream of record batches, by the standard library's SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.origin import Origin
from insar_runtime._input.point_geometry import geometry_name, wkb_points
from insar_runtime._input.readers.gpkg_layers import Layer, find_layer, quoted
from insar_runtime._input.readers.gpkg_points import read_points
from insar_runtime._input.readers.gpkg_types import arrow_type, as_array
from insar_runtime._input.source import Source, guess_row_bytes
from insar_runtime.errors import DataError

_MOST_CELL: Final = 16 << 20
"""Bytes of a text or a blob; more is refused."""
_MOST_CELLS: Final = 250_000
"""Values that are Python objects at a time, some 20 MB."""
_STEPS: Final = 1_000_000
_MOST_IDLE: Final = 200
"""Times so many instructions that SQLite may take between two blocks of rows; a row takes some ten a column."""
_CACHE_KB: Final = 4096
_HELD_BYTES: Final = 48 << 20
_PARTS: Final = 16
"""Places of a layer that rows are taken from."""
_PICKED: Final = 500
"""Rows that one query picks; SQLite takes 999 values or more."""
_LEAST_ROW: Final = 8
"""Bytes of a row in a file, at least."""
_OF_OTHERS: Final = ("-wal", "-journal")
"""What stands beside a database whose last changes are not in it yet."""


def open_geopackage(path: Path, date_format: str | None) -> Source:
    """Open the layer of a GeoPackage that is read; nothing is written beside it.

    Parameters
    ----------
    path : Path
        Of the file.
    date_format : str, optional
        Spelling of dates that the user named.

    Raises
    ------
    DataError
        It is damaged or cut, in use with changes that are not in it yet, or has no layer of points that can be read.
    """
    _refuse_unfinished(path)
    with _sqlite_errors(path), closing(_connect(path)) as database:
        layer, others = find_layer(database, str(path), date_format)
        estimate = layer.count if layer.count is not None else _last_key(database, layer, path)
    search = DateSearch.among(layer.columns, date_format)
    fields = [
        pa.field(name, pa.float32() if name in search.names else arrow_type(kind))
        for name, kind in layer.columns.items()
    ]
    metadata, notes = dict[str, str](), list[str]()
    geometry = None if layer.geometry is None else geometry_name(layer.columns)
    if geometry is not None:
        metadata = {"geo": layer.system.geo(geometry)}
        fields.append(pa.field(geometry, pa.binary()))
        notes += filter(None, [layer.system.note(layer.where)])
    if others:
        notes.append(f"layer '{layer.name}' was read; left out: " + ", ".join(f"'{name}'" for name in others[:5]))
    if layer.computed:
        names = ", ".join(f"'{name}'" for name in layer.computed[:5])
        notes.append(f"columns of layer '{layer.name}' that SQLite computes are left out: {names}")
    schema = pa.schema(fields, metadata=metadata)
    reading = _Reading(path, layer, geometry, schema)
    return Source(
        str(path),
        "gpkg",
        schema,
        None,
        metadata,
        guess_row_bytes(schema),
        _HELD_BYTES,
        Origin((layer.name, path.name), notes=tuple(notes)),
        lambda *_: reading.batches(schema.names),
        reading.batches,
        search=search,
        rows_estimate=estimate,
        spread=None if layer.key is None else reading.spread,
        pick=None if layer.key is None else reading.pick,
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """Read the rows of a layer, in the order of their keys."""

    path: Path
    layer: Layer
    geometry: str | None
    """Name of the geometry among the columns."""
    schema: pa.Schema

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Return all rows of some columns."""
        with _sqlite_errors(self.path), closing(_connect(self.path)) as database:
            # Without an index, whose order would be another one.
            query = f"SELECT {self._selected(names)} FROM main.{quoted(self.layer.name)} NOT INDEXED"
            yield from self._rows(database, query, (), names)

    def spread(self, names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        """Return at most so many rows of some columns, from all over the layer."""
        key = quoted(str(self.layer.key))
        table = f"main.{quoted(self.layer.name)}"
        with _sqlite_errors(self.path), closing(_connect(self.path)) as database:
            first, last = database.execute(f"SELECT min({key}), max({key}) FROM {table}").fetchone()
            if not isinstance(first, int) or not isinstance(last, int):
                return
            each, end = -(-rows // _PARTS), first
            query = f"SELECT {self._selected(names)} FROM {table} WHERE {key} >= ? AND {key} < ? ORDER BY {key} LIMIT ?"
            for part in range(_PARTS):
                # Whole numbers of Python: keys may be as large as 2**63.
                start = max(end, first + part * (last + 1 - first) // _PARTS)
                end = start + each
                yield from self._rows(database, query, (start, min(end, last + 1), each), names)

    def pick(self, names: Sequence[str], numbers: NDArray[np.intp]) -> Iterator[pa.RecordBatch]:
        """Return the rows of some numbers, which are those of the keys from the first one on; gaps have no rows."""
        key, table = quoted(str(self.layer.key)), f"main.{quoted(self.layer.name)}"
        with _sqlite_errors(self.path), closing(_connect(self.path)) as database:
            (first,) = database.execute(f"SELECT min({key}) FROM {table}").fetchone()
            for begin in range(0, len(numbers), _PICKED) if isinstance(first, int) else ():
                keys = tuple(first + number for number in numbers[begin : begin + _PICKED].tolist())
                marks = ", ".join("?" * len(keys))
                query = f"SELECT {self._selected(names)} FROM {table} WHERE {key} IN ({marks}) ORDER BY {key}"
                yield from self._rows(database, query, keys, names)

    def _selected(self, names: Sequence[str]) -> str:
        return ", ".join(quoted(str(self.layer.geometry) if name == self.geometry else name) for name in names)

    def _rows(
        self, database: sqlite3.Connection, query: str, values: tuple[int, ...], names: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([self.schema.field(name) for name in names])
        if len(names) == len(self.schema.names):
            schema = self.schema
        cursor = database.execute(query, values)
        step = max(_MOST_CELLS // len(names), 1)
        while rows := cursor.fetchmany(step):
            _limit_steps(database)
            columns = list(zip(*rows, strict=True))
            del rows
            arrays = [self._array(name, cells) for name, cells in zip(names, columns, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _array(self, name: str, cells: tuple[Any, ...]) -> pa.Array:
        if name == self.geometry:
            return wkb_points(read_points(cells, self.layer.name))
        return as_array(cells, self.schema.field(name), self.layer.name)


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database for reading alone; it may be hostile."""
    # Batches are read by several threads, one after the other. Immutable: SQLite leaves no files beside it.
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None, check_same_thread=False
    )
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_CELL)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    database.text_factory = bytes
    _limit_steps(database)
    for setting in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", f"cache_size = -{_CACHE_KB}"):
        database.execute(f"PRAGMA {setting}")
    database.text_factory = str
    return database


def _limit_steps(database: sqlite3.Connection) -> None:
    """Begin to count instructions anew; too many of them without a row end the reading."""
    left = iter(range(_MOST_IDLE))
    database.set_progress_handler(lambda: next(left, None) is None, _STEPS)


def _last_key(database: sqlite3.Connection, layer: Layer, path: Path) -> int | None:
    """Return the largest key, which is the number of rows where they were written one after the other."""
    if layer.key is None:
        return None
    (last,) = database.execute(f"SELECT max({quoted(layer.key)}) FROM main.{quoted(layer.name)}").fetchone()
    return last if isinstance(last, int) and 0 <= last <= path.stat().st_size // _LEAST_ROW else None


def _refuse_unfinished(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(100)
    page_size, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
    # SQLite does not miss pages before it needs them. The size 65536 is written as 1.
    if len(header) < 100 or path.stat().st_size < (65_536 if page_size == 1 else page_size) * pages:
        raise DataError(f"{path} is a GeoPackage whose end is missing: fetch or write it again")
    for suffix in _OF_OTHERS:
        beside = path.with_name(path.name + suffix)
        if beside.is_file() and beside.stat().st_size:
            raise DataError(
                f"{path} has changes in {beside.name} that are not in it yet: close the program that has it open, "
                "e.g. QGIS"
            )


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    """Translate errors of SQLite."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        text = " ".join(str(error).split())
        if "interrupted" in text:
            text = "reading it takes SQLite too many steps"
        if "too big" in text:
            text = f"a value has more than {_MOST_CELL >> 20} MiB"
        raise DataError(f"{path}: {text}: it is damaged, or no table of points: fetch or write it again") from error
