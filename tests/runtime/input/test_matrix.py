"""Batches of every layout become the same matrix of displacements."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime._input.layout import resolve_layout
from insar_runtime._input.matrix import as_floats, to_matrix
from insar_runtime._input.opening import open_source
from insar_runtime.errors import DataError

Floats = npt.NDArray[np.float32]


def axis(width: int) -> list[Any]:
    days: list[Any] = (np.datetime64("2015-01-01") + 12 * np.arange(width)).tolist()
    return days


def as_lists(rows: list[list[float | None] | None], list_type: pa.DataType) -> pa.Array:
    return pa.array(rows, list_type)


def list_batch(
    rows: list[list[float | None] | None], width: int, kind: str, dates: str, order: list[int]
) -> pa.RecordBatch:
    types = {
        "list": pa.list_(pa.float64()),
        "large": pa.large_list(pa.float32()),
        "fixed": pa.list_(pa.float32(), width),
    }
    shuffled = [None if row is None else [row[i] for i in order] for row in rows]
    columns = {"displacements": as_lists(shuffled, types[kind])}
    days = [axis(width)[i] for i in order]
    metadata = None
    if dates == "column":
        columns["dates"] = pa.array([days] * len(rows), pa.list_(pa.date32()))
    elif dates == "text":
        columns["dates"] = pa.array([[str(day) for day in days]] * len(rows), pa.list_(pa.string()))
    else:
        metadata = {"insar_runtime:dates": json.dumps([str(day) for day in days])}
    batch = pa.RecordBatch.from_pydict(columns)
    return batch.replace_schema_metadata(metadata)


def wide_batch(rows: list[list[float | None] | None], width: int) -> pa.RecordBatch:
    columns = {
        f"{day:%Y%m%d}": pa.array([None if row is None else row[i] for row in rows], pa.float64())
        for i, day in enumerate(axis(width))
    }
    return pa.RecordBatch.from_pydict(columns)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[float | None] | None], int]:
    width = draw(st.integers(1, 6))
    value = st.none() | st.floats(-100, 100, width=32)
    row = st.none() | st.lists(value, min_size=width, max_size=width)
    return draw(st.lists(row, min_size=1, max_size=12)), width


@settings(deadline=None)
@given(
    tables(),
    st.sampled_from(["list", "large", "fixed"]),
    st.sampled_from(["column", "text", "metadata"]),
    st.data(),
)
def test_wide_and_lists_agree_with_the_rows(
    table: tuple[list[list[float | None] | None], int], kind: str, dates: str, data: st.DataObject
) -> None:
    rows, width = table
    order = data.draw(st.permutations(range(width)))
    start = data.draw(st.integers(0, len(rows)))
    length = data.draw(st.integers(0, len(rows)))
    expected = np.array(
        [[np.nan if row is None or value is None else value for value in (row or [None] * width)] for row in rows],
        dtype=np.float32,
    )[start : start + length]
    for batch in (wide_batch(rows, width), list_batch(rows, width, kind, dates, order)):
        layout = resolve_layout(batch.schema, batch)
        matrix = to_matrix(batch.slice(start, length), layout)
        assert matrix.dtype == np.float32
        assert matrix.flags.c_contiguous
        np.testing.assert_array_equal(matrix, expected)


@given(st.integers(0, 700), st.integers(1, 40))
def test_blocked_transposition(rows: int, width: int) -> None:
    expected = np.arange(rows * width, dtype=np.float32).reshape(rows, width)
    names = [f"{day:%Y%m%d}" for day in axis(width)]
    batch = pa.RecordBatch.from_arrays([pa.array(column) for column in expected.T], names)
    np.testing.assert_array_equal(to_matrix(batch, resolve_layout(batch.schema)), expected)


def test_blocks_of_a_very_wide_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._input.matrix._BLOCK_BYTES", 1)
    test_blocked_transposition.hypothesis.inner_test(100, 7)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None, -3], pa.int16()), [1, np.nan, -3]),
        (pa.array([2**24 + 1, None, 0], pa.int64()), [2**24, np.nan, 0]),
        (pa.array([255, 0, None], pa.uint8()), [255, 0, np.nan]),
        (pa.array([Decimal("1.5"), None, Decimal("-0.1")]), [1.5, np.nan, np.float32(-0.1)]),
        (pa.array([0.1, np.nan, None], pa.float64()), [np.float32(0.1), np.nan, np.nan]),
        (pa.array([1e300, -np.inf, 1], pa.float64()), [np.inf, -np.inf, 1]),
        (pa.array([np.float16(1.5), None, None], pa.float16()), [1.5, np.nan, np.nan]),
        (pa.nulls(3), [np.nan] * 3),
    ],
)
def test_types_of_wide_columns(array: pa.Array, expected: list[float]) -> None:
    batch = pa.RecordBatch.from_pydict({"20200103": array})
    np.testing.assert_array_equal(to_matrix(batch, resolve_layout(batch.schema))[:, 0], np.array(expected, np.float32))


def test_fixed_size_lists_are_not_copied() -> None:
    values = pa.array(np.arange(12, dtype=np.float32))
    metadata = {"dates": json.dumps([str(day) for day in axis(3)])}
    schema = pa.schema([("ts", pa.list_(pa.float32(), 3))], metadata=metadata)
    batch = pa.RecordBatch.from_arrays([pa.FixedSizeListArray.from_arrays(values, 3)], schema=schema)
    matrix = to_matrix(batch.slice(1, 2), resolve_layout(schema))
    assert np.shares_memory(matrix, values.to_numpy())
    assert matrix.tolist() == [[3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize("kind", ["list", "large", "fixed"])
def test_null_rows_do_not_shift_the_others(kind: str) -> None:
    batch = list_batch([[1, 2], None, [3, 4], None], 2, kind, "column", [0, 1])
    matrix = to_matrix(batch.slice(1, 2), resolve_layout(batch.schema, batch))
    np.testing.assert_array_equal(matrix, np.array([[np.nan, np.nan], [3, 4]], np.float32))


def test_null_row_over_garbage() -> None:
    """A null list may still span values; they are no values."""
    array = pa.ListArray.from_arrays(
        pa.array([0, 2, 5, 7], pa.int32()), pa.array(np.arange(7.0)), mask=pa.array([False, True, False])
    )
    schema = pa.schema([("ts", array.type)], metadata={"dates": json.dumps([str(day) for day in axis(2)])})
    batch = pa.RecordBatch.from_arrays([array], schema=schema)
    np.testing.assert_array_equal(
        to_matrix(batch, resolve_layout(schema)), np.array([[0, 1], [np.nan, np.nan], [5, 6]], np.float32)
    )


def test_first_row_of_another_length_is_named() -> None:
    batch = list_batch([[1, 2], None, [3, 4]], 2, "list", "metadata", [0, 1])
    layout = resolve_layout(batch.schema)
    ragged = pa.RecordBatch.from_pydict({"displacements": as_lists([[1, 2], None, [3], [4]], pa.list_(pa.float64()))})
    with pytest.raises(DataError, match="row 102 of 'displacements' has 1 values but the time axis has 2 dates"):
        to_matrix(ragged, layout, first_row=100)
    assert to_matrix(ragged.slice(0, 2), layout).shape == (2, 2)


def test_one_time_axis_per_file() -> None:
    batch = list_batch([[1, 2], [3, 4]], 2, "list", "column", [1, 0])
    layout = resolve_layout(batch.schema, batch)
    shifted = pa.array([None, [axis(3)[2], axis(3)[0]]], pa.list_(pa.date32()))
    other = pa.RecordBatch.from_pydict(
        {"displacements": as_lists([None, [1, 2]], pa.list_(pa.float64())), "dates": shifted}
    )
    with pytest.raises(DataError, match="the dates in row 9 of 'dates' are not those of the first row"):
        to_matrix(other, layout, first_row=8)
    without = other.set_column(1, "dates", pa.array([None, None], pa.list_(pa.date32())))
    with pytest.raises(DataError, match="row 1 has values but no dates"):
        to_matrix(without, layout)
    assert np.isnan(to_matrix(other.slice(0, 1), layout)).all()


def test_a_batch_of_another_schema_is_refused() -> None:
    layout = resolve_layout(pa.schema([("20200103", pa.float32())]))
    with pytest.raises(DataError, match="'20200103' is missing"):
        to_matrix(pa.RecordBatch.from_pydict({"20200109": [1.0]}), layout)


def test_no_rows_and_no_axis() -> None:
    schema = pa.schema([("dates", pa.list_(pa.date32())), ("ts", pa.list_(pa.float32()))])
    empty = pa.RecordBatch.from_pylist([], schema=schema)
    assert to_matrix(empty, resolve_layout(schema, empty)).shape == (0, 0)


def test_missing_values_of_a_real_file(real: Callable[[str], Path]) -> None:
    with open_source(real("egms_l2_wroclaw/124_0770_IW3_VV.csv")) as source:
        layout = resolve_layout(source.schema)
        matrix = np.concatenate([to_matrix(batch, layout) for batch in source.batches()])
    assert matrix.shape == (846, 386)
    assert np.isnan(matrix).sum() == 26_471
    assert np.isnan(matrix).any(axis=1).sum() == 311


@pytest.mark.parametrize("kind", [pa.decimal128(7, 1), pa.decimal128(30, 12), pa.decimal256(50, 20)], ids=str)
def test_decimals_become_the_nearest_float32(kind: pa.DataType) -> None:
    numbers = [Decimal(value).scaleb(-1) for value in range(-3000, 3000, 7)]
    assert np.array_equal(as_floats(pa.array(numbers, kind)), np.array([float(n) for n in numbers]).astype(np.float32))
