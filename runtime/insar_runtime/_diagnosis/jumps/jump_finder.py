"""Search for jumps in displacement series: abrupt changes of level, permanent or temporary, on any smooth motion."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, Int8Array, IntArray, RealArray
from insar_runtime._diagnosis.jumps.cycles import cycle_numbers
from insar_runtime._diagnosis.jumps.fallback_jump import fallback_jumps
from insar_runtime._diagnosis.jumps.jump_probability import Features, JumpProbability, evidence_of_class
from insar_runtime._diagnosis.jumps.jump_selection import LEAST_PROBABILITY, JumpSelection, StepFitData
from insar_runtime._diagnosis.jumps.null_model import JumpNullModel, PatternNullModel
from insar_runtime._diagnosis.jumps.step_fit import FittedSteps, fit_steps
from insar_runtime._diagnosis.jumps.step_projection import StepProjector, epoch_differences, weighted_squares
from insar_runtime._diagnosis.jumps.step_search import add_steps, refine_epochs, remove_weak_steps, residual_scatter
from insar_runtime._diagnosis.jumps.transition_epochs import replace_transition_values
from insar_runtime._diagnosis.missing_epochs import MissingPatterns
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.outliers import clip_outliers, epoch_change
from insar_runtime._diagnosis.results import FitStatus, Jumps
from insar_runtime.definitions import JUMP_MM

_LEAST_CYCLES: Final = 0.6
"""The least size of a jump is ``JUMP_MM``, or this part of half a wavelength if that is less, as at X-band."""
_TRIED: Final = 0.6
_KEPT: Final = 0.8
"""Parts of the least size from which a step is tried, because its size may grow when others are fitted as well, and
from which it is kept, because a reported size may be smaller than the least one by its standard deviation. Our
choice."""
_LEAST_EPOCHS: Final = 12
_COMPLETE_ROWS: Final = 2048
_PARTIAL_ROWS: Final = 512
"""Rows at a time, enough of them to make the overhead of numpy calls negligible: complete ones, and others, which may
need a matrix each."""
_LEAST_SCATTER_MM: Final = 0.2
_VALUES_AT_ONCE: Final = 1 << 22
"""Values of the matrices, one per pattern of missing epochs, that are held at a time."""
_MOST_MM: Final = 1e6
"""Rows with larger values are refused, because single precision does not suffice for them."""


class JumpFinder:
    """Finds the jumps of series that share a time axis; built once per file, safe to share between threads.

    Parameters
    ----------
    noise : FileNoise
        Noise model of the file.
    half_wavelength_mm : float, optional
        Size of one cycle; without it, jumps have no number of cycles.
    probability_model : JumpProbability, optional
        Probabilities of jumps; the fitted ones if not given.
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
            # If the null model is singular, each row gets that status.
            with suppress(np.linalg.LinAlgError):
                self._noise = JumpNullModel(noise, _TRIED * self._least)

    def find(
        self,
        displacement: RealArray,
        p_pue: RealArray | None = None,
        is_pue: BoolArray | None = None,
    ) -> Jumps:
        """Return the jumps of series.

        Parameters
        ----------
        displacement : ndarray of float, shape [n, T]
            mm; NaN = missing.
        p_pue : ndarray of float, shape [n], optional
            Probability of the class PUE, which is evidence of jumps; NaN where it is unknown.
        is_pue : ndarray of bool, shape [n], optional
            Rows of class PUE. If no jump of such a row has a probability of one half, its most probable jump that
            satisfies the definition is returned, with its probability.

        Returns
        -------
        Jumps
            The bits of a row do not depend on other rows.
        """
        count = len(displacement)
        p_pue = np.full(count, np.nan) if p_pue is None else p_pue
        is_pue = np.zeros(count, dtype=np.bool_) if is_pue is None else is_pue
        features, status = self._select_steps(displacement, evidence_of_class(p_pue), is_pue)
        probability = self._selection.reported(features)
        cycles, distance, certain = cycle_numbers(features, probability, self._cycle)
        of_cycles = self._probability_model.of_cycles(features, cycles, certain, self._cycle)
        # A number of cycles with a probability below one half is not reported.
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

    def _select_steps(
        self, displacement: RealArray, denied: FloatArray, is_pue: BoolArray
    ) -> tuple[Features, Int8Array]:
        """Return the features of the selected steps [M], and the status [n] of the rows."""
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
                found = list(self._steps_of_patterns(displacement[rows], patterns, noise, denied[rows], is_pue[rows]))
            except np.linalg.LinAlgError:
                status[rows] = FitStatus.SINGULAR
                continue
            parts += [replace(part, row=rows[part.row]) for part in found]
        return Features.joined(parts), status

    def _steps_of_patterns(
        self,
        displacement: RealArray,
        patterns: MissingPatterns,
        noise: PatternNullModel,
        denied: FloatArray,
        is_pue: BoolArray,
    ) -> Iterator[Features]:
        """Yield the features of the steps of rows with the same number of values; ``row`` is an index of these rows."""
        firsts, of_row = [], patterns.of_row
        most = _COMPLETE_ROWS if noise.complete else _PARTIAL_ROWS
        for begin in range(0, len(displacement), most):
            part = slice(begin, begin + most)
            pattern = of_row[part]
            there = noise.there[pattern]
            values = np.take_along_axis(displacement[part], there, axis=1)
            first = _first_pass(noise, _detrended(values, noise.days[pattern]), pattern, is_pue[part])
            firsts.append(replace(first, row=begin + first.row))
        first = _FirstPass.joined(firsts)
        order = np.lexsort([first.pattern, first.kind])
        for begin in range(0, len(order), most):
            some = order[begin : begin + most]
            row, pattern = first.row[some], first.pattern[some]
            projector = noise.projector(pattern, first.kind[some])
            features = self._second_pass(
                projector, first.values[some], first.steps.take(some), denied[row], is_pue[row]
            )
            yield replace(features, row=row[features.row], epoch=noise.there[pattern[features.row], features.epoch])

    def _second_pass(
        self, projector: StepProjector, raw: Float32Array, steps: FittedSteps, denied: FloatArray, is_pue: BoolArray
    ) -> Features:
        """Return the features of steps under the noise model of each series, starting from those of the first pass."""
        basis = projector.basis
        level = steps.series(basis.epochs)
        values = clip_outliers(raw - level) + level
        projections = projector.project(values)
        energy = weighted_squares(epoch_differences(values), projections.products)
        steps = fit_steps(projections, steps.epochs)
        steps = add_steps(projections, steps, residual_scatter(basis, energy, steps))
        steps = remove_weak_steps(projections, energy, steps, _KEPT * self._least)
        values, rows = replace_transition_values(values, projections, steps, residual_scatter(basis, energy, steps))
        if len(rows):
            replaced = projector.take(rows).project(values[rows])
            projections.products[rows] = replaced.products
            energy[rows] = weighted_squares(epoch_differences(values[rows]), replaced.products)
            steps = steps.put(rows, fit_steps(replaced, steps.epochs[rows]))
        data = StepFitData(projections, values, energy, denied)
        steps = refine_epochs(projections, steps)
        probable = self._selection.eliminate_improbable(data, steps)
        without_jump = np.flatnonzero(is_pue & (np.bincount(probable.row, minlength=len(is_pue)) == 0))
        if not len(without_jump):
            return probable
        best = fallback_jumps(
            data.take(without_jump), steps.take(without_jump), raw[without_jump], self._selection, self._least
        )
        return Features.joined([probable, replace(best, row=without_jump[best.row])])


