"""Open a table of any container for reading: file, standard input or binary stream."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.error_translation import translate_errors
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


@contextmanager
def open_source(
    where: str | Path | BinaryIO,
    *,
    roles: Mapping[str, str] | None = None,
    exact: bool = True,
    date_format: str | None = None,
    reads_json: bool = False,
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
            with translate_errors(str(Path(where))):
                source = open_path(
                    Path(where), closing, roles, exact=exact, date_format=date_format, reads_json=reads_json
                )
        else:
            stream: Any = _standard_input() if isinstance(where, (str, Path)) else where
            name = "-" if isinstance(where, (str, Path)) else str(getattr(where, "name", "stream"))
            with translate_errors(name):
                source = open_stream(stream, closing, name)
        with translate_errors(source.name, source.header):
            source = replace(source, schema=plain_schema(source.schema))
            source = _as_lists(source, roles, date_format)
        yield source


def path_or_stream(where: str | Path | BinaryIO) -> Path | str | BinaryIO:
    """Return a name as a path, but for ``-``; anything else unchanged."""
    if isinstance(where, str):
        return where if where == "-" else Path(where)
    return where


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
        pieces = pivot(map(as_plain, source.read(PIECE_ROWS, 1)), columns, dates, date_format)
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
    )


def _standard_input() -> Any:
    if sys.stdin is None:
        raise InputNotFoundError("standard input is closed: pipe an Arrow stream into it")
    return sys.stdin.buffer
