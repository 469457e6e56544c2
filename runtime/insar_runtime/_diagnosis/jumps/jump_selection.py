"""Selection of the steps that are reported as jumps: backward elimination by their probability."""

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
"""Least probability of a reported jump."""
_LEAST_OF_PAIR: Final = 0.3
"""Least probability of one end of a temporary jump if the other end is reported: both ends are one event. Our
choice."""

_NEIGHBOURS: Final = ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1)))
"""Slices of steps and of their successors; of steps and of their predecessors."""


@dataclass(frozen=True, slots=True, eq=False)
class StepFitData:
    """Data of the step fits of n series.

    Attributes
    ----------
    projections : StepProjections
        Projections of the series.
    values : ndarray of float32, shape [n, T]
        mm.
    energy : ndarray of float64, shape [n]
        Weighted sums of squares.
    denied : ndarray of float64, shape [n]
        Log-odds against jumps: see ``jump_probability.evidence_of_class``.
    """

    projections: StepProjections
    values: Float32Array
    energy: FloatArray
    denied: FloatArray

    def take(self, rows: IntArray) -> StepFitData:
        """Return the data of some of the series."""
        return StepFitData(self.projections.take(rows), self.values[rows], self.energy[rows], self.denied[rows])

    def steps(self, epochs: IntArray) -> FittedSteps:
        """Return steps fitted at or near these epochs [n, MOST_STEPS]."""
        return refine_epochs(self.projections, fit_steps(self.projections, epochs))

    def features(self, steps: FittedSteps) -> Features:
        """Return the features of steps."""
        return step_features(self.projections.basis, self.values, self.energy, steps, self.denied)


class JumpSelection:
    """Selects the steps that are reported.

    Parameters
    ----------
    probability_model : JumpProbability
    least_mm : float
        Least size of a jump; the estimated size may be smaller by its standard deviation.
    """

    def __init__(self, probability_model: JumpProbability, least_mm: float) -> None:
        self._probability_model = probability_model
        self._least = least_mm

    def probability(self, features: Features) -> FloatArray:
        """Return the probability of steps [M]."""
        return self._probability_model.of_jumps(features, self._least)

    def reported(self, features: Features) -> FloatArray:
        """Return the probability of steps [M] that are reported.

        If one end of a temporary jump has a probability below one half and stays because of the other end, its
        probability is the mean of both. The record artifacts/diagnosis/jump_certainty.json confirms that.
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
        """Return which steps [M] have at least the least size, within their standard deviation."""
        return np.asarray(np.abs(features.size) + features.std >= self._least)

    def eliminate_improbable(self, data: StepFitData, steps: FittedSteps) -> Features:
        """Return the steps left when the least probable step of each series is removed until all are probable.

        The remaining steps are fitted again after each removal.

        Parameters
        ----------
        fit : StepFitData
        steps : FittedSteps
            Steps of the series.
        """
        end = data.projections.basis.epochs
        rows = np.arange(len(data.projections))
        kept = []
        for _ in range(MOST_STEPS + 1):
            features = data.features(steps)
            shortfall = self._shortfall(features)
            worst = _largest_of_rows(features.row, shortfall)
            worst = worst[shortfall[worst] > 0]
            unsettled = features.row[worst]
            whole = replace(features, row=rows[features.row])
            kept.append(whole.take(~np.isin(features.row, unsettled)))
            if not len(unsettled):
                break
            epochs = steps.without(unsettled, features.epoch[worst], end)[unsettled]
            data, rows = data.take(unsettled), rows[unsettled]
            steps = data.steps(epochs)
        return Features.joined(kept)

    def _shortfall(self, features: Features) -> FloatArray:
        """Return the shortfall of each step [M] from being reported; positive if it is not."""
        probability = self.probability(features)
        own = LEAST_PROBABILITY - np.where(self.large(features), probability, LEAST_PROBABILITY * probability)
        shortfall = own.copy()
        pair = takes_back(features.row, features.size, features.std)
        for one, other in _NEIGHBOURS:
            shared = pair & (probability[one] >= _LEAST_OF_PAIR)
            shortfall[one] = np.where(shared, np.minimum(shortfall[one], own[other]), shortfall[one])
        return shortfall


def _largest_of_rows(row: IntArray, value: FloatArray) -> IntArray:
    """Return the index of the largest value of each row that occurs in ``row`` [M]."""
    order = np.lexsort([value, row])
    ends = np.append(row[order][1:] != row[order][:-1], True)[: len(order)]
    return np.asarray(order[ends], dtype=np.int64)
