"""CSV as a stream of typed record batches: dialect, header, and a type for every column."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from insar_runtime._input.dates import ID_ALIASES, find_date_columns
from insar_runtime.errors import DataError

_BLOCK: Final = 1 << 20
_HEADER_LIMIT: Final = 1 << 26
"""Longest header line that is read: a million points of a transposed table, which is then refused by name."""

# Types of EGMS attributes: inference would make them depend on the first rows of each file.
_INTEGERS: Final = frozenset(
    {
        "mp_type",
        "cluster_label",
        "line",
        "pixel",
        "track",
        "eff_area",
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
_NULLS: Final = ["", "NaN", "nan", "-nan", "NULL", "null", "NA", "N/A", "None"]
_PADDED_NULLS: Final = [pad + text for pad in ("", " ") for text in _NULLS]
"""pyarrow trims numbers before it reads them, but not before it looks for nulls."""
_DECIMAL_COMMA: Final = r"^\s*[-+]?\d+,\d+\s*$"
_CODE: Final = r"^[-+]?(0\d|\d{16,}$)"
"""Codes made of digits, which a number would change: leading zeros, more digits than a double holds."""
_DECIMALS: Final = r"[.eE]"


def open_csv(
    reopen: Callable[[], Any], beginning: Any, closing: ExitStack, roles: Mapping[str, str]
) -> tuple[pa.Schema, int | None, Callable[[], Iterable[pa.RecordBatch]]]:
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

    Returns
    -------
    schema : pyarrow.Schema
        Dates are float32, identifiers strings.
    rows : int or None
        0 if there is nothing below the header, None otherwise.
    batches : callable
        Gives the batches, as large as the blocks are.

    Raises
    ------
    DataError
        No header, a column twice, decimal commas.
    """
    with beginning:
        header = beginning.readline(_HEADER_LIMIT)
        head = beginning.read(_BLOCK) + beginning.readline(_HEADER_LIMIT)
    names, separator = _read_header(header)
    parse = pacsv.ParseOptions(delimiter=separator)
    types, dates = _choose_types(names, header, head, parse, roles)
    out = [pa.float32() if name in dates else data_type for name, data_type in zip(names, types, strict=True)]
    schema = pa.schema(list(zip(names, out, strict=True)))
    longest = max(map(len, [header, *head.splitlines()]))

    def batches() -> Iterator[pa.RecordBatch]:
        stream = closing.enter_context(reopen())
        reader = pacsv.open_csv(
            stream,
            pacsv.ReadOptions(block_size=max(_BLOCK, 4 * longest), use_threads=False, column_names=names, skip_rows=1),
            parse,
            pacsv.ConvertOptions(column_types=dict(zip(names, types, strict=True)), null_values=_PADDED_NULLS),
        )
        closing.enter_context(reader)
        for batch in reader:
            # Read as double and then rounded, as the values of a Parquet file are: the same bits from both.
            columns = [c.cast(t, safe=False) for c, t in zip(batch.columns, out, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return (schema, None, batches) if head.strip() else (schema, 0, lambda: iter(()))


def _read_header(header: bytes) -> tuple[list[str], str]:
    """Column names and separator of a CSV."""
    if not header.endswith(b"\n") and len(header) >= _HEADER_LIMIT:
        raise DataError(f"no line end in the first {_HEADER_LIMIT >> 20} MiB: not a table of one row a point")
    try:
        text = header.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise DataError("the header is no UTF-8 text: convert the file to UTF-8") from None
    try:
        readings = [(next(csv.reader([text], delimiter=sign), []), sign) for sign in ",;\t"]
    except csv.Error as error:
        raise DataError(f"the first line is no CSV header ({error}): one row a point, lines end with LF") from None
    fields, separator = max(readings, key=lambda reading: len(reading[0]))
    names = [name.strip() for name in fields]
    if not any(names):
        raise DataError("the first line holds no column names: put them there")
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DataError(f"column '{twice}' occurs twice: rename or drop one of them")
    return names, separator


def _choose_types(
    names: Sequence[str], header: bytes, head: bytes, parse: pacsv.ParseOptions, roles: Mapping[str, str]
) -> tuple[list[pa.DataType], frozenset[str]]:
    """Types to parse the columns of a CSV with, and the names of its date columns."""
    try:
        dates = frozenset(find_date_columns(names).names)
    except DataError:
        dates = frozenset()  # the layout says what is wrong with them
    table = pacsv.read_csv(
        io.BytesIO(header.rstrip(b"\r\n") + b"\n" + head),
        pacsv.ReadOptions(
            use_threads=False, column_names=names, skip_rows=1, block_size=len(header) + len(head) + _BLOCK
        ),
        parse,
        pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    types = []
    for name, column in zip(names, table.columns, strict=True):
        if name in dates:
            _refuse_decimal_comma(name, column)
            types.append(pa.float64())
        else:
            types.append(_attribute_type(name, column, roles))
    return types, dates


def _refuse_decimal_comma(name: str, column: pa.ChunkedArray) -> None:
    comma = pc.match_substring_regex(column, _DECIMAL_COMMA)
    cells = column.filter(comma)
    if len(cells):
        raise DataError(f"column '{name}' has a decimal comma ('{cells[0]}'): write decimal points")


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
    if lower in _INTEGERS:
        return pa.int64() if _casts(values, pa.int64()) else pa.float64()
    if not _casts(values, pa.float64()) or _any_matches(values, _CODE):
        return pa.string()
    return pa.float64() if _any_matches(values, _DECIMALS) else pa.string()


def _casts(values: pa.ChunkedArray, data_type: pa.DataType) -> bool:
    try:
        values.cast(data_type)
    except pa.ArrowInvalid:
        return False
    return True


def _any_matches(values: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(values, pattern)).as_py())
