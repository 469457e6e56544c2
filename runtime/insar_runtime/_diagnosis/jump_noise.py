"""What series are held against when jumps are looked for: steps under each kind of noise, on any set of epochs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.gls import restricted_precision, without
from insar_runtime._diagnosis.noise import DAYS_OF_YEAR, FileNoise, Floats
from insar_runtime._diagnosis.search import in_blocks, product
from insar_runtime._diagnosis.steps import Places, Single, Steps

_BENDS: Final = (40.0, 1.0)
"""Variance that the rate of motion gains in a year, over that of the scatter. A series bends as freely as a smoothing
spline that averages over two months, or a break of 60 mm/yr would look like jumps; or over five, as most of them do,
and then smaller jumps are seen [ours]."""
_LEAST_ENERGY: Final = 1e-9


class JumpNoise:
    """Noise and motion that jumps stand out from.

    A kind is named by its place: how freely the motion bends, and which noise it is, of which the first is the mean
    of all kinds in the file.

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
        self.log_weights = np.log(np.maximum(noise.weights, _LEAST_ENERGY))
        covariances = list(noise.covariances())
        self.mean = np.zeros((len(self.days), len(self.days)))
        for weight, covariance in zip(noise.weights, covariances, strict=True):
            self.mean += weight * covariance
        years = self.days / DAYS_OF_YEAR
        line, walk = np.stack([np.ones_like(years), years], axis=1), _integrated_walk(years)
        self.steps = [
            [Steps.of(restricted_precision(one + bend * walk, line), least_mm) for one in (self.mean, *covariances)]
            for bend in _BENDS
        ]


class EpochNoise:
    """The same for series that have values at some of the epochs only; steps are summed up when they are asked for.

    Parameters
    ----------
    whole : JumpNoise
        Of all epochs.
    missing : ndarray of bool, shape [T]

    Raises
    ------
    numpy.linalg.LinAlgError
        Here or later, if the epochs do not tell a line.
    """

    def __init__(self, whole: JumpNoise, missing: NDArray[np.bool_]) -> None:
        self._whole = whole
        self._missing = missing
        self._complete = not missing.any()
        self._steps: dict[tuple[int, int], Steps] = {}
        self.there: Places = np.flatnonzero(~missing)
        self.days: Floats = whole.days[self.there]
        covariance = whole.mean[np.ix_(self.there, self.there)]
        variance = np.diag(covariance)
        self.change = float(np.sqrt(np.median(variance[1:] + variance[:-1] - 2 * np.diag(covariance, 1))))
        """RMS change from epoch to epoch of noise of unit scatter."""

    def steps(self, bend: int, noise: int) -> Steps:
        """Give the steps under one kind, of the epochs that are there."""
        if self._complete:
            return self._whole.steps[bend][noise]
        if (bend, noise) not in self._steps:
            precision = without(self._whole.steps[bend][noise].precision, self._missing)
            matrix = precision.matrix[np.ix_(self.there, self.there)]
            self._steps[bend, noise] = Steps.of(replace(precision, matrix=matrix), self._whole.least_mm)
        return self._steps[bend, noise]

    def likeliest(self, values: Single) -> tuple[Places, Places]:
        """Give the kind, bend [n] and noise [n], that best explains series [n, T of the epochs] without jumps."""
        full = np.zeros((len(values), len(self._missing)), dtype=np.float32)
        full[:, self.there] = values
        means = [self._log_likelihood(noises[0], full) for noises in self._whole.steps]
        bend = np.stack(means, axis=1).argmax(axis=1)
        noise = np.zeros(len(values), dtype=np.int64)
        for each, noises in enumerate(self._whole.steps):
            some = np.flatnonzero(bend == each)
            if len(some):
                likely = [self._log_likelihood(steps, full[some]) for steps in noises[1:]]
                noise[some] = 1 + (np.stack(likely, axis=1) + self._whole.log_weights).argmax(axis=1)
        return bend, noise

    def _log_likelihood(self, steps: Steps, full: Single) -> Floats:
        """Give the restricted log-likelihood [n] of noise of any scatter; missing values are zero.

        Zeros are no values: what they add is taken off, which is the Schur complement of ``gls.without``.
        """
        seen = product(full, steps)
        weighted = seen[:, :-1] - seen[:, 1:]
        energy = (weighted * full).sum(axis=1).astype(np.float64)
        precision = steps.precision
        log_determinant, freedom = precision.log_determinant, precision.freedom
        if not self._complete:
            lost = np.flatnonzero(self._missing)
            factor = np.linalg.cholesky(precision.matrix[np.ix_(lost, lost)])
            across = in_blocks(weighted[:, lost].astype(np.float64), np.linalg.inv(factor).T)
            energy -= (across * across).sum(axis=1)
            log_determinant += 2 * float(np.log(np.diag(factor)).sum())
            freedom -= len(lost)
        return np.asarray(-0.5 * (log_determinant + freedom * np.log(np.maximum(energy, _LEAST_ENERGY))))


def _integrated_walk(years: Floats) -> Floats:
    """Give the covariance [T, T] of a random walk's integral, of a variance that grows by 1 a year."""
    early, late = np.minimum(years[:, None], years), np.maximum(years[:, None], years)
    return np.asarray(early**2 * (3 * late - early) / 6)
