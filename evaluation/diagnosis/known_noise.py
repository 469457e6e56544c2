"""Simulated files with known components of the noise, and errors of the estimated noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnosis.metrics import Numbers
from evaluation.diagnosis.scenes import seed_of
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime.definitions import DAYS_PER_YEAR
from training.metrics import rounded
from training.simulator.draws import Floats
from training.simulator.noise import ornstein_uhlenbeck

Estimate = Callable[[NDArray[np.float32], NDArray[np.datetime64]], FileNoise]

_LOG_SPREAD: Final = 0.25
_FIRST_DATE: Final = np.datetime64("2018-01-03")


@dataclass(frozen=True)
class Known:
    """Known noise of a simulated file.

    Attributes
    ----------
    white, short, slow : float
        Shares of the variance.
    scatter_mm : float
        Median of the log-normally distributed RMS of the rows.
    annual_mm : float
        RMS of the annual cycle over rows and dates.
    epochs, every_days : int, float
        Number of epochs and interval; in the second half the interval is doubled if ``twice_from_half``.
    short_days, slow_days : float
        Time constants.
    bad_epochs : tuple of int
        Epochs with three times the white noise.
    white_after : float
        Factor on the white noise in the second half.
    step_epoch, step_mm : int, float
        Epoch at which all rows change level, and RMS of these changes; no change if 0.
    velocity_mm_yr : float
        RMS of the rates of the rows, mm/yr.
    """

    white: float
    short: float
    slow: float
    scatter_mm: float = 2.5
    annual_mm: float = 1.0
    epochs: int = 240
    every_days: float = 6.0
    short_days: float = 12.0
    slow_days: float = 150.0
    bad_epochs: tuple[int, ...] = ()
    white_after: float = 1.0
    twice_from_half: bool = False
    step_epoch: int = 0
    step_mm: float = 0.0
    velocity_mm_yr: float = 3.0

    @property
    def days(self) -> NDArray[np.float64]:
        """Time axis, shape [T]."""
        steps = np.full(self.epochs - 1, self.every_days)
        if self.twice_from_half:
            steps[self.epochs // 2 :] *= 2
        return np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def white_factor(self) -> NDArray[np.float64]:
        """Factor on the scatter of the white part at each epoch, shape [T]."""
        factor = np.where(np.arange(self.epochs) >= self.epochs // 2, self.white_after, 1.0)
        factor[list(self.bad_epochs)] *= 3
        return factor


KNOWN: Final[Mapping[str, Known]] = {
    "white": Known(1.0, 0.0, 0.0),
    "white and short": Known(0.5, 0.5, 0.0),
    "white and slow": Known(0.6, 0.0, 0.4),
    "all parts": Known(0.4, 0.3, 0.3),
    "strong wander": Known(0.25, 0.0, 0.75, slow_days=250.0),
    "4.5 mm": Known(0.6, 0.3, 0.1, scatter_mm=4.5),
    "strong annual": Known(0.6, 0.3, 0.1, annual_mm=5.0),
    "60 epochs": Known(0.6, 0.2, 0.2, epochs=60, every_days=12.0),
    "bad epochs": Known(0.7, 0.2, 0.1, bad_epochs=(30, 31, 90, 150, 200)),
    "quieter half": Known(0.8, 0.2, 0.0, white_after=0.6, twice_from_half=True),
    "common step": Known(0.6, 0.2, 0.2, step_epoch=120, step_mm=5.0),
}
"""Files with one property each (our choice)."""


def known_file(name: str, count: int, *, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64], Floats]:
    """Return a simulated file with known noise; see ``draw_known``."""
    return draw_known(KNOWN[name], count, seed=seed_of(seed, f"noise {name}"))


def draw_known(known: Known, count: int, *, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64], Floats]:
    """Return a simulated file with known noise.

    Returns
    -------
    displacement : ndarray of float32, shape [N, T]
        mm, rounded to one decimal.
    days : ndarray of float64, shape [T]
    scatter : ndarray of float32, shape [N]
        RMS of the sum of white, short and slow noise, mm.
    """
    rng = np.random.default_rng(seed)
    days = known.days
    sigma = (known.scatter_mm * np.exp(_LOG_SPREAD * rng.standard_normal(count)))[:, None]
    years, axis = days / DAYS_PER_YEAR, days.astype(np.float32)
    white = rng.standard_normal((count, known.epochs)) * known.white_factor
    short, slow = (
        ornstein_uhlenbeck(rng, axis, np.full(count, constant, dtype=np.float32))
        for constant in (known.short_days, known.slow_days)
    )
    values = sigma * (np.sqrt(known.white) * white + np.sqrt(known.short) * short + np.sqrt(known.slow) * slow)
    cosine, sine = known.annual_mm * rng.standard_normal((2, count, 1))
    values += cosine * np.cos(2 * np.pi * years) + sine * np.sin(2 * np.pi * years)
    values += known.velocity_mm_yr * rng.standard_normal((count, 1)) * years
    if known.step_mm:
        values += known.step_mm * rng.standard_normal((count, 1)) * (np.arange(known.epochs) >= known.step_epoch)
    return values.round(1).astype(np.float32), days, sigma[:, 0].astype(np.float32)


def recovery(name: str, estimate: Estimate, count: int, *, seed: int) -> Numbers:
    """Return true and estimated noise of a file with known noise."""
    known = KNOWN[name]
    displacement, days, scatter = known_file(name, count, seed=seed)
    found = estimate(displacement, _FIRST_DATE + days.astype("timedelta64[D]"))
    kinds = found.kinds
    shares = {
        part: float(sum(w * getattr(k, part) for w, k in zip(found.weights, kinds, strict=True))) for part in _PARTS
    }
    annual = float(np.sqrt(sum(w * k.annual**2 for w, k in zip(found.weights, kinds, strict=True))))
    bad = np.array(known.bad_epochs, dtype=np.int64)
    half = known.epochs // 2
    numbers: Numbers = {
        "scatter_mm": [rounded(float(np.median(scatter))), rounded(found.scatter_mm[1])],
        "scatter_spread": [
            rounded(float(np.quantile(scatter, 0.9) / np.quantile(scatter, 0.1))),
            rounded(found.scatter_mm[2] / found.scatter_mm[0]),
        ],
        **{part: [getattr(known, part), rounded(shares[part])] for part in _PARTS},
        "annual_mm": [known.annual_mm, rounded(annual * found.scatter_mm[1])],
        "steps": [
            [known.step_epoch, known.step_mm] if known.step_mm else None,
            [[step.epoch, rounded(step.rms_mm)] for step in found.steps],
        ],
        "white_factor_error": rounded(float(np.sqrt(np.mean((found.white_factor / known.white_factor - 1) ** 2)))),
        "level": [1.0, rounded(_level(known, found))],
    }
    if len(bad):
        numbers["bad_epochs"] = [3.0, rounded(float(np.median(found.white_factor[bad])))]
    if known.white_after != 1:
        factor = np.median(found.white_factor[half:]) / np.median(found.white_factor[:half])
        numbers["white_after"] = [known.white_after, rounded(float(factor))]
    return numbers


_PARTS: Final = ("white", "short", "slow")


def _level(known: Known, found: FileNoise) -> float:
    """Return the variance of a rate by the estimated noise over that by the true one."""
    days = known.days
    centred = days - days.mean()
    weights = centred / (centred @ centred)
    lag = np.abs(days[:, None] - days[None, :])
    true = known.short * np.exp(-lag / known.short_days) + known.slow * np.exp(-lag / known.slow_days)
    true += np.diag(known.white * known.white_factor**2)
    true_variance = known.scatter_mm**2 * float(weights @ true @ weights)
    estimated = 0.0
    for kind, weight in zip(found.kinds, found.weights, strict=True):
        covariance = kind.covariance(days, found.white_factor)
        cycle = np.cos(2 * np.pi * lag / DAYS_PER_YEAR)
        # The annual cycle is fitted together with the rate, so it is left out on both sides.
        year = lag / DAYS_PER_YEAR
        annual = kind.annual**2 * ((1 + 0.09 * np.maximum(1 - year, 0)) * cycle + 0.03 * np.cos(4 * np.pi * year))
        estimated += float(weight) * float(weights @ (covariance - annual) @ weights)
    return found.scatter_mm[1] ** 2 * estimated / true_variance
