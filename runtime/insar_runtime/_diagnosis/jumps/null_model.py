"""What series are held against when jumps are looked for: steps under each kind of noise of the file."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IntArray
from insar_runtime._diagnosis.gls import restricted_precision
from insar_runtime._diagnosis.jumps.projection import (
    MissingValues,
    StepProjector,
    epoch_differences,
    epoch_products,
    weighted_squares,
)
from insar_runtime._diagnosis.jumps.step_basis import StepBasis, gram_matrix, projection_matrix
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.row_products import multiply_rows
from insar_runtime._input.slopes import DAYS_PER_YEAR

_BENDS: Final = (40.0, 1.0)
"""Variance that the rate of motion gains in a year, over that of the scatter. A series bends as freely as a smoothing
spline that averages over two months, or a break of 60 mm/yr would look like jumps; or over five, as most of them do,
and then smaller jumps are seen [ours]."""
_LEAST_ENERGY: Final = 1e-9
_VALUES_AT_ONCE: Final = 1 << 20


class JumpNullModel:
    """Noise and motion that jumps stand out from.

    Kinds are numbered by how freely the motion bends, and then by the noise, of which the first is the mean of all in
    the file.

    Parameters
    ----------
    noise : FileNoise
    least_mm : float
        Least size of a jump that is tried.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a covariance is singular.
    """

    def __init__(self, noise: FileNoise, least_mm: float) -> None:
        self.days = np.asarray(noise.days, dtype=np.float64)
        self.least_mm = least_mm
        noise = replace(noise, steps=())
        self.log_weights = np.log(np.maximum(noise.weights, _LEAST_ENERGY))
        covariances = list(noise.covariances())
        self.mean = np.zeros((len(self.days), len(self.days)))
        for weight, covariance in zip(noise.weights, covariances, strict=True):
            self.mean += weight * covariance
        years = self.days / DAYS_PER_YEAR
        line, walk = np.stack([np.ones_like(years), years], axis=1), _integrated_walk(years)
        self.precisions = [
            restricted_precision(one + bend * walk, line) for bend in _BENDS for one in (self.mean, *covariances)
        ]
        self.means = np.arange(len(_BENDS)) * (1 + len(covariances))
        """Kinds that are a mean."""
        self.projection = np.stack([projection_matrix(precision.matrix) for precision in self.precisions])
        gram = np.stack([gram_matrix(precision.matrix) for precision in self.precisions])
        self.basis = StepBasis.of(gram, self.precisions[0].freedom, least_mm)


class PatternNullModel:
    """The same for series that have as many values, each at epochs of its own.

    Parameters
    ----------
    whole : JumpNullModel
        Of all epochs.
    missing : ndarray of bool, shape [p, T]
        Patterns of missing values, with as many of them.
    """

    def __init__(self, whole: JumpNullModel, missing: BoolArray) -> None:
        self._whole = whole
        patterns = len(missing)
        self.there: IntArray = np.nonzero(~missing)[1].reshape(patterns, -1)
        """Epochs [p, T of them] with values."""
        self._lost: IntArray = np.nonzero(missing)[1].reshape(patterns, -1)
        self.days: FloatArray = whole.days[self.there]
        before, after = self.there[:, :-1], self.there[:, 1:]
        variance = np.diag(whole.mean)
        change = variance[before] + variance[after] - 2 * whole.mean[before, after]
        self.change: FloatArray = np.sqrt(np.median(change, axis=1))
        """RMS change from epoch to epoch [p] of noise of unit scatter."""

    @property
    def complete(self) -> bool:
        """Whether no value is missing."""
        return not self._lost.shape[1]

    def projector(self, pattern: IntArray, kind: IntArray) -> StepProjector:
        """Prepare to look at series [n], each of a pattern and under a kind of noise.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the epochs do not tell a line.
        """
        whole = self._whole
        if self.complete:
            return StepProjector(whole.basis, kind, whole.projection, kind, None)
        kinds = len(whole.precisions)
        each, place = np.unique(pattern * kinds + kind, return_inverse=True)
        width = self.there.shape[1] + 1
        gram = np.empty((len(each), width, width), dtype=np.float32)
        inverse = []
        for one, own in zip(each.tolist(), gram, strict=True):
            # A missing value is one that may be anything: a Schur complement, see ``gls.without``.
            lost, there = self._lost[one // kinds], np.append(self.there[one // kinds], len(whole.days))
            spread = np.linalg.inv(whole.precisions[one % kinds].matrix[np.ix_(lost, lost)])
            # Rows first, then columns: a third of the time of both at once.
            across = whole.projection[one % kinds].take(lost, axis=0).take(there, axis=1)
            np.matmul(across.T, spread.astype(np.float32) @ across, out=own)
            np.subtract(whole.basis.gram[one % kinds].take(there, axis=0).take(there, axis=1), own, out=own)
            inverse.append(spread)
        freedom = whole.basis.freedom - self._lost.shape[1]
        basis = StepBasis.of(gram, freedom, whole.least_mm)
        missing_values = MissingValues(self.there[pattern], self._lost[pattern], np.array(inverse))
        return StepProjector(basis, place.ravel(), whole.projection, kind, missing_values)

    def most_likely_kind(self, values: Float32Array, pattern: IntArray) -> IntArray:
        """Give the kind [n] that best explains series [n, T of the epochs] without jumps."""
        full = np.zeros((len(values), len(self._whole.days)), dtype=np.float32)
        full[np.arange(len(values))[:, None], self.there[pattern]] = values
        change = epoch_differences(full)
        means = self._whole.means
        likely = np.stack([self._log_likelihood(mean, full, change, pattern) for mean in means.tolist()], axis=1)
        best: IntArray = means[likely.argmax(axis=1)]
        for mean in means.tolist():
            rows = np.flatnonzero(best == mean)
            if len(rows):
                kinds = mean + 1 + np.arange(len(self._whole.log_weights))
                some = full[rows], change[rows], pattern[rows]
                likely = np.stack([self._log_likelihood(kind, *some) for kind in kinds.tolist()], axis=1)
                best[rows] = kinds[(likely + self._whole.log_weights).argmax(axis=1)]
        return best

    def _log_likelihood(self, kind: int, full: Float32Array, change: Float32Array, pattern: IntArray) -> FloatArray:
        """Give the restricted log-likelihood [n] of noise of any scatter; missing values are zero.

        Zeros are no values: what they add is taken off. ``change`` is that of the series from epoch to epoch.
        """
        precision = self._whole.precisions[kind]
        projections = multiply_rows(full, self._whole.projection[kind])
        energy = weighted_squares(change, projections)
        log_determinant: FloatArray | float = precision.log_determinant
        freedom = precision.freedom - self._lost.shape[1]
        if not self.complete:
            lost = self._lost
            matrix = precision.matrix[lost[:, :, None], lost[:, None, :]]
            push = epoch_products(projections, lost[pattern])
            step = max(1, _VALUES_AT_ONCE // lost.shape[1] ** 2)
            for begin in range(0, len(push), step):
                part = slice(begin, begin + step)
                likely = np.linalg.solve(matrix[pattern[part]], push[part, :, None])[:, :, 0]
                energy[part] -= (likely * push[part]).sum(axis=1)
            factor = np.linalg.cholesky(matrix)
            diagonal = np.diagonal(factor, axis1=1, axis2=2)
            log_determinant = log_determinant + 2 * np.log(diagonal).sum(axis=1)[pattern]
        return np.asarray(-0.5 * (log_determinant + freedom * np.log(np.maximum(energy, _LEAST_ENERGY))))


def _integrated_walk(years: FloatArray) -> FloatArray:
    """Give the covariance [T, T] of a random walk's integral, of a variance that grows by 1 a year."""
    early, late = np.minimum(years[:, None], years), np.maximum(years[:, None], years)
    return np.asarray(early**2 * (3 * late - early) / 6)
