"""Open a table of any container for reading: file, standard input or binary stream."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa

from insar_runtime._input.column_types import refuse_double
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.error_translation import translate_errors
from insar_runtime._input.locations import locate
from insar_runtime._input.plain_types import as_plain, plain_schema
from insar_runtime._input.readers.detect import open_path, open_stream
from insar_runtime._input.readers.long_table import (
    PIECE_ROWS,
    as_list_schema,
    find_long_columns,
    is_long,
    pivot,
    pivot_stream,
    scan,
)
from insar_runtime._input.source import Source, guess_row_bytes
from insar_runtime.errors import InputNotFoundError

_LARGE_SORT: Final = 1e9
"""Bytes of temporary files from which on they are spoken of."""


@contextmanager
def open_source(
    where: str | Path | BinaryIO,
    *,
    roles: Mapping[str, str] | None = None,
    exact: bool = True,
    date_format: str | None = None,
    reads_json: bool = False,
    as_table: bool = False,
) -> Iterator[Source]:
    """Open a table for reading from front to back in bounded memory.

    A table with one row per point and date is presented with one row per point: its displacements as a list, its other
    columns as in the first row of each point. A file is read once before for that, a stream is not.

    Parameters
    ----------
    where : str, Path or binary stream
        File, ``"-"`` for an Arrow IPC stream on standard input, or an open binary stream with such a stream.
        The container follows from the first bytes, and from the extension only if they are not decisive.
    roles : mapping of role to column name, optional
        Columns that the user named; in a CSV the ``id`` is read as text and all others as numbers.
    exact : bool
        Whether the series of a Parquet file keep their type. As float32, in which they are classified, wide files take
        far less memory.
    date_format : str, optional
        How names and texts spell dates, where they do not in one of the usual ways.
    reads_json : bool
        Whether GeoJSON and JSON lines are read, and not refused.
    as_table : bool
        Whether a folder is one table in many files.

    Yields
    ------
    Source
        Valid until the context ends.

    Raises
    ------
    InputNotFoundError
        No such file.
    UsageError
        Neither a regular file nor a stream.
    DataError
        Not a table that can be read; the message says what to do.
    InputOutputError
        A folder, or reading failed.
    """
    # Errors of the caller's block must pass unchanged: only those of the opening are translated.
    with ExitStack() as closing:
        roles = roles or {}
        if isinstance(where, (str, Path)) and str(where) != "-":
            path = locate(where)
            open_one = partial(open_path, roles=roles, exact=exact, date_format=date_format, reads_json=reads_json)
            with translate_errors(str(path)):
                if as_table and path.is_dir():
                    source = _open_folder(path, open_one, date_format)
                else:
                    source = open_one(path, closing)
        else:
            stream: Any = _standard_input() if isinstance(where, (str, Path)) else where
            name = "-" if isinstance(where, (str, Path)) else str(getattr(where, "name", "stream"))
            with translate_errors(name):
                source = open_stream(stream, closing, name)
        with translate_errors(source.name, source.header):
            source = replace(source, schema=plain_schema(source.schema))
            refuse_double(source.schema.names)
            source = _as_lists(source, roles, date_format)
        yield source


def path_or_stream(where: str | Path | BinaryIO, *, output: bool = False) -> Path | str | BinaryIO:
    """Return a name as a path, but for ``-``; anything else unchanged.

    Raises
    ------
    UsageError
        If it is an address of the web.
    """
    if isinstance(where, (str, Path)):
        return "-" if str(where) == "-" else locate(where, output=output)
    return where


def _open_folder(path: Path, open_one: Callable[[Path, ExitStack], Source], date_format: str | None) -> Source:
    from insar_runtime._input.readers.folder_table import open_folder  # noqa: PLC0415 - most inputs are files

    def open_named(part: Path, closing: ExitStack) -> Source:
        with translate_errors(str(part)):
            return open_one(part, closing)

    return open_folder(path, open_named, date_format)


def _as_lists(source: Source, roles: Mapping[str, str], date_format: str | None) -> Source:
    """Return a table with one row per point and date as one with a row a point; any other unchanged."""
    search = source.search or DateSearch.among(source.schema.names, date_format)
    source = replace(source, search=search)
    columns = find_long_columns(source.schema.names, roles, search)
    if columns is None or not is_long(source.schema, columns):
        return source
    if source.read_again is None:
        rows = None
        dates, pieces = pivot_stream(map(as_plain, source.read(PIECE_ROWS, 1)), columns, date_format)
    else:
        axis = scan(map(as_plain, source.read_again([columns.id, columns.date])), columns, date_format)
        rows, dates = axis.points, axis.dates
        stream: Iterator[pa.RecordBatch] = map(as_plain, source.read(PIECE_ROWS, 1))
        if rows is None:
            source, stream = _sorted_by_point(source, stream, columns.id, axis.rows)
        pieces = pivot(stream, columns, dates, date_format)
    schema = as_list_schema(source.schema, columns, dates)
    return replace(
        source,
        schema=schema,
        rows=rows,
        row_bytes=guess_row_bytes(schema),
        # A piece is gathered, sorted into places and filled into lists.
        held_bytes=source.held_bytes + round(4 * PIECE_ROWS * source.row_bytes),
        origin=replace(source.origin, form="long"),
        read=lambda *_: pieces,
        read_again=None,
        spread=None,
        pick=None,
    )


def _sorted_by_point(
    source: Source, stream: Iterator[pa.RecordBatch], column: str, rows: int
) -> tuple[Source, Iterator[pa.RecordBatch]]:
    """Bring the rows of each point together, by temporary files; the sorting begins when the first row is wanted."""
    from insar_runtime._input.readers.external_sort import (  # noqa: PLC0415 - most tables are sorted
        HELD_BYTES,
        ExternalSort,
        check_room,
    )

    need = rows * source.row_bytes
    folder = check_room(need)
    note = f"the rows of a point were not together: they are sorted by '{column}', the points are in this order"
    if need >= _LARGE_SORT:
        note += f", by {need / 1e9:.1f} GB of temporary files in {folder}"
    origin = replace(source.origin, notes=(*source.origin.notes, note))
    held_bytes = source.held_bytes + HELD_BYTES
    return replace(source, origin=origin, held_bytes=held_bytes), ExternalSort(source.schema, column).sorted(stream)


def _standard_input() -> Any:
    if sys.stdin is None:
        raise InputNotFoundError("standard input is closed: pipe an Arrow stream into it")
    return sys.stdin.buffer
