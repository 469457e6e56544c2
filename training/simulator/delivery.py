"""Form of delivered series: reference to the first epoch, rounding, missing values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import NO_CLASS, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.config import DeliveryConfig, SimulatorConfig
from training.simulator.draws import Floats, chosen, uniform
from training.simulator.lines import distance_from_line
from training.simulator.motions import Motions
from training.simulator.unwrapping import visible

_LEAST_LEFT = (0.6, 0.95)
"""Smallest share of the span that a Linear row, and a row of class Other, must keep (our choice)."""


def refer_and_round(rng: np.random.Generator, days: Floats, displacement: Floats, config: DeliveryConfig) -> Floats:
    """Return series with the first value, or the fitted line at the first date, set to zero, rounded as in files."""
    time = days - days.mean()
    slope = (displacement - displacement.mean(axis=1, keepdims=True)) @ time / (time @ time)
    line_start = displacement.mean(axis=1) + slope * time[0]
    zero = displacement[:, 0] if rng.random() < config.first_zero_probability else line_start
    return np.asarray(np.round(displacement - zero[:, None], config.decimals), dtype=np.float32)


def draw_missing(
    rng: np.random.Generator,
    days: Floats,
    label: NDArray[np.int8],
    motions: Motions,
    error: NDArray[np.int16],
    noise_sigma: Floats,
    config: SimulatorConfig,
) -> NDArray[np.bool_]:
    """Draw a mask of missing values: single ones, or all before or after a date.

    A row that would lose what defines its class (its break, its jump, most of its motion) keeps all values, so that the
    label remains correct.

    Returns
    -------
    ndarray of bool, shape [N, T]
    """
    count, epochs = error.shape
    delivery = config.delivery
    rows = chosen(rng, delivery.missing_probability, count)
    kind = rng.integers(0, 4, len(rows))
    index = np.arange(epochs)[None, :]
    most = max(1 - config.calendar.min_epochs / epochs, 0)
    cut = np.minimum(uniform(rng, delivery.cut_share, len(rows)), most)[:, None] * epochs
    scattered = np.minimum(uniform(rng, delivery.scattered_share, len(rows)), most)[:, None]
    # By the ranks of random numbers, so that the share is exact and enough epochs remain.
    rank = rng.random((len(rows), epochs), dtype=np.float32).argsort(axis=1)
    gone = np.select(
        [(kind == 0)[:, None], (kind == 1)[:, None]],
        [index < np.floor(cut), index >= epochs - np.floor(cut)],
        default=rank < np.floor(scattered * epochs),
    )
    missing = np.zeros((count, epochs), dtype=bool)
    for row, lost in zip(rows, gone, strict=True):
        kept = ~lost
        if _keeps_class(
            label[row],
            days[kept],
            motions.displacement[row, kept],
            error[row, kept],
            noise_sigma[row],
            motions.break_day[row],
            days[-1],
            config,
        ):
            missing[row] = lost
    return missing


def _keeps_class(
    label: np.int8,
    days: Floats,
    motion: Floats,
    error: NDArray[np.int16],
    noise_sigma: np.float32,
    break_day: np.float32,
    whole_span: np.float32,
    config: SimulatorConfig,
) -> bool:
    """Return whether the remaining part of a row still shows its class."""
    if label in {TrendClass.STABLE, NO_CLASS}:
        return True
    if label in {TrendClass.LINEAR, TrendClass.OTHER}:
        # The rate of the remaining part of a line must still be significant; other motions must be nearly complete.
        least = _LEAST_LEFT[0 if label == TrendClass.LINEAR else 1]
        return bool(days[-1] - days[0] >= least * whole_span)
    if label == TrendClass.PUE:
        return bool(visible(np.float32(0.1) * error[None, :].astype(np.float32), config.unwrapping)[0])
    departure = distance_from_line(motion[None, :], days / np.float32(DAYS_PER_YEAR))[0]
    enough = bool(departure >= config.motion.departure[0] * noise_sigma)
    if label == TrendClass.QUADRATIC:
        return enough
    low, high = config.motion.break_share
    share = (break_day - days[0]) / (days[-1] - days[0])
    return enough and low <= float(share) <= high
