"""Valid tables of a given size, for attacks on circumstances."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from hostile.files.independent import read_plain


def write_sample(path: Path, points: int, epochs: int = 40, *, seed: int = 0) -> Path:
    """Write a wide table with a few rows that cannot be classified; Parquet or CSV by its extension."""
    rng = np.random.default_rng(seed)
    dates = np.datetime64("2019-01-04") + 12 * np.arange(epochs)
    values = rng.normal(0, 2, (points, epochs)) + rng.choice([0, 15, -30], points)[:, None] * np.linspace(0, 1, epochs)
    values = np.round(values, 1)
    values[::7] = np.nan
    columns = {
        "pid": [f"p{number:05d}" for number in range(points)],
        "latitude": 45 + np.arange(points) / 10_000,
        "longitude": 7 + np.arange(points) / 10_000,
        **{str(day).replace("-", ""): values[:, k] for k, day in enumerate(dates)},
    }
    table = pa.table(columns)
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(table.schema.names)
            writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
    else:
        pq.write_table(table, path, row_group_size=max(points // 3, 1))
    return path


def count_rows(path: Path) -> int:
    """Return the rows of an output that is whole: Parquet, Arrow, CSV or GeoPackage.

    Raises
    ------
    Exception
        Of the reader, if it is not.
    """
    if path.suffix == ".parquet":
        # Every page is read, and compared with the footer.
        table = pq.read_table(path, use_threads=False)
        table.validate(full=True)
        return int(table.num_rows)
    table = read_plain(path)
    if table is None:
        raise ValueError(f"{path} has no reader")
    return table.rows
