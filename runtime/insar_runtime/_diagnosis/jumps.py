"""Jumps of displacement series: changes of level within one epoch, lasting or temporary, on any motion."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.certainty import Traits, probability_of, traits_of
from insar_runtime._diagnosis.found import Jumps
from insar_runtime._diagnosis.gls import Precision, by_missing, restricted_precision, without
from insar_runtime._diagnosis.levels import Levels, fitted, moved
from insar_runtime._diagnosis.noise import DAYS_OF_YEAR, FileNoise, Floats
from insar_runtime._diagnosis.outliers import calm_edges, change_of, clip_outliers
from insar_runtime._diagnosis.search import grown, product, scatter_of, settled, weighted_sum
from insar_runtime._diagnosis.status import FitStatus
from insar_runtime._diagnosis.steps import Places, Single, Steps

_LEAST_MM: Final = 10.0
_LEAST_CYCLES: Final = 0.6
"""A jump is at least 10 mm, or this part of half a wavelength where that is less (X-band) [design]."""
_TRIED: Final = 0.6
"""Part of the least size from which on a candidate is tried: it may grow when others are fitted beside it [ours]."""
_BENDS: Final = (40.0, 1.0)
"""Variance that the rate of motion gains in a year, over that of the scatter. A series bends as freely as a smoothing
spline that averages over two months, or a break of 60 mm/yr would look like jumps; or over five, as most of them do,
and then smaller jumps are seen [ours]."""
_LEAST_EPOCHS: Final = 12
_ROWS: Final = 512
"""Rows at a time: fewer of them, and the calls of numpy would count."""
_LEAST_SCATTER_MM: Final = 0.2
_MOST_MM: Final = 1e6
"""Values beyond are none: single precision would not do."""
_LEAST_PROBABILITY: Final = 0.5
"""What is less probable is not told of."""
_MOST_CYCLES: Final = 127
_DISTANCE: Final = 3.0
"""Standard deviations from the nearest multiple at which a jump is no longer taken for it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """Steps on one set of epochs.

    Attributes
    ----------
    days : ndarray of float64, shape [T]
    mean : tuple of Steps
        Under the mean of all kinds of noise, about motions that bend freely, and less so.
    kinds : tuple of tuple of Steps
        Under each kind of noise, about the same.
    change : float
        RMS change from epoch to epoch of noise of unit scatter.
    """

    days: Floats
    mean: tuple[Steps, ...]
    kinds: tuple[tuple[Steps, ...], ...]
    change: float

    @property
    def epochs(self) -> int:
        """Number T of epochs."""
        return len(self.days)


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
        self._complete: _Axis | None = None
        if len(self._days) >= _LEAST_EPOCHS:
            with suppress(np.linalg.LinAlgError):
                self._precisions, self._mean = _precisions(noise, self._days)
                self._complete = self._axis(np.zeros(len(self._days), dtype=np.bool_))

    def find(self, displacement: NDArray[np.floating]) -> Jumps:
        """Find the jumps.

        Parameters
        ----------
        displacement : ndarray of float, shape [n, T]
            mm; NaN = missing.

        Returns
        -------
        Jumps
            A row's own bits depend on no other row.
        """
        traits, status = self.traits(displacement)
        cycles, distance, certain = _in_cycles(traits, self._cycle)
        probability = probability_of(traits, self._least) * certain
        counts = np.bincount(traits.row, minlength=len(displacement))
        return Jumps(
            begins=np.concatenate([[0], np.cumsum(counts)]),
            epoch=traits.epoch.astype(np.int32),
            mm=traits.size.astype(np.float32),
            mm_std=traits.std.astype(np.float32),
            cycles=cycles,
            distance=distance.astype(np.float32),
            probability=probability.astype(np.float32),
            status=status,
            half_wavelength_mm=self._cycle,
        )

    def traits(self, displacement: NDArray[np.floating]) -> tuple[Traits, NDArray[np.int8]]:
        """Find steps [M] and what tells how certain they are, and the status [n] of the rows."""
        status = _status(displacement)
        good = np.flatnonzero(status == FitStatus.OK)
        parts = []
        for members, missing in by_missing(displacement[good]):
            rows, there = good[members], np.flatnonzero(~missing)
            axis = self._axis_without(missing)
            if axis is None:
                status[rows] = FitStatus.SINGULAR
                continue
            found = self._steps(displacement, rows, there, axis)
            parts += [replace(part, row=rows[part.row], epoch=there[part.epoch]) for part in found]
        return Traits.joined(parts), status

    def _axis_without(self, missing: NDArray[np.bool_]) -> _Axis | None:
        if self._complete is None or not missing.any():
            return self._complete
        try:
            return self._axis(missing)
        except np.linalg.LinAlgError:
            return None

    def _axis(self, missing: NDArray[np.bool_]) -> _Axis:
        there = np.flatnonzero(~missing)
        every = [[self._part(precision, missing) for precision in kinds] for kinds in self._precisions]
        covariance = self._mean[np.ix_(there, there)]
        variance = np.diag(covariance)
        change = variance[1:] + variance[:-1] - 2 * np.diag(covariance, 1)
        mean, kinds = tuple(steps[0] for steps in every), tuple(tuple(steps[1:]) for steps in every)
        return _Axis(self._days[there], mean, kinds, float(np.sqrt(np.median(change))))

    def _part(self, precision: Precision, missing: NDArray[np.bool_]) -> Steps:
        if missing.any():
            there = np.flatnonzero(~missing)
            precision = without(precision, missing)
            precision = replace(precision, matrix=precision.matrix[np.ix_(there, there)])
        return Steps.of(precision, _TRIED * self._least)

    def _steps(
        self, displacement: NDArray[np.floating], rows: NDArray[np.intp], there: Places, axis: _Axis
    ) -> Iterator[Traits]:
        """Give the steps of rows of the same epochs; ``row`` and ``epoch`` count among these."""
        looks = []
        for begin in range(0, len(rows), _ROWS):
            values = _without_line(displacement[rows[begin : begin + _ROWS]][:, there], axis.days)
            look = _first_look(axis, values, np.log(self._noise.weights))
            looks.append(replace(look, row=begin + look.row))
        look = _Look.joined(looks)
        for free, kinds in enumerate(axis.kinds):
            for each, steps in enumerate(kinds):
                members = np.flatnonzero((look.bend == free) & (look.kind == each))
                for begin in range(0, len(members), _ROWS):
                    some = members[begin : begin + _ROWS]
                    traits = self._second_look(steps, look.values[some], look.levels.take(some))
                    yield replace(traits, row=look.row[some[traits.row]])

    def _second_look(self, steps: Steps, values: Single, levels: Levels) -> Traits:
        """Find steps under the series' own noise, beginning with those that the first look found."""
        raised = levels.series(steps.epochs)
        clipped = clip_outliers(values - raised) + raised
        seen = product(clipped, steps)
        energy = weighted_sum(clipped, seen)
        levels = fitted(steps, seen, levels.epochs)
        levels = grown(steps, seen, levels, scatter_of(steps, energy, levels))
        levels = settled(steps, seen, energy, levels, self._least)
        calm = calm_edges(clipped - levels.series(steps.epochs), levels.edges(steps.epochs))
        raised = calm + levels.series(steps.epochs)
        seen = product(raised, steps)
        energy = weighted_sum(raised, seen)
        levels = moved(steps, seen, fitted(steps, seen, levels.epochs))
        traits = traits_of(steps, raised, energy, levels)
        doubtful = probability_of(traits, self._least) < _LEAST_PROBABILITY
        if doubtful.any():
            epochs = levels.without(traits.row[doubtful], traits.epoch[doubtful], steps.epochs)
            levels = moved(steps, seen, fitted(steps, seen, epochs))
            traits = traits_of(steps, raised, energy, levels)
            traits = traits.take(probability_of(traits, self._least) >= _LEAST_PROBABILITY)
        return traits


