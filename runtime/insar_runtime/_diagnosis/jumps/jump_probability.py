"""Probability of a jump and of its number of cycles, by logistic regressions on features of fitted steps."""

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
"""Epochs before and after a step over which the local noise is measured."""
_LEAST_CHANGE: Final = 1e-6
_LEAST_UNREST: Final = 0.1
_BACK: Final = 2.5
"""Standard deviations within which two consecutive steps cancel each other."""
_USUAL_LEAST_MM: Final = 10.0
_SHORT: Final = 0.6
"""Ratio of a cycle to the least jump at X-band over that at C-band. If half a wavelength is so short that the least
jump is smaller than usual, sizes are scaled by this factor, so that they compare as parts of a cycle."""
_LEAST_CHANCE: Final = 1e-9
_MOST_DENIED: Final = 6.0
"""Largest log-odds against jumps, those of a probability of 0.25 %: no classifier is more certain of real rows. Our
choice."""
_SURE: Final = (0.3, 1 - 1e-5)
_LEAST_STD: Final = 1e-3
_FILL: Final = (0.6, 1.2)
"""Bounds of the features, beyond which the regression has no data."""

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
"""Weights of the logistic regressions that ``python -m evaluation jump-certainty`` fits: jumps of rows of unknown
class, jumps of rows of known class, and numbers of cycles. The record of the fits is
artifacts/diagnosis/jump_certainty.json."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of M steps, in the order of rows and epochs.

    Attributes
    ----------
    row, epoch : ndarray of int64, shape [M]
    size, std : ndarray of float64, shape [M]
        mm; the standard deviation is increased by the local noise around the step.
    strength : ndarray of float64, shape [M]
        Squared size over its variance in the noise of the whole row.
    unrest : ndarray of float64, shape [M]
        RMS change from epoch to epoch around the step over that of the whole row.
    support : ndarray of float64, shape [M]
        Epochs of the shorter one of the two levels.
    returns : ndarray of float64, shape [M]
        1 if the step before or after cancels it.
    denied : ndarray of float64, shape [M]
        Log-odds, 0 or more, of the class of the row against jumps; NaN if the class is unknown.
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
        """Return the features of the steps selected by a mask [M]."""
        return Features(*(getattr(self, entry.name)[wanted] for entry in fields(self)))

    @classmethod
    def joined(cls, parts: list[Features]) -> Features:
        """Return the concatenation of parts, in the order of rows and epochs."""
        if not parts:
            nothing = np.empty(0, dtype=np.int64)
            return cls(nothing, nothing, *(np.empty(0) for _ in fields(cls)[2:]))
        whole = [np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(cls)]
        order = np.lexsort([whole[1], whole[0]])
        return cls(*(values[order] for values in whole))


def step_features(
    basis: StepBasis, values: Float32Array, energy: FloatArray, steps: FittedSteps, denied: FloatArray
) -> Features:
    """Return the features of all steps of series.

    Parameters
    ----------
    basis : StepBasis
    values : ndarray of float32, shape [n, T]
        The series, mm.
    energy : ndarray of float64, shape [n]
        Weighted sums of squares of the series.
    steps : FittedSteps
        Fitted steps of the series.
    denied : ndarray of float64, shape [n]
        Log-odds against jumps: see ``evidence_of_class``.
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
    """Return the log-odds [n], 0 or more, of the class against jumps, from the probability of PUE; NaN if unknown.

    They are 0 for probabilities of one half and more, because a row with large jumps may contain small false ones.
    """
    probability = np.clip(np.asarray(p_pue, dtype=np.float64), _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    return np.asarray(np.clip(np.log1p(-probability) - np.log(probability), 0, _MOST_DENIED))


def takes_back(row: IntArray, size: FloatArray, std: FloatArray) -> BoolArray:
    """Return which of the steps after the first one [M - 1] cancel the step before."""
    level = np.abs(size[1:] + size[:-1]) < _BACK * np.hypot(std[1:], std[:-1])
    return np.asarray((row[1:] == row[:-1]) & (size[1:] * size[:-1] < 0) & level)


def _returns(row: IntArray, size: FloatArray, std: FloatArray) -> FloatArray:
    """Return 1 for steps [M] that cancel a neighbour, and 0 otherwise."""
    back = takes_back(row, size, std)
    returns = np.zeros(len(row))
    returns[:-1] += back
    returns[1:] += back
    return np.minimum(returns, 1)


def _unrest(clean: Float32Array, row: IntArray, epoch: IntArray) -> FloatArray:
    """Return the RMS change from epoch to epoch around steps over that of their whole row [M]."""
    last = clean.shape[1] - 1
    change = np.diff(clean, axis=1).astype(np.float64) ** 2
    total = np.zeros(clean.shape)
    np.cumsum(change, axis=1, out=total[:, 1:])
    low, high = np.maximum(epoch - _AROUND, 0), np.minimum(epoch + _AROUND, last)
    near = (total[row, high] - total[row, low] - change[row, epoch - 1]) / (high - low - 1)
    usual = np.maximum(total[row, -1] / last, _LEAST_CHANGE)
    return np.asarray(np.sqrt(np.maximum(near, 0) / usual))


def jump_features(features: Features, least_mm: float) -> dict[str, FloatArray]:
    """Return the regressors of the probability of a jump, by the names in ``CLASS_WEIGHTS`` except the constant."""
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
    """Return the regressors of the probability of a number of cycles, by the names in ``CYCLE_WEIGHTS``.

    The filtering of a producer damps jumps and never amplifies them, and it affects all jumps of a series or none. The
    ratio of the size to whole cycles therefore is a regressor, for the jump itself and for all jumps of its series.
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
    """Probabilities of jumps and of their numbers of cycles, by the fitted weights.

    The command that fits the weights derives from this class.
    """

    def of_jumps(self, features: Features, least_mm: float) -> FloatArray:
        """Return the probability [M] that there is a jump of ``least_mm`` or more, within one epoch."""
        return probability_of_jumps(JUMP_WEIGHTS, CLASS_WEIGHTS, features, least_mm)

    def of_cycles(
        self, features: Features, cycles: Int8Array, certain: FloatArray, cycle_mm: float | None
    ) -> FloatArray:
        """Return the probability [M] that a true jump has this number of cycles; 1 for jumps without one.

        Parameters
        ----------
        features : Features
        cycles : ndarray of int8, shape [M]
            Number of half wavelengths; 0 for none.
        certain : ndarray of float64, shape [M]
            Probability of the number by the distance of the size from multiples alone.
        cycle_mm : float, optional
            Half a wavelength; without it, jumps have no number of cycles.
        """
        if cycle_mm is None:
            return np.ones(len(cycles))
        return np.where(cycles != 0, logistic(CYCLE_WEIGHTS, cycle_features(features, cycles, certain, cycle_mm)), 1)


def probability_of_jumps(
    jump_weights: Mapping[str, float], class_weights: Mapping[str, float], features: Features, least_mm: float
) -> FloatArray:
    """Return the probability [M] of jumps, by ``class_weights`` where the class of the row is known."""
    found = jump_features(features, least_mm)
    return np.where(np.isnan(features.denied), logistic(jump_weights, found), logistic(class_weights, found))


def logistic(weights: Mapping[str, float], features: Mapping[str, FloatArray]) -> FloatArray:
    """Return the logistic function of the weighted regressors, [M]; those without a weight are ignored."""
    score = weights["common"] + sum(weights[name] * trait for name, trait in features.items() if name in weights)
    return np.asarray(1 / (1 + np.exp(-score)))
