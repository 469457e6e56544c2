"""Jumps of displacement series: changes of level within one epoch, lasting or temporary, on any motion."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, Int8Array, IntArray, RealArray
from insar_runtime._diagnosis.jumps.cycle_numbers import cycle_numbers
from insar_runtime._diagnosis.jumps.fallback_jump import fallback_jumps
from insar_runtime._diagnosis.jumps.jump_probability import Features, JumpProbability, evidence_of_class
from insar_runtime._diagnosis.jumps.jump_selection import LEAST_PROBABILITY, JumpSelection, StepFitData
from insar_runtime._diagnosis.jumps.null_model import JumpNullModel, PatternNullModel
from insar_runtime._diagnosis.jumps.projection import StepProjector, epoch_differences, weighted_squares
from insar_runtime._diagnosis.jumps.step_fit import FittedSteps, fit_steps
from insar_runtime._diagnosis.jumps.step_search import add_steps, refine_epochs, remove_weak_steps, residual_scatter
from insar_runtime._diagnosis.jumps.transition_epochs import replace_transition_values
from insar_runtime._diagnosis.missing import MissingPatterns
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.outliers import clip_outliers, epoch_change
from insar_runtime._diagnosis.results import FitStatus, Jumps
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
_VALUES_AT_ONCE: Final = 1 << 22
"""Of the matrices, one for each pattern, that are held at a time."""
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
    certainty : JumpProbability, optional
        How probable finds are; the fitted one if not given.
    """

    def __init__(
        self, noise: FileNoise, half_wavelength_mm: float | None, probability_model: JumpProbability | None = None
    ) -> None:
        self._probability_model = probability_model or JumpProbability()
        self._cycle = half_wavelength_mm
        self._least = JUMP_MM if half_wavelength_mm is None else min(JUMP_MM, _LEAST_CYCLES * half_wavelength_mm)
        self._selection = JumpSelection(self._probability_model, self._least)
        self._noise: JumpNullModel | None = None
        if len(noise.days) >= _LEAST_EPOCHS:
            # Without any noise to hold against, every row gets a status that says so.
            with suppress(np.linalg.LinAlgError):
                self._noise = JumpNullModel(noise, _TRIED * self._least)

    def find(
        self,
        displacement: RealArray,
        p_pue: RealArray | None = None,
        called: BoolArray | None = None,
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
        features, status = self._find_features(displacement, evidence_of_class(unknown), called)
        probability = self._selection.reported(features)
        cycles, distance, certain = cycle_numbers(features, probability, self._cycle)
        of_cycles = self._probability_model.of_cycles(features, cycles, certain, self._cycle)
        # What is less probable than not is not told of here, either.
        doubtful = of_cycles < LEAST_PROBABILITY
        cycles[doubtful], of_cycles[doubtful] = 0, 1
        probability *= of_cycles
        counts = np.bincount(features.row, minlength=count)
        return Jumps(
            begins=np.concatenate([[0], np.cumsum(counts)]),
            epoch=features.epoch.astype(np.int32),
            mm=features.size.astype(np.float32),
            mm_std=features.std.astype(np.float32),
            cycles=cycles,
            distance=distance.astype(np.float32),
            probability=probability.astype(np.float32),
            status=status,
            half_wavelength_mm=self._cycle,
        )

    def _find_features(
        self, displacement: RealArray, denied: FloatArray, called: BoolArray
    ) -> tuple[Features, Int8Array]:
        """Find steps [M] and what tells how certain they are, and the status [n] of the rows."""
        status = _status(displacement)
        good = np.flatnonzero(status == FitStatus.OK)
        if self._noise is None:
            status[good] = FitStatus.SINGULAR
            return Features.joined([]), status
        parts = []
        most = max(1, _VALUES_AT_ONCE // max(displacement.shape[1], 1) ** 2)
        for patterns in MissingPatterns.of(~np.isfinite(displacement[good])).by_missing_count(most):
            rows = good[patterns.all_rows]
            noise = PatternNullModel(self._noise, patterns.missing)
            try:
                found = list(self._steps(displacement[rows], patterns, noise, denied[rows], called[rows]))
            except np.linalg.LinAlgError:
                status[rows] = FitStatus.SINGULAR
                continue
            parts += [replace(part, row=rows[part.row]) for part in found]
        return Features.joined(parts), status

    def _steps(
        self,
        displacement: RealArray,
        patterns: MissingPatterns,
        noise: PatternNullModel,
        denied: FloatArray,
        called: BoolArray,
    ) -> Iterator[Features]:
        """Yield the steps of rows with as many values; ``row`` counts among these."""
        looks, of_row = [], patterns.of_row
        for begin in range(0, len(displacement), _ROWS):
            part = slice(begin, begin + _ROWS)
            pattern = of_row[part]
            there = noise.there[pattern]
            values = np.take_along_axis(displacement[part], there, axis=1)
            look = _first_look(noise, _without_line(values, noise.days[pattern]), pattern, called[part])
            looks.append(replace(look, row=begin + look.row))
        look = _Look.joined(looks)
        order = np.lexsort([look.pattern, look.kind])
        for begin in range(0, len(order), _ROWS):
            some = order[begin : begin + _ROWS]
            row, pattern = look.row[some], look.pattern[some]
            projector = noise.projector(pattern, look.kind[some])
            features = self._second_look(projector, look.values[some], look.steps.take(some), denied[row], called[row])
            yield replace(features, row=row[features.row], epoch=noise.there[pattern[features.row], features.epoch])

    def _second_look(
        self, projector: StepProjector, raw: Float32Array, steps: FittedSteps, denied: FloatArray, called: BoolArray
    ) -> Features:
        """Find steps under the series' own noise, beginning with those that the first look found."""
        basis = projector.basis
        raised = steps.series(basis.epochs)
        values = clip_outliers(raw - raised) + raised
        projections = projector.project(values)
        energy = weighted_squares(epoch_differences(values), projections.products)
        steps = fit_steps(projections, steps.epochs)
        steps = add_steps(projections, steps, residual_scatter(basis, energy, steps))
        steps = remove_weak_steps(projections, energy, steps, _KEPT * self._least)
        values, rows = replace_transition_values(values, projections, steps, residual_scatter(basis, energy, steps))
        if len(rows):
            again = projector.take(rows).project(values[rows])
            projections.products[rows] = again.products
            energy[rows] = weighted_squares(epoch_differences(values[rows]), again.products)
            steps = steps.put(rows, fit_steps(again, steps.epochs[rows]))
        fit = StepFitData(projections, values, energy, denied)
        steps = refine_epochs(projections, steps)
        likely = self._selection.likely(fit, steps)
        silent = np.flatnonzero(called & (np.bincount(likely.row, minlength=len(called)) == 0))
        if not len(silent):
            return likely
        best = fallback_jumps(fit.take(silent), steps.take(silent), raw[silent], self._selection, self._least)
        return Features.joined([likely, replace(best, row=silent[best.row])])


def _status(displacement: RealArray) -> Int8Array:
    """Tell which rows [n] can be looked at."""
    few = np.count_nonzero(np.isfinite(displacement), axis=1) < _LEAST_EPOCHS
    # Comparisons with NaN are false.
    wild = (np.abs(displacement) > _MOST_MM).any(axis=1)
    return np.select([wild, few], [FitStatus.NON_FINITE, FitStatus.TOO_FEW_EPOCHS], FitStatus.OK).astype(np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What a first look finds of n series that may have jumps: row, pattern, kind [n], values [n, T], and steps."""

    row: IntArray
    pattern: IntArray
    kind: IntArray
    values: Float32Array
    steps: FittedSteps

    @classmethod
    def joined(cls, looks: list[_Look]) -> _Look:
        names = ("row", "pattern", "kind", "values")
        row, pattern, kind, values = (np.concatenate([getattr(look, name) for look in looks]) for name in names)
        return cls(row, pattern, kind, values, FittedSteps.joined([look.steps for look in looks]))


def _first_look(noise: PatternNullModel, values: Float32Array, pattern: IntArray, called: BoolArray) -> _Look:
    """Find steps under a mean noise, and how freely what is left bends, and of which kind its noise is.

    Rows of class PUE are looked at again even if nothing was found.
    """
    clipped = clip_outliers(values)
    projections = noise.projector(pattern, np.zeros_like(pattern)).project(clipped)
    scatter = np.maximum(epoch_change(clipped).astype(np.float64) / noise.change[pattern], _LEAST_SCATTER_MM)
    steps = add_steps(projections, FittedSteps.none(len(values), projections.basis.epochs), scatter)
    row = np.flatnonzero((steps.epochs < projections.basis.epochs).any(axis=1) | called)
    steps = steps.take(row)
    kind = noise.most_likely_kind(clipped[row] - steps.series(projections.basis.epochs), pattern[row])
    return _Look(row, pattern[row], kind, values[row], steps)


def _without_line(displacement: RealArray, days: FloatArray) -> Float32Array:
    """Take away each row's best line, or single precision would not do; days are of each row, [n, T]."""
    values = displacement.astype(np.float64)
    values -= values.mean(axis=1, keepdims=True)
    time = days - days.mean(axis=1, keepdims=True)
    rate = np.einsum("nt,nt->n", values, time) / np.einsum("nt,nt->n", time, time)
    values -= rate[:, None] * time
    return values.astype(np.float32)
