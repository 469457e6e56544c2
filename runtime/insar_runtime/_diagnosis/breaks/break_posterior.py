"""Posterior of the break date and of the rates, marginalised over noise models."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IndexArray
from insar_runtime._diagnosis.breaks.hinges import HingeFits

_FLOOR_MM: Final = 0.02
"""Least scatter of any series, including rounding to 0.1 mm."""
_ROUNDING: Final = 1e-6
"""Relative rounding error of a sum of squares in single precision."""


class BreakPosterior:
    """Posterior probability of each date, evidence of each noise model, and moments of the rates.

    The prior is flat for the size of the change and inversely proportional to the scatter (Jeffreys). Both are
    integrated out, so the likelihood of a residual sum of squares S with f degrees of freedom is S to the power of
    -f/2.

    Parameters
    ----------
    rows, dates : int
        Numbers of rows and of candidate dates.
    """

    def __init__(self, rows: int, dates: int) -> None:
        self._date = np.zeros((rows, dates), dtype=np.float32)
        self._top = np.full(rows, -np.inf)
        self._log_evidence: list[FloatArray] = []
        self._log_parabola: list[FloatArray] = []
        self._mean: list[FloatArray] = []
        self._variance: list[FloatArray] = []

    def add(self, fits: HingeFits, log_prior: FloatArray) -> None:
        """Add the evidence of one noise model.

        Parameters
        ----------
        fits : HingeFits
            Fits to n rows.
        log_prior : ndarray of float64, shape [n or 1, J]
            Log prior of each candidate in this noise model, including that of the model.
        """
        scales = fits.scales
        left = fits.gain * fits.gain
        np.subtract(fits.squares.astype(np.float32)[:, None], left, out=left)
        floor = scales.freedom * _FLOOR_MM**2 + _ROUNDING * fits.squares
        np.maximum(left, floor.astype(np.float32)[:, None], out=left)
        least = left.min(axis=1)
        half = scales.freedom / 2
        # Single precision suffices for logarithms of ratios near 1; the constant of the row is added in double
        # precision.
        score = left * (1 / least)[:, None]
        np.log(score, out=score)
        score *= -half.astype(np.float32)[:, None]
        score += log_prior.astype(np.float32) - np.float32(0.5) * scales.log_information
        base = -half * np.log(least.astype(np.float64)) - 0.5 * scales.log_determinant
        self._log_parabola.append(base + score[:, -1])

        score[:, -1] = -np.inf
        best = score.argmax(axis=1)
        top = score[np.arange(len(score)), best]
        score -= top[:, None]
        weight = np.exp(score, out=score)
        whole = weight.sum(axis=1).astype(np.float64)
        self._log_evidence.append(base + top + np.log(whole))
        self._add_dates(weight[:, :-1], base + top)
        self._add_rates(fits, weight, whole, left, best)

    def _add_dates(self, weight: Float32Array, top: FloatArray) -> None:
        highest = np.maximum(self._top, top)
        self._date *= np.exp(self._top - highest).astype(np.float32)[:, None]
        self._date += weight * np.exp(top - highest).astype(np.float32)[:, None]
        self._top = highest

    def _add_rates(
        self, fits: HingeFits, weight: Float32Array, whole: FloatArray, left: Float32Array, best: IndexArray
    ) -> None:
        scales = fits.scales
        # The variances of amplitude and line are proportional to the residual squares (Student's t distribution).
        left *= weight
        of_line = scales.slope_variance * left.sum(axis=1)
        index = np.arange(len(best))
        means, variances = [], []
        # The slope of the line is part of both rates, but not of their difference.
        for share, lines in ((scales.before, 1), (scales.after, 1), (scales.after - scales.before, 0)):
            rate = fits.gain * share
            # Relative to the rate at the best date, so that single precision suffices for the squares.
            middle = rate[index, best]
            rate -= middle[:, None]
            weighted = weight * rate
            mean = weighted.sum(axis=1) / whole
            across = np.vecdot(weighted, rate) / whole - mean**2
            within = np.vecdot(left, share * share) + lines * of_line
            within = within / (whole * np.maximum(scales.freedom - 2, 1))
            means.append(lines * fits.slope + middle + mean)
            variances.append(np.maximum(across, 0) + within)
        self._mean.append(np.stack(means))
        self._variance.append(np.stack(variances))

    def quantiles(self, edge: FloatArray, probabilities: tuple[float, ...]) -> list[FloatArray]:
        """Return the posterior quantiles [n] of the break date for given probabilities.

        Parameters
        ----------
        edge : ndarray of float64, shape [dates + 1]
            Days between which each candidate date represents all others.
        probabilities : tuple of float
        """
        sums = np.cumsum(self._date, axis=1)
        index = np.arange(len(sums))
        found = []
        for probability in probabilities:
            wanted = probability * sums[:, -1]
            at = np.minimum(np.count_nonzero(sums < wanted[:, None], axis=1), sums.shape[1] - 1)
            over = (sums[index, at] - wanted) / np.maximum(self._date[index, at], np.float32(1e-30))
            found.append(edge[at + 1] - np.clip(over, 0, 1) * (edge[at + 1] - edge[at]))
        return found

    def rates(self) -> tuple[FloatArray, FloatArray]:
        """Return means and standard deviations [3, n] of the rates before and after and of their change, mm/yr."""
        log_evidence = np.stack(self._log_evidence)
        weight = np.exp(log_evidence - log_evidence.max(axis=0))
        weight /= weight.sum(axis=0)
        mean, variance = np.stack(self._mean, axis=1), np.stack(self._variance, axis=1)
        middle = (weight * mean).sum(axis=1)
        spread = (weight * (variance + (mean - middle[:, None]) ** 2)).sum(axis=1)
        return middle, np.sqrt(spread)

    def explains(self) -> BoolArray:
        """Return where all hinges together are at least as likely as a parabola, [n]."""
        return np.asarray(np.logaddexp.reduce(self._log_evidence) >= np.logaddexp.reduce(self._log_parabola))
