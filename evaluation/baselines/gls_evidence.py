"""Class probabilities from sums of squares, by an information criterion with a few fitted thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, ndtr

from evaluation.baselines.contestant import Floats
from evaluation.baselines.gls_search import MAX_JUMPS, Found
from insar_runtime.classes import SEED_CLASS_NAMES, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR

_PARAMETERS: Final = (2, 3, 4)
"""Number of parameters of a line, a parabola and a hinge; a jump has two epochs, and a size if that is free."""
_LEAST: Final = 1e-12


@dataclass(frozen=True)
class Thresholds:
    """Thresholds that are fitted; the defaults are the initial values.

    Attributes
    ----------
    parabola, hinge, nuisance, first_jump, next_jump : float
        Penalty of a candidate in addition to the Bayesian information criterion.
    temperature : float
        Divisor of differences of the criterion, before they are converted to probabilities.
    stable_mm_yr, stable_mm : float
        A line is Stable below this rate, or below this displacement over the span: rates of short spans are uncertain.
    softness : float
        Width of the transition at that limit, as a multiple of the standard error of the rate.
    """

    parabola: float = 0.0
    hinge: float = 0.0
    nuisance: float = 0.0
    first_jump: float = 0.0
    next_jump: float = 0.0
    temperature: float = 2.0
    stable_mm_yr: float = 1.5
    stable_mm: float = 7.0
    softness: float = 1.0


_STRIDE: Final = Thresholds(4.0, 4.0, 4.0, 4.0, 4.0, 0.5, 0.3, 2.0, 0.5)
_FLOOR: Final = Thresholds(-np.inf, -np.inf, -np.inf, -np.inf, -np.inf, 0.2, 0.05, 0.0, 0.1)
"""Initial steps of the search for thresholds, and lower bounds."""


@dataclass(frozen=True)
class Evidence:
    """Results of least squares for N series; for the fields see ``Found``.

    Attributes
    ----------
    epochs, years : ndarray of float64, shape [N]
        Number of epochs, and length of the span in years.
    """

    epochs: Floats
    years: Floats
    plain: Floats
    nuisance: Floats
    jumps: Floats
    damped: Floats
    rate: Floats
    rate_error: Floats

    @classmethod
    def of(cls, found: Found, days: Floats) -> Evidence:
        """Return the results of a group of series with the same epochs."""
        count = len(found.plain)
        epochs, years = np.full(count, float(len(days))), np.full(count, days[-1] / DAYS_PER_YEAR)
        entries = (found.plain, found.nuisance, found.jumps, found.damped, found.rate, found.rate_error)
        return cls(epochs, years, *entries)

    @classmethod
    def joined(cls, parts: Sequence[Evidence], rows: NDArray[np.int64]) -> Evidence:
        """Return concatenated results, in the order of the row numbers [N]."""
        order = np.argsort(rows)
        return cls(*(np.concatenate([getattr(part, entry.name) for part in parts])[order] for entry in fields(cls)))

    def criterion(self, thresholds: Thresholds) -> tuple[Floats, Floats, Floats]:
        """Return the criterion of each candidate; the smallest is the best.

        Returns
        -------
        alone, stepped : ndarray of float64, shape [N, 3]
            Criterion of a line, a parabola and a hinge, without and with a small step.
        jumping : ndarray of float64, shape [N, 3, MAX_JUMPS]
            Criterion of the same with jumps.
        """
        one = np.log(self.epochs)[:, None]
        motion = one * _PARAMETERS + [0.0, thresholds.parabola, thresholds.hinge]
        jump = np.arange(1, MAX_JUMPS + 1)
        paid = one[:, :, None] * (2 * jump + self.damped) + thresholds.first_jump + (jump - 1) * thresholds.next_jump
        return (
            self._deviance(self.plain) + motion,
            self._deviance(self.nuisance) + motion + 3 * one + thresholds.nuisance,
            self._deviance(self.jumps) + motion[:, :, None] + paid,
        )

    def probabilities(self, thresholds: Thresholds) -> Floats:
        """Return class probabilities [N, 5] proportional to exp(-criterion / (2 temperature))."""
        score = self._log_evidence(thresholds)
        return np.asarray(np.exp(score - logsumexp(score, axis=1, keepdims=True)))

    def tuned(self, label: NDArray[np.int8], iterations: int = 1500) -> Thresholds:
        """Return the maximum-likelihood thresholds for labels [N]."""
        start, stride, floor = (np.array(astuple(entry)) for entry in (Thresholds(), _STRIDE, _FLOOR))
        rows = np.arange(len(label))

        def at(place: Floats) -> Thresholds:
            return Thresholds(*np.maximum(start + place * stride, floor).tolist())

        def loss(place: Floats) -> float:
            score = self._log_evidence(at(place))
            return float(np.mean(logsumexp(score, axis=1) - score[rows, label]))

        # The loss is not smooth, so the search does not use gradients.
        corners = np.vstack([np.zeros_like(start), np.eye(len(start))])
        options = {"maxiter": iterations, "xatol": 1e-2, "fatol": 1e-5, "adaptive": True, "initial_simplex": corners}
        return at(minimize(loss, corners[0], method="Nelder-Mead", options=options).x)

    def _deviance(self, left: Floats) -> Floats:
        # The scatter changes with time and is uncertain, so the likelihood is profiled over it.
        epochs = self.epochs.reshape(-1, *[1] * (left.ndim - 1))
        return np.asarray(epochs * np.log(np.maximum(left, _LEAST) / epochs))

    def _log_evidence(self, thresholds: Thresholds) -> Floats:
        alone, stepped, jumping = (part / (-2 * thresholds.temperature) for part in self.criterion(thresholds))
        motions = np.logaddexp(alone, stepped)
        lines = np.stack([alone[:, 0], stepped[:, 0]], axis=1)
        border = np.maximum(thresholds.stable_mm_yr, thresholds.stable_mm / self.years)[:, None]
        inside = ndtr((border - np.abs(self.rate)) / (thresholds.softness * self.rate_error[:, None]))
        score = np.empty((len(alone), len(SEED_CLASS_NAMES)))
        score[:, TrendClass.STABLE] = logsumexp(lines, b=np.maximum(inside, _LEAST), axis=1)
        score[:, TrendClass.LINEAR] = logsumexp(lines, b=np.maximum(1 - inside, _LEAST), axis=1)
        score[:, TrendClass.QUADRATIC] = motions[:, 1]
        score[:, TrendClass.BILINEAR] = motions[:, 2]
        score[:, TrendClass.PUE] = logsumexp(jumping, axis=(1, 2))
        return score
