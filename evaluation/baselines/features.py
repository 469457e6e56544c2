"""Statistical features of a displacement time series.

Mirmazloumi, Gambin, Palamà and others, Remote Sensing 14(15):3821, 2022, use 29 features: autocorrelation,
decomposition and simple statistics. Their list was not accessible, so this list is ours, with features of the same
three kinds and statistics of trend, curvature, break and jump for the five classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.baselines.contestant import Floats, gather
from insar_runtime.definitions import DAYS_PER_YEAR
from training.dataset import LabelledSeries

_LAGS: Final = (1, 2, 5, 10)
_TREND_EPOCHS: Final = 15
_LEVEL_EPOCHS: Final = 5
_BREAK_SHARES: Final = (0.12, 0.88)
_TINY: Final = 1e-9


def statistical_features(series: LabelledSeries, *, half_wavelength_mm: float) -> tuple[NDArray[np.float32], list[str]]:
    """Return the features of each series.

    Parameters
    ----------
    series : LabelledSeries
        N series; missing values are left out, so lags and windows count valid epochs.
    half_wavelength_mm : float
        Unit of jumps in mm.

    Returns
    -------
    values : ndarray of float32, shape [N, F]
        Finite.
    names : list of str
        Names of the F features.
    """
    values: NDArray[np.float32] | None = None
    names: list[str] = []
    for group in gather(series):
        found = _features(group.displacement, group.days / DAYS_PER_YEAR, half_wavelength_mm)
        names = list(found)
        if values is None:
            values = np.empty((len(series), len(names)), dtype=np.float32)
        values[group.rows] = np.stack(list(found.values()), axis=1)
    return np.empty((0, 0), dtype=np.float32) if values is None else values, names


def _features(values: Floats, years: Floats, cycle: float) -> dict[str, Floats]:
    time = years - years.mean()
    centred = values - values.mean(axis=1, keepdims=True)
    rate = centred @ time / (time @ time)
    rest = centred - rate[:, None] * time
    left = np.maximum((rest * rest).sum(axis=1), _TINY)
    return {
        "std": centred.std(axis=1),
        "range": np.ptp(centred, axis=1),
        **_trend(centred, time, rate, left),
        **_curves(rest, time, left),
        **_jumps(values, rest, time, left, cycle),
        **_autocorrelation(centred, rest),
        **_decomposition(centred, rest, years),
        **_shape(rest),
    }


def _trend(centred: Floats, time: Floats, rate: Floats, left: Floats) -> dict[str, Floats]:
    epochs, spread = len(time), time @ time
    thirds = np.array_split(np.arange(epochs), 3)
    begin, end = (_rate(centred[:, part], time[part]) for part in (thirds[0], thirds[2]))
    return {
        "rate": rate,
        "total": np.abs(rate) * np.ptp(time),
        "rate_t": rate / np.sqrt(left / (epochs - 2) / spread),
        "linear_r2": 1 - left / np.maximum((centred**2).sum(axis=1), _TINY),
        "residual_sigma": np.sqrt(left / (epochs - 2)),
        "rate_change_of_thirds": (end - begin) * np.ptp(time),
    }


def _curves(rest: Floats, time: Floats, left: Floats) -> dict[str, Floats]:
    epochs = len(time)
    parabola = _without_line(time[None] ** 2, time)
    curve_seen, curve_size = (rest @ parabola.T)[:, 0], (parabola * parabola).sum()
    curve_gain = np.minimum(curve_seen**2 / curve_size / left, 1 - _TINY)

    shares = (time - time[0]) / np.ptp(time)
    breaks = np.flatnonzero((shares >= _BREAK_SHARES[0]) & (shares <= _BREAK_SHARES[1]))
    hinges = _without_line(np.maximum(time - time[breaks, None], 0), time)
    seen, size = rest @ hinges.T, (hinges * hinges).sum(axis=1)
    best = (seen**2 / size).argmax(axis=1)
    rows = np.arange(len(rest))
    hinge_gain = np.minimum(seen[rows, best] ** 2 / size[best] / left, 1 - _TINY)
    return {
        "parabola_f": _log_f(curve_gain, 1, epochs - 3),
        "parabola_mm": curve_seen / curve_size * np.ptp(time) ** 2,
        "hinge_f": _log_f(hinge_gain, 2, epochs - 4),
        "hinge_mm": seen[rows, best] / size[best] * np.ptp(time),
        "hinge_place": shares[breaks[best]],
        "hinge_against_parabola": np.log((1 - hinge_gain) / (1 - curve_gain)),
    }


def _jumps(values: Floats, rest: Floats, time: Floats, left: Floats, cycle: float) -> dict[str, Floats]:
    epochs = len(time)
    places = np.arange(3, epochs - 2)
    steps = _without_line((np.arange(epochs) >= places[:, None]).astype(np.float64), time)
    seen, size = rest @ steps.T, (steps * steps).sum(axis=1)
    best = (seen**2 / size).argmax(axis=1)
    rows = np.arange(len(rest))
    gain = np.minimum(seen[rows, best] ** 2 / size[best] / left, 1 - _TINY)

    change = np.sort(np.abs(np.diff(values, axis=1)), axis=1)
    # Medians of three epochs before and after each date change at a jump, not at an outlier.
    medians = _running(values, 3, np.median)
    levels = np.abs(medians[:, 3:] - medians[:, :-3])
    largest = levels.max(axis=1)
    typical = np.maximum(np.median(change, axis=1), 0.05)
    return {
        "step_f": _log_f(gain, 2, epochs - 4),
        "step_cycles": np.abs(seen[rows, best] / size[best]) / cycle,
        "largest_change": change[:, -1],
        "fourth_change": change[:, -4],
        "median_change": typical,
        "level_change": largest,
        "level_change_over_scatter": largest / typical,
        "level_changes_of_half_a_cycle": (levels > cycle / 2).sum(axis=1).astype(np.float64),
        "level_range": np.ptp(_running(rest, _LEVEL_EPOCHS, np.median), axis=1),
    }


def _autocorrelation(centred: Floats, rest: Floats) -> dict[str, Floats]:
    out = {}
    for name, part in (("series", centred), ("rest", rest)):
        power = np.maximum((part * part).sum(axis=1), _TINY)
        for lag in _LAGS if name == "rest" else _LAGS[:1]:
            out[f"autocorrelation_{name}_{lag}"] = (part[:, lag:] * part[:, :-lag]).sum(axis=1) / power
    return out


def _decomposition(centred: Floats, rest: Floats, years: Floats) -> dict[str, Floats]:
    """Return strengths of trend and season (Wang, Smith and Hyndman, Data Mining and Knowledge Discovery 13, 2006)."""
    angle = 2 * np.pi * years
    season_design = _without_line(np.stack([np.sin(angle), np.cos(angle)]), years - years.mean())
    coefficients = np.linalg.lstsq(season_design.T, rest.T, rcond=None)[0].T
    season = coefficients @ season_design
    window = _TREND_EPOCHS
    trend = _running(centred - season, window, np.mean)
    inner = slice(window // 2, centred.shape[1] - window // 2)
    noise = (centred - season)[:, inner] - trend
    return {
        "trend_strength": _strength(noise, noise + trend),
        "season_strength": _strength(rest - season, rest),
        "season_mm": season.std(axis=1),
        "noise_sigma": noise.std(axis=1),
    }


def _shape(rest: Floats) -> dict[str, Floats]:
    sigma = np.maximum(rest.std(axis=1), _TINY)
    standard = rest / sigma[:, None]
    return {
        "skewness": (standard**3).mean(axis=1),
        "kurtosis": (standard**4).mean(axis=1),
        "sign_changes": (np.diff(np.sign(rest), axis=1) != 0).mean(axis=1),
    }


def _rate(values: Floats, time: Floats) -> Floats:
    centred = time - time.mean()
    return np.asarray(values @ centred / (centred @ centred))


def _without_line(values: Floats, time: Floats) -> Floats:
    centred = values - values.mean(axis=1, keepdims=True)
    return np.asarray(centred - (centred @ time / (time @ time))[:, None] * time)


def _running(values: Floats, window: int, statistic: Callable[..., Floats]) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(values, window, axis=1)
    return np.asarray(statistic(windows, axis=2))


def _strength(rest: Floats, whole: Floats) -> Floats:
    return np.maximum(1 - rest.var(axis=1) / np.maximum(whole.var(axis=1), _TINY), 0)


def _log_f(gain: Floats, parameters: int, freedom: int) -> Floats:
    """Return log(1 + F) from the relative decrease of the sum of squares by additional parameters."""
    return np.asarray(np.log1p(gain / parameters / ((1 - gain) / freedom)))
