"""Test files: series in the form of delivered products, in the usual containers."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from insar_runtime.definitions import DAYS_PER_YEAR

Container = Literal["wide Parquet", "list Parquet", "CSV", "zip"]
CONTAINERS: Final[tuple[Container, ...]] = ("wide Parquet", "list Parquet", "CSV")
_SUFFIX: Final = {"wide Parquet": "wide.parquet", "list Parquet": "list.parquet", "CSV": "csv", "zip": "zip"}
_PIECE: Final = 50_000
"""Number of rows that are written at a time, and of rows of a row group."""


def axis(epochs: int) -> NDArray[np.datetime64]:
    """Return dates 6 days apart."""
    dates: NDArray[np.datetime64] = np.datetime64("2018-01-03") + np.arange(epochs) * 6
    return dates


def make_table(folder: Path, container: Container, rows: int, epochs: int) -> Path:
    """Return the path of a table of so many points, which is written if it does not exist."""
    path = folder / f"{rows}x{epochs}.{_SUFFIX[container]}"
    if not path.is_file():
        partial = path.with_suffix(".partial")
        if container == "CSV":
            _write_csv(partial, rows, epochs)
        elif container == "zip":
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                archive.write(make_table(folder, "CSV", rows, epochs), "table.csv")
        else:
            _write_parquet(partial, rows, epochs, wide=container == "wide Parquet")
        partial.rename(path)
    return path


def _pieces(rows: int, epochs: int) -> Iterator[tuple[dict[str, Any], NDArray[np.float64]]]:
    """Yield attributes and displacements (with a resolution of 0.1 mm, as in delivered products) of some rows."""
    days = np.arange(epochs) * 6.0
    for start in range(0, rows, _PIECE):
        count = min(_PIECE, rows - start)
        rng = np.random.default_rng(start)
        values = rng.normal(0, 3, (count, 1)) * days / DAYS_PER_YEAR + rng.normal(0, 2.5, (count, epochs))
        attributes = {
            "pid": pa.array([f"p{start + i:08}" for i in range(count)]),
            "longitude": rng.uniform(13, 14, count).round(6),
            "latitude": rng.uniform(38, 39, count).round(6),
        }
        yield attributes, values.round(1)


def _write_parquet(path: Path, rows: int, epochs: int, *, wide: bool) -> None:
    names = [str(date).replace("-", "") for date in axis(epochs)]
    writer = None
    for attributes, values in _pieces(rows, epochs):
        if wide:
            table = pa.table(attributes | {name: values[:, i] for i, name in enumerate(names)})
        else:
            lists = pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float32).ravel()), epochs)
            table = pa.table(attributes | {"displacements": lists})
            dates = json.dumps([str(date) for date in axis(epochs)])
            table = table.replace_schema_metadata({"insar_runtime:dates": dates})
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()


def _write_csv(path: Path, rows: int, epochs: int) -> None:
    names = [str(date).replace("-", "") for date in axis(epochs)]
    with path.open("wb") as file:
        header = None
        for attributes, values in _pieces(rows, epochs):
            table = pa.table(attributes | {name: values[:, i] for i, name in enumerate(names)})
            if header is None:
                header = ",".join(table.schema.names) + "\n"
                file.write(header.encode())
            pacsv.write_csv(table, file, pacsv.WriteOptions(include_header=False, quoting_style="none"))
