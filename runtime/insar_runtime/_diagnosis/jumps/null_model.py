"""Null model of the jump test: noise of the file plus smooth motion."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IntArray
from insar_runtime._diagnosis.gls import restricted_precision
from insar_runtime._diagnosis.jumps.step_basis import StepBasis, gram_matrix, projection_matrix
from insar_runtime._diagnosis.jumps.step_projection import (
    MissingValues,
    StepProjector,
    epoch_differences,
    epoch_products,
    weighted_squares,
)
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.row_products import multiply_rows
from insar_runtime.definitions import DAYS_PER_YEAR

_FLEXIBILITY: Final = (40.0, 1.0)
"""Variance that the rate of motion gains per year, over that of the scatter. With the larger one, the motion is as
flexible as a smoothing spline that averages over two months; with less, a break of 60 mm/yr would pass for jumps. With
the smaller one, it averages over five months, which suffices for most series, and smaller jumps are detected. Our
choice."""
_JOIN_MM: Final = 30.0
"""RMS of steps at known joins of releases, so that no jump is found there: about half a wavelength at C-band."""
_LEAST_ENERGY: Final = 1e-9
_VALUES_AT_ONCE: Final = 1 << 20
"""Values of the matrices that are solved at a time."""


class JumpNullModel:
    """Noise models with smooth motion, for complete series.

    The models are ordered by the flexibility of the motion, and then by the noise. The first noise model is the mean of
    all those in the file.

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
        noise = replace(noise, steps=tuple(replace(step, rms_mm=_JOIN_MM) for step in noise.steps if step.joined))
        self.log_weights = np.log(np.maximum(noise.weights, _LEAST_ENERGY))
        covariances = list(noise.covariances())
        self.mean = np.zeros((len(self.days), len(self.days)))
        for weight, covariance in zip(noise.weights, covariances, strict=True):
            self.mean += weight * covariance
        years = self.days / DAYS_PER_YEAR
        line, walk = np.stack([np.ones_like(years), years], axis=1), _integrated_walk(years)
        self.precisions = [
            restricted_precision(one + flexibility * walk, line)
            for flexibility in _FLEXIBILITY
            for one in (self.mean, *covariances)
        ]
        self.means = np.arange(len(_FLEXIBILITY)) * (1 + len(covariances))
        """Indices of the models with the mean noise."""
        self.projection = np.stack([projection_matrix(precision.matrix) for precision in self.precisions])
        gram = np.stack([gram_matrix(precision.matrix) for precision in self.precisions])
        self.basis = StepBasis.of(gram, self.precisions[0].freedom, least_mm)


class PatternNullModel:
    """The null model of series with the same number of missing values, each at epochs of its own.

    Parameters
    ----------
    whole : JumpNullModel
        Null model of complete series.
    missing : ndarray of bool, shape [p, T]
        Patterns of missing epochs, with the same number of them.
    """

    def __init__(self, whole: JumpNullModel, missing: BoolArray) -> None:
        self._whole = whole
        patterns = len(missing)
        self.there: IntArray = np.nonzero(~missing)[1].reshape(patterns, -1)
        """Epochs with a value of each pattern, [p, T]."""
        self._lost: IntArray = np.nonzero(missing)[1].reshape(patterns, -1)
        self.days: FloatArray = whole.days[self.there]
        before, after = self.there[:, :-1], self.there[:, 1:]
        variance = np.diag(whole.mean)
        change = variance[before] + variance[after] - 2 * whole.mean[before, after]
        self.change: FloatArray = np.sqrt(np.median(change, axis=1))
        """RMS change from epoch to epoch of noise of unit scatter, for each pattern [p]."""

    @property
    def complete(self) -> bool:
        """Whether no value is missing."""
        return not self._lost.shape[1]

    def projector(self, pattern: IntArray, kind: IntArray) -> StepProjector:
        """Return the projector of series [n], each with a pattern and a noise model.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the epochs do not determine a line.
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
            # The steps without the missing epochs, by a Schur complement: see ``gls.without``.
            lost, there = self._lost[one // kinds], np.append(self.there[one // kinds], len(whole.days))
            spread = np.linalg.inv(whole.precisions[one % kinds].matrix[np.ix_(lost, lost)])
            # Rows first, then columns, takes a third of the time of both at once.
            across = whole.projection[one % kinds].take(lost, axis=0).take(there, axis=1)
            np.matmul(across.T, spread.astype(np.float32) @ across, out=own)
            np.subtract(whole.basis.gram[one % kinds].take(there, axis=0).take(there, axis=1), own, out=own)
            inverse.append(spread)
        freedom = whole.basis.freedom - self._lost.shape[1]
        basis = StepBasis.of(gram, freedom, whole.least_mm)
        missing_values = MissingValues(self.there[pattern], self._lost[pattern], np.array(inverse))
        return StepProjector(basis, place.ravel(), whole.projection, kind, missing_values)

    def most_likely_kind(self, values: Float32Array, pattern: IntArray) -> IntArray:
        """Return the most likely noise model [n] of series [n, T] without jumps."""
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
        """Return the restricted log-likelihood [n] of series, marginalised over the scatter.

        Missing values are zero in ``full``, and their contribution is subtracted. ``change`` is the change of the
        series from epoch to epoch.
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
    """Return the covariance [T, T] of an integrated random walk whose rate gains a variance of 1 per year."""
    early, late = np.minimum(years[:, None], years), np.maximum(years[:, None], years)
    return np.asarray(early**2 * (3 * late - early) / 6)