def _status(displacement: RealArray) -> Int8Array:
    """Return the status of rows [n] before the search."""
    few = np.count_nonzero(np.isfinite(displacement), axis=1) < _LEAST_EPOCHS
    # Comparisons with NaN are false, so missing values are not counted as too large.
    too_large = (np.abs(displacement) > _MOST_MM).any(axis=1)
    return np.select([too_large, few], [FitStatus.NON_FINITE, FitStatus.TOO_FEW_EPOCHS], FitStatus.OK).astype(np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class _FirstPass:
    """Result of the first pass for n series: row, pattern and noise model [n], values [n, T], and steps."""

    row: IntArray
    pattern: IntArray
    kind: IntArray
    values: Float32Array
    steps: FittedSteps

    @classmethod
    def joined(cls, firsts: list[_FirstPass]) -> _FirstPass:
        names = ("row", "pattern", "kind", "values")
        row, pattern, kind, values = (np.concatenate([getattr(first, name) for first in firsts]) for name in names)
        return cls(row, pattern, kind, values, FittedSteps.joined([first.steps for first in firsts]))


def _first_pass(noise: PatternNullModel, values: Float32Array, pattern: IntArray, is_pue: BoolArray) -> _FirstPass:
    """Return the steps under mean noise, and the most likely null model of the residuals.

    Rows without steps are dropped, except those of class PUE.
    """
    clipped = clip_outliers(values)
    projections = noise.projector(pattern, np.zeros_like(pattern)).project(clipped)
    scatter = np.maximum(epoch_change(clipped).astype(np.float64) / noise.change[pattern], _LEAST_SCATTER_MM)
    steps = add_steps(projections, FittedSteps.none(len(values), projections.basis.epochs), scatter)
    row = np.flatnonzero((steps.epochs < projections.basis.epochs).any(axis=1) | is_pue)
    steps = steps.take(row)
    kind = noise.most_likely_kind(clipped[row] - steps.series(projections.basis.epochs), pattern[row])
    return _FirstPass(row, pattern[row], kind, values[row], steps)


def _detrended(displacement: RealArray, days: FloatArray) -> Float32Array:
    """Return rows without their least-squares lines, so that single precision suffices; days are [n, T]."""
    values = displacement.astype(np.float64)
    values -= values.mean(axis=1, keepdims=True)
    time = days - days.mean(axis=1, keepdims=True)
    rate = np.einsum("nt,nt->n", values, time) / np.einsum("nt,nt->n", time, time)
    values -= rate[:, None] * time
    return values.astype(np.float32)
