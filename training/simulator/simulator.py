"""Labelled displacement time series of persistent scatterers, as many as wanted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import CLASS_NAMES, TrendClass
from insar_runtime.errors import UsageError
from training.simulator.calendars import CALENDARS, draw_calendar
from training.simulator.config import SimulatorConfig
from training.simulator.delivery import draw_missing, refer_and_round
from training.simulator.draws import Floats
from training.simulator.motions import draw_motions
from training.simulator.noise import draw_annual, draw_noise
from training.simulator.nuisances import draw_nuisances
from training.simulator.unwrapping import add_unwrapping_errors

_MOTIONS: Final = (TrendClass.STABLE, TrendClass.LINEAR, TrendClass.QUADRATIC, TrendClass.BILINEAR)


@dataclass(frozen=True)
class SimulatedSeries:
    """Series and the truth behind them.

    Attributes
    ----------
    displacement : ndarray of float32, shape [N, T]
        Displacement along the line of sight in mm; NaN = missing, or padding after the last epoch.
    days : ndarray of float32, shape [N, T]
        Days since the first acquisition; padding repeats the last day.
    label : ndarray of int8, shape [N]
        ``TrendClass``.
    background : ndarray of int8, shape [N]
        The motion under an unwrapping error; the label itself elsewhere.
    calendar : ndarray of str, shape [N]
        Name of the calendar.
    noise_sigma : ndarray of float32, shape [N]
        RMS of the scatter in mm, without yearly cycle and nuisances.
    departure : ndarray of float32, shape [N]
        RMS distance of the motion from its best line over ``noise_sigma``; 0 for straight lines.
    break_day : ndarray of float32, shape [N]
        Day of a bilinear motion's break; NaN where there is none.
    motion : ndarray of float32, shape [N, T]
        The motion alone, mm, zero at the first epoch; NaN in the padding.
    error : ndarray of int16, shape [N, T]
        The unwrapping error of each epoch in tenths of a millimetre.
    """

    displacement: Floats
    days: Floats
    label: NDArray[np.int8]
    background: NDArray[np.int8]
    calendar: NDArray[np.str_]
    noise_sigma: Floats
    departure: Floats
    break_day: Floats
    motion: Floats
    error: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: Any) -> SimulatedSeries:
        """Give some of the series, in the order of ``rows``."""
        return SimulatedSeries(*(getattr(self, entry.name)[rows] for entry in fields(self)))


def simulate(
    count: int,
    *,
    seed: int,
    config: SimulatorConfig | None = None,
    calendar: str | None = None,
    labels: NDArray[np.int8] | None = None,
) -> SimulatedSeries:
    """Simulate labelled series.

    Parameters
    ----------
    count : int
        Number of series N.
    seed : int
        The same arguments give the same bits.
    config : SimulatorConfig, optional
        All other numbers.
    calendar : str, optional
        One of ``CALENDARS``; all of them in turn if not given.
    labels : ndarray of int, shape [N], optional
        Class of each series; all classes equally often, shuffled, if not given.

    Returns
    -------
    SimulatedSeries
        Padded to the longest series.

    Raises
    ------
    UsageError
        If the calendar is unknown, ``count`` is negative, or ``labels`` does not fit.
    """
    config = config or SimulatorConfig()
    first, *block_seeds = np.random.SeedSequence(seed).spawn(1 + -(-max(count, 0) // config.block))
    rng = np.random.default_rng(first)
    if count < 0 or (labels is not None and labels.shape != (count,)):
        shape = None if labels is None else labels.shape
        raise UsageError(f"{count} series with labels of shape {shape}; give one label a series")
    if labels is None:
        label = rng.permutation(np.arange(count) % len(CLASS_NAMES)).astype(np.int8)
    else:
        label = np.asarray(labels, dtype=np.int8)
        if count and not 0 <= label.min() <= label.max() < len(CLASS_NAMES):
            raise UsageError(f"labels run from {label.min()} to {label.max()}; classes are 0 to 4")
    names = list(CALENDARS) if calendar is None else [calendar]
    # A permutation for each round of calendars: every prefix of the blocks has an even mix.
    order = [name for _ in range(-(-len(block_seeds) // len(names))) for name in rng.permutation(names)]
    blocks = [
        _block(np.random.default_rng(block_seed), label[i * config.block : (i + 1) * config.block], name, config)
        for i, (block_seed, name) in enumerate(zip(block_seeds, order, strict=False))
    ]
    return _join(blocks)


def _block(
    rng: np.random.Generator, label: NDArray[np.int8], calendar: str, config: SimulatorConfig
) -> SimulatedSeries:
    """Simulate series that share a calendar."""
    days = draw_calendar(rng, calendar, config.calendar)
    count = len(label)
    noise = draw_noise(rng, days, count, config.noise)
    # What a motion must stand out from is the scatter that the row really has, wander and all.
    noise_sigma = noise.std(axis=1)
    wrong = np.flatnonzero(label == TrendClass.PUE)
    background = label.copy()
    background[wrong] = rng.choice(_MOTIONS, size=len(wrong))

    motions = draw_motions(rng, days, background, noise_sigma, config.motion)
    displacement = motions.displacement + noise
    displacement += draw_annual(rng, days, count, config.annual)
    error = np.zeros(displacement.shape, dtype=np.int16)
    displacement[wrong], error[wrong] = add_unwrapping_errors(
        rng, days, displacement[wrong], noise_sigma[wrong], config.unwrapping
    )
    displacement += draw_nuisances(rng, days, count, config.nuisance)
    displacement = refer_and_round(rng, days, displacement, config.delivery)
    displacement[draw_missing(rng, days, label, motions, error, noise_sigma, config)] = np.nan
    return SimulatedSeries(
        displacement=displacement,
        days=np.broadcast_to(days, displacement.shape),
        label=label,
        background=background,
        calendar=np.full(count, calendar),
        noise_sigma=noise_sigma,
        departure=motions.departure,
        break_day=motions.break_day,
        motion=motions.displacement,
        error=error,
    )


def _join(blocks: list[SimulatedSeries]) -> SimulatedSeries:
    """Pad blocks to the longest and lay them end to end."""
    longest = max((block.days.shape[1] for block in blocks), default=0)
    padding: dict[str, dict[str, Any]] = {
        "displacement": {"mode": "constant", "constant_values": np.nan},
        "motion": {"mode": "constant", "constant_values": np.nan},
        "days": {"mode": "edge"},
        "error": {"mode": "constant", "constant_values": 0},
    }
    columns = []
    for entry in fields(SimulatedSeries):
        parts = [getattr(block, entry.name) for block in blocks]
        if entry.name in padding:
            parts = [np.pad(part, ((0, 0), (0, longest - part.shape[1])), **padding[entry.name]) for part in parts]
        columns.append(np.concatenate(parts) if parts else _EMPTY[entry.name])
    return SimulatedSeries(*columns)


_EMPTY: Final[dict[str, Any]] = {
    "displacement": np.empty((0, 0), dtype=np.float32),
    "days": np.empty((0, 0), dtype=np.float32),
    "label": np.empty(0, dtype=np.int8),
    "background": np.empty(0, dtype=np.int8),
    "calendar": np.empty(0, dtype=np.str_),
    "noise_sigma": np.empty(0, dtype=np.float32),
    "departure": np.empty(0, dtype=np.float32),
    "break_day": np.empty(0, dtype=np.float32),
    "motion": np.empty((0, 0), dtype=np.float32),
    "error": np.empty((0, 0), dtype=np.int16),
}