def _in_cycles(traits: Traits, cycle: float | None) -> tuple[NDArray[np.int8], Floats, Floats]:
    """Give how many half wavelengths steps are, 0 for none, how far from them, and how certain the number is, [M]."""
    size, std = traits.size, traits.std
    if cycle is None:
        return np.zeros(len(size), dtype=np.int8), np.full(len(size), np.nan), np.ones(len(size))
    number = np.rint(size / cycle)
    number = np.clip(np.where(number == 0, np.copysign(1, size), number), -_MOST_CYCLES, _MOST_CYCLES)
    distance = np.abs(size - number * cycle) / std
    # The next multiple on the other side of the size; none is not a number of cycles.
    other = number + np.where(size > number * cycle, 1, -1)
    further = np.where(other == 0, np.inf, np.abs(size - other * cycle) / std)
    certain = 1 / (1 + np.exp((distance**2 - further**2) / 2))
    whole = distance <= _DISTANCE
    return np.where(whole, number, 0).astype(np.int8), distance, np.where(whole, certain, 1)


def _status(displacement: NDArray[np.floating]) -> NDArray[np.int8]:
    """Tell which rows [n] can be looked at."""
    few = np.count_nonzero(np.isfinite(displacement), axis=1) < _LEAST_EPOCHS
    # Comparisons with NaN are false.
    wild = (np.abs(displacement) > _MOST_MM).any(axis=1)
    return np.select([wild, few], [FitStatus.NON_FINITE, FitStatus.TOO_FEW_EPOCHS], FitStatus.OK).astype(np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What a first look finds of n series that may have jumps: row, bend, kind [n], values [n, T], and steps."""

    row: Places
    bend: Places
    kind: Places
    values: Single
    levels: Levels

    @classmethod
    def joined(cls, looks: list[_Look]) -> _Look:
        row, bend, kind = (np.concatenate([getattr(look, name) for look in looks]) for name in ("row", "bend", "kind"))
        values = np.concatenate([look.values for look in looks])
        return cls(row, bend, kind, values, Levels.joined([look.levels for look in looks]))


def _first_look(axis: _Axis, values: Single, log_weights: Floats) -> _Look:
    """Find steps under a mean noise, and how freely what is left bends, and of which kind its noise is."""
    clipped = clip_outliers(values)
    free = axis.mean[0]
    seen = product(clipped, free)
    scatter = np.maximum(change_of(clipped).astype(np.float64) / axis.change, _LEAST_SCATTER_MM)
    levels = grown(free, seen, Levels.none(len(seen), axis.epochs), scatter)
    row = np.flatnonzero((levels.epochs < axis.epochs).any(axis=1))
    levels = levels.take(row)
    clean = clipped[row] - levels.series(axis.epochs)
    bend = np.stack([_log_likelihood(steps, clean) for steps in axis.mean], axis=1).argmax(axis=1)
    kind = np.zeros(len(clean), dtype=np.int64)
    for each, kinds in enumerate(axis.kinds):
        some = np.flatnonzero(bend == each)
        if len(some):
            likely = np.stack([_log_likelihood(steps, clean[some]) for steps in kinds], axis=1)
            kind[some] = (likely + log_weights).argmax(axis=1)
    return _Look(row, bend, kind, values[row], levels)


def _log_likelihood(steps: Steps, values: Single) -> Floats:
    """Give the restricted log-likelihood [n] of noise of any scatter."""
    energy = np.maximum(weighted_sum(values, product(values, steps)), 1e-9)
    return np.asarray(-0.5 * (steps.precision.log_determinant + steps.precision.freedom * np.log(energy)))


def _without_line(displacement: NDArray[np.floating], days: Floats) -> Single:
    """Take away each row's best line, or single precision would not do."""
    values = displacement.astype(np.float64)
    values -= values.mean(axis=1, keepdims=True)
    time = days - days.mean()
    values -= ((values * time).sum(axis=1) / (time * time).sum())[:, None] * time
    return values.astype(np.float32)


def _precisions(noise: FileNoise, days: Floats) -> tuple[list[list[Precision]], Floats]:
    """Give the precisions of the mean noise and of each kind, for each of ``_BENDS``, and the mean covariance."""
    covariances = list(noise.covariances())
    mean = np.zeros((len(days), len(days)))
    for weight, covariance in zip(noise.weights, covariances, strict=True):
        mean += weight * covariance
    years = days / DAYS_OF_YEAR
    line, walk = np.stack([np.ones_like(years), years], axis=1), _integrated_walk(years)
    every = [mean, *covariances]
    return [[restricted_precision(one + bend * walk, line) for one in every] for bend in _BENDS], mean


def _integrated_walk(years: Floats) -> Floats:
    """Give the covariance [T, T] of a random walk's integral, of a variance that grows by 1 a year."""
    early, late = np.minimum(years[:, None], years), np.maximum(years[:, None], years)
    return np.asarray(early**2 * (3 * late - early) / 6)
