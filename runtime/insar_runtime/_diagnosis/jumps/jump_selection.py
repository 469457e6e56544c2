"""Which steps of series are reported as jumps: backward elimination of those that are less probable than not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IntArray
from insar_runtime._diagnosis.jumps.jump_probability import Features, JumpProbability, step_features, takes_back
from insar_runtime._diagnosis.jumps.step_basis import StepProjections
from insar_runtime._diagnosis.jumps.step_fit import MOST_STEPS, FittedSteps, fit_steps
from insar_runtime._diagnosis.jumps.step_search import refine_epochs

LEAST_PROBABILITY: Final = 0.5
"""What is less probable is not reported."""
_LEAST_OF_PAIR: Final = 0.3
"""Both ends of a temporary jump are one event: an end of at least this probability stays if the other does [ours]."""

_NEIGHBOURS: Final = ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1)))
"""Steps and those after them; steps and those before."""


@dataclass(frozen=True, slots=True, eq=False)
class StepFitData:
    """What the fits of steps to n series need.

    Attributes
    ----------
    seen : StepProjections
        Products of the series with all steps.
    values : ndarray of float32, shape [n, T]
        mm.
    energy : ndarray of float64, shape [n]
        Weighted sums of squares.
    denied : ndarray of float64, shape [n]
        See ``certainty.denied_by_class``.
    """

    projections: StepProjections
    values: Float32Array
    energy: FloatArray
    denied: FloatArray

    def take(self, rows: IntArray) -> StepFitData:
        """Return the same for some of the series."""
        return StepFitData(self.projections.take(rows), self.values[rows], self.energy[rows], self.denied[rows])

    def steps(self, epochs: IntArray) -> FittedSteps:
        """Fit steps at about these epochs [n, MOST_STEPS]."""
        return refine_epochs(self.projections, fit_steps(self.projections, epochs))

    def features(self, steps: FittedSteps) -> Features:
        """Return the traits of steps."""
        return step_features(self.projections.basis, self.values, self.energy, steps, self.denied)


class JumpSelection:
    """Chooses the steps that are reported.

    Parameters
    ----------
    certainty : JumpProbability
    least_mm : float
        Least size of a jump; an estimate may be smaller by its standard deviation.
    """

    def __init__(self, probability_model: JumpProbability, least_mm: float) -> None:
        self._probability_model = probability_model
        self._least = least_mm

    def probability(self, features: Features) -> FloatArray:
        """Return the probability of steps [M]."""
        return self._probability_model.jump_probability(features, self._least)

    def reported(self, features: Features) -> FloatArray:
        """Return the probability of steps [M] that are reported.

        An end of a temporary jump that is less probable than not, and stays because the other end is likely, is as
        probable as both of them are on average [measured: artifacts/diagnosis/jump_certainty.json].
        """
        own = self.probability(features)
        probability = own.copy()
        pair = takes_back(features.row, features.size, features.std)
        for one, other in _NEIGHBOURS:
            shared = pair & (own[one] < LEAST_PROBABILITY) & (own[other] >= LEAST_PROBABILITY)
            mean = (own[one] + own[other]) / 2
            probability[one] = np.where(shared, np.maximum(probability[one], mean), probability[one])
        return probability

    def large(self, features: Features) -> BoolArray:
        """Return which steps [M] may be of the least size."""
        return np.asarray(np.abs(features.size) + features.std >= self._least)

    def likely(self, fit: StepFitData, steps: FittedSteps) -> Features:
        """Remove the least probable step of each series and fit the others again, until all that are left are likely.

        Parameters
        ----------
        fit : StepFitData
        levels : FittedSteps
            Steps of its series.
        """
        end = fit.projections.basis.epochs
        rows = np.arange(len(fit.projections))
        kept = []
        for _ in range(MOST_STEPS + 1):
            features = fit.features(steps)
            doubt = self._doubt(features)
            worst = _last_of_rows(features.row, doubt)
            worst = worst[doubt[worst] > 0]
            unsettled = features.row[worst]
            whole = replace(features, row=rows[features.row])
            kept.append(whole.take(~np.isin(features.row, unsettled)))
            if not len(unsettled):
                break
            epochs = steps.without(unsettled, features.epoch[worst], end)[unsettled]
            fit, rows = fit.take(unsettled), rows[unsettled]
            steps = fit.steps(epochs)
        return Features.joined(kept)

    def _doubt(self, features: Features) -> FloatArray:
        """Return by how much each step [M] falls short of being reported; positive where it does."""
        probability = self.probability(features)
        own = LEAST_PROBABILITY - np.where(self.large(features), probability, LEAST_PROBABILITY * probability)
        doubt = own.copy()
        pair = takes_back(features.row, features.size, features.std)
        for one, other in _NEIGHBOURS:
            shared = pair & (probability[one] >= _LEAST_OF_PAIR)
            doubt[one] = np.where(shared, np.minimum(doubt[one], own[other]), doubt[one])
        return doubt


def _last_of_rows(row: IntArray, value: FloatArray) -> IntArray:
    """Return the place of the largest value of each row that occurs in ``row`` [M]."""
    order = np.lexsort([value, row])
    ends = np.append(row[order][1:] != row[order][:-1], True)[: len(order)]
    return np.asarray(order[ends], dtype=np.int64)
