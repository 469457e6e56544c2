"""Jumps of displacement series: changes of level within one epoch, lasting or temporary, on any motion."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.certainty import Certainty, Traits, denied_by_class
from insar_runtime._diagnosis.cycles import in_cycles
from insar_runtime._diagnosis.found import Jumps
from insar_runtime._diagnosis.jump_noise import EpochNoise, JumpNoise
from insar_runtime._diagnosis.levels import Levels, fitted
from insar_runtime._diagnosis.most_probable import most_probable
from insar_runtime._diagnosis.noise import FileNoise, Floats
from insar_runtime._diagnosis.outliers import change_of, clip_outliers
from insar_runtime._diagnosis.patterns import Patterns
from insar_runtime._diagnosis.search import grown, refined, scatter_of, settled
from insar_runtime._diagnosis.selection import LEAST_PROBABILITY, Selection, StepFit
from insar_runtime._diagnosis.sights import Sight, change_of_epochs, weighted_sum
from insar_runtime._diagnosis.smear import without_smear
from insar_runtime._diagnosis.status import FitStatus
from insar_runtime._diagnosis.steps import Places, Single
from insar_runtime.definitions import JUMP_MM

_LEAST_CYCLES: Final = 0.6
"""A jump is at least of ``JUMP_MM``, or of this part of half a wavelength where that is less (X-band) [design]."""
_TRIED: Final = 0.6
_KEPT: Final = 0.8
"""Parts of the least size from which on a candidate is tried, as it may grow when others are fitted beside it, and from
which on it is kept: what is reported may be smaller than the least size by its standard deviation [ours]."""
_LEAST_EPOCHS: Final = 12
_ROWS: Final = 512
"""Rows at a time: fewer of them, and the calls of numpy would count."""
_LEAST_SCATTER_MM: Final = 0.2
_MOST_MM: Final = 1e6
"""Values beyond are none: single precision would not do."""


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
        self._least = JUMP_MM if half_wavelength_mm is None else min(JUMP_MM, _LEAST_CYCLES * half_wavelength_mm)
        self._selection = Selection(self._certainty, self._least)
        self._noise: JumpNoise | None = None
        if len(noise.days) >= _LEAST_EPOCHS:
            # Without any noise to hold against, every row gets a status that says so.
            with suppress(np.linalg.LinAlgError):
                self._noise = JumpNoise(noise, _TRIED * self._least)

    def find(
        self,
        displacement: NDArray[np.floating],
        p_pue: NDArray[np.floating] | None = None,
        called: NDArray[np.bool_] | None = None,
    ) -> Jumps:
        """Find the jumps.

        Parameters
        ----------
        displacement : ndarray of float, shape [n, T]
            mm; NaN = missing.
        p_pue : ndarray of float, shape [n], optional
            Probability of the class PUE, which is evidence of jumps; NaN where it is not known.
        called : ndarray of bool, shape [n], optional
            Rows of class PUE. If no jump of such a row is more probable than not, the most probable one that meets the
            definition of a jump is returned, with its probability.

        Returns
        -------
        Jumps
            A row's own bits depend on no other row.
        """
        count = len(displacement)
        unknown = np.full(count, np.nan) if p_pue is None else p_pue
        called = np.zeros(count, dtype=np.bool_) if called is None else called
        traits, status = self._traits(displacement, denied_by_class(unknown), called)
        probability = self._selection.reported(traits)
        cycles, distance, certain = in_cycles(traits, probability, self._cycle)
        of_cycles = self._certainty.of_cycles(traits, cycles, certain, self._cycle)
        # What is less probable than not is not told of here, either.
        doubtful = of_cycles < LEAST_PROBABILITY
        cycles[doubtful], of_cycles[doubtful] = 0, 1
        probability *= of_cycles
        counts = np.bincount(traits.row, minlength=count)
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

    def _traits(
        self, displacement: NDArray[np.floating], denied: Floats, called: NDArray[np.bool_]
    ) -> tuple[Traits, NDArray[np.int8]]:
        """Find steps [M] and what tells how certain they are, and the status [n] of the rows."""
        status = _status(displacement)
        good = np.flatnonzero(status == FitStatus.OK)
        if self._noise is None:
            status[good] = FitStatus.SINGULAR
            return Traits.joined([]), status
        parts = []
        for patterns in Patterns.of(displacement[good]):
            rows = good[patterns.rows]
            noise = EpochNoise(self._noise, patterns.missing)
            try:
                found = list(self._steps(displacement[rows], patterns, noise, denied[rows], called[rows]))
            except np.linalg.LinAlgError:
                status[rows] = FitStatus.SINGULAR
                continue
            parts += [replace(part, row=rows[part.row]) for part in found]
        return Traits.joined(parts), status

    def _steps(
        self,
        displacement: NDArray[np.floating],
        patterns: Patterns,
        noise: EpochNoise,
        denied: Floats,
        called: NDArray[np.bool_],
    ) -> Iterator[Traits]:
        """Yield the steps of rows with as many values; ``row`` counts among these."""
        looks = []
        for begin in range(0, len(displacement), _ROWS):
            part = slice(begin, begin + _ROWS)
            pattern = patterns.of_row[part]
            there = noise.there[pattern]
            values = np.take_along_axis(displacement[part], there, axis=1)
            look = _first_look(noise, _without_line(values, noise.days[pattern]), pattern, called[part])
            looks.append(replace(look, row=begin + look.row))
        look = _Look.joined(looks)
        order = np.lexsort([look.pattern, look.kind])
        for begin in range(0, len(order), _ROWS):
            some = order[begin : begin + _ROWS]
            row, pattern = look.row[some], look.pattern[some]
            sight = noise.sight(pattern, look.kind[some])
            traits = self._second_look(sight, look.values[some], look.levels.take(some), denied[row], called[row])
            yield replace(traits, row=row[traits.row], epoch=noise.there[pattern[traits.row], traits.epoch])

    def _second_look(
        self, sight: Sight, raw: Single, levels: Levels, denied: Floats, called: NDArray[np.bool_]
    ) -> Traits:
        """Find steps under the series' own noise, beginning with those that the first look found."""
        steps = sight.steps
        raised = levels.series(steps.epochs)
        values = clip_outliers(raw - raised) + raised
        seen = sight.see(values)
        energy = weighted_sum(change_of_epochs(values), seen.products)
        levels = fitted(seen, levels.epochs)
        levels = grown(seen, levels, scatter_of(steps, energy, levels))
        levels = settled(seen, energy, levels, _KEPT * self._least)
        values, rows = without_smear(values, seen, levels, scatter_of(steps, energy, levels))
        if len(rows):
            again = sight.take(rows).see(values[rows])
            seen.products[rows] = again.products
            energy[rows] = weighted_sum(change_of_epochs(values[rows]), again.products)
            levels = levels.put(rows, fitted(again, levels.epochs[rows]))
        fit = StepFit(seen, values, energy, denied)
        levels = refined(seen, levels)
        told = self._selection.likely(fit, levels)
        silent = np.flatnonzero(called & (np.bincount(told.row, minlength=len(called)) == 0))
        if not len(silent):
            return told
        best = most_probable(fit.take(silent), levels.take(silent), raw[silent], self._selection, self._least)
        return Traits.joined([told, replace(best, row=silent[best.row])])


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


def _first_look(noise: EpochNoise, values: Single, pattern: Places, called: NDArray[np.bool_]) -> _Look:
    """Find steps under a mean noise, and how freely what is left bends, and of which kind its noise is.

    Rows of class PUE are looked at again even if nothing was found.
    """
    clipped = clip_outliers(values)
    seen = noise.sight(pattern, np.zeros_like(pattern)).see(clipped)
    scatter = np.maximum(change_of(clipped).astype(np.float64) / noise.change[pattern], _LEAST_SCATTER_MM)
    levels = grown(seen, Levels.none(len(values), seen.steps.epochs), scatter)
    row = np.flatnonzero((levels.epochs < seen.steps.epochs).any(axis=1) | called)
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
