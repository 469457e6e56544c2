"""CSV as a stream of typed record batches: dialect, header, and a type for every column."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from insar_runtime._input.column_roles import NUMERIC_NAMES
from insar_runtime._input.dates.date_columns import ID_ALIASES
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.readers.csv_dialect import HEADER_LIMIT, ROW_LIMIT, Header, is_comment, read_header
from insar_runtime._input.readers.long_table import LongColumns, find_long_columns
from insar_runtime.errors import DataError

_BLOCK: Final = 1 << 20

# Types of EGMS attributes: inference would make them depend on the first rows of each file.
_INTEGERS: Final = frozenset(
    {
        "mp_type",
        "cluster_label",
        "line",
        "pixel",
        "track",
        "pnt_flags",
        "pnt_line",
        "pnt_pixel",
        "burst",
    }
)
_FLOATS: Final = frozenset(
    [
        "latitude",
        "longitude",
        "easting",
        "northing",
        "eff_area",
        "height",
        "height_wgs84",
        "height_ortho",
        "height_ellipse",
        "rmse",
        "rmse_ts",
        "temporal_coherence",
        "amplitude_dispersion",
        "incidence_angle",
        "track_angle",
        "los_east",
        "los_north",
        "los_up",
        "mean_velocity",
        "mean_velocity_std",
        "acceleration",
        "acceleration_std",
        "seasonality",
        "seasonality_std",
        "gnss_velocity",
        "gnss_velocity_n",
        "gnss_velocity_e",
        "gnss_velocity_u",
        "lat",
        "lon",
        "vel",
        "vlos",
        "velocity",
        "coherence",
    ]
)
_MOST_ATTRIBUTES: Final = 5000
"""More columns without a date among them are a transposed table, whose numbers nobody asks for."""
_NULLS: Final = ["", "NaN", "nan", "-nan", "NULL", "null", "Null", "NA", "N/A", "n/a", "#N/A", "<NA>", "None", "\\N"]
"""Of pandas, R and C, of spreadsheets (#N/A) and of PostgreSQL (\\N)."""
_PADDED_NULLS: Final = [pad + text for pad in ("", " ") for text in _NULLS]
"""pyarrow trims numbers before it reads them, but not before it looks for nulls."""
_DECIMAL_COMMA: Final = r"^\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*$"
_CODE: Final = r"^[-+]?(0\d|\d{16,}$)"
"""Codes made of digits, which a number would change: leading zeros, more digits than a double holds."""
_DECIMALS: Final = r"[.eE]"


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
    """

    schema: pa.Schema
    rows: int | None
    header: Header
    long: LongColumns | None
    search: DateSearch
    block: int
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
                null_values=_PADDED_NULLS,
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
        No header, a column twice, decimal commas.
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
    else:
        types = _choose_types(header, first, head, dates, long, roles)
    series = dates | ({long.value} if long else frozenset())
    schema = pa.schema([(name, pa.float32() if name in series else types[name]) for name in header.kept])
    below = head.split(b"\n", header.lines - 1)[-1] if head.count(b"\n") >= header.lines - 1 else b""
    longest = max(map(len, [first, *head.splitlines()]))
    block = max(_BLOCK, 4 * longest)
    return CsvTable(schema, None if below.strip() else 0, header, long, search, block, types, comments, reopen, closing)


def _row_line(stream: Any) -> bytes:
    line: bytes = stream.readline(ROW_LIMIT)
    if len(line) == ROW_LIMIT and not line.endswith(b"\n"):
        raise DataError(f"a line has more than {ROW_LIMIT >> 20} MiB: not a table of one row a point")
    return line


def _read_options(header: Header, block: int, comments: int = 0) -> pacsv.ReadOptions:
    return pacsv.ReadOptions(
        block_size=block, use_threads=False, column_names=list(header.names), skip_rows=comments + header.lines
    )


def _choose_types(
    header: Header,
    first: bytes,
    head: bytes,
    dates: frozenset[str],
    long: LongColumns | None,
    roles: Mapping[str, str],
) -> dict[str, pa.DataType]:
    """Types to parse the columns of a CSV with."""
    table = pacsv.read_csv(
        io.BytesIO(first.rstrip(b"\r\n") + b"\n" + head),
        _read_options(header, len(first) + len(head) + _BLOCK),
        pacsv.ParseOptions(delimiter=header.separator),
        pacsv.ConvertOptions(column_types=dict.fromkeys(header.names, pa.string())),
    )
    types: dict[str, pa.DataType] = {}
    for name, column in zip(header.names, table.columns, strict=True):
        if long and name in {long.id, long.date}:
            types[name] = pa.string()
        elif name in dates or (long and name == long.value):
            types[name] = pa.float64()
        else:
            types[name] = _attribute_type(name, column, roles)
        if pa.types.is_floating(types[name]):
            _refuse_decimal_comma(name, column, header.separator)
    return types


def _refuse_decimal_comma(name: str, column: pa.ChunkedArray, separator: str) -> None:
    cells = column.filter(pc.match_substring_regex(column, _DECIMAL_COMMA))
    if len(cells):
        how = ", e.g. sed 's/,/./g' in.csv > out.csv" if separator != "," else ""
        raise DataError(f"column '{name}' has a decimal comma ('{cells[0]}'): write decimal points{how}")


def _attribute_type(name: str, column: pa.ChunkedArray, roles: Mapping[str, str]) -> pa.DataType:
    """Choose a type that no later row can make wrong in silence.

    Only the first block is seen here. Whole numbers of unknown meaning may be codes (a postcode with a leading
    zero, an identifier longer than a double holds), so they stay text; numbers with decimals are numbers.
    """
    lower = name.lower()
    if name == roles.get("id") or lower in ID_ALIASES:
        return pa.string()
    if name in roles.values() or lower in _FLOATS:
        return pa.float64()
    column = pc.utf8_trim_whitespace(column)
    values = column.filter(pc.invert(pc.is_in(column, pa.array(_NULLS))))
    if lower in _INTEGERS and _casts(values, pa.int64()):
        return pa.int64()
    if lower in _INTEGERS and _casts(values, pa.float64()):
        return pa.float64()
    # Also a track as SqueeSAR names it, T44.
    if not _casts(values, pa.float64()) or _any_matches(values, _CODE):
        return pa.string()
    return pa.float64() if lower in NUMERIC_NAMES or _any_matches(values, _DECIMALS) else pa.string()


def _casts(values: pa.ChunkedArray, data_type: pa.DataType) -> bool:
    try:
        values.cast(data_type)
    except pa.ArrowInvalid:
        return False
    return True


def _any_matches(values: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(values, pattern)).as_py())
