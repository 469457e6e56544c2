"""Small random tables of displacement series, in every layout, that a reader must take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hostile.chance import happens, pick
from insar_runtime.definitions import DAYS_PER_YEAR

Layout = Literal["wide", "list", "fixed", "long"]
LAYOUTS: Final[tuple[Layout, ...]] = ("wide", "wide", "wide", "list", "fixed", "long")
DATE_STYLES: Final = ("%Y%m%d", "D%Y%m%d", "D_%Y%m%d", "d_%Y%m%d", "%Y-%m-%d", "X%Y%m%d", "%Y-%m-%dT10:20:30")
ID_NAMES: Final = ("pid", "CODE", "point_id", "ps_id")
_VALUE_TYPES: Final = (pa.float64(), pa.float64(), pa.float32(), pa.float32(), pa.float16(), pa.decimal128(12, 1))


@dataclass(frozen=True, slots=True)
class MadeTable:
    """A table, before it becomes a file.

    Attributes
    ----------
    table : pyarrow.Table
    layout : Layout
    epochs : int
        Length of the time axis.
    """

    table: pa.Table
    layout: Layout
    epochs: int


def make_table(
    rng: np.random.Generator, layout: Layout | None = None, *, plain_types: bool = False, together: bool = False
) -> MadeTable:
    """Return a random table: layout, dates, types, missing values, names and further columns differ.

    Parameters
    ----------
    rng : numpy.random.Generator
    layout : Layout, optional
        Any if not given.
    plain_types : bool
        Whether all columns are of types that a CSV holds.
    together : bool
        Whether there are a dozen points or more, most of which subside alike within some hundred metres.
    """
    chosen = pick(rng, LAYOUTS) if layout is None else layout
    points = int(rng.integers(12, 40) if together else rng.integers(1, 25))
    epochs = int(rng.integers(30, 60)) if happens(rng, 0.85) else int(rng.integers(1, 30))
    days = np.datetime64("2016-01-03") + rng.integers(0, 900) + np.cumsum(rng.choice([6, 12, 24], epochs))
    dates = days.astype("datetime64[D]")
    values = make_series(rng, points, epochs)
    if together:
        values = np.round(rng.normal(0, 1, values.shape) - 60 * np.linspace(0, 1, epochs), 1)
    ids = make_ids(rng, points)
    attributes = make_attributes(rng, ids, values, dates)
    if together:
        for name, start in (("latitude", 45.0), ("longitude", 7.0)):
            attributes[name] = pa.array(np.round(start + rng.random(points) / 500, 6))
    if chosen == "long":
        return MadeTable(_long(dates, values, attributes), chosen, epochs)
    if chosen == "wide":
        return MadeTable(_wide(rng, dates, values, attributes, plain_types=plain_types), chosen, epochs)
    return MadeTable(_lists(rng, dates, values, attributes, fixed=chosen == "fixed"), chosen, epochs)


def make_series(rng: np.random.Generator, points: int, epochs: int) -> NDArray[np.float64]:
    """Return series [points, epochs] in mm of one decimal: noise, rates, jumps, missing values, sometimes infinity."""
    time = np.linspace(0, 1, epochs)
    values = rng.normal(0, pick(rng, (0.5, 2.0, 5.0)), (points, epochs))
    values += rng.choice([0.0, 0.0, 40.0, -60.0], points)[:, None] * time
    values += np.where(rng.random(points) < 0.2, 28.0, 0.0)[:, None] * (time > 0.5)
    values += np.where(rng.random(points) < 0.2, 40.0, 0.0)[:, None] * time**2
    values = np.round(values, 1)
    if happens(rng, 0.5):
        values[rng.random(values.shape) < pick(rng, (0.01, 0.1, 0.6))] = np.nan
    if happens(rng, 0.1):
        values[int(rng.integers(points)), int(rng.integers(epochs))] = pick(rng, (np.inf, -np.inf, 4000.0))
    return values


def make_ids(rng: np.random.Generator, points: int) -> list[str]:
    """Return identifiers, all different: plain, with leading zeros, long, or of many scripts."""
    style = pick(rng, ("p{:04d}", "p{:04d}", "{:08d}", "10101010101010101{:03d}", "Ä¹ ñ{}", "a;b {}", "'{}'", "=1+{}"))
    return [style.format(number) for number in rng.permutation(points)]


def make_attributes(
    rng: np.random.Generator, ids: list[str], values: NDArray[np.float64], dates: NDArray[np.datetime64]
) -> dict[str, pa.Array]:
    """Return identifiers and further columns by name, one value a point."""
    points = len(ids)
    columns: dict[str, pa.Array] = {pick(rng, ID_NAMES): pa.array(ids)}
    if happens(rng, 0.7):
        columns["latitude"] = pa.array(np.round(45 + rng.random(points), 6))
        columns["longitude"] = pa.array(np.round(7 + rng.random(points), 6))
    if happens(rng, 0.3) and len(dates) > 2:
        years = (dates - dates[0]).astype(float) / DAYS_PER_YEAR
        columns["mean_velocity"] = pa.array([_slope(years, row) for row in values], from_pandas=True)
    if happens(rng, 0.3):
        columns["height"] = pa.array(np.round(rng.random(points) * 500, 1))
    if happens(rng, 0.3):
        columns["quarter"] = pa.array([pick(rng, ("north", "south, west", 'the "old" one', "")) for _ in ids])
    return columns


def _slope(years: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Return the slope of a row in mm/yr, NaN where there is none."""
    known = np.isfinite(values)
    if np.count_nonzero(known) < 2 or np.isinf(values).any():
        return float("nan")
    return round(float(np.polyfit(years[known], values[known], 1)[0]), 2)


