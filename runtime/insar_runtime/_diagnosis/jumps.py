"""Jumps of displacement series: changes of level within one epoch, lasting or temporary, on any motion."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.certainty import Certainty, Traits, traits_of
from insar_runtime._diagnosis.found import Jumps
from insar_runtime._diagnosis.jump_noise import EpochNoise, JumpNoise
from insar_runtime._diagnosis.levels import Levels, fitted
from insar_runtime._diagnosis.noise import FileNoise, Floats
from insar_runtime._diagnosis.outliers import change_of, clip_outliers
from insar_runtime._diagnosis.patterns import Patterns
from insar_runtime._diagnosis.search import grown, refined, scatter_of, settled
from insar_runtime._diagnosis.sights import Sight, change_of_epochs, weighted_sum
from insar_runtime._diagnosis.smear import without_smear
from insar_runtime._diagnosis.status import FitStatus
from insar_runtime._diagnosis.steps import Places, Single

_LEAST_MM: Final = 10.0
_LEAST_CYCLES: Final = 0.6
"""A jump is at least 10 mm, or this part of half a wavelength where that is less (X-band) [design]."""
_TRIED: Final = 0.6
"""Part of the least size from which on a candidate is tried: it may grow when others are fitted beside it [ours]."""
_LEAST_EPOCHS: Final = 12
_ROWS: Final = 512
"""Rows at a time: fewer of them, and the calls of numpy would count."""
_LEAST_SCATTER_MM: Final = 0.2
_MOST_MM: Final = 1e6
"""Values beyond are none: single precision would not do."""
_LEAST_PROBABILITY: Final = 0.5
"""What is less probable is not told of."""
_ANY_SIZE: Final = 0.02
"""Series whose jumps are no multiples over those whose jumps are [ours]."""
_LONE: Final = 3.0
"""How many times as often a jump that nothing takes back is no multiple: series that drift off and come back at once
look like it [seen on EGMS rows]."""
_SPREAD: Final = 0.24
"""Part of half a wavelength over which such sizes spread, over the root of two pi [ours: 12 to 28 mm of 27.7 mm]."""
_LEAST_EVIDENCE: Final = -2.0
"""Of one jump for whole cycles, logarithmic: one that was fitted badly must not decide for all of its series."""
_MOST_CYCLES: Final = 127
_DISTANCE: Final = 3.0
_FARTHEST: Final = 4.5
"""Standard deviations from the nearest multiple at which a jump is no longer taken for it: usually, and where the
other jumps of the series leave no doubt that they are whole cycles [ours]."""
_NO_DOUBT: Final = 0.01


class JumpFinder:
    """Finds the jumps of series that share a time axis; built once a file, safe to share between threads.

    Parameters
    ----------
    noise : FileNoise
        Of the file.
    half_wavelength_mm : float, optional
        What one lost cycle moves a series by; without it no jump is told in cycles.
    certainty : Certainty, optional
        How probable finds are; the fitted one if not given.
    """

    def __init__(self, noise: FileNoise, half_wavelength_mm: float | None, certainty: Certainty | None = None) -> None:
        self._certainty = certainty or Certainty()
        self._cycle = half_wavelength_mm
        self._least = _LEAST_MM if half_wavelength_mm is None else min(_LEAST_MM, _LEAST_CYCLES * half_wavelength_mm)
        self._noise: JumpNoise | None = None
        if len(noise.days) >= _LEAST_EPOCHS:
            # Without any noise to hold against, every row gets a status that says so.
            with suppress(np.linalg.LinAlgError):
                self._noise = JumpNoise(noise, _TRIED * self._least)

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
        traits, status = self._traits(displacement)
        cycles, distance, certain = _in_cycles(traits, self._cycle)
        of_cycles = self._certainty.of_cycles(traits, cycles, certain, self._cycle)
        # What is less probable than not is not told of here, either.
        doubtful = of_cycles < _LEAST_PROBABILITY
        cycles[doubtful], of_cycles[doubtful] = 0, 1
        probability = self._certainty.of_jumps(traits, self._least) * of_cycles
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

    def _traits(self, displacement: NDArray[np.floating]) -> tuple[Traits, NDArray[np.int8]]:
        """Find steps [M] and what tells how certain they are, and the status [n] of the rows."""
        status = _status(displacement)
        good = np.flatnonzero(status == FitStatus.OK)
        if self._noise is None:
            status[good] = FitStatus.SINGULAR
            return Traits.joined([]), status
        parts = []
        for patterns in Patterns.of(displacement[good]):
            rows = good[patterns.rows]
            try:
                found = list(self._steps(displacement[rows], patterns, EpochNoise(self._noise, patterns.missing)))
            except np.linalg.LinAlgError:
                status[rows] = FitStatus.SINGULAR
                continue
            parts += [replace(part, row=rows[part.row]) for part in found]
        return Traits.joined(parts), status

    def _steps(self, displacement: NDArray[np.floating], patterns: Patterns, noise: EpochNoise) -> Iterator[Traits]:
        """Give the steps of rows with as many values; ``row`` counts among these."""
        looks = []
        for begin in range(0, len(displacement), _ROWS):
            pattern = patterns.of_row[begin : begin + _ROWS]
            there = noise.there[pattern]
            values = np.take_along_axis(displacement[begin : begin + _ROWS], there, axis=1)
            look = _first_look(noise, _without_line(values, noise.days[pattern]), pattern)
            looks.append(replace(look, row=begin + look.row))
        look = _Look.joined(looks)
        order = np.lexsort([look.pattern, look.kind])
        for begin in range(0, len(order), _ROWS):
            some = order[begin : begin + _ROWS]
            row, pattern = look.row[some], look.pattern[some]
            sight = noise.sight(pattern, look.kind[some])
            traits = self._second_look(sight, look.values[some], look.levels.take(some))
            yield replace(traits, row=row[traits.row], epoch=noise.there[pattern[traits.row], traits.epoch])

    def _second_look(self, sight: Sight, values: Single, levels: Levels) -> Traits:
        """Find steps under the series' own noise, beginning with those that the first look found."""
        steps = sight.steps
        raised = levels.series(steps.epochs)
        values = clip_outliers(values - raised) + raised
        seen = sight.see(values)
        energy = weighted_sum(change_of_epochs(values), seen.products)
        levels = fitted(seen, levels.epochs)
        levels = grown(seen, levels, scatter_of(steps, energy, levels))
        levels = settled(seen, energy, levels, self._least)
        values, rows = without_smear(values, seen, levels, scatter_of(steps, energy, levels))
        if len(rows):
            again = sight.take(rows).see(values[rows])
            seen.products[rows] = again.products
            energy[rows] = weighted_sum(change_of_epochs(values[rows]), again.products)
            levels = levels.put(rows, fitted(again, levels.epochs[rows]))
        levels = refined(seen, levels)
        traits = traits_of(steps, values, energy, levels)
        doubtful = self._certainty.of_jumps(traits, self._least) < _LEAST_PROBABILITY
        if not doubtful.any():
            return traits
        rows = np.unique(traits.row[doubtful])
        part = seen.take(rows)
        epochs = levels.without(traits.row[doubtful], traits.epoch[doubtful], steps.epochs)[rows]
        fewer = traits_of(steps, values[rows], energy[rows], refined(part, fitted(part, epochs)))
        fewer = replace(fewer, row=rows[fewer.row]).take(
            self._certainty.of_jumps(fewer, self._least) >= _LEAST_PROBABILITY
        )
        return Traits.joined([traits.take(~np.isin(traits.row, rows)), fewer])


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
    # Whole cycles against any size between them: a producer's filtering touches all jumps of a series or none.
    spread = np.hypot(_SPREAD * cycle * np.abs(number) / std, 1)
    evidence = np.maximum(np.log(spread) - distance**2 / 2, _LEAST_EVIDENCE)
    odds = _ANY_SIZE * np.where(traits.returns > 0, 1, _LONE)
    doubt = odds * np.exp(-np.bincount(traits.row, evidence)[traits.row])
    certain /= 1 + doubt
    whole = (distance <= np.where(doubt < _NO_DOUBT, _FARTHEST, _DISTANCE)) & (certain >= _LEAST_PROBABILITY)
    return np.where(whole, number, 0).astype(np.int8), distance, np.where(whole, certain, 1)


