"""Small tables in every layout, for tests of whole files."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

FIRST = np.datetime64("2019-01-04")


def series(points: int = 300, epochs: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise on some rates, one decimal: displacement [N, T] mm and dates [T]."""
    rng = np.random.default_rng(seed)
    dates = FIRST + np.cumsum(rng.choice([6, 12], epochs))
    rate = rng.choice([0.0, 0.0, 15.0, -30.0], points)
    displacement = rng.normal(0, 2, (points, epochs)) + rate[:, None] * np.linspace(0, 1, epochs)
    return np.round(displacement, 1), dates


def wide(displacement: np.ndarray, dates: np.ndarray, prefix: str = "", **more: Any) -> pa.Table:
    """One column a date, with the attributes of an EGMS file that matter."""
    count = len(displacement)
    names = [prefix + str(day).replace("-", "") for day in dates]
    columns = {
        "pid": [f"p{i:04d}" for i in range(count)],
        "latitude": 45 + np.arange(count) / 1000,
        "longitude": 7 + np.arange(count) / 1000,
        **more,
    }
    values = {n: pa.array(displacement[:, i], from_pandas=True) for i, n in enumerate(names)}
    return pa.table({**columns, **values})


def as_lists(table: pa.Table, kind: str) -> pa.Table:
    """Bring a wide table to list columns: fixed_size_list with dates in the metadata, or list and dates column."""
    names = [name for name in table.schema.names if name.lstrip("D").isdigit()]
    dates = [f"{n[-8:-4]}-{n[-4:-2]}-{n[-2:]}" for n in names]
    matrix = np.stack([table[name].to_numpy(zero_copy_only=False) for name in names], axis=1)
    values = pa.array(matrix.ravel().astype(np.float32), from_pandas=True)
    plain = table.drop_columns(names)
    if kind == "fixed_size_list":
        lists = pa.FixedSizeListArray.from_arrays(values, len(names))
        text = "[" + ", ".join(f'"{text}"' for text in dates) + "]"
        out = plain.append_column("displacement", lists)
        return out.replace_schema_metadata({"insar_runtime:dates": text})
    offsets = np.arange(0, len(values) + 1, len(names), dtype=np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), values)
    axis = pa.array([[date.fromisoformat(text) for text in dates]] * len(table), pa.list_(pa.date32()))
    return plain.append_column("dates", axis).append_column("displacements", lists)


def as_long(table: pa.Table, seed: int | None = None) -> pa.Table:
    """Bring a wide table to one row a point and date, without missing values, the dates of a point shuffled."""
    names = [name for name in table.schema.names if name.isdigit()]
    days = np.array([f"{n[:4]}-{n[4:6]}-{n[6:]}" for n in names], dtype="datetime64[D]")
    matrix = np.stack([table[name].to_numpy(zero_copy_only=False) for name in names], axis=1)
    rng = np.random.default_rng(seed)
    order = np.arange(len(days))
    orders = np.stack([order if seed is None else rng.permutation(order) for _ in range(len(table))])
    values = np.take_along_axis(matrix, orders, axis=1).ravel()
    rows = pa.array(np.repeat(np.arange(len(table)), len(days)))
    plain = table.drop_columns(names).take(rows)
    out = plain.append_column("date", pa.array(days[orders.ravel()])).append_column(
        "displacement_mm", pa.array(values, from_pandas=True)
    )
    return out.filter(pa.array(np.isfinite(values)))


def write(table: pa.Table, path: Path) -> Path:
    """Write as the extension says."""
    if path.suffix == ".csv":
        pacsv.write_csv(table, path, pacsv.WriteOptions(quoting_style="none"))
    elif path.suffix == ".arrows":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=97)
    else:
        try:
            pq.write_table(table, path, row_group_size=101)
        except pa.ArrowNotImplementedError as error:  # the oldest pyarrow writes fewer types
            pytest.skip(f"pyarrow {pa.__version__}: {error}")
    return path
