"""Golden vectors: series with the probabilities of the Keras model, for tests without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from export.tenths import decode, encode
from training import dataset
from training.dataset import LabelledSeries
from training.fit import predict
from training.simulator import CALENDARS

GOLDEN_SEED: Final = 10_003
_SERIES_PER_CALENDAR: Final = 24
_CORNER_EPOCHS: Final = (30, 31, 139, 140, 512)


def golden_series(classes: int) -> list[LabelledSeries]:
    """Return sets of series: all calendars, and special cases of interpolation and masks.

    ``classes`` is the number of classes of the model, 5 or 6.
    """
    sets = [
        dataset.simulated(_SERIES_PER_CALENDAR, seed=GOLDEN_SEED + i, calendar=name, classes=classes)
        for i, name in enumerate(CALENDARS)
    ]
    return [*sets, *(_corners(epochs) for epochs in _CORNER_EPOCHS)]


def write_golden(path: Path, sets: list[LabelledSeries], model: keras.Model) -> None:
    """Write ``displacement_i`` [N, T] mm, ``days_i`` [N, T] and ``probabilities_i`` [N, classes] of every set i.

    Displacements have one decimal and are stored as tenths of a millimetre in int16, with -32768 for NaN.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for i, series in enumerate(sets):
        arrays[f"displacement_{i}"] = encode(series.displacement)
        arrays[f"days_{i}"] = np.asarray(series.days, dtype=np.float32)
        arrays[f"probabilities_{i}"] = predict(
            model, LabelledSeries(decode(arrays[f"displacement_{i}"]), series.days, series.label)
        )
    np.savez_compressed(path, allow_pickle=False, **arrays)


def _corners(epochs: int) -> LabelledSeries:
    """Return series of one length that are special cases of interpolation and masks."""
    rng = np.random.default_rng(GOLDEN_SEED + epochs)
    days = np.cumsum(rng.choice([6, 12, 18], epochs)).astype(np.float32)
    days -= days[0]
    noise = rng.normal(0, 2, (9, epochs)).astype(np.float32)
    ramp = days / days[-1]
    rows = noise.copy()
    rows[0] = 0.0
    rows[1] = 150 * ramp
    rows[2] += 27.7 * (ramp > 0.5)
    rows[3, 1:-1][rng.random(epochs - 2) < 0.5] = np.nan
    rows[4, : epochs // 3] = np.nan
    rows[5, -(epochs // 3) :] = np.nan
    rows[6, epochs // 3 : epochs // 2] = np.nan
    rows[7, 2:-1] = np.nan
    rows[8] = -300 * ramp**2
    label = np.zeros(len(rows), dtype=np.int8)
    return LabelledSeries(np.round(rows, 1), np.broadcast_to(days, rows.shape), label)
