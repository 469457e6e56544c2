"""How certain a step is: what tells true ones from noise, and the probability that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, Int8Array, IntArray, RealArray
from insar_runtime._diagnosis.jumps.step_basis import StepBasis
from insar_runtime._diagnosis.jumps.step_fit import FittedSteps
from insar_runtime._diagnosis.jumps.step_search import residual_scatter

_AROUND: Final = 10
"""Epochs before and after a step in which noise is looked at."""
_LEAST_CHANGE: Final = 1e-6
_LEAST_UNREST: Final = 0.1
_BACK: Final = 2.5
"""Standard deviations within which two steps that follow each other add up to none."""
_USUAL_LEAST_MM: Final = 10.0
_SHORT: Final = 0.6
"""Where half a wavelength is so short that the least jump is less than usual (X-band), a cycle is this many times as
near to the least jump as at C-band; sizes count by the cycle that they may be."""
_LEAST_CHANCE: Final = 1e-9
_MOST_DENIED: Final = 6.0
"""Of a probability of 0.25 %: no classifier is surer of real rows [ours]."""
_SURE: Final = (0.3, 1 - 1e-5)
_LEAST_STD: Final = 1e-3
_FILL: Final = (0.6, 1.2)
"""Bounds of traits beyond which nothing was fitted."""

JUMP_WEIGHTS: Final = {
    "common": -7.087,
    "strength": 1.352,
    "size": 2.93,
    "unrest": -2.079,
    "support": 0.556,
    "returns": 0.679,
}
CLASS_WEIGHTS: Final = {
    "common": -6.553,
    "strength": 1.316,
    "size": 2.843,
    "unrest": -2.316,
    "support": 0.579,
    "returns": 0.548,
    "denied": -0.311,
}
CYCLE_WEIGHTS: Final = {
    "common": -19.599,
    "certain": 0.938,
    "returns": -0.259,
    "fill": 0.879,
    "fill of row": 17.658,
}
"""Logistic regressions that ``python -m training jump-certainty`` fits: of jumps where nothing is known of the class of
the row, of jumps where it is known, and of cycles. artifacts/diagnosis/jump_certainty.json says to which series."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Traits of M steps, in the order of rows and epochs.

    Attributes
    ----------
    row, epoch : ndarray of int64, shape [M]
    size, std : ndarray of float64, shape [M]
        mm; the standard deviation is larger where the series is restless around the step.
    strength : ndarray of float64, shape [M]
        Squared size over its variance under the noise of the whole row.
    unrest : ndarray of float64, shape [M]
        RMS change from epoch to epoch around the step over that of the whole row.
    support : ndarray of float64, shape [M]
        Epochs on the shorter one of the two levels.
    returns : ndarray of float64, shape [M]
        1 if the step before or after takes it back.
    denied : ndarray of float64, shape [M]
        Log-odds, 0 or more, by which the class of the row speaks against any jump in it; NaN where it is not known.
    """

    row: IntArray
    epoch: IntArray
    size: FloatArray
    std: FloatArray
    strength: FloatArray
    unrest: FloatArray
    support: FloatArray
    returns: FloatArray
    denied: FloatArray

    def take(self, wanted: BoolArray) -> Features:
        """Give some of the steps."""
        return Features(*(getattr(self, entry.name)[wanted] for entry in fields(self)))

    @classmethod
    def joined(cls, parts: list[Features]) -> Features:
        """Lay parts end to end, in the order of rows and epochs."""
        if not parts:
            nothing = np.empty(0, dtype=np.int64)
            return cls(nothing, nothing, *(np.empty(0) for _ in fields(cls)[2:]))
        whole = [np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(cls)]
        order = np.lexsort([whole[1], whole[0]])
        return cls(*(values[order] for values in whole))


def step_features(
    basis: StepBasis, values: Float32Array, energy: FloatArray, steps: FittedSteps, denied: FloatArray
) -> Features:
    """Look at each step of series.

    Parameters
    ----------
    steps : StepBasis
    values : ndarray of float32, shape [n, T]
        The series, mm.
    energy : ndarray of float64, shape [n]
        Their weighted sum of squares.
    levels : FittedSteps
        Their steps.
    denied : ndarray of float64, shape [n]
        See ``denied_by_class``.
    """
    row, place = np.nonzero(steps.epochs < basis.epochs)
    epoch = steps.epochs[row, place]
    size = steps.size[row, place]
    around = np.pad(steps.epochs, ((0, 0), (1, 1)), constant_values=((0, 0), (0, basis.epochs)))
    support = np.minimum(epoch - around[row, place], around[row, place + 2] - epoch)
    unrest = _unrest(values - steps.series(basis.epochs), row, epoch)
    std = np.sqrt(steps.variance[row, place]) * residual_scatter(basis, energy, steps)[row]
    strength, restless_std = (size / std) ** 2, std * np.maximum(unrest, 1)
    return Features(
        row=row,
        epoch=epoch,
        size=size,
        std=restless_std,
        strength=strength,
        unrest=unrest,
        support=support.astype(np.float64),
        returns=_returns(row, size, restless_std),
        denied=denied[row],
    )


def evidence_of_class(p_pue: RealArray) -> FloatArray:
    """Return the log-odds [n], 0 or more, of the class PUE against jumps; NaN where its probability is not known.

    From a probability of one half on they are 0: a row with large jumps may have small finds that are none.
    """
    probability = np.clip(np.asarray(p_pue, dtype=np.float64), _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    return np.asarray(np.clip(np.log1p(-probability) - np.log(probability), 0, _MOST_DENIED))


def takes_back(row: IntArray, size: FloatArray, std: FloatArray) -> BoolArray:
    """Return which of the steps after the first one [M - 1] take the step before back."""
    level = np.abs(size[1:] + size[:-1]) < _BACK * np.hypot(std[1:], std[:-1])
    return np.asarray((row[1:] == row[:-1]) & (size[1:] * size[:-1] < 0) & level)


def _returns(row: IntArray, size: FloatArray, std: FloatArray) -> FloatArray:
    """Return 1 for steps [M] that a neighbour takes back, or that take one back."""
    back = takes_back(row, size, std)
    returns = np.zeros(len(row))
    returns[:-1] += back
    returns[1:] += back
    return np.minimum(returns, 1)


def _unrest(clean: Float32Array, row: IntArray, epoch: IntArray) -> FloatArray:
    """Give the RMS change from epoch to epoch around steps over that of their whole row [M]."""
    last = clean.shape[1] - 1
    change = np.diff(clean, axis=1).astype(np.float64) ** 2
    total = np.zeros(clean.shape)
    np.cumsum(change, axis=1, out=total[:, 1:])
    low, high = np.maximum(epoch - _AROUND, 0), np.minimum(epoch + _AROUND, last)
    near = (total[row, high] - total[row, low] - change[row, epoch - 1]) / (high - low - 1)
    usual = np.maximum(total[row, -1] / last, _LEAST_CHANGE)
    return np.asarray(np.sqrt(np.maximum(near, 0) / usual))


def jump_features(features: Features, least_mm: float) -> dict[str, FloatArray]:
    """Return what the probability of a jump depends on, one for each of ``CLASS_WEIGHTS`` but the common one."""
    return {
        "strength": np.log(features.strength),
        "size": np.log(np.abs(features.size) / (least_mm if least_mm >= _USUAL_LEAST_MM else _SHORT * least_mm)),
        "unrest": np.log(np.maximum(features.unrest, _LEAST_UNREST)),
        "support": np.log(features.support),
        "returns": features.returns,
        "denied": features.denied,
    }


def cycle_features(
    features: Features, cycles: Int8Array, certain: FloatArray, cycle_mm: float
) -> dict[str, FloatArray]:
    """Give what the probability of a number of cycles depends on, one for each of ``CYCLE_WEIGHTS`` but the common one.

    A producer's filtering makes jumps smaller, never larger, and touches all jumps of a series or none: hence the part
    of the cycles that the size is, of the jump and of all of its series.
    """
    sure = np.clip(certain, *_SURE)
    whole = np.maximum(np.abs(cycles), 1) * cycle_mm
    size = np.abs(features.size)
    weight = (cycles != 0) / np.maximum(features.std, _LEAST_STD) ** 2
    sums = [np.bincount(features.row, weight * one)[features.row] for one in (size, whole)]
    return {
        "certain": np.log(sure / (1 - sure)),
        "returns": features.returns,
        "fill": np.clip(size / whole, *_FILL),
        "fill of row": np.clip(sums[0] / np.where(sums[1] > 0, sums[1], 1), *_FILL),
    }


class JumpProbability:
    """How probable finds are, by the fitted weights; the command that fits them puts another one in its place."""

    def jump_probability(self, features: Features, least_mm: float) -> FloatArray:
        """Give the probability [M] that there is a jump within one epoch; jumps are of at least ``least_mm``."""
        return jump_probability(JUMP_WEIGHTS, CLASS_WEIGHTS, features, least_mm)

    def of_cycles(
        self, features: Features, cycles: Int8Array, certain: FloatArray, cycle_mm: float | None
    ) -> FloatArray:
        """Give the probability [M] that a jump which is there is of so many cycles; 1 where none are told.

        Parameters
        ----------
        traits : Features
        cycles : ndarray of int8, shape [M]
            Half wavelengths; 0 for none.
        certain : ndarray of float64, shape [M]
            How certain their number is by the distance of the sizes from multiples alone.
        cycle_mm : float, optional
            Half a wavelength; without it no cycles are told.
        """
        if cycle_mm is None:
            return np.ones(len(cycles))
        return np.where(cycles != 0, logistic(CYCLE_WEIGHTS, cycle_features(features, cycles, certain, cycle_mm)), 1)


def jump_probability(
    jump_weights: Mapping[str, float], class_weights: Mapping[str, float], features: Features, least_mm: float
) -> FloatArray:
    """Return the probability [M] of jumps, by the second weights where the class of the row is known."""
    found = jump_features(features, least_mm)
    return np.where(np.isnan(features.denied), logistic(jump_weights, found), logistic(class_weights, found))


def logistic(weights: Mapping[str, float], features: Mapping[str, FloatArray]) -> FloatArray:
    """Return the logistic function of the weighted traits, [M]; those without a weight do not count."""
    score = weights["common"] + sum(weights[name] * trait for name, trait in features.items() if name in weights)
    return np.asarray(1 / (1 + np.exp(-score)))
