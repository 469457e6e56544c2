"""Statistics of the noise of quiet real series and of simulated noise, for comparison."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import DAYS_PER_YEAR
from insar_runtime.errors import DataError
from training.simulator.bank import MAX_CURVATURE
from training.simulator.config import SimulatorConfig
from training.simulator.draws import Floats
from training.simulator.lines import curvature, running_median, without_line
from training.simulator.noise import draw_annual, draw_noise
from training.simulator.nuisances import draw_nuisances

_MAX_ROWS: Final = 1500
_BLOCK: Final = 40
"""Number of rows of a simulated file: few, so that there are many files."""

PERIODS_DAYS: Final = np.geomspace(1000, 14, 19)
"""Bounds of the bins of the spectrum (periods in days)."""
LAGS_DAYS: Final = np.array([6, 12, 24, 48, 90, 120, 180, 270, 365, 540, 720], dtype=np.float64)
MAX_STEP_DAYS: Final = 12
"""Largest interval in days between two epochs whose difference counts as a step."""
_LAG_TOLERANCE: Final = 3.5
_MAX_PAIRS: Final = 150
_LEVEL_EPOCHS: Final = 8


@dataclass(frozen=True)
class StillSeries:
    """Residuals from lines of the rows of one or several files with the same dates.

    Attributes
    ----------
    name : str
        Name of the file.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    residual : ndarray of float32, shape [N, T]
        mm, no missing values.
    file : ndarray of int, shape [N]
        Number of the file of each row.
    """

    name: str
    days: Floats
    residual: Floats
    file: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.residual)


def still_series(
    name: str, displacement: Floats, days: Floats, *, file: NDArray[np.int64] | None = None, seed: int = 0
) -> StillSeries:
    """Return the residuals from lines of the complete rows without clear curvature.

    Parameters
    ----------
    name : str
        Name of the file.
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    file : ndarray of int, shape [N], optional
        Number of the file of each row; by default one file.
    seed : int
        Seed of the choice of at most 1,500 rows.

    Raises
    ------
    DataError
        If no row is complete and straight.
    """
    rows = np.flatnonzero(np.isfinite(displacement).all(axis=1))
    rows = np.sort(np.random.default_rng(seed).permutation(rows)[:_MAX_ROWS])
    residual = without_line(displacement[rows], days)
    straight = curvature(residual, days) <= MAX_CURVATURE
    if not straight.any():
        raise DataError(
            f"{name} has no complete and straight row among {len(displacement)}; give a file of still ground"
        )
    files = np.zeros(len(displacement), dtype=np.int64) if file is None else file
    return StillSeries(name, days, residual[straight], files[rows][straight])


def simulated_still(days: Floats, count: int, *, seed: int, config: SimulatorConfig | None = None) -> StillSeries:
    """Return simulated rows without motion at the dates of a real file, from many simulated files."""
    config = config or SimulatorConfig()
    rng = np.random.default_rng(seed)
    blocks = []
    for begin in range(0, count, _BLOCK):
        rows = min(_BLOCK, count - begin)
        values = draw_noise(rng, days, rows, config.noise).values
        noise_sigma = values.std(axis=1)
        values += draw_annual(rng, days, rows, config.annual)
        values += draw_nuisances(rng, days, noise_sigma, config.nuisance)
        blocks.append(np.round(values, config.delivery.decimals))
    return still_series("simulated", np.concatenate(blocks), days, file=np.arange(count) // _BLOCK)


def statistics(still: StillSeries) -> dict[str, dict[str, float]]:
    """Return statistics that determine how well rows without motion can be distinguished from moving ones.

    Parameters
    ----------
    still : StillSeries
        At least two years long.

    Returns
    -------
    dict of dict
        Groups of named numbers: ``scatter``, ``spectrum``, ``structure``, ``steps``, ``wander``, ``excursions``,
        ``annual``, ``changes`` and ``together``.
    """
    measures = (scatter, spectrum, structure, steps, wander, excursions, annual, changes, together)
    return {measure.__name__: measure(still) for measure in measures}


def scatter(still: StillSeries) -> dict[str, float]:
    """Return quantiles over rows of the RMS about the line, mm."""
    return _quantiles(still.residual.std(axis=1), (0.05, 0.25, 0.5, 0.75, 0.95))


def spectrum(still: StillSeries) -> dict[str, float]:
    """Return the mean power spectrum by period in days, without the annual cycle.

    Lomb-Scargle periodogram at the actual dates (Scargle 1982), divided by its mean, so that white noise has the value
    1 at all periods.
    """
    values = _normalised(without_annual(still))
    days = still.days.astype(np.float64)
    rates = np.arange(1 / PERIODS_DAYS[0], 1 / PERIODS_DAYS[-1], 0.5 / float(days[-1]))
    angle = 2 * np.pi * rates[None, :] * days[:, None]
    shift = 0.5 * np.arctan2(np.sin(2 * angle).sum(axis=0), np.cos(2 * angle).sum(axis=0))
    power = np.zeros(len(rates))
    for wave in (np.cos(angle - shift), np.sin(angle - shift)):
        power += np.mean((values @ wave.astype(np.float32)) ** 2, axis=0) / (2 * (wave * wave).sum(axis=0))
    bin_of = np.digitize(rates, 1 / PERIODS_DAYS) - 1
    found = {}
    for i, (long, short) in enumerate(pairwise(PERIODS_DAYS)):
        if (bin_of == i).any():
            found[f"{np.sqrt(long * short):.0f}"] = float(power[bin_of == i].mean())
    return found


def structure(still: StillSeries) -> dict[str, float]:
    """Return the structure function by lag in days, divided by twice the variance: 1 for uncorrelated epochs."""
    values = _normalised(without_annual(still))
    apart = still.days[None, :] - still.days[:, None]
    rng = np.random.default_rng(0)
    found = {}
    for lag in LAGS_DAYS:
        first, second = np.nonzero(np.abs(apart - lag) <= min(_LAG_TOLERANCE, lag / 2))
        if len(first):
            pairs = rng.permutation(len(first))[:_MAX_PAIRS]
            difference = values[:, second[pairs]] - values[:, first[pairs]]
            found[f"{lag:.0f}"] = float(np.mean(difference**2) / 2)
    return found


def steps(still: StillSeries) -> dict[str, float]:
    """Return statistics of differences of epochs at most 12 days apart: quantiles in mm, shares, kurtosis per row."""
    near = np.diff(still.days) <= MAX_STEP_DAYS
    step = np.abs(np.diff(still.residual, axis=1)[:, near])
    found = _quantiles(step, (0.5, 0.9, 0.99, 0.999))
    found |= {f"above {limit} mm, %": float(100 * np.mean(step > limit)) for limit in (10, 15, 20)}
    relative = step / np.sqrt(np.mean(step**2, axis=1, keepdims=True))
    return found | {"kurtosis": float(np.mean(relative**4))}


def wander(still: StillSeries) -> dict[str, float]:
    """Return statistics of the running median over 9 epochs: range in mm and over the RMS, share of the variance."""
    median = running_median(still.residual, 9)
    extent = np.ptp(median, axis=1)
    found = {f"range {name}": value for name, value in _quantiles(extent, (0.05, 0.5, 0.9, 0.99)).items()}
    relative = extent / still.residual.std(axis=1)
    found |= {f"over RMS {name}": value for name, value in _quantiles(relative, (0.05, 0.5, 0.95)).items()}
    rest = without_annual(still)
    share = running_median(rest, 9).var(axis=1) / rest.var(axis=1)
    return found | {f"share {name}": value for name, value in _quantiles(share, (0.05, 0.5, 0.95)).items()}


def excursions(still: StillSeries) -> dict[str, float]:
    """Return the share of rows (%) whose running median over 5 epochs leaves the level for 3 to 40 epochs, by size."""
    median = running_median(without_annual(still), 5)
    away = np.abs(median - np.median(median, axis=1, keepdims=True))
    largest = np.array([max(_runs(row), default=0.0) for row in away])
    return {
        "8-14 mm, %": float(100 * np.mean((largest > 8) & (largest <= 14))),
        "above 14 mm, %": float(100 * np.mean(largest > 14)),
    }


def annual(still: StillSeries) -> dict[str, float]:
    """Return quantiles over rows of the annual amplitude, mm, and of the deviation of single years from it."""
    found = _quantiles(amplitudes(still), (0.5, 0.9, 0.95, 0.99))
    whole = int(still.days[-1] // DAYS_PER_YEAR)
    years = []
    for year in range(whole):
        inside = (still.days >= year * DAYS_PER_YEAR) & (still.days < (year + 1) * DAYS_PER_YEAR)
        if np.count_nonzero(inside) >= 20:
            years.append(_cycle(still.residual[:, inside], still.days[inside]))
    if len(years) > 1:
        change = np.sqrt(np.var(years, axis=0).sum(axis=0))
        found |= {f"single years {name}": value for name, value in _quantiles(change, (0.5, 0.9, 0.99)).items()}
    return found


def amplitudes(still: StillSeries) -> Floats:
    """Return the annual amplitude of each row, mm, [N]."""
    return np.hypot(*_cycle(still.residual, still.days))


def changes(still: StillSeries) -> dict[str, float]:
    """Return changes of the scatter about the running median: last to first third, worst 120 days to the median."""
    rough = still.residual[:, 2:-2] - running_median(still.residual, 5)
    days = still.days[2:-2]
    first, last = days < days[-1] / 3, days > days[-1] * 2 / 3
    ratio = rough[:, last].std(axis=1) / np.maximum(rough[:, first].std(axis=1), 0.05)
    found = {f"last to first {name}": value for name, value in _quantiles(ratio, (0.05, 0.5, 0.95)).items()}
    windows = (days // 120).astype(np.int64)
    local = np.stack([rough[:, windows == w].std(axis=1) for w in np.unique(windows) if (windows == w).sum() >= 6])
    burst = local.max(axis=0) / np.maximum(np.median(local, axis=0), 0.05)
    return found | {f"worst {name}": value for name, value in _quantiles(burst, (0.5, 0.9, 0.99)).items()}


def together(still: StillSeries) -> dict[str, float]:
    """Return common signals of the rows of a file: epoch errors, and the date at which most rows change level."""
    found = [_together(still.residual[still.file == file]) for file in np.unique(still.file)]
    common, usual, worst = np.mean(found, axis=0)
    return {
        "common, % of variance": float(common),
        "rows above 5 mm, median date, %": float(usual),
        "rows above 5 mm, worst date, %": float(worst),
    }


def _together(residual: Floats) -> tuple[float, float, float]:
    common = 100 * residual.mean(axis=0).var() / residual.var(axis=1).mean()
    windows = np.lib.stride_tricks.sliding_window_view(residual, _LEVEL_EPOCHS, axis=1)
    level = np.stack([np.median(windows[:, i], axis=1) for i in range(windows.shape[1])], axis=1)
    share = 100 * np.mean(np.abs(level[:, _LEVEL_EPOCHS:] - level[:, :-_LEVEL_EPOCHS]) > 5, axis=0)
    return common, float(np.median(share)), float(share.max())


def without_annual(still: StillSeries) -> Floats:
    """Return the residuals of each row from line, annual and semi-annual cycle, [N, T]."""
    days = still.days.astype(np.float64)
    angle = 2 * np.pi * days / DAYS_PER_YEAR
    waves = [wave(k * angle) for k in (1, 2) for wave in (np.sin, np.cos)]
    return _without(still.residual, [np.ones_like(days), days / days[-1], *waves])


def _without(values: Floats, shapes: list[NDArray[np.float64]]) -> Floats:
    basis, _ = np.linalg.qr(np.stack(shapes, axis=1))
    return np.asarray(values - (values @ basis) @ basis.T, dtype=np.float32)


def _normalised(values: Floats) -> Floats:
    return np.asarray(values / np.maximum(values.std(axis=1, keepdims=True), 1e-6), dtype=np.float32)


def _cycle(values: Floats, days: Floats) -> tuple[Floats, Floats]:
    """Return sine and cosine amplitudes of the annual cycle of rows, mm."""
    angle = 2 * np.pi * days.astype(np.float64) / DAYS_PER_YEAR
    basis = np.stack([np.sin(angle), np.cos(angle), np.ones_like(angle)], axis=1)
    found = values @ np.linalg.pinv(basis).T
    return found[:, 0], found[:, 1]


def _runs(away: Floats) -> list[float]:
    """Return the largest distance in each run of 3 to 40 epochs with distances above 8 mm."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], away > 8, [False]]).astype(np.int8)))
    runs = zip(edges[::2], edges[1::2], strict=True)
    return [float(away[begin:end].max()) for begin, end in runs if 3 <= end - begin <= 40]


def _quantiles(values: Floats, levels: tuple[float, ...]) -> dict[str, float]:
    return {f"p{100 * level:g}": float(np.quantile(values, level)) for level in levels}
