"""Types of the columns of a CSV, and the sign before decimals, from its first rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime._input.column_roles import NUMERIC_NAMES
from insar_runtime._input.dates.date_columns import ID_ALIASES
from insar_runtime._input.readers.long_table import LongColumns
from insar_runtime.errors import DataError

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
_NULLS: Final = ["", "NaN", "nan", "-nan", "NULL", "null", "Null", "NA", "N/A", "n/a", "#N/A", "<NA>", "None", "\\N"]
"""Of pandas, R and C, of spreadsheets (#N/A) and of PostgreSQL (\\N)."""
PADDED_NULLS: Final = [pad + text for pad in ("", " ") for text in _NULLS]
"""pyarrow trims numbers before it reads them, but not before it looks for nulls."""
_DECIMAL_COMMA: Final = r"^\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*$"
_CODE: Final = r"^[-+]?(0\d|\d{16,}$)"
"""Codes made of digits, which a number would change: leading zeros, more digits than a double holds."""
_DECIMALS: Final = r"[.eE]"
_DECIMAL_POINT: Final = r"^\s*[-+]?\d*\.\d+(?:[eE][-+]?\d+)?\s*$"


def choose_types(
    table: pa.Table,
    dates: frozenset[str],
    long: LongColumns | None,
    roles: Mapping[str, str],
    *,
    has_commas: bool,
) -> dict[str, pa.DataType]:
    """Return the types to parse the columns of a CSV with.

    Parameters
    ----------
    table : pyarrow.Table
        The first rows, all cells as text.
    dates : frozenset of str
        Names of the columns of dates.
    long : LongColumns or None
        Identifier, date and value, if the table has a row per point and date.
    roles : mapping of role to column name
        Columns that the user named.
    has_commas : bool
        Whether a comma stands before decimals.
    """
    types: dict[str, pa.DataType] = {}
    for name, column in zip(table.schema.names, table.columns, strict=True):
        if long and name in {long.id, long.date}:
            types[name] = pa.string()
        elif name in dates or (long and name == long.value):
            types[name] = pa.float64()
        else:
            types[name] = _attribute_type(name, column, roles, has_commas=has_commas)
    return types


def find_decimal_comma(
    table: pa.Table, separator: str, dates: frozenset[str], long: LongColumns | None, roles: Mapping[str, str]
) -> str | None:
    """Return where a comma stands before decimals, for people; None if points do.

    The columns of dates, and those that are numbers by their names, decide: one has a decimal comma, none a point.

    Raises
    ------
    DataError
        Commas separate the columns as well, or numbers have points, too.
    """
    numbers = [name for name in table.schema.names if name in dates or (long and name == long.value)]
    others = [name for name in table.schema.names if name not in numbers and _is_number_by_name(name, roles)]
    numbers += [name for name in others if not (long and name in {long.id, long.date})]
    comma = _first_cell(table, numbers, _DECIMAL_COMMA)
    if comma is None:
        return None
    found = f"column '{comma[0]}' has a decimal comma ('{comma[1]}')"
    if separator == ",":
        raise DataError(f"{found}, and commas separate the columns: write decimal points")
    point = _first_cell(table, numbers, _DECIMAL_POINT)
    if point is not None:
        raise DataError(f"{found} and column '{point[0]}' a decimal point ('{point[1]}'): write one of them in all")
    return f"'{comma[1]}' in column '{comma[0]}'"


def _is_number_by_name(name: str, roles: Mapping[str, str]) -> bool:
    if name == roles.get("id") or name.lower() in ID_ALIASES:
        return False
    return name in roles.values() or name.lower() in _FLOATS


def _first_cell(table: pa.Table, names: list[str], pattern: str) -> tuple[str, str] | None:
    for name in names:
        cells = table.column(name).filter(pc.match_substring_regex(table.column(name), pattern))
        if len(cells):
            return name, str(cells[0]).strip()
    return None


def _attribute_type(name: str, column: pa.ChunkedArray, roles: Mapping[str, str], *, has_commas: bool) -> pa.DataType:
    """Choose a type that no later row can make wrong in silence.

    Only the first block is read here. Whole numbers of unknown meaning may be codes (a postcode with a leading
    zero, an identifier longer than a double holds), so they stay text; numbers with decimals are numbers.
    """
    lower = name.lower()
    if name == roles.get("id") or lower in ID_ALIASES:
        return pa.string()
    if name in roles.values() or lower in _FLOATS:
        return pa.float64()
    column = pc.utf8_trim_whitespace(column)
    values = column.filter(pc.invert(pc.is_in(column, pa.array(_NULLS))))
    if has_commas and _any_matches(values, r"\."):
        return pa.string()
    if has_commas:
        values = pc.replace_substring(values, ",", ".")
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
