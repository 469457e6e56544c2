"""Noise model of a file: covariance functions of its rows, their frequencies, and the scatter.

The noise of a series is the sum of white noise and of two correlated parts, one with a time constant of weeks and one
of months. Each row of a file has its own scatter and its own shares of the three parts. The shares that occur in a
file, and their frequencies, serve as the prior of the noise of a single row (empirical Bayes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from insar_runtime._diagnosis.arrays import DateArray, FloatArray
from insar_runtime.definitions import DAYS_PER_YEAR

ANNUAL_CHANGE: Final = 0.09
HALF_YEAR: Final = 0.03
"""Variance of the change of the annual amplitude from year to year, and of the semi-annual part, over that of the
annual cycle. Measured on EGMS rows for the simulator (``training.simulator.config.AnnualConfig``)."""


@dataclass(frozen=True, slots=True, eq=False)
class LagTerms:
    """Terms of a covariance that all kinds of noise share on a time axis.

    Attributes
    ----------
    lag : ndarray of float64, shape [T, T]
        Days between two epochs.
    cycle : ndarray of float64, shape [T, T]
        Covariance of an annual cycle of unit RMS.
    """

    lag: FloatArray
    cycle: FloatArray

    @classmethod
    def of(cls, days: FloatArray) -> LagTerms:
        """Return the terms of a time axis [T]."""
        lag = np.abs(days[:, None] - days[None, :])
        year = lag / DAYS_PER_YEAR
        change = 1 + ANNUAL_CHANGE * np.maximum(1 - year, 0)
        return cls(lag, change * np.cos(2 * np.pi * year) + HALF_YEAR * np.cos(4 * np.pi * year))


@dataclass(frozen=True, slots=True)
class NoiseKind:
    """Noise of unit variance, as the sum of three parts; the noise of a row is this times its own scatter.

    The annual cycle is part of the noise: its amplitude is random with a known variance, rather than free. On a span of
    one or two years, a free amplitude would fit any curve.

    Attributes
    ----------
    white, short, slow : float
        Shares of the variance, sum 1: white noise, and two Ornstein-Uhlenbeck processes.
    short_days, slow_days : float
        Time constants of the two processes.
    annual : float
        RMS of the annual cycle over the scatter; it adds to the unit variance.
    """

    white: float
    short: float
    slow: float
    short_days: float = 12.0
    slow_days: float = 150.0
    annual: float = 1.0

    def covariance(self, days: FloatArray, white_factor: FloatArray | None = None) -> FloatArray:
        """Return the covariance [T, T] of noise of unit scatter.

        Parameters
        ----------
        days : ndarray of float64, shape [T]
        white_factor : ndarray of float64, shape [T], optional
            Scatter of the white part at each epoch over its usual scatter.
        """
        return covariance_at(self, LagTerms.of(days), white_factor)


def covariance_at(kind: NoiseKind, terms: LagTerms, white_factor: FloatArray | None = None) -> FloatArray:
    """Return the covariance of noise of unit scatter, from terms that all kinds share; see ``NoiseKind.covariance``."""
    lag = terms.lag
    covariance = kind.short * np.exp(-lag / kind.short_days) + kind.slow * np.exp(-lag / kind.slow_days)
    covariance += kind.annual**2 * terms.cycle
    covariance[np.diag_indices_from(covariance)] += kind.white * (1 if white_factor is None else white_factor**2)
    return np.asarray(covariance)


_NOISY: Final = 1.5
"""Scatter of an epoch over the usual scatter from which the epoch is reported as noisy. Our choice."""
_LAGS: Final = (6, 12, 24, 48)
"""Lags in days at which the correlation is reported."""

_TYPICAL: Final = (
    (NoiseKind(0.90, 0.10, 0.00), 0.15),
    (NoiseKind(0.60, 0.40, 0.00), 0.15),
    (NoiseKind(0.70, 0.10, 0.20), 0.25),
    (NoiseKind(0.48, 0.32, 0.20), 0.15),
    (NoiseKind(0.45, 0.10, 0.45, slow_days=250.0), 0.15),
    (NoiseKind(0.33, 0.22, 0.45, slow_days=90.0), 0.15),
)
"""Kinds of noise and their frequencies, for files with too few rows for an estimate. Our choice, following the
simulator."""


@dataclass(frozen=True, slots=True)
class CommonStep:
    """A date at which many rows change level, each by its own amount, as at a join of releases or an earthquake.

    Attributes
    ----------
    epoch : int
        Index of the first epoch after it.
    rms_mm : float
        RMS of the change over all rows.
    share : float
        Share of the rows whose change of level is at least two and a half times their usual change.
    common_mm : float or None
        Median change of all rows, if the step stands out in it.
    joined : bool
        Whether the file states that releases are joined at this date; then no row has a jump there.
    """

    epoch: int
    rms_mm: float
    share: float = 1.0
    common_mm: float | None = None
    joined: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain values."""
        known = asdict(self)
        return known if self.joined else {name: value for name, value in known.items() if name != "joined"}