def _status(displacement: NDArray[np.floating]) -> NDArray[np.int8]:
    """Tell which rows [n] can be looked at."""
    few = np.count_nonzero(np.isfinite(displacement), axis=1) < _LEAST_EPOCHS
    # Comparisons with NaN are false.
    wild = (np.abs(displacement) > _MOST_MM).any(axis=1)
    return np.select([wild, few], [FitStatus.NON_FINITE, FitStatus.TOO_FEW_EPOCHS], FitStatus.OK).astype(np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What a first look finds of n series that may have jumps: row, pattern, kind [n], values [n, T], and steps."""

    row: Places
    pattern: Places
    kind: Places
    values: Single
    levels: Levels

    @classmethod
    def joined(cls, looks: list[_Look]) -> _Look:
        names = ("row", "pattern", "kind", "values")
        row, pattern, kind, values = (np.concatenate([getattr(look, name) for look in looks]) for name in names)
        return cls(row, pattern, kind, values, Levels.joined([look.levels for look in looks]))


def _first_look(noise: EpochNoise, values: Single, pattern: Places) -> _Look:
    """Find steps under a mean noise, and how freely what is left bends, and of which kind its noise is."""
    clipped = clip_outliers(values)
    seen = noise.sight(pattern, np.zeros_like(pattern)).see(clipped)
    scatter = np.maximum(change_of(clipped).astype(np.float64) / noise.change[pattern], _LEAST_SCATTER_MM)
    levels = grown(seen, Levels.none(len(values), seen.steps.epochs), scatter)
    row = np.flatnonzero((levels.epochs < seen.steps.epochs).any(axis=1))
    levels = levels.take(row)
    kind = noise.likeliest(clipped[row] - levels.series(seen.steps.epochs), pattern[row])
    return _Look(row, pattern[row], kind, values[row], levels)


def _without_line(displacement: NDArray[np.floating], days: Floats) -> Single:
    """Take away each row's best line, or single precision would not do; days are of each row, [n, T]."""
    values = displacement.astype(np.float64)
    values -= values.mean(axis=1, keepdims=True)
    time = days - days.mean(axis=1, keepdims=True)
    rate = np.einsum("nt,nt->n", values, time) / np.einsum("nt,nt->n", time, time)
    values -= rate[:, None] * time
    return values.astype(np.float32)
