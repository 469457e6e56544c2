"""Jumps of displacement series: changes of level within one epoch, lasting or temporary, on any motion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.found import Jumps
from insar_runtime._diagnosis.gls import Precision, by_missing, restricted_precision, without
from insar_runtime._diagnosis.levels import MOST_STEPS, Levels, fitted, moved, unexplained, without_weakest
from insar_runtime._diagnosis.noise import DAYS_OF_YEAR, FileNoise, Floats
from insar_runtime._diagnosis.outliers import clip_outliers
from insar_runtime._diagnosis.status import FitStatus
from insar_runtime._diagnosis.steps import Single, Steps

_LEAST_MM: Final = 10.0
_LEAST_CYCLES: Final = 0.6
"""A jump is at least 10 mm, or this part of half a wavelength where that is less (X-band) [design]."""
_BEND: Final = 40.0
"""Variance that the rate of motion gains in a year, over that of the scatter: a motion bends as freely as a smoothing
spline that averages over some two months, or a break of 60 mm/yr would look like jumps [ours]."""
_LEAST_EPOCHS: Final = 12
_ROWS: Final = 128
"""Rows at a time: what is computed of them stays in a processor's cache."""
_ROWS_OF_PRODUCT: Final = 32
_LEAST_SCATTER_MM: Final = 0.2
_ENTER: Final = 12.0
_STEP_BONUS: Final = 5.0
_STAY: Final = 12.0
_DISTANCE: Final = 3.0
"""Standard deviations from the nearest multiple at which a jump is no longer taken for it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """Steps on one set of epochs: under the mean of all kinds of noise, and under each."""

    mean: Steps
    kinds: tuple[Steps, ...]
    change: float
    """RMS change from epoch to epoch of noise of unit scatter."""


class JumpFinder:
    """Finds the jumps of series that share a time axis; built once a file, safe to share between threads.

    Parameters
    ----------
    noise : FileNoise
        Of the file.
    half_wavelength_mm : float, optional
        What one lost cycle moves a series by; without it no jump is told in cycles.
    """

    def __init__(self, noise: FileNoise, half_wavelength_mm: float | None) -> None:
        self._noise = noise
        self._cycle = half_wavelength_mm
        self._least = _LEAST_MM if half_wavelength_mm is None else min(_LEAST_MM, _LEAST_CYCLES * half_wavelength_mm)
        self._days = np.asarray(noise.days, dtype=np.float64)
        covariances = list(noise.covariances())
        mean = sum(weight * covariance for weight, covariance in zip(noise.weights, covariances, strict=True))
        line = np.stack([np.ones_like(self._days), self._days / DAYS_OF_YEAR], axis=1)
        bend = _BEND * _integrated_walk(self._days / DAYS_OF_YEAR)
        self._precisions = [restricted_precision(covariance + bend, line) for covariance in [mean, *covariances]]
        self._mean = np.asarray(mean)
        self._complete = self._axis(np.zeros(len(self._days), dtype=np.bool_))

    def _axis(self, missing: NDArray[np.bool_]) -> _Axis:
        there = np.flatnonzero(~missing)
        steps = []
        for precision in self._precisions:
            if missing.any():
                precision = without(precision, missing)
            matrix = precision.matrix[np.ix_(there, there)]
            steps.append(Steps.of(replace(precision, matrix=matrix)))
        covariance = self._mean[np.ix_(there, there)]
        variance = np.diag(covariance)
        change = variance[1:] + variance[:-1] - 2 * np.diag(covariance, 1)
        return _Axis(steps[0], tuple(steps[1:]), float(np.sqrt(np.median(change))))

    def find(self, displacement: NDArray[np.floating]) -> Jumps:
        """Find the jumps.

        Parameters
        ----------
        displacement : ndarray of float, shape [n, T]
            mm; NaN = missing.
        """
        found, status = self._found(displacement)
        size = found["size"]
        std = found["std"]
        cycles = np.zeros(len(size), dtype=np.int8)
        distance = np.full(len(size), np.nan)
        if self._cycle is not None:
            nearest = np.rint(size / self._cycle)
            nearest = np.where(nearest == 0, np.copysign(1, size), nearest)
            distance = np.abs(size - nearest * self._cycle) / std
            cycles = np.where(distance <= _DISTANCE, np.clip(nearest, -127, 127), 0).astype(np.int8)
        probability = 1 / (1 + np.exp(-0.3 * (found["t2"] - 15)))
        counts = np.bincount(found["row"], minlength=len(displacement))
        return Jumps(
            begins=np.concatenate([[0], np.cumsum(counts)]),
            epoch=found["epoch"].astype(np.int32),
            mm=size.astype(np.float32),
            mm_std=std.astype(np.float32),
            cycles=cycles,
            distance=distance.astype(np.float32),
            probability=probability.astype(np.float32),
            status=status,
        )

    def _found(self, displacement: NDArray[np.floating]) -> tuple[dict[str, NDArray], NDArray[np.int8]]:
        status = np.zeros(len(displacement), dtype=np.int8)
        parts = []
        for rows, missing in by_missing(displacement):
            if len(missing) - missing.sum() < _LEAST_EPOCHS:
                status[rows] = FitStatus.TOO_FEW_EPOCHS
                continue
            try:
                axis = self._axis(missing) if missing.any() else self._complete
            except np.linalg.LinAlgError:
                status[rows] = FitStatus.SINGULAR
                continue
            there = np.flatnonzero(~missing)
            for begin in range(0, len(rows), _ROWS):
                some = rows[begin : begin + _ROWS]
                part = self._part(displacement[np.ix_(some, there)], self._days[there], axis)
                part["row"] = some[part["row"]]
                part["epoch"] = there[part["epoch"]]
                parts.append(part)
        names = ("row", "epoch", "size", "std", "t2")
        if not parts:
            return {name: np.empty(0, dtype=np.int64 if name in ("row", "epoch") else np.float64) for name in names}, status
        joined = {name: np.concatenate([part[name] for part in parts]) for name in names}
        order = np.lexsort([joined["epoch"], joined["row"]])
        return {name: values[order] for name, values in joined.items()}, status

    def _part(self, displacement: NDArray[np.floating], days: Floats, axis: _Axis) -> dict[str, NDArray]:
        values = clip_outliers(_without_line(displacement, days))
        change = np.median(np.abs(np.diff(values, axis=1)), axis=1) * 1.4826 / axis.change
        scatter = np.maximum(change, _LEAST_SCATTER_MM)
        seen = _product(values, axis.mean.weigh)
        rows = np.flatnonzero(_candidates(axis.mean, seen, scatter, self._least)[2] > 0)
        values, seen, scatter = values[rows], seen[rows], scatter[rows]
        levels = _grown(axis.mean, seen, Levels.none(len(rows), axis.mean.epochs), scatter, self._least)
        clean = values - levels.series(axis.mean.epochs)
        likely = np.stack([_log_likelihood(kind, clean) for kind in axis.kinds], axis=1) + np.log(self._noise.weights)
        own = likely.argmax(axis=1)
        parts = []
        for kind in np.unique(own):
            mine = np.flatnonzero(own == kind)
            part = self._settled(axis.kinds[kind], values[mine], levels.take(mine))
            part["row"] = rows[mine[part["row"]]]
            parts.append(part)
        names = ("row", "epoch", "size", "std", "t2")
        if not parts:
            return {name: np.empty(0, dtype=np.int64 if name in ("row", "epoch") else np.float64) for name in names}
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def _settled(self, steps: Steps, values: Single, levels: Levels) -> dict[str, NDArray]:
        seen = _product(values, steps.weigh)
        energy = _energy(values, seen)
        levels = fitted(steps, seen, levels.epochs)
        scatter = _scatter(steps, energy, levels)
        levels = _grown(steps, seen, levels, scatter, self._least)
        for _ in range(MOST_STEPS):
            scatter = _scatter(steps, energy, levels)
            with np.errstate(divide="ignore", invalid="ignore"):
                strength = levels.size**2 / (levels.variance * scatter[:, None] ** 2)
            weakness = np.maximum(_STAY / strength, self._least / np.abs(levels.size))
            weakness[levels.epochs == steps.epochs] = 0
            if not (weakness > 1).any():
                break
            levels = moved(steps, seen, fitted(steps, seen, without_weakest(levels, weakness, steps.epochs)))
        row, place = np.nonzero(levels.epochs < steps.epochs)
        std = np.sqrt(levels.variance) * _scatter(steps, energy, levels)[:, None]
        size = levels.size[row, place]
        return {
            "row": row,
            "epoch": levels.epochs[row, place],
            "size": size,
            "std": std[row, place],
            "t2": (size / std[row, place]) ** 2,
        }


def _grown(steps: Steps, seen: Single, levels: Levels, scatter: Floats, least: float) -> Levels:
    """Add steps and boxes for as long as they pay."""
    active = np.arange(len(seen))
    for _ in range(MOST_STEPS // 2):
        mine = levels.take(active)
        rest = unexplained(steps, seen[active], mine)
        first, last, gain = _candidates(steps, rest, scatter[active], least)
        room = (mine.epochs == steps.epochs).sum(axis=1) >= 2
        pays = np.flatnonzero((gain > 0) & room)
        if not len(pays):
            break
        active, mine = active[pays], mine.take(pays)
        epochs = mine.epochs.copy()
        for edge in (first[pays], last[pays]):
            near = np.abs(epochs - edge[:, None]) < 3
            near &= epochs < steps.epochs
            edge = np.where(near.any(axis=1), steps.epochs, edge)
            epochs[:, -1] = np.where(epochs[:, -1] == steps.epochs, edge, epochs[:, -1])
            epochs.sort(axis=1)
        fresh = (epochs != mine.epochs).any(axis=1)
        mine = moved(steps, seen[active], fitted(steps, seen[active], epochs))
        levels = levels.put(active, mine)
        active = active[fresh]
        if not len(active):
            break
    return levels


def _candidates(steps: Steps, rest: Single, scatter: Floats, least: float):
    floor = np.full(len(rest), 0.6 * least, dtype=np.float32)
    first, last, box = steps.best_box(rest, floor)
    step, gain = steps.best_step(rest, floor)
    box = box / scatter**2 - _ENTER
    gain = gain / scatter**2 - _ENTER + _STEP_BONUS
    lasting = gain > box
    return np.where(lasting, step, first), np.where(lasting, steps.epochs, last), np.where(lasting, gain, box)


def _energy(values: Single, seen: Single) -> Floats:
    weighted = seen[:, :-1] - seen[:, 1:]
    return np.einsum("nt,nt->n", values.astype(np.float64), weighted.astype(np.float64))


def _scatter(steps: Steps, energy: Floats, levels: Levels) -> Floats:
    freedom = np.maximum(steps.precision.freedom - (levels.epochs < steps.epochs).sum(axis=1), 1)
    return np.maximum(np.sqrt(np.maximum(energy - levels.fall, 0) / freedom), _LEAST_SCATTER_MM)


def _log_likelihood(steps: Steps, values: Single) -> Floats:
    energy = np.maximum(_energy(values, _product(values, steps.weigh)), 1e-9)
    return -0.5 * (steps.precision.log_determinant + steps.precision.freedom * np.log(energy))


def _without_line(displacement: NDArray[np.floating], days: Floats) -> Single:
    """Take away each row's best line."""
    values = displacement.astype(np.float64)
    values -= values.mean(axis=1, keepdims=True)
    time = days - days.mean()
    values -= ((values * time).sum(axis=1) / (time * time).sum())[:, None] * time
    return values.astype(np.float32)


def _product(values: Single, matrix: Single) -> Single:
    """Multiply rows by a matrix, always as many at once: a row's bits must not depend on how many there are."""
    count = len(values)
    padded = np.zeros((-(-count // _ROWS_OF_PRODUCT) * _ROWS_OF_PRODUCT, values.shape[1]), dtype=np.float32)
    padded[:count] = values
    product = np.empty((len(padded), matrix.shape[1]), dtype=np.float32)
    for begin in range(0, len(padded), _ROWS_OF_PRODUCT):
        part = slice(begin, begin + _ROWS_OF_PRODUCT)
        np.matmul(padded[part], matrix, out=product[part])
    return product[:count]


def _integrated_walk(years: Floats) -> Floats:
    """Give the covariance [T, T] of a random walk's integral, of a variance that grows by 1 a year."""
    early, late = np.minimum(years[:, None], years), np.maximum(years[:, None], years)
    return np.asarray(early**2 * (3 * late - early) / 6)
