"""Columns of every type that pyarrow, polars, DuckDB and pandas write: read, or refused in one line, on every path."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from insar_runtime._commands.app import app
from insar_runtime._input.plain_types import as_plain
from insar_runtime.errors import DataError
from tests.runtime.tables import as_lists, series, wide, write

ROWS = 60
TEXTS = [None if i % 7 == 0 else f"a text of {i} that is too long to stand in a view" for i in range(ROWS)]
LISTS: list[Any] = [None if i % 5 == 0 else [1.0] * (i % 4) for i in range(ROWS)]
TIME = dt.datetime(2020, 1, 1)


def _decimals(data_type: pa.DataType) -> pa.Array:
    return pa.array([None if i % 6 == 0 else Decimal(i) / 100 for i in range(ROWS)], data_type)


def _dictionary(words: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0, 1, None] * (ROWS // 3), pa.int8()), words)


READ: dict[str, Callable[[], pa.Array]] = {
    "string_view": lambda: pa.array(TEXTS, pa.string_view()),
    "large_string": lambda: pa.array(TEXTS, pa.large_string()),
    "list": lambda: pa.array(LISTS, pa.list_(pa.float64())),
    "list_view": lambda: pa.array(LISTS, pa.list_view(pa.float64())),
    "large_list_view": lambda: pa.array(LISTS, pa.large_list_view(pa.float32())),
    "list of views": lambda: pa.array([["a" * 20], None] * (ROWS // 2), pa.list_(pa.string_view())),
    "fixed-size list": lambda: pa.array([None, [1.0, 2.0]] * (ROWS // 2), pa.list_(pa.float64(), 2)),
    "dictionary": lambda: pa.array(TEXTS).dictionary_encode(),
    "dictionary of views": lambda: _dictionary(pa.array(["x", "y"], pa.string_view())),
    "dictionary with a null": lambda: _dictionary(pa.array(["x", None])),
    "dictionary of numbers": lambda: _dictionary(pa.array([1.5, 2.5])),
    "decimal32": lambda: _decimals(pa.decimal32(8, 2)),
    "decimal64": lambda: _decimals(pa.decimal64(8, 2)),
    "decimal128": lambda: _decimals(pa.decimal128(8, 2)),
    "decimal256": lambda: _decimals(pa.decimal256(8, 2)),
    "half float": lambda: pa.array(np.arange(ROWS, dtype=np.float16)),
    "time zone +02:00": lambda: pa.array([TIME] * ROWS, pa.timestamp("us", "+02:00")),
    "time zone by name": lambda: pa.array([TIME] * ROWS, pa.timestamp("us", "Europe/Rome")),
    "time zone that is unknown": lambda: pa.array([TIME] * ROWS, pa.timestamp("us", "Nowhere/Town")),
    "date64": lambda: pa.array([TIME.date()] * ROWS, pa.date64()),
    "runs": lambda: pa.RunEndEncodedArray.from_arrays(pa.array([20, ROWS], pa.int32()), pa.array(["a", None])),
    "null": lambda: pa.nulls(ROWS),
    "uint64": lambda: pa.array([2**64 - 1] * ROWS, pa.uint64()),
    "bool8": lambda: pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1] * ROWS, pa.int8())),
    "json": lambda: pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"] * ROWS)),
}
_LATER = {"fixed-size list"}
"""Types that pyarrow 20, the oldest that is allowed, does not write to Parquet where a row is null."""
EITHER: dict[str, Callable[[], pa.Array]] = {
    "binary_view": lambda: pa.array([None, b"x" * 20] * (ROWS // 2), pa.binary_view()),
    "duration": lambda: pa.array([dt.timedelta(seconds=i) for i in range(ROWS)]),
    "time": lambda: pa.array([dt.time(1, 2, 3)] * ROWS, pa.time64("ns")),
    "struct": lambda: pa.array([{"a": 1, "b": "x"}] * ROWS),
    "map": lambda: pa.array([[("k", 1)]] * ROWS, pa.map_(pa.string(), pa.int8())),
    "uuid": lambda: pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)] * ROWS, pa.binary(16))),
    "interval": lambda: pa.array([pa.MonthDayNano([1, 2, 3])] * ROWS),
    "list of list views": lambda: pa.array([[[1]], None] * (ROWS // 2), pa.list_(pa.list_view(pa.int8()))),
    "union": lambda: pa.UnionArray.from_sparse(pa.array([0] * ROWS, pa.int8()), [pa.array(range(ROWS))]),
}
"""Types that not every output has."""


def _with_bad_row() -> pa.Table:
    displacement, dates = series(ROWS, 40)
    displacement[3] = np.nan
    return wide(displacement, dates)


def _end(*arguments: object) -> int:
    """Run a command; return 0, or the code of an error, whose message is one line."""
    try:
        code = app(list(map(str, arguments)), standalone_mode=False)
    except DataError as error:
        return error.exit_code if len(str(error).splitlines()) == 1 else -1
    return int(code or 0)  # classify reports the errors of each file itself


def test_columns_of_these_types_are_read_on_every_path(tmp_path: Path) -> None:
    table = _with_bad_row()
    for kind, make in READ.items():
        if kind not in _LATER or int(pa.__version__.split(".")[0]) > 20:
            table = table.append_column(kind, make())
    path = write(table, tmp_path / "in.arrows")
    out, corrected, bad = (tmp_path / name for name in ("out.parquet", "corrected.parquet", "bad.parquet"))
    also = ["--diagnose", "--corrected-out", corrected, "--keep-series", "--quarantine", bad, "--units", "mm", "-q"]
    assert _end("classify", path, "-o", out, *also) == 0
    assert pq.read_metadata(bad).num_rows == 1
    assert pq.read_table(out)["string_view"].to_pylist() == TEXTS
    assert pq.read_table(out)["list_view"].to_pylist() == LISTS
    for command in (
        ["classify", path, "-o", tmp_path / "out.csv", "--units", "mm", "-q"],
        ["classify", path, "-o", tmp_path / "out.arrow", "--gpkg", tmp_path / "out.gpkg", "--units", "mm", "-q"],
        ["show", path, "--row", 3, "--units", "mm"],
        ["show", path, "--id", "p0003", "--units", "mm"],
        ["inspect", path, "--units", "mm"],
        ["convert", path, "-o", tmp_path / "lists.parquet", "--units", "mm"],
        ["report", out, "-o", tmp_path / "report.html"],
        ["show", out, "--row", 3],
        ["restore", corrected, "-o", tmp_path / "restored.parquet"],
    ):
        assert _end(*command) == 0, command


@pytest.mark.parametrize("kind", EITHER)
def test_a_column_of_this_type_is_read_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    path = write(_with_bad_row().append_column("extra", EITHER[kind]()), tmp_path / "in.arrows")
    bad = tmp_path / "bad.parquet"
    for command in (
        ["classify", path, "-o", tmp_path / "out.parquet", "--quarantine", bad, "--units", "mm", "-q"],
        ["classify", path, "-o", tmp_path / "out.csv", "--units", "mm", "-q"],
        ["show", path, "--row", 3, "--units", "mm"],
        ["inspect", path, "--units", "mm"],
    ):
        assert _end(*command) in {0, 65}, command


@pytest.mark.parametrize("kind", ["string_view", "dictionary of views", "binary_view", "runs", "uuid"])
def test_identifiers_of_this_type_are_read_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    table = _with_bad_row()
    path = write(table.set_column(0, "pid", {**READ, **EITHER}[kind]()), tmp_path / "in.arrows")
    for command in (
        ["classify", path, "-o", tmp_path / "out.csv", "--units", "mm", "-q"],
        ["show", path, "--id", "x", "--units", "mm"],
    ):
        assert _end(*command) in {0, 65}, command


@pytest.mark.parametrize(
    "data_type",
    [
        pa.list_view(pa.float32()),
        pa.large_list_view(pa.float64()),
        pa.large_list(pa.float16()),
        pa.list_(pa.float64(), 40),
        pa.list_(pa.decimal128(7, 1)),
        pa.list_(pa.dictionary(pa.int16(), pa.float64())),
    ],
    ids=str,
)
def test_series_in_lists_of_every_type(data_type: pa.DataType, tmp_path: Path) -> None:
    displacement, dates = series(ROWS, 40)
    table = as_lists(wide(displacement, dates), "fixed_size_list")
    rows: list[Any] = [None if i % 9 == 4 else list(row) for i, row in enumerate(displacement)]
    value = data_type.value_type
    if pa.types.is_decimal(value):
        rows = [row and [Decimal(str(number)) for number in row] for row in rows]
    elif pa.types.is_float16(value):
        rows = [row and list(map(np.float16, row)) for row in rows]
    if pa.types.is_dictionary(value):
        flat = pa.array(displacement.ravel()).dictionary_encode().cast(value)
        lists, rows = pa.ListArray.from_arrays(pa.array(range(0, ROWS * 40 + 1, 40), pa.int32()), flat), [0] * ROWS
    else:
        lists = pa.array(rows, data_type)
    path = write(table.set_column(3, "displacement", lists), tmp_path / "in.arrows")
    assert _end("classify", path, "-o", tmp_path / "out.parquet", "--units", "mm", "-q") == 0
    status = pq.read_table(tmp_path / "out.parquet")["status"].to_pylist()
    assert [text == "too_few_epochs" for text in status] == [row is None for row in rows]


@pytest.mark.parametrize(
    ("data_type", "code"),
    [
        (pa.list_view(pa.date32()), 0),
        (pa.list_(pa.string_view()), 0),
        (pa.list_(pa.timestamp("ms", "+02:00")), 0),
        (pa.list_(pa.timestamp("ms", "-03:30")), 0),
        (pa.list_(pa.timestamp("ms", "Nowhere/Town")), 65),
        (pa.list_(pa.duration("s")), 65),
    ],
    ids=str,
)
def test_dates_in_lists_of_every_type(data_type: pa.DataType, code: int, tmp_path: Path) -> None:
    table = as_lists(wide(*series(ROWS, 40)), "list")
    days = table["dates"][0].as_py()
    value = data_type.value_type
    row: list[Any] = days
    if pa.types.is_timestamp(value):
        row = [dt.datetime.combine(day, dt.time(12)) for day in days]
    elif pa.types.is_string_view(value):
        row = list(map(str, days))
    elif pa.types.is_duration(value):
        row = list(range(40))
    place = table.schema.get_field_index("dates")
    path = write(table.set_column(place, "dates", pa.array([row] * ROWS, data_type)), tmp_path / "in.arrows")
    assert _end("classify", path, "-o", tmp_path / "out.parquet", "--units", "mm", "-q") == code


def test_list_views_in_any_order_become_the_same_lists() -> None:
    values = pa.array([1, 2, 3, 4, 5], pa.int8())
    mask = pa.array([False, True, False, False])
    views = pa.ListViewArray.from_arrays(pa.array([3, 0, 1, 0]), pa.array([2, 2, 3, 0]), values, mask=mask)
    for part in (views, views.slice(1, 2), views.slice(4)):
        (found,) = as_plain(pa.record_batch([part], ["x"])).columns
        found.validate(full=True)
        assert found.type == pa.list_(pa.int8())
        assert found.to_pylist() == part.to_pylist()


def test_what_is_plain_is_not_copied() -> None:
    batch = pa.record_batch([pa.array(["a"]), pa.array([1.0])], ["x", "y"])
    assert as_plain(batch) is batch


def test_runs_and_extension_types_keep_their_values() -> None:
    runs = pc.run_end_encode(pa.array(["a", "a", None, "b"])).slice(1, 3)
    uuid = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)] * 3, pa.binary(16)))
    found = as_plain(pa.record_batch([runs, uuid], ["x", "y"]))
    assert found.column("x").to_pylist() == ["a", None, "b"]
    assert found.column("y").type == pa.binary(16)
    found.validate(full=True)
    # They can be written and picked now.
    pq.write_table(pa.table(found.take(pa.array([0, 2]))), io.BytesIO())