def _wide(
    rng: np.random.Generator,
    dates: NDArray[np.datetime64],
    values: NDArray[np.float64],
    attributes: dict[str, pa.Array],
    *,
    plain_types: bool,
) -> pa.Table:
    style = pick(rng, DATE_STYLES)
    value_type = pa.float64() if plain_types else pick(rng, _VALUE_TYPES)
    nulls = happens(rng, 0.5)
    series = {
        day.item().strftime(style): typed_values(values[:, i], value_type, nulls=nulls) for i, day in enumerate(dates)
    }
    columns = {**attributes, **series} if happens(rng, 0.8) else {**series, **attributes}
    return pa.table(columns)


def typed_values(values: NDArray[np.float64], value_type: pa.DataType, *, nulls: bool) -> pa.Array:
    """Return values as an array of a type; NaN as null if wanted, or if the type holds no NaN."""
    if pa.types.is_decimal(value_type):
        finite = np.where(np.isfinite(values), values, np.nan)
        return pa.array(finite, from_pandas=True).cast(value_type, safe=False)
    if pa.types.is_float16(value_type):
        with np.errstate(over="ignore"):
            return pa.array(values.astype(np.float16), value_type, from_pandas=nulls)
    return pa.array(values, from_pandas=nulls).cast(value_type, safe=False)


def _lists(
    rng: np.random.Generator,
    dates: NDArray[np.datetime64],
    values: NDArray[np.float64],
    attributes: dict[str, pa.Array],
    *,
    fixed: bool,
) -> pa.Table:
    points, epochs = values.shape
    flat = pa.array(values.ravel(), from_pandas=happens(rng, 0.5)).cast(
        pick(rng, (pa.float32(), pa.float64())), safe=False
    )
    if fixed:
        lists: Any = pa.FixedSizeListArray.from_arrays(flat, epochs)
    elif happens(rng, 0.3):
        lists = pa.LargeListArray.from_arrays(np.arange(points + 1, dtype=np.int64) * epochs, flat)
    else:
        lists = pa.ListArray.from_arrays(np.arange(points + 1, dtype=np.int32) * epochs, flat)
    texts = [str(day) for day in dates]
    columns = {**attributes, pick(rng, ("displacement", "displacements", "timeseries")): lists}
    if happens(rng, 0.5):
        return pa.table(columns).replace_schema_metadata({"insar_runtime:dates": json.dumps(texts)})
    axis = pa.array([date.fromisoformat(text) for text in texts]).cast(
        pick(rng, (pa.date32(), pa.timestamp("us"), pa.string()))
    )
    places = pa.array(np.arange(points + 1, dtype=np.int32) * epochs)
    return pa.table({**columns, "dates": pa.ListArray.from_arrays(places, pa.concat_arrays([axis] * points))})


def _long(dates: NDArray[np.datetime64], values: NDArray[np.float64], attributes: dict[str, pa.Array]) -> pa.Table:
    points, epochs = values.shape
    rows = np.repeat(np.arange(points), epochs)
    columns = {name: column.take(pa.array(rows)) for name, column in attributes.items()}
    columns["date"] = pa.array(np.tile(dates, points).astype(str))
    columns["displacement"] = pa.array(values.ravel(), from_pandas=True)
    return pa.table(columns)
