"""Cells that Python's own types, or UTF-8, cannot hold: as text, and through the commands that show them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from insar_runtime._input.cells import as_texts, python_values
from insar_runtime._output.flatten import flat_type, plain
from insar_runtime.errors import DataError
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write

FAR = 2**61
TIMES = pa.array([FAR, 0, None], pa.timestamp("us"))
POINTS, EPOCHS = 6, 32


def odd_columns(count: int) -> dict[str, pa.Array]:
    far = pa.array([FAR] * count, pa.timestamp("us"))
    starts = pa.array(range(count + 1), pa.int32())
    return {
        "far": far,
        "short": pa.array([3] * count, pa.duration("ns")),
        "date": pa.array([2**31 - 1] * count, pa.int32()).cast(pa.date32()),
        "list": pa.ListArray.from_arrays(starts, far),
        "within": pa.StructArray.from_arrays([pa.ListArray.from_arrays(starts, far)], ["a"]),
        "map": pa.MapArray.from_arrays(starts, pa.array(["a"] * count), far),
        "bytes": pa.array([[b"\xff", None]] * count),
    }


def table_with(**more: pa.Array) -> pa.Table:
    return wide(*series(POINTS, EPOCHS), **more)


def test_times_that_python_cannot_hold_are_text() -> None:
    assert python_values(TIMES)[1:] == ["1970-01-01 00:00:00.000000", None]
    assert str(FAR) in python_values(TIMES)[0]
    nested = pa.StructArray.from_arrays([pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), TIMES)], ["a"])
    assert python_values(nested)[1:] == [{"a": ["1970-01-01 00:00:00.000000"]}, {"a": [None]}]
    assert python_values(pa.array([1.5, None])) == [1.5, None]


def test_a_time_among_other_types_is_refused() -> None:
    kinds = pa.array([0, 0, 0], pa.int8())
    column = pa.UnionArray.from_sparse(kinds, [TIMES, pa.array(["a", "b", "c"])])
    with pytest.raises(DataError, match="leave it out"):
        python_values(column)


def test_identifiers_of_any_type_are_text() -> None:
    assert as_texts(pa.array([b"\xffa", b"a", None])).to_pylist() == ["\\xffa", "a", None]
    assert as_texts(pa.array([{"a": [1]}, None])).to_pylist() == ['{"a": [1]}', None]
    assert as_texts(pa.array([7, None]), pa.large_string()).to_pylist() == ["7", None]


def test_whole_decimals_keep_all_digits() -> None:
    number = str(10**37 + 1)
    assert plain(pa.array([number]).cast(pa.decimal128(38, 0))).to_pylist() == [number]
    assert flat_type(pa.decimal128(18, 0)) == pa.int64()
    assert flat_type(pa.decimal128(38, 2)) == pa.float64()


@pytest.mark.parametrize("output", ["out.csv", "out.gpkg"])
def test_such_cells_are_written(tmp_path: Path, output: str) -> None:
    write(table_with(**odd_columns(POINTS)), tmp_path / "in.arrows")
    done = run("classify", "in.arrows", "-o", output, "--threads", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_such_cells_are_shown(tmp_path: Path) -> None:
    write(table_with(**odd_columns(POINTS)), tmp_path / "in.arrows")
    done = run("show", "in.arrows", "--row", 1, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    attributes = json.loads(done.stdout)["attributes"]
    assert str(FAR) in attributes["far"]
    assert attributes["short"] is not None


@pytest.mark.parametrize(
    "ids",
    [pa.array([b"\xff%d" % i for i in range(POINTS)]), pa.array([{"a": i} for i in range(POINTS)])],
    ids=["no UTF-8", "structures"],
)
def test_ids_that_are_no_text(tmp_path: Path, ids: pa.Array) -> None:
    table = table_with()
    write(table.set_column(0, "pid", ids), tmp_path / "in.parquet")
    for arguments in (
        ("report", "in.parquet", "-o", "out.html"),
        ("compare", "in.parquet", "in.parquet", "-o", "out.csv"),
        ("show", "in.parquet", "--id", as_texts(ids)[2].as_py()),
    ):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_a_time_that_parquet_cannot_hold_is_refused(tmp_path: Path) -> None:
    write(table_with(far=pa.array([2**62] * POINTS, pa.timestamp("s"))), tmp_path / "in.arrows")
    refused(run("classify", "in.arrows", "-o", "out.parquet", cwd=tmp_path), 65, "cannot be written", "drop it")
    assert [path.name for path in tmp_path.iterdir()] == ["in.arrows"]


def test_a_point_without_any_date_is_shown(tmp_path: Path) -> None:
    empty: dict[str, Any] = {
        "dates": pa.array([[]] * POINTS, pa.list_(pa.date32())),
        "displacement": pa.array([[]] * POINTS, pa.list_(pa.float32())),
    }
    write(pa.table({"pid": np.arange(POINTS), **empty}), tmp_path / "in.parquet")
    done = run("show", "in.parquet", "--row", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"too few" in done.stdout
