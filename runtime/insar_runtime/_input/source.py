"""An open table: a stream of record batches with one row per point, whatever file it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.error_translation import translate_errors
from insar_runtime._input.origin import Origin
from insar_runtime._input.plain_types import as_plain
from insar_runtime.errors import UsageError

Kind = Literal[
    "parquet", "csv", "zip", "ipc", "csv.gz", "csv.zst", "csv.bz2", "shapefile", "dbf", "gpkg", "json", "folder"
]

_GUESSED_LIST: Final = 256
"""Values of a list whose length is not known before it is read."""
_GUESSED_TEXT: Final = 24
"""Bytes of a text."""
BATCH_ROWS: Final = 8192
"""Most rows of a batch."""


@dataclass(frozen=True, slots=True)
class Source:
    """An open table.

    Attributes
    ----------
    name : str
        What the user called it; ``-`` for standard input.
    kind : str
        Container: parquet, csv, zip, ipc, csv.gz, csv.zst, csv.bz2, shapefile, dbf, gpkg, json, folder.
    schema : pyarrow.Schema
        Of every batch, all of plain types. CSV: dates are float32, identifiers strings.
    rows : int or None
        Number of rows, if the container states it.
    metadata : dict of str to str
        File metadata (Parquet, IPC); for a zip the name of the ``member`` that is read, and what the XML beside it
        states once (of EGMS: product_level, track, ...).
    row_bytes : float
        Estimated size of a row of a batch in memory.
    held_bytes : int
        What the reader holds at a time, whatever the batches are.
    origin : Origin
        Where the table comes from.
    read : callable
        Returns batches of at most so many rows, if the container allows it, decoded by so many threads; once.
    read_again : callable or None
        Reads some columns from the beginning; None for a stream, which is read once.
    header : tuple of str
        All columns of a CSV by their position, for messages.
    search : DateSearch or None
        What was found when the names of the columns were searched for dates; None if they were not.
    rows_estimate : int or None
        About how many rows there are, if the container says so without any promise.
    spread : callable or None
        Returns at most so many rows of some columns from all over the file; None where that takes reading the whole.
    pick : callable or None
        Returns the rows of some numbers, ascending, of some columns; None where that takes reading the whole.
    retyped : callable or None
        Returns the same table with the types of a schema, for a text, whose types are chosen by its first rows.
    """

    name: str
    kind: Kind
    schema: pa.Schema
    rows: int | None
    metadata: dict[str, str]
    row_bytes: float
    held_bytes: int
    origin: Origin
    read: Callable[[int, int], Iterable[pa.RecordBatch]]
    read_again: Callable[[Sequence[str]], Iterable[pa.RecordBatch]] | None = None
    header: tuple[str, ...] = ()
    search: DateSearch | None = None
    rows_estimate: int | None = None
    spread: Callable[[Sequence[str], int], Iterator[pa.RecordBatch]] | None = None
    pick: Callable[[Sequence[str], NDArray[np.intp]], Iterator[pa.RecordBatch]] | None = None
    retyped: Callable[[pa.Schema], Source] | None = None

    def batches(self, rows: int = BATCH_ROWS, threads: int = 1) -> Iterator[pa.RecordBatch]:
        """Return the rows in file order, in batches of at most so many; no batch if there are no rows.

        Call this once: a stream cannot be read again. If there are several threads, they decode wide Parquet together.

        Raises
        ------
        UsageError
            A batch size below 1.
        DataError
            While iterating: the content is damaged or of a wrong type.
        InputOutputError
            While iterating: reading failed.
        """
        if rows < 1:
            raise UsageError(f"batch of {rows} rows: at least 1")
        with translate_errors(self.name, self.header, is_open=True):
            yield from map(as_plain, _regroup(self.read(rows, threads), rows))

    def column(self, name: str) -> Iterator[pa.Array] | None:
        """Read one column by itself, from the beginning, in pieces of any size.

        None where that takes more than the column, or is not possible: of a stream, and of a table whose rows are not
        those of the file.

        Raises
        ------
        DataError, InputOutputError
            As ``batches``.
        """
        # A name with a dot may be that of a part of another column.
        if self.read_again is None or (self.kind == "parquet" and "." in name):
            return None
        return self._pieces(self.read_again, name)

    def _pieces(self, again: Callable[[Sequence[str]], Iterable[pa.RecordBatch]], name: str) -> Iterator[pa.Array]:
        with translate_errors(self.name, self.header, is_open=True):
            for batch in again([name]):
                yield as_plain(batch).column(0)


def guess_row_bytes(schema: pa.Schema) -> float:
    """Return the estimated bytes of a row in memory, from the types of its columns."""

    def size(data_type: pa.DataType) -> float:
        if pa.types.is_fixed_size_list(data_type):
            return float(data_type.list_size * size(data_type.value_type))
        if pa.types.is_list(data_type) or pa.types.is_large_list(data_type):
            return _GUESSED_LIST * size(data_type.value_type)
        try:
            return float(data_type.bit_width / 8)
        except ValueError:
            return _GUESSED_TEXT

    return sum(map(size, schema.types))


def _regroup(pieces: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Batches of at most `rows`, in order: large pieces are sliced, small ones gathered, each copied once."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for piece in pieces:
        for start in range(0, piece.num_rows, rows):
            part = piece.slice(start, rows)
            if count + part.num_rows > rows:
                yield _gather(waiting)
                waiting, count = [], 0
            waiting.append(part)
            count += part.num_rows
    if waiting:
        yield _gather(waiting)


def _gather(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
