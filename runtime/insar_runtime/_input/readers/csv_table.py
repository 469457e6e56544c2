"""CSV as a stream of typed record batches: dialect, header, and a type for every column."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv

from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.readers.csv_dialect import HEADER_LIMIT, ROW_LIMIT, Header, is_comment, read_header
from insar_runtime._input.readers.csv_types import PADDED_NULLS, choose_types, find_decimal_comma
from insar_runtime._input.readers.long_table import LongColumns, find_long_columns
from insar_runtime.errors import DataError

_BLOCK: Final = 1 << 20
_SPELLED: Final = {"\t": "tabs"}
_MOST_ATTRIBUTES: Final = 5000
"""More columns without a date among them are a transposed table, whose numbers are not needed."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A CSV whose first block was looked at.

    Attributes
    ----------
    schema : pyarrow.Schema
        Series are float32, identifiers strings.
    rows : int or None
        0 if there is nothing below the header, None otherwise.
    header : Header
    long : LongColumns or None
        Identifier, date and value, if it has a row a point and date.
    search : DateSearch
        What was found among the names of the columns.
    block : int
        Bytes of text that are parsed at a time.
    decimal : str
        Sign before the decimals: a point, or a comma.
    """

    schema: pa.Schema
    rows: int | None
    header: Header
    long: LongColumns | None
    search: DateSearch
    block: int
    decimal: str
    _types: Mapping[str, pa.DataType]
    _comments: int
    _reopen: Callable[[], Any]
    _closing: ExitStack

    def with_types(self, schema: pa.Schema) -> CsvTable:
        """Return the same table with the types of a schema of the same columns; float32 is parsed as double."""
        kinds = zip(schema.names, schema.types, strict=True)
        types = {name: pa.float64() if pa.types.is_float32(kind) else kind for name, kind in kinds}
        return replace(self, schema=schema, _types={**self._types, **types})

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Return the rows from the beginning, as batches as large as the blocks are; of some columns only if wanted."""
        if self.rows == 0:
            return
        wanted = list(self.header.kept if columns is None else columns)
        schema = pa.schema([self.schema.field(name) for name in wanted])
        stream = self._closing.enter_context(self._reopen())
        reader = pacsv.open_csv(
            stream,
            _read_options(self.header, self.block, self._comments),
            pacsv.ParseOptions(delimiter=self.header.separator),
            pacsv.ConvertOptions(
                column_types=dict(self._types),
                null_values=PADDED_NULLS,
                decimal_point=self.decimal,
                include_columns=[] if len(wanted) == len(self.header.names) else wanted,
            ),
        )
        self._closing.enter_context(reader)
        for batch in reader:
            # Read as double and then rounded, as the values of a Parquet file are: the same bits from both.
            arrays = [
                c if c.type == t else c.cast(t, safe=False) for c, t in zip(batch.columns, schema.types, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def open_csv(
    reopen: Callable[[], Any],
    beginning: Any,
    closing: ExitStack,
    roles: Mapping[str, str],
    date_format: str | None = None,
) -> CsvTable:
    """Decide dialect and types on the first block, and prepare the stream of batches.

    Parameters
    ----------
    reopen : callable
        Opens the bytes from their beginning; called when the batches are asked for.
    beginning : binary file
        The same bytes, for a first look; closed here.
    closing : ExitStack
        Closes what the batches hold open.
    roles : mapping of role to column name
        Columns that the user named: the ``id`` is text, all others are numbers.
    date_format : str, optional
        Spelling of dates that the user named.

    Raises
    ------
    DataError
        No header, a column twice, decimal commas that the separator leaves open, or beside decimal points.
    """
    comments = 0
    with beginning:
        first, second = beginning.readline(HEADER_LIMIT), _row_line(beginning)
        while is_comment(first, second):
            first, second, comments = second, _row_line(beginning), comments + 1
        head = second + beginning.read(_BLOCK) + _row_line(beginning)
    header = read_header(first, head)
    search = DateSearch.among(header.kept, date_format)
    dates = frozenset(search.names)
    long = find_long_columns(header.kept, roles, search)
    if not dates and long is None and len(header.names) > _MOST_ATTRIBUTES:
        types: Mapping[str, pa.DataType] = dict.fromkeys(header.names, pa.string())
        comma = None
    else:
        table = _read_texts(header, first, head)
        comma = find_decimal_comma(table, header.separator, dates, long, roles)
        types = choose_types(table, dates, long, roles, has_commas=comma is not None)
    if comma is not None:
        note = f"decimal commas: {comma}; columns are separated by {_SPELLED.get(header.separator, header.separator)}"
        header = replace(header, notes=(*header.notes, note))
    series = dates | ({long.value} if long else frozenset())
    schema = pa.schema([(name, pa.float32() if name in series else types[name]) for name in header.kept])
    below = head.split(b"\n", header.lines - 1)[-1] if head.count(b"\n") >= header.lines - 1 else b""
    longest = max(map(len, [first, *head.splitlines()]))
    block = max(_BLOCK, 4 * longest)
    rows = None if below.strip() else 0
    decimal = "." if comma is None else ","
    return CsvTable(schema, rows, header, long, search, block, decimal, types, comments, reopen, closing)


def _row_line(stream: Any) -> bytes:
    line: bytes = stream.readline(ROW_LIMIT)
    if len(line) == ROW_LIMIT and not line.endswith(b"\n"):
        raise DataError(f"a line has more than {ROW_LIMIT >> 20} MiB: not a table of one row per point")
    return line


def _read_options(header: Header, block: int, comments: int = 0) -> pacsv.ReadOptions:
    return pacsv.ReadOptions(
        block_size=block, use_threads=False, column_names=list(header.names), skip_rows=comments + header.lines
    )


def _read_texts(header: Header, first: bytes, head: bytes) -> pa.Table:
    """Return the first rows of a CSV, all cells as text."""
    return pacsv.read_csv(
        io.BytesIO(first.rstrip(b"\r\n") + b"\n" + head),
        _read_options(header, len(first) + len(head) + _BLOCK),
        pacsv.ParseOptions(delimiter=header.separator),
        pacsv.ConvertOptions(column_types=dict.fromkeys(header.names, pa.string())),
    )
