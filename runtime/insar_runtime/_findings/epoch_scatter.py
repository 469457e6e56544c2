"""Scatter of the series from epoch to epoch: usual size, changes with the sampling, outlying epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.robust import departures, nanmedian, robust_scatter, running_medians

_LEAST_ROWS: Final = 20
_COMMON_OVER_USUAL: Final = 5.0
"""Least common deviation at a bad epoch, over the usual common deviation."""
_COMMON_OVER_NOISE: Final = 0.8
"""The same over the scatter of a row; smaller deviations affect no class."""
_COMMON_SHARE: Final = 0.8
"""Least share of the rows that deviate to the same side; by chance it is one half."""
_NOISY_FACTOR: Final = 3.0
"""Least scatter of a noisy epoch over that of the epochs around it. Good files reach 2.2 by chance and weather."""
_NOISY_EXCESS_MM: Final = 0.5
"""Least excess of its scatter; less affects no class, and may come from rounding."""
_AROUND: Final = 12
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class BadEpoch:
    """An epoch at which most rows deviate together, as from atmosphere or orbit: common deviation and share of rows."""

    date: np.datetime64
    common_mm: float
    share: float


@dataclass(frozen=True, slots=True)
class NoisyEpoch:
    """An epoch whose values scatter more than those of the epochs around it."""

    date: np.datetime64
    scatter_mm: float
    usual_mm: float


@dataclass(frozen=True, slots=True)
class Scatter:
    """Scatter of the series of a file from epoch to epoch.

    Attributes
    ----------
    noise_mm : float or None
        Median over the rows of the scatter of values about the median of their neighbours; None with too few values.
    by_sampling_mm : tuple of float
        The same for each part between changes of sampling; empty without any change.
    bad_epochs : tuple of BadEpoch
    noisy_epochs : tuple of NoisyEpoch
        Noisiest first.
    """

    noise_mm: float | None
    by_sampling_mm: tuple[float, ...]
    bad_epochs: tuple[BadEpoch, ...]
    noisy_epochs: tuple[NoisyEpoch, ...]


def measure_scatter(
    series: NDArray[np.float32], dates: NDArray[np.datetime64], switches: Sequence[np.datetime64] = ()
) -> Scatter:
    """Measure the scatter of some rows.

    Parameters
    ----------
    series : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    dates : ndarray of datetime64[D], shape [T]
    switches : sequence of datetime64[D]
        First date after each change of sampling.
    """
    rows, epochs = series.shape
    if not rows or epochs < 3:
        return Scatter(None, (), (), ())
    rest = departures(series)
    noise = _noise(rest)
    edges = [0, *(int(np.searchsorted(dates, date)) for date in switches), epochs]
    parts = [_noise(rest[:, a:b]) for a, b in pairwise(edges)] if switches else []
    if noise is None or rows < _LEAST_ROWS:
        return Scatter(noise, tuple(part for part in parts if part is not None), (), ())
    common = nanmedian(rest, 0)
    return Scatter(
        noise,
        tuple(part for part in parts if part is not None),
        _bad(rest, common, _is_return(nanmedian(series, 0)[None])[0], noise, dates),
        _noisy(rest - common, dates),
    )


def _noise(rest: NDArray[np.float32]) -> float | None:
    noise = float(nanmedian(robust_scatter(rest, 1), 0))
    return noise if np.isfinite(noise) else None


def _is_return(level: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which epochs deviate to the same side from those before and from those after, unlike a step."""
    reach = 3
    padded = np.pad(level, ((0, 0), (reach, reach)), constant_values=np.nan)
    medians = running_medians(padded, reach)
    before, after = level - medians[:, : level.shape[1]], level - medians[:, reach + 1 :]
    # The first and last epochs have neighbours on one side only.
    before, after = np.where(np.isnan(before), after, before), np.where(np.isnan(after), before, after)
    small, large = np.minimum(np.abs(before), np.abs(after)), np.maximum(np.abs(before), np.abs(after))
    returns: NDArray[np.bool_] = (np.sign(before) == np.sign(after)) & (small > 0.5 * large)
    return returns


def _bad(
    rest: NDArray[np.float32],
    common: NDArray[np.float32],
    returns: NDArray[np.bool_],
    noise: float,
    dates: NDArray[np.datetime64],
) -> tuple[BadEpoch, ...]:
    usual = float(robust_scatter(common, 0))
    known = np.count_nonzero(~np.isnan(rest), axis=0)
    # The sign of NaN equals no other.
    share = np.count_nonzero(np.sign(rest) == np.sign(common), axis=0) / np.maximum(known, 1)
    size = np.nan_to_num(np.abs(common))
    bad = (size > _COMMON_OVER_USUAL * usual) & (size > _COMMON_OVER_NOISE * noise) & (share >= _COMMON_SHARE)
    bad &= (known >= _LEAST_ROWS) & returns
    found = sorted(np.flatnonzero(bad), key=lambda i: -size[i])[:_MOST]
    return tuple(BadEpoch(dates[i], float(common[i]), float(share[i])) for i in found)


def _noisy(rest: NDArray[np.float32], dates: NDArray[np.datetime64]) -> tuple[NoisyEpoch, ...]:
    scatter = robust_scatter(rest, 0)
    scatter[np.count_nonzero(~np.isnan(rest), axis=0) < _LEAST_ROWS] = np.nan
    padded = np.pad(scatter, _AROUND, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    usual = nanmedian(np.delete(around, _AROUND, axis=1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(usual > 0, scatter / usual, 0.0)
    noisy = (factor >= _NOISY_FACTOR) & (scatter - usual >= _NOISY_EXCESS_MM)
    found = [int(i) for i in np.argsort(-np.nan_to_num(factor)) if noisy[i]][:_MOST]
    return tuple(NoisyEpoch(dates[i], float(scatter[i]), float(usual[i])) for i in found)
