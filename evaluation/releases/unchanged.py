"""Points whose motion does not change, in simulated noise and in that of real files, cut into releases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.real_files import REAL_FILES, read_real, real_axis
from training.simulator import SimulatorConfig, simulate
from training.simulator.bank import NoiseBank, quiet_residuals
from training.simulator.draws import Floats

SHARES: Final[Mapping[TrendClass, float]] = {
    TrendClass.STABLE: 0.85,
    TrendClass.LINEAR: 0.1,
    TrendClass.QUADRATIC: 0.05,
}
"""Classes of the points, about as common as in real files (our choice). One law of motion holds for a whole series."""
CALENDAR: Final = "egms_2020_2024"
SHOWN: Final = {"EGMS_L2b_022_0845_IW2_VV_2020_2024_1": "Ustica", "wroclaw_caly_filtered": "Wroclaw"}
"""Real files whose quiet rows are the noise, and what the tables call them; both are of EGMS L2."""
_FIRST_DATE: Final = np.datetime64("2020-01-03")
_OFFSET_MM: Final = 3.0
"""Another reference: what each point of the new release is shifted by, and the whole release by ten times as much."""
_ROUNDING_MM: Final = 0.1


@dataclass(frozen=True)
class Points:
    """Points of one file.

    Attributes
    ----------
    name : str
        What the tables call them.
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    dates : ndarray of datetime64[D], shape [T]
    has_one_rate : ndarray of bool, shape [N]
        Whether the rate is constant; that of Quadratic points is another one in each release.
    """

    name: str
    displacement: Floats
    dates: NDArray[np.datetime64]
    has_one_rate: NDArray[np.bool_]


@dataclass(frozen=True)
class Cut:
    """How a file is cut into two releases.

    Attributes
    ----------
    name : str
        What the tables call it.
    last_days : float
        Days by which the new release is longer at its end.
    first_days : float
        Days by which it begins later.
    """

    name: str
    last_days: float
    first_days: float = 0.0


CUTS: Final = (
    Cut("60 days more", 60),
    Cut("180 days more", 180),
    Cut("five years, one year later", DAYS_PER_YEAR, DAYS_PER_YEAR),
)


def unchanged_points(count: int, *, real: Path | None, seed: int) -> Iterator[Points]:
    """Yield points with one motion each: in simulated noise, in the noise of real files, and real files as they are.

    Of the latter nobody knows which points change.

    Parameters
    ----------
    count : int
        Points of each file; real files have those that they have.
    real : Path, optional
        Folder of the project's real files.
    seed : int
        Seed of all random draws.
    """
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array(list(SHARES), dtype=np.int8), count, p=list(SHARES.values()))
    # One file: all points have the same dates.
    config = SimulatorConfig()
    config = replace(config, block=count, delivery=replace(config.delivery, missing_probability=0.0))
    series = simulate(count, seed=seed, config=config, calendar=CALENDAR, labels=labels)
    one_rate = labels != TrendClass.QUADRATIC
    dates = _FIRST_DATE + series.days[0].astype("timedelta64[D]")
    yield Points("simulated noise", series.displacement, dates, one_rate)
    if real is None:
        return
    for file in REAL_FILES:
        if file.name not in SHOWN:
            continue
        displacement, days = read_real(real, file)
        dates, _ = real_axis(real, file)
        bank = NoiseBank((quiet_residuals(file.name, displacement, days),), vary=False)
        series = simulate(count, seed=seed, config=config, bank=bank, labels=labels)
        yield Points(f"noise of {SHOWN[file.name]}", series.displacement, dates, one_rate)
        yield Points(f"{SHOWN[file.name]} as it is", displacement, dates, np.ones(len(displacement), dtype=np.bool_))


def cut_releases(points: Points, cut: Cut, *, seed: int) -> tuple[pa.Table, pa.Table]:
    """Return two releases of points as wide tables; the new one has another reference, and is rounded once more."""
    rng = np.random.default_rng(seed)
    days = (points.dates - points.dates[0]).astype(np.float64)
    old = days <= days[-1] - cut.last_days
    new = days >= cut.first_days
    shift = 10 * _OFFSET_MM + rng.normal(0, _OFFSET_MM, (len(points.displacement), 1))
    moved = np.round((points.displacement[:, new] + shift) / _ROUNDING_MM) * _ROUNDING_MM
    return _wide(points.displacement[:, old], points.dates[old]), _wide(moved, points.dates[new])


def _wide(displacement: NDArray[np.floating], dates: NDArray[np.datetime64]) -> pa.Table:
    count = len(displacement)
    names = [str(date).replace("-", "") for date in dates]
    columns = {
        "pid": [f"p{row:06d}" for row in range(count)],
        "longitude": 13 + np.arange(count) % 200 / 1e3,
        "latitude": 38 + np.arange(count) // 200 / 1e3,
    }
    values = {
        name: pa.array(np.round(displacement[:, epoch], 1).astype(np.float32), from_pandas=True)
        for epoch, name in enumerate(names)
    }
    return pa.table({**columns, **values})
