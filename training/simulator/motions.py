"""Motions of the classes Stable, Linear, Quadratic and Bilinear, scaled by the noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.config import MotionConfig
from training.simulator.draws import Floats, log_uniform, sign, uniform
from training.simulator.lines import distance_from_line

_STARTS_STOPS_REVERSES: Final = (0.25, 0.5, 0.7)
"""Cumulative shares of bilinear series that start, stop or reverse; the others have any rate before the break (our
choice)."""


@dataclass(frozen=True)
class Motions:
    """Motions and their parameters.

    Attributes
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm, zero at the first epoch.
    departure : ndarray of float32, shape [N]
        RMS distance from the least-squares line, divided by the noise; 0 for straight lines.
    break_day : ndarray of float32, shape [N]
        Day of the break; NaN without a break.
    quieter : ndarray of float32, shape [N]
        Factor on the noise of the row, so that the motion is large enough in relation to it; 1 for nearly all rows.
    """

    displacement: Floats
    departure: Floats
    break_day: Floats
    quieter: Floats


def draw_motions(
    rng: np.random.Generator, days: Floats, label: NDArray[np.int8], noise_sigma: Floats, config: MotionConfig
) -> Motions:
    """Draw a motion of the given class for each row.

    For Stable and Linear rows this is the rate of the motion; ``rates.settle_rates`` ensures that the rate of the
    series with noise is in the range of its class.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    label : ndarray of int8, shape [N]
        Stable, Linear, Quadratic or Bilinear.
    noise_sigma : ndarray of float32, shape [N]
        RMS of the noise of each row in mm.
    config : MotionConfig
        Settings.
    """
    count, years = len(label), days / np.float32(DAYS_PER_YEAR)
    displacement = np.zeros((count, len(days)), dtype=np.float32)
    departure = np.zeros(count, dtype=np.float32)
    break_day = np.full(count, np.nan, dtype=np.float32)
    quieter = np.ones(count, dtype=np.float32)
    rows_of = {kind: np.flatnonzero(label == kind) for kind in TrendClass}

    rows = rows_of[TrendClass.STABLE]
    displacement[rows] = _stable_rate(rng, len(rows), config)[:, None] * years
    rows = rows_of[TrendClass.LINEAR]
    displacement[rows] = _linear_rate(rng, len(rows), config)[:, None] * years

    rows = rows_of[TrendClass.QUADRATIC]
    shape = np.broadcast_to(years**2, (len(rows), len(days)))
    change = 2 * float(years[-1])
    curves = _curved(rng, years, shape, change, noise_sigma[rows], config)
    displacement[rows], departure[rows], quieter[rows] = curves

    rows = rows_of[TrendClass.BILINEAR]
    share = uniform(rng, config.break_share, len(rows))
    hinge = np.maximum(years - (share * years[-1])[:, None], 0)
    curves = _curved(rng, years, hinge, 1.0, noise_sigma[rows], config, broken=True)
    displacement[rows], departure[rows], quieter[rows] = curves
    break_day[rows] = share * days[-1]
    return Motions(displacement, departure, break_day, quieter)


def _stable_rate(rng: np.random.Generator, count: int, config: MotionConfig) -> Floats:
    return uniform(rng, (-config.stable_rate_mm_yr, config.stable_rate_mm_yr), count)


def _linear_rate(rng: np.random.Generator, count: int, config: MotionConfig) -> Floats:
    low, high = config.linear_rate_mm_yr
    slow = rng.random(count) < config.slow_linear_probability
    highest = np.where(slow, config.slow_linear_ratio * low, high)
    return log_uniform(rng, low, highest, count) * sign(rng, count)


def _curved(
    rng: np.random.Generator,
    years: Floats,
    shape: Floats,
    change_of_rate: float,
    noise_sigma: Floats,
    config: MotionConfig,
    *,
    broken: bool = False,
) -> tuple[Floats, Floats, Floats]:
    """Return a curve, scaled to a random multiple of the noise, plus a line.

    ``change_of_rate`` is that of the unscaled ``shape`` over the span, per year. Returns displacement, departure, and
    the factor on the noise, which is below 1 for noisy rows of short spans.
    """
    count = len(shape)
    distance = distance_from_line(shape, years)
    least, most = config.departure
    largest = np.minimum(config.departure_limit_mm, config.rate_change_limit_mm_yr / change_of_rate * distance)
    quieter = np.minimum(largest / (1.5 * least * noise_sigma), np.float32(1))
    noise_sigma = noise_sigma * quieter
    slight = rng.random(count) < config.slight_departure_probability
    highest = np.where(slight, config.slight_departure_ratio * least, most)
    departure = log_uniform(rng, least, np.clip(largest / noise_sigma, 1.5 * least, highest), count)
    scale = departure * noise_sigma / distance * sign(rng, count)
    rate = uniform(rng, config.base_rate_mm_yr, count)
    if broken:
        # The curve is a hinge of unit slope, so its scale equals the change of rate.
        kind = np.searchsorted(_STARTS_STOPS_REVERSES, rng.random(count))
        rate = np.choose(kind, [np.zeros(count), -scale, -scale / 2, rate]).astype(np.float32)
    else:
        rate = np.where(rng.random(count) < 0.5, np.float32(0), rate)
    return scale[:, None] * shape + rate[:, None] * years, departure, quieter
