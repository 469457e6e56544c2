"""Containers of tables (Parquet, CSV, zip with a CSV, Arrow IPC) as one stream of record batches."""

from __future__ import annotations

import io
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import pyarrow as pa

from insar_runtime._input.archive import open_archive
from insar_runtime._input.csv_text import CsvTable, open_csv
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
from insar_runtime._input.parquet import open_parquet
from insar_runtime.errors import (
    DataError,
    InputNotFoundError,
    InputOutputError,
    InsarRuntimeError,
    UsageError,
)

Kind = Literal["parquet", "csv", "zip", "ipc"]

BATCH_ROWS: Final = 8192
"""Most rows of a batch."""
_BLOCK: Final = 1 << 20
_GUESSED_LIST: Final = 256
"""Values of a list whose length is not known before it is read."""
_GUESSED_TEXT: Final = 24
"""Bytes of a text."""
_DECIMAL_COMMA: Final = re.compile(r"'\s*[-+]?\d*,\d+\s*'")
_CSV_COLUMN: Final = re.compile(r"In CSV column #(\d+)")

_REFUSED: Final = (
    (b"SQLite format 3", "a GeoPackage or SQLite file"),
    (b"\x89HDF", "an HDF5 or NetCDF file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x00\x00\x27\x0a", "a shapefile"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


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
    _again: Callable[[Sequence[str]], Iterable[pa.RecordBatch]] | None = None
    """Reads some columns from the beginning; None for a stream, which is read once."""

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
        with _in_our_words(self.name, self.schema.names):
            yield from _regroup(self._open(rows, threads), rows)


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
            with _in_our_words(name):
                opened = _open_path(Path(source), closing, roles, exact=exact, date_format=date_format)
        else:
            stream: Any = _standard_input() if isinstance(source, (str, Path)) else source
            name = "-" if isinstance(source, (str, Path)) else str(getattr(source, "name", "stream"))
            with _in_our_words(name):
                opened = _open_ipc_stream(stream, closing, name)
        with _in_our_words(name, opened.schema.names):
            opened = _as_lists(opened, roles, date_format)
        yield opened


def _as_lists(source: Source, roles: Mapping[str, str], date_format: str | None) -> Source:
    """Give a table with one row a point and date as one with a row a point; any other as it is."""
    columns = find_long_columns(source.schema.names, roles, date_format)
    if columns is None or not is_long(source.schema, columns):
        return source
    rows = None
    if source._again is None:
        dates, pieces = pivot_stream(source._open(PIECE_ROWS, 1), columns, date_format)
        batches: Callable[[], Iterable[pa.RecordBatch]] = lambda: pieces
    else:
        axis = scan(source._again([columns.id, columns.date]), columns, date_format)
        dates, rows = axis.dates, axis.points
        batches = lambda: pivot(source._open(PIECE_ROWS, 1), columns, dates, date_format)
    schema = as_list_schema(source.schema, columns, dates)
    held = source.held_bytes + round(4 * PIECE_ROWS * source.row_bytes)
    return Source(
        source.name,
        source.kind,
        schema,
        rows,
        source.metadata,
        _row_bytes(schema),
        held,
        replace(source.origin, form="long"),
        lambda *_: batches(),
    )


def _standard_input() -> Any:
    if sys.stdin is None:
        raise InputNotFoundError("standard input is closed: pipe an Arrow stream into it")
    return sys.stdin.buffer


def _open_path(
    path: Path, closing: ExitStack, roles: Mapping[str, str], *, exact: bool, date_format: str | None
) -> Source:
    if path.is_dir():
        raise UsageError(f"{path} is a folder: give one file (one time axis per file)")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no regular file: give a file, or - and an Arrow stream on standard input")
    name = str(path)
    with path.open("rb") as file:
        magic = file.read(4096)
    extension = path.suffix.lower()
    if magic.startswith(b"PAR1"):
        return _parquet_source(path, closing, exact=exact, date_format=date_format)
    if magic.startswith(b"ARROW1"):
        return _open_ipc_file(path, closing)
    if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_zip(path, closing, roles, date_format)
    if magic.startswith(b"\xff\xff\xff\xff"):
        return _open_ipc_stream(closing.enter_context(pa.OSFile(name)), closing, name, path)
    what = next((what for start, what in _REFUSED if magic.startswith(start)), None)
    if not magic:
        raise DataError(f"{path} is empty: fetch or write it again")
    if what is None and extension in {".parquet", ".geoparquet", ".pq", ".zip", ".arrow", ".arrows", ".ipc"}:
        raise DataError(f"{path} is no {extension[1:]} file by its content: fetch or write it again")
    if what is not None or b"\0" in magic:
        raise DataError(f"{path} is {what or 'no text'}: convert it to Parquet or UTF-8 CSV, one row a point")
    table = open_csv(lambda: pa.OSFile(name), path.open("rb"), closing, roles, date_format)
    return _csv_source(name, "csv", table, {}, Origin((path.name,)))


def _parquet_source(path: Path, closing: ExitStack, *, exact: bool, date_format: str | None) -> Source:
    table = open_parquet(path, closing, exact=exact, date_format=date_format)
    return Source(
        str(path),
        "parquet",
        table.schema,
        table.rows,
        _texts(table.schema.metadata),
        table.row_bytes,
        table.held_bytes,
        Origin((path.name,)),
        table.batches,
        table.some_columns,
    )


def _open_ipc_file(path: Path, closing: ExitStack) -> Source:
    reader = closing.enter_context(pa.ipc.open_file(closing.enter_context(pa.OSFile(str(path)))))

    def batches() -> Iterator[pa.RecordBatch]:
        return (reader.get_batch(i) for i in range(reader.num_record_batches))

    return _ipc_source(str(path), reader.schema, batches, batches)


def _open_ipc_stream(stream: Any, closing: ExitStack, name: str, path: Path | None = None) -> Source:
    start = b""
    if hasattr(stream, "peek"):
        start = stream.peek(4)[:4]
    elif stream.seekable():
        start = stream.read(4)
        stream.seek(-len(start), io.SEEK_CUR)
    if start and not b"\xff\xff\xff\xff".startswith(start):
        raise DataError(f"the stream is no Arrow IPC stream (starts with {start!r}): give other containers as files")
    reader = closing.enter_context(pa.ipc.open_stream(stream))

    def again() -> Iterator[pa.RecordBatch]:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as second:
            yield from second

    return _ipc_source(name, reader.schema, lambda: reader, again if path else None)


def _open_zip(path: Path, closing: ExitStack, roles: Mapping[str, str], date_format: str | None) -> Source:
    archive = open_archive(path, closing)

    def reopen() -> Any:
        return archive.file.open(archive.member)

    table = open_csv(reopen, reopen(), closing, roles, date_format)
    facts = {"member": archive.member, **archive.facts}
    origin = Origin((archive.member, path.name), archive.facts.get("product_level"), notes=archive.notes)
    return _csv_source(str(path), "zip", table, facts, origin)


def _ipc_source(
    name: str,
    schema: pa.Schema,
    batches: Callable[[], Iterable[pa.RecordBatch]],
    again: Callable[[], Iterable[pa.RecordBatch]] | None,
) -> Source:
    some = None if again is None else lambda columns: (batch.select(list(columns)) for batch in again())
    metadata = _texts(schema.metadata)
    origin = Origin((Path(name).name,))
    return Source(name, "ipc", schema, None, metadata, _row_bytes(schema), 0, origin, lambda *_: batches(), some)


def _csv_source(
    name: str, kind: Literal["csv", "zip"], table: CsvTable, metadata: dict[str, str], origin: Origin
) -> Source:
    header = table.header
    origin = replace(origin, form=header.form, notes=(*origin.notes, *header.notes))
    # A block of text is parsed to doubles before its dates become float32.
    return Source(
        name,
        kind,
        table.schema,
        table.rows,
        metadata,
        _row_bytes(table.schema),
        3 * _BLOCK,
        origin,
        lambda *_: table.batches(),
        table.batches,
    )


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


def _row_bytes(schema: pa.Schema) -> float:
    """Guess the size of a row from the types of its columns."""

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


def _gather(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _texts(metadata: dict[bytes, bytes] | None) -> dict[str, str]:
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in (metadata or {}).items()}


@contextmanager
def _in_our_words(name: str, columns: Sequence[str] = ()) -> Iterator[None]:
    """Turn errors of pyarrow, zipfile and the system into ours, one line each."""
    try:
        yield
    except InsarRuntimeError:
        raise
    except FileNotFoundError as error:
        raise InputNotFoundError(f"no such input: {name}: check the path") from error
    except MemoryError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise InputOutputError(f"reading {name} failed: {_one_line(error)}: check disk and access") from error
        raise _damaged(name, columns, error) from error  # pyarrow says OSError of damaged Parquet pages
    except UnicodeEncodeError as error:
        raise DataError(f"the name of {name!a} is no UTF-8: rename the file") from error
    except (pa.ArrowException, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _damaged(name, columns, error) from error


def _damaged(name: str, columns: Sequence[str], error: Exception) -> DataError:
    text = _one_line(error)
    remedy = "it is damaged or incomplete: fetch or write it again"
    if "CSV conversion error" in text:
        remedy = "correct the cell or leave it empty"
        if _DECIMAL_COMMA.search(text):
            remedy = "write decimal points"
    if "UTF8" in text:
        remedy = "convert the file to UTF-8, e.g. iconv -f WINDOWS-1252 -t UTF-8"
    if "CSV parse error" in text and "Expected" in text:
        remedy = "each line needs as many cells as the header"
    if match := _CSV_COLUMN.search(text):
        text = text.replace(match[0], f"column '{columns[int(match[1])]}'" if columns else match[0])
    return DataError(f"{name}: {text}: {remedy}")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 240 else text[:237] + "..."
