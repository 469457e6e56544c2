"""Which steps of series are reported as jumps: backward elimination of those that are less probable than not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.certainty import Certainty, Traits, takes_back, traits_of
from insar_runtime._diagnosis.levels import MOST_STEPS, Levels, fitted
from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.search import refined
from insar_runtime._diagnosis.steps import Places, Seen, Single

LEAST_PROBABILITY: Final = 0.5
"""What is less probable is not reported."""
_LEAST_OF_PAIR: Final = 0.3
"""Both ends of a temporary jump are one event: an end of at least this probability stays if the other does [ours]."""

_NEIGHBOURS: Final = ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1)))
"""Steps and those after them; steps and those before."""


@dataclass(frozen=True, slots=True, eq=False)
class StepFit:
    """What the fits of steps to n series need.

    Attributes
    ----------
    seen : Seen
        Products of the series with all steps.
    values : ndarray of float32, shape [n, T]
        mm.
    energy : ndarray of float64, shape [n]
        Weighted sums of squares.
    denied : ndarray of float64, shape [n]
        See ``certainty.denied_by_class``.
    """

    seen: Seen
    values: Single
    energy: Floats
    denied: Floats

    def take(self, rows: Places) -> StepFit:
        """Return the same for some of the series."""
        return StepFit(self.seen.take(rows), self.values[rows], self.energy[rows], self.denied[rows])

    def levels(self, epochs: Places) -> Levels:
        """Fit steps at about these epochs [n, MOST_STEPS]."""
        return refined(self.seen, fitted(self.seen, epochs))

    def traits(self, levels: Levels) -> Traits:
        """Return the traits of steps."""
        return traits_of(self.seen.steps, self.values, self.energy, levels, self.denied)


class Selection:
    """Chooses the steps that are reported.

    Parameters
    ----------
    certainty : Certainty
    least_mm : float
        Least size of a jump; an estimate may be smaller by its standard deviation.
    """

    def __init__(self, certainty: Certainty, least_mm: float) -> None:
        self._certainty = certainty
        self._least = least_mm

    def probability(self, traits: Traits) -> Floats:
        """Return the probability of steps [M]."""
        return self._certainty.of_jumps(traits, self._least)

    def reported(self, traits: Traits) -> Floats:
        """Return the probability of steps [M] that are reported.

        An end of a temporary jump that is less probable than not, and stays because the other end is likely, is as
        probable as both of them are on average [measured: artifacts/diagnosis/jump_certainty.json].
        """
        own = self.probability(traits)
        probability = own.copy()
        pair = takes_back(traits.row, traits.size, traits.std)
        for one, other in _NEIGHBOURS:
            shared = pair & (own[one] < LEAST_PROBABILITY) & (own[other] >= LEAST_PROBABILITY)
            mean = (own[one] + own[other]) / 2
            probability[one] = np.where(shared, np.maximum(probability[one], mean), probability[one])
        return probability

    def large(self, traits: Traits) -> NDArray[np.bool_]:
        """Return which steps [M] may be of the least size."""
        return np.asarray(np.abs(traits.size) + traits.std >= self._least)

    def likely(self, fit: StepFit, levels: Levels) -> Traits:
        """Remove the least probable step of each series and fit the others again, until all that are left are likely.

        Parameters
        ----------
        fit : StepFit
        levels : Levels
            Steps of its series.
        """
        end = fit.seen.steps.epochs
        rows = np.arange(len(fit.seen))
        kept = []
        for _ in range(MOST_STEPS + 1):
            traits = fit.traits(levels)
            doubt = self._doubt(traits)
            worst = _last_of_rows(traits.row, doubt)
            worst = worst[doubt[worst] > 0]
            unsettled = traits.row[worst]
            whole = replace(traits, row=rows[traits.row])
            kept.append(whole.take(~np.isin(traits.row, unsettled)))
            if not len(unsettled):
                break
            epochs = levels.without(unsettled, traits.epoch[worst], end)[unsettled]
            fit, rows = fit.take(unsettled), rows[unsettled]
            levels = fit.levels(epochs)
        return Traits.joined(kept)

    def _doubt(self, traits: Traits) -> Floats:
        """Return by how much each step [M] falls short of being reported; positive where it does."""
        probability = self.probability(traits)
        own = LEAST_PROBABILITY - np.where(self.large(traits), probability, LEAST_PROBABILITY * probability)
        doubt = own.copy()
        pair = takes_back(traits.row, traits.size, traits.std)
        for one, other in _NEIGHBOURS:
            shared = pair & (probability[one] >= _LEAST_OF_PAIR)
            doubt[one] = np.where(shared, np.minimum(doubt[one], own[other]), doubt[one])
        return doubt


def _last_of_rows(row: Places, value: Floats) -> Places:
    """Return the place of the largest value of each row that occurs in ``row`` [M]."""
    order = np.lexsort([value, row])
    ends = np.append(row[order][1:] != row[order][:-1], True)[: len(order)]
    return np.asarray(order[ends], dtype=np.int64)
