"""Test series: simulated points at 243 epochs, six days apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from training.simulator import SimulatedSeries, SimulatorConfig, simulate

EPOCHS: Final = 243
FLAGGED_SHARE: Final = 0.1
_CALENDAR: Final = "egms_l3"
"""Calendar without missing acquisitions, so that all blocks have the same dates."""
_PIECE: Final = 20_000
_FIRST_DATE: Final = np.datetime64("2018-01-03")


def series(count: int, *, seed: int, labels: NDArray[np.int8] | None = None) -> SimulatedSeries:
    """Return complete simulated series with the same dates."""
    config = SimulatorConfig()
    config = replace(
        config,
        calendar=replace(config.calendar, min_epochs=EPOCHS, max_epochs=EPOCHS),
        delivery=replace(config.delivery, missing_probability=0.0),
    )
    return simulate(count, seed=seed, config=config, calendar=_CALENDAR, labels=labels)


def of_class(kind: TrendClass, count: int, *, seed: int) -> NDArray[np.float32]:
    """Return series of one class, [n, T]."""
    return np.ascontiguousarray(series(count, seed=seed, labels=np.full(count, kind, dtype=np.int8)).displacement)


def make_file(folder: Path, rows: int) -> Path:
    """Return the path of a Parquet file with one tenth of Bilinear or PUE rows, written if it does not exist."""
    path = folder / f"{rows}x{EPOCHS}.diagnosed.parquet"
    if not path.is_file():
        partial = path.with_suffix(".partial")
        writer = None
        for table in _pieces(rows):
            writer = writer or pq.ParquetWriter(partial, table.schema, compression="zstd")
            writer.write_table(table)
        if writer:
            writer.close()
        partial.rename(path)
    return path


def _pieces(rows: int) -> Iterator[pa.Table]:
    for start in range(0, rows, _PIECE):
        count = min(_PIECE, rows - start)
        rng = np.random.default_rng(start)
        flagged = rng.random(count) < FLAGGED_SHARE
        label = np.where(rng.random(count) < 0.9, TrendClass.STABLE, TrendClass.LINEAR)
        label[flagged] = rng.choice([TrendClass.BILINEAR, TrendClass.PUE], np.count_nonzero(flagged))
        made = series(count, seed=start, labels=label.astype(np.int8))
        dates = _FIRST_DATE + made.days[0].astype("timedelta64[D]")
        columns = {str(date).replace("-", ""): made.displacement[:, i] for i, date in enumerate(dates)}
        yield pa.table({"pid": pa.array([f"p{start + i:08}" for i in range(count)]), **columns})
