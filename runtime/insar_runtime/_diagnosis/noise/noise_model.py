"""Noise of displacement time series: what kinds there are, and what is known of it in one file.

A series scatters by white noise, by a part that is forgotten within weeks, and by one that wanders for months; each
row of a file has its own size and its own mixture of them. The mixtures that occur in a file, and how often, are
what a row's own are weighed by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from insar_runtime._diagnosis.arrays import DateArray, FloatArray
from insar_runtime._input.slopes import DAYS_PER_YEAR

ANNUAL_CHANGE: Final = 0.09
HALF_YEAR: Final = 0.03
"""Variance of the yearly amplitude's change from year to year, and of the half-yearly part, over that of the yearly
cycle [measured on EGMS rows for the simulator: ``training.simulator.config.AnnualConfig``]."""


@dataclass(frozen=True, slots=True)
class NoiseKind:
    """A mixture of noise of unit variance; a row has it times its own scatter.

    The yearly cycle counts as noise: a random amplitude of known size rather than a free one. On a span of a year or
    two, a free one would explain any curve.

    Attributes
    ----------
    white, short, slow : float
        Parts of the variance, sum 1: uncorrelated, and two Ornstein-Uhlenbeck processes.
    short_days, slow_days : float
        Time constants of the latter.
    annual : float
        RMS of the yearly cycle over the scatter, beyond the unit variance.
    """

    white: float
    short: float
    slow: float
    short_days: float = 12.0
    slow_days: float = 150.0
    annual: float = 1.0

    def covariance(self, days: FloatArray, white_factor: FloatArray | None = None) -> FloatArray:
        """Give the covariance [T, T] of noise of unit scatter.

        Parameters
        ----------
        days : ndarray of float64, shape [T]
        white_factor : ndarray of float64, shape [T], optional
            Scatter of the white part at each epoch over the usual one.
        """
        lag = np.abs(days[:, None] - days[None, :])
        year = lag / DAYS_PER_YEAR
        change = 1 + ANNUAL_CHANGE * np.maximum(1 - year, 0)
        cycle = change * np.cos(2 * np.pi * year) + HALF_YEAR * np.cos(4 * np.pi * year)
        covariance = self.short * np.exp(-lag / self.short_days) + self.slow * np.exp(-lag / self.slow_days)
        covariance += self.annual**2 * cycle
        covariance[np.diag_indices_from(covariance)] += self.white * (1 if white_factor is None else white_factor**2)
        return np.asarray(covariance)


_NOISY: Final = 1.5
"""Scatter of an epoch over the usual one from which it is called noisy [ours]."""
_LAGS: Final = (6, 12, 24, 48)
"""Days at which the correlation is told."""

_TYPICAL: Final = (
    (NoiseKind(0.90, 0.10, 0.00), 0.15),
    (NoiseKind(0.60, 0.40, 0.00), 0.15),
    (NoiseKind(0.70, 0.10, 0.20), 0.25),
    (NoiseKind(0.48, 0.32, 0.20), 0.15),
    (NoiseKind(0.45, 0.10, 0.45, slow_days=250.0), 0.15),
    (NoiseKind(0.33, 0.22, 0.45, slow_days=90.0), 0.15),
)
"""Kinds of noise, and how often they are taken to occur where too few rows tell [ours, after the simulator's]."""


@dataclass(frozen=True, slots=True)
class CommonStep:
    """A date at which many rows change level by amounts of their own: a join of releases, an earthquake.

    Attributes
    ----------
    epoch : int
        Index of the first epoch after it.
    rms_mm : float
        RMS over all rows of the change.
    share : float
        Rows that change level by two and a half times what they usually do, or more.
    common_mm : float or None
        What all rows change by, if that is what stands out.
    """

    epoch: int
    rms_mm: float
    share: float = 1.0
    common_mm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FileNoise:
    """What is known of the noise in a file.

    Attributes
    ----------
    days : ndarray of float64, shape [T]
        Time axis, days since its first epoch.
    kinds : tuple of NoiseKind, length K
    weights : ndarray of float64, shape [K]
        Part of the rows that have each kind; sum 1.
    scatter_mm : tuple of three float
        10 %, 50 % and 90 % quantile over the rows of the RMS of white, short and slow noise together.
    white_factor : ndarray of float64, shape [T]
        Scatter of the white part at each epoch over the usual one.
    steps : tuple of CommonStep
    rows : int
        Rows that it was estimated from; 0 where typical values stand for too few of them.
    """

    days: FloatArray
    kinds: tuple[NoiseKind, ...]
    weights: FloatArray
    scatter_mm: tuple[float, float, float]
    white_factor: FloatArray
    steps: tuple[CommonStep, ...] = ()
    rows: int = 0

    @classmethod
    def typical(cls, days: FloatArray) -> FileNoise:
        """Give the noise of an EGMS file on a time axis [T], for tables with too few rows to tell."""
        kinds, weights = zip(*_TYPICAL, strict=True)
        return cls(days, kinds, np.array(weights), (1.4, 2.4, 4.0), np.ones(len(days)))

    @property
    def white_mm(self) -> float:
        """RMS of the white part in a typical row; the parts' squares sum to that of the median scatter."""
        return self._part_mm("white")

    @property
    def short_mm(self) -> float:
        """RMS of the part that is forgotten within weeks."""
        return self._part_mm("short")

    @property
    def slow_mm(self) -> float:
        """RMS of the part that wanders for months."""
        return self._part_mm("slow")

    @property
    def short_days(self) -> float | None:
        """Time constant of the short part; None where there is none."""
        return self._time_constant("short")

    @property
    def slow_days(self) -> float | None:
        """Time constant of the slow part; None where there is none."""
        return self._time_constant("slow")

    @property
    def epoch_factor(self) -> FloatArray:
        """Scatter of all parts together at each epoch [T] over the usual one."""
        white = self.weights @ np.array([kind.white for kind in self.kinds])
        return np.asarray(np.sqrt(1 + white * (self.white_factor**2 - 1)))

    @property
    def noisy_epochs(self) -> list[int]:
        """Epochs that scatter half as much again as usual, or more; noisiest first."""
        factor = self.epoch_factor
        order = np.argsort(-factor, kind="stable")
        noisy: list[int] = order[factor[order] >= _NOISY].tolist()
        return noisy

    def correlation(self, lag_days: float) -> float:
        """Give the correlation of the noise with itself some days later, without the yearly cycle."""
        correlations = [
            kind.short * np.exp(-lag_days / kind.short_days) + kind.slow * np.exp(-lag_days / kind.slow_days)
            for kind in self.kinds
        ]
        return float(self.weights @ np.array(correlations))

    def to_dict(self, dates: DateArray) -> dict[str, Any]:
        """Give it as plain values; ``dates`` [T] are those of the time axis."""
        return {
            "rows": self.rows,
            "scatter_mm": list(self.scatter_mm),
            "white_mm": self.white_mm,
            "short_mm": self.short_mm,
            "short_days": self.short_days,
            "slow_mm": self.slow_mm,
            "slow_days": self.slow_days,
            "correlation": {str(lag): self.correlation(lag) for lag in _LAGS},
            "kinds": [
                {"weight": float(weight), **asdict(kind)} for weight, kind in zip(self.weights, self.kinds, strict=True)
            ],
            "noisy_epochs": [
                {"date": str(dates[epoch]), "factor": float(self.epoch_factor[epoch])} for epoch in self.noisy_epochs
            ],
            "steps": [{"date": str(dates[step.epoch]), **asdict(step)} for step in self.steps],
        }

    def on(self, days: FloatArray) -> FileNoise:
        """Give the noise on another time axis, of which no epoch is known to be worse than others."""
        return replace(self, days=days, white_factor=np.ones(len(days)), steps=())

    def covariances(self) -> Sequence[FloatArray]:
        """Give the covariance [T, T] of each kind, of unit scatter."""
        return [self._covariance(kind) for kind in self.kinds]

    def _part_mm(self, name: str) -> float:
        shares = np.array([getattr(kind, name) for kind in self.kinds])
        return self.scatter_mm[1] * float(np.sqrt(self.weights @ shares))

    def _time_constant(self, name: str) -> float | None:
        variance = self.weights * np.array([getattr(kind, name) for kind in self.kinds])
        if not variance.sum() > 0:
            return None
        logs = np.log([getattr(kind, f"{name}_days") for kind in self.kinds])
        return float(np.exp(variance @ logs / variance.sum()))

    def _covariance(self, kind: NoiseKind) -> FloatArray:
        covariance = kind.covariance(self.days, self.white_factor)
        index = np.arange(len(self.days))
        for step in self.steps:
            # A step of unknown size at a known date.
            after = index >= step.epoch
            covariance += (step.rms_mm / self.scatter_mm[1]) ** 2 * (after[:, None] & after[None, :])
        return covariance