@dataclass(frozen=True, slots=True, eq=False)
class FileNoise:
    """Noise model of a file.

    Attributes
    ----------
    days : ndarray of float64, shape [T]
        Time axis, days since its first epoch.
    kinds : tuple of NoiseKind, length K
    weights : ndarray of float64, shape [K]
        Share of the rows that have each kind; sum 1.
    scatter_mm : tuple of three float
        Quantiles of 10 %, 50 % and 90 % over the rows, of the RMS of white, short and slow noise together.
    white_factor : ndarray of float64, shape [T]
        Scatter of the white part at each epoch over its usual scatter.
    steps : tuple of CommonStep
    rows : int
        Number of rows in the estimate; 0 if typical values were used because there were too few rows.
    recent_spread : float
        Spread of the recent changes of the rows over that which the model expects; 1 if it is not known.
    """

    days: FloatArray
    kinds: tuple[NoiseKind, ...]
    weights: FloatArray
    scatter_mm: tuple[float, float, float]
    white_factor: FloatArray
    steps: tuple[CommonStep, ...] = ()
    rows: int = 0
    recent_spread: float = 1.0

    @classmethod
    def typical(cls, days: FloatArray) -> FileNoise:
        """Return the typical noise of EGMS files on a time axis [T], for tables with too few rows for an estimate."""
        kinds, weights = zip(*_TYPICAL, strict=True)
        return cls(days, kinds, np.array(weights), (1.4, 2.4, 4.0), np.ones(len(days)))

    @property
    def white_mm(self) -> float:
        """RMS of the white part in a typical row; the squares of the three parts sum to that of the median scatter."""
        return self._part_mm("white")

    @property
    def short_mm(self) -> float:
        """RMS of the part with a time constant of weeks."""
        return self._part_mm("short")

    @property
    def slow_mm(self) -> float:
        """RMS of the part with a time constant of months."""
        return self._part_mm("slow")

    @property
    def short_days(self) -> float | None:
        """Time constant of the short part; None if the noise has none."""
        return self._time_constant("short")

    @property
    def slow_days(self) -> float | None:
        """Time constant of the slow part; None if the noise has none."""
        return self._time_constant("slow")

    @property
    def epoch_factor(self) -> FloatArray:
        """Scatter of all parts together at each epoch [T] over the usual scatter."""
        white = self.weights @ np.array([kind.white for kind in self.kinds])
        return np.asarray(np.sqrt(1 + white * (self.white_factor**2 - 1)))

    @property
    def noisy_epochs(self) -> list[int]:
        """Epochs whose scatter is at least 1.5 times the usual one, noisiest first."""
        factor = self.epoch_factor
        order = np.argsort(-factor, kind="stable")
        noisy: list[int] = order[factor[order] >= _NOISY].tolist()
        return noisy

    def correlation(self, lag_days: float) -> float:
        """Return the autocorrelation of the noise at a lag in days, without the annual cycle."""
        correlations = [
            kind.short * np.exp(-lag_days / kind.short_days) + kind.slow * np.exp(-lag_days / kind.slow_days)
            for kind in self.kinds
        ]
        return float(self.weights @ np.array(correlations))

    def to_dict(self, dates: DateArray) -> dict[str, Any]:
        """Return the model as plain values; ``dates`` [T] are those of the time axis."""
        return {
            "rows": self.rows,
            "scatter_mm": list(self.scatter_mm),
            "white_mm": self.white_mm,
            "short_mm": self.short_mm,
            "short_days": self.short_days,
            "slow_mm": self.slow_mm,
            "slow_days": self.slow_days,
            "recent_spread": self.recent_spread,
            "correlation": {str(lag): self.correlation(lag) for lag in _LAGS},
            "kinds": [
                {"weight": float(weight), **asdict(kind)} for weight, kind in zip(self.weights, self.kinds, strict=True)
            ],
            "noisy_epochs": [
                {"date": str(dates[epoch]), "factor": float(self.epoch_factor[epoch])} for epoch in self.noisy_epochs
            ],
            "steps": [{"date": str(dates[step.epoch]), **step.to_dict()} for step in self.steps],
        }

    def for_days(self, days: FloatArray) -> FileNoise:
        """Return the noise on another time axis [T], without what is unknown there: noisy epochs, steps, the spread."""
        return replace(self, days=days, white_factor=np.ones(len(days)), steps=(), recent_spread=1.0)

    def covariances(self) -> Sequence[FloatArray]:
        """Return the covariance [T, T] of each kind of noise, of unit scatter."""
        terms = LagTerms.of(self.days)
        return [self._covariance(kind, terms) for kind in self.kinds]

    def _part_mm(self, name: str) -> float:
        shares = np.array([getattr(kind, name) for kind in self.kinds])
        return self.scatter_mm[1] * float(np.sqrt(self.weights @ shares))

    def _time_constant(self, name: str) -> float | None:
        variance = self.weights * np.array([getattr(kind, name) for kind in self.kinds])
        if not variance.sum() > 0:
            return None
        logs = np.log([getattr(kind, f"{name}_days") for kind in self.kinds])
        return float(np.exp(variance @ logs / variance.sum()))

    def _covariance(self, kind: NoiseKind, terms: LagTerms) -> FloatArray:
        covariance = covariance_at(kind, terms, self.white_factor)
        index = np.arange(len(self.days))
        for step in self.steps:
            # A step at a known date, of random size.
            after = index >= step.epoch
            covariance += (step.rms_mm / self.scatter_mm[1]) ** 2 * (after[:, None] & after[None, :])
        return covariance
