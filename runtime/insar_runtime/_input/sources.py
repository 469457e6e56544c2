"""Tables as one stream of record batches, one row a point, whatever holds them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa

from insar_runtime._input.containers import Container, Kind, guess_row_bytes, open_ipc_stream, open_path
from insar_runtime._input.long import (
    PIECE_ROWS,
    as_list_schema,
    find_long_columns,
    is_long,
    pivot,
    pivot_stream,
    scan,
)
from insar_runtime._input.origin import Origin
from insar_runtime._input.wording import in_our_words
from insar_runtime.errors import InputNotFoundError, UsageError

BATCH_ROWS: Final = 8192
"""Most rows of a batch."""


@dataclass(slots=True)
class Source:
    """An open table.

    Attributes
    ----------
    name : str
        What the user called it; ``-`` for standard input.
    kind : {"parquet", "csv", "zip", "ipc"}
    schema : pyarrow.Schema
        Of every batch. CSV: dates are float32, identifiers strings.
    rows : int or None
        Number of rows if the container tells it.
    metadata : dict of str to str
        File metadata (Parquet, IPC); for a zip the name of the ``member`` that is read, and what the XML beside it
        states once (of EGMS: product_level, track, ...).
    row_bytes : float
        Estimated size of a row of a batch in memory.
    held_bytes : int
        What the reader holds at a time, whatever the batches are.
    origin : Origin
        What the containers tell beside columns and rows.
    """

    name: str
    kind: Kind
    schema: pa.Schema
    rows: int | None
    metadata: dict[str, str]
    row_bytes: float
    held_bytes: int
    origin: Origin
    _open: Callable[[int, int], Iterable[pa.RecordBatch]]
    _again: Callable[[Sequence[str]], Iterable[pa.RecordBatch]] | None
    _columns: tuple[str, ...]

    def batches(self, rows: int = BATCH_ROWS, threads: int = 1) -> Iterator[pa.RecordBatch]:
        """Rows in file order, in batches of at most so many; none if there are no rows.

        Ask for them once: a stream cannot be read again. With more than one thread, wide Parquet is decoded by several.

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
        with in_our_words(self.name, self._columns):
            yield from _regroup(self._open(rows, threads), rows)

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
        if self._again is None or (self.kind == "parquet" and "." in name):
            return None
        return self._pieces(self._again, name)

    def _pieces(self, again: Callable[[Sequence[str]], Iterable[pa.RecordBatch]], name: str) -> Iterator[pa.Array]:
        with in_our_words(self.name, self._columns):
            for batch in again([name]):
                yield batch.column(0)


@contextmanager
def open_source(
    source: str | Path | BinaryIO,
    *,
    roles: Mapping[str, str] | None = None,
    exact: bool = True,
    date_format: str | None = None,
) -> Iterator[Source]:
    """Open a table for reading from front to back in bounded memory.

    A table with one row a point and date is presented with one row a point: its displacements as a list, its other
    columns as in the first row of each point. A file is read once before for that, a stream is not.

    Parameters
    ----------
    source : str, Path or binary stream
        File, ``"-"`` for an Arrow IPC stream on standard input, or an open binary stream with such a stream.
        The container is told from the first bytes, and by the extension only if they say nothing.
    roles : mapping of role to column name, optional
        Columns that the user named; in a CSV the ``id`` is read as text and all others as numbers.
    exact : bool
        Whether the series of a Parquet file keep their type. As float32, in which they are classified, wide files take
        far less memory.
    date_format : str, optional
        How names and texts spell dates, where they do not in one of the usual ways.

    Yields
    ------
    Source
        Valid until the context ends.

    Raises
    ------
    InputNotFoundError
        No such file.
    UsageError
        A folder.
    DataError
        Not a table that can be read; the message says what to do.
    InputOutputError
        Reading failed.
    """
    # Errors of the caller's block must pass unchanged: only the opening is put into our words.
    with ExitStack() as closing:
        roles = roles or {}
        if isinstance(source, (str, Path)) and str(source) != "-":
            name = str(Path(source))
            with in_our_words(name):
                held = open_path(Path(source), closing, roles, exact=exact, date_format=date_format)
        else:
            stream: Any = _standard_input() if isinstance(source, (str, Path)) else source
            name = "-" if isinstance(source, (str, Path)) else str(getattr(source, "name", "stream"))
            with in_our_words(name):
                held = open_ipc_stream(stream, closing, name)
        with in_our_words(name, held.columns):
            held = _as_lists(held, roles, date_format)
        yield Source(
            name,
            held.kind,
            held.schema,
            held.rows,
            held.metadata,
            held.row_bytes,
            held.held_bytes,
            held.origin,
            held.read,
            held.again,
            held.columns,
        )


def _as_lists(held: Container, roles: Mapping[str, str], date_format: str | None) -> Container:
    """Give a table with one row a point and date as one with a row a point; any other as it is."""
    columns = find_long_columns(held.schema.names, roles, date_format)
    if columns is None or not is_long(held.schema, columns):
        return held
    if held.again is None:
        rows = None
        dates, pieces = pivot_stream(held.read(PIECE_ROWS, 1), columns, date_format)
    else:
        axis = scan(held.again([columns.id, columns.date]), columns, date_format)
        rows, dates = axis.points, axis.dates
        pieces = pivot(held.read(PIECE_ROWS, 1), columns, dates, date_format)
    schema = as_list_schema(held.schema, columns, dates)
    return replace(
        held,
        schema=schema,
        rows=rows,
        row_bytes=guess_row_bytes(schema),
        # A piece is gathered, sorted into places and filled into lists.
        held_bytes=held.held_bytes + round(4 * PIECE_ROWS * held.row_bytes),
        origin=replace(held.origin, form="long"),
        read=lambda *_: pieces,
        again=None,
    )


def _standard_input() -> Any:
    if sys.stdin is None:
        raise InputNotFoundError("standard input is closed: pipe an Arrow stream into it")
    return sys.stdin.buffer


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
