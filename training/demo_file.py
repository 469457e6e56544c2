"""Example file of ``insar-rt demo``: a simulated download of EGMS with true classes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from insar_runtime.classes import CLASS_NAMES, SEED_CLASS_NAMES
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator import SimulatedSeries, simulate

STEM: Final = "EGMS_L2b_022_0845_IW2_VV_2020_2024_1_simulated"
CALENDAR: Final = "egms_2020_2024"
_FIRST_DATE: Final = np.datetime64("2020-01-03")
_SHARES: Final = (0.60, 0.15, 0.08, 0.09, 0.08)
"""Number of points of each class: mostly Stable, as in real files, with some of every other class."""


def write_demo(folder: Path, *, points: int = 500, seed: int = 7) -> Path:
    """Write a zip with a CSV in the form of EGMS and an additional column ``true_class``.

    Parameters
    ----------
    folder : Path
        Folder of the zip.
    points : int
        Number of rows; at most 512, so that all have the same dates.
    seed : int
        Seed of the series.

    Returns
    -------
    Path
        Path of the zip.
    """
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(SEED_CLASS_NAMES), size=points, p=_SHARES).astype(np.int8)
    series = simulate(points, seed=seed, calendar=CALENDAR, labels=labels)
    text = _csv(series, rng)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.zip"):
        old.unlink()
    path = folder / f"{STEM}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        # Entries have a fixed time, so that equal series give equal bytes.
        for name, data in ((f"{STEM}.csv", text), (f"{STEM}.xml", _HEADER)):
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return path


def _csv(series: SimulatedSeries, rng: np.random.Generator) -> bytes:
    count = len(series)
    days = series.days[0]
    dates = (_FIRST_DATE + np.rint(days).astype("timedelta64[D]")).astype(str)
    easting = np.round(4_525_000 + rng.uniform(0, 4000, count), 2)
    northing = np.round(1_746_000 + rng.uniform(0, 3000, count), 2)
    columns: dict[str, pa.Array] = {
        "pid": pa.array([f"demo{i:06d}" for i in range(count)]),
        "mp_type": pa.array(np.zeros(count, dtype=np.int8)),
        "latitude": pa.array(np.round(38.69 + rng.uniform(0, 0.03, count), 6)),
        "longitude": pa.array(np.round(13.15 + rng.uniform(0, 0.05, count), 6)),
        "easting": pa.array(easting),
        "northing": pa.array(northing),
        "mean_velocity": pa.array(np.round(_velocity(series.displacement, days), 1)),
        "true_class": pa.array([CLASS_NAMES[i] for i in series.label]),
    }
    for epoch, date in enumerate(dates):
        values = series.displacement[:, epoch].astype(float)
        columns[date.replace("-", "")] = pa.array(np.round(values, 1), from_pandas=True)
    stream = io.BytesIO()
    options = pyarrow.csv.WriteOptions(quoting_style="none")
    pyarrow.csv.write_csv(pa.table(columns), stream, options)
    return stream.getvalue()


def _velocity(displacement: NDArray[np.float32], days: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the slope of the least-squares line of each row in mm/yr, over the valid epochs."""
    years = days.astype(np.float64) / DAYS_PER_YEAR
    valid = ~np.isnan(displacement)
    count = valid.sum(axis=1)
    t = np.where(valid, years, 0.0)
    y = np.where(valid, displacement, 0.0)
    t = np.where(valid, t - (t.sum(axis=1) / count)[:, None], 0.0)
    return np.asarray((t * y).sum(axis=1) / (t * t).sum(axis=1))


_HEADER: Final = b"""<?xml version="1.0" encoding="UTF-8"?>
<egms_product simulated="true">
  <product_level>L2B</product_level>
  <note>Simulated by insar-runtime; no data of the European Ground Motion Service.</note>
</egms_product>
"""
