"""Simulation of labelled displacement time series of persistent scatterers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import CLASS_NAMES, NO_CLASS, SEED_CLASS_NAMES, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR, MAD_TO_STD
from insar_runtime.errors import UsageError
from training.simulator.bank import NoiseBank
from training.simulator.calendars import CALENDARS, draw_calendar
from training.simulator.config import SimulatorConfig
from training.simulator.delivery import draw_missing, refer_and_round
from training.simulator.draws import Floats
from training.simulator.motions import draw_motions
from training.simulator.noise import draw_annual, draw_noise
from training.simulator.nuisances import draw_nuisances
from training.simulator.others import draw_decorrelated, draw_others
from training.simulator.rates import settle_rates
from training.simulator.unwrapping import add_unwrapping_errors

_BANK_ANNUAL: Final = 0.3
_BANK_NUISANCES: Final = 0.4
"""Probability that outliers and annual cycles are added to real noise, which already contains some (our choice)."""
_MOTIONS: Final = (TrendClass.STABLE, TrendClass.LINEAR, TrendClass.QUADRATIC, TrendClass.BILINEAR)
SHARES_OF_MOTIONS: Final = (0.4, 0.3, 0.15, 0.15)
"""Shares of the motions below an unwrapping error: in plots of real series, mostly of slow points."""


@dataclass(frozen=True)
class SimulatedSeries:
    """Simulated series and their true parameters.

    Attributes
    ----------
    displacement : ndarray of float32, shape [N, T]
        Displacement along the line of sight in mm; NaN = missing, or padding after the last epoch.
    days : ndarray of float32, shape [N, T]
        Days since the first acquisition; padding repeats the last day.
    label : ndarray of int8, shape [N]
        ``TrendClass``; -1 for a decorrelated series, which shows no class.
    background : ndarray of int8, shape [N]
        Class of the motion below an unwrapping error or a motion of class Other; otherwise equal to the label.
    calendar : ndarray of str, shape [N]
        Name of the calendar, or of the real file with the noise.
    noise_sigma : ndarray of float32, shape [N]
        RMS of the noise in mm, without annual cycle and nuisances.
    noise_parts : ndarray of float32, shape [N, 5]
        RMS of the white, the short and the slow part in mm, then the time constants of the short and the slow part in
        days (``Noise``); NaN for real noise.
    departure : ndarray of float32, shape [N]
        RMS distance of the motion from its least-squares line, divided by the noise (``MotionConfig.wander_share``); 0
        for straight lines.
    break_day : ndarray of float32, shape [N]
        Day of the break of a bilinear motion; NaN without a break.
    motion : ndarray of float32, shape [N, T]
        Motion without noise, mm, zero at the first epoch; NaN in the padding.
    error : ndarray of int16, shape [N, T]
        Unwrapping error of each epoch in tenths of a millimetre.
    """

    displacement: Floats
    days: Floats
    label: NDArray[np.int8]
    background: NDArray[np.int8]
    calendar: NDArray[np.str_]
    noise_sigma: Floats
    noise_parts: Floats
    departure: Floats
    break_day: Floats
    motion: Floats
    error: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: Any) -> SimulatedSeries:
        """Return some of the series, in the order of ``rows``."""
        return SimulatedSeries(*(getattr(self, entry.name)[rows] for entry in fields(self)))


def simulate(
    count: int,
    *,
    seed: int,
    config: SimulatorConfig | None = None,
    calendar: str | Sequence[str] | None = None,
    labels: NDArray[np.int8] | None = None,
    bank: NoiseBank | None = None,
    bank_share: float = 1.0,
) -> SimulatedSeries:
    """Simulate labelled series.

    Parameters
    ----------
    count : int
        Number of series N.
    seed : int
        Equal arguments give bit-identical series.
    config : SimulatorConfig, optional
        Settings.
    calendar : str or sequence of str, optional
        Names from ``CALENDARS``, used in turn; by default all.
    labels : ndarray of int, shape [N], optional
        Class of each series, -1 for decorrelated; by default the five classes of the seed paper, equally often and
        shuffled.
    bank : NoiseBank, optional
        Real noise to which the motions are added, at the dates of its files.
    bank_share : float
        Share of the blocks with real noise; the others have simulated noise.

    Returns
    -------
    SimulatedSeries
        Series, padded to the longest.

    Raises
    ------
    UsageError
        If the calendar is unknown, ``count`` is negative, or the shape or a value of ``labels`` is invalid.
    """
    config = config or SimulatorConfig()
    first, *block_seeds = np.random.SeedSequence(seed).spawn(1 + -(-max(count, 0) // config.block))
    rng = np.random.default_rng(first)
    if count < 0 or (labels is not None and labels.shape != (count,)):
        shape = None if labels is None else labels.shape
        raise UsageError(f"{count} series with labels of shape {shape}; give one label a series")
    if labels is None:
        label = rng.permutation(np.arange(count) % len(SEED_CLASS_NAMES)).astype(np.int8)
    else:
        label = np.asarray(labels, dtype=np.int8)
        if count and not NO_CLASS <= label.min() <= label.max() < len(CLASS_NAMES):
            raise UsageError(f"labels run from {label.min()} to {label.max()}; classes are 0 to 5, -1 is none")
    names = [calendar] if isinstance(calendar, str) else list(calendar or CALENDARS)
    # One permutation per round of calendars, so that every prefix of the blocks has a balanced mix.
    order = [name for _ in range(-(-len(block_seeds) // len(names))) for name in rng.permutation(names)]
    blocks = []
    for i, (block_seed, name) in enumerate(zip(block_seeds, order, strict=False)):
        rng = np.random.default_rng(block_seed)
        part = label[i * config.block : (i + 1) * config.block]
        if bank is not None and rng.random() < bank_share:
            scene = _real_scene(rng, len(part), bank, config)
        else:
            scene = _simulated_scene(rng, len(part), name, config)
        blocks.append(_block(rng, part, scene, config))
    return _join(blocks)


@dataclass(frozen=True)
class _Scene:
    """Noise of the points of one file, before motions are added."""

    name: str
    days: Floats
    still: Floats
    """Noise, annual cycle and nuisances [N, T], mm."""
    noise_sigma: Floats
    """RMS of the noise alone [N], mm."""
    noise_parts: Floats
    """As in ``SimulatedSeries`` [N, 5]."""


def _simulated_scene(rng: np.random.Generator, count: int, calendar: str, config: SimulatorConfig) -> _Scene:
    days = draw_calendar(rng, calendar, config.calendar)
    noise = draw_noise(rng, days, count, config.noise)
    # Motions are scaled by the actual RMS of the row, with slow noise.
    noise_sigma = noise.values.std(axis=1)
    still = noise.values + draw_annual(rng, days, count, config.annual)
    still += draw_nuisances(rng, days, noise_sigma, config.nuisance)
    parts = (noise.white_mm, noise.short_mm, noise.slow_mm, noise.short_days, noise.slow_days)
    return _Scene(calendar, days, still, noise_sigma, np.stack(parts, axis=1))


def _real_scene(rng: np.random.Generator, count: int, bank: NoiseBank, config: SimulatorConfig) -> _Scene:
    bounds = config.calendar.min_epochs, config.calendar.max_epochs
    name, days, noise = bank.draw(rng, count, *bounds)
    noise_sigma = noise.std(axis=1)
    if bank.vary and rng.random() < _BANK_ANNUAL:
        noise += draw_annual(rng, days, count, config.annual)
    if bank.vary and rng.random() < _BANK_NUISANCES:
        noise += draw_nuisances(rng, days, noise_sigma, config.nuisance)
    return _Scene(name, days, noise, noise_sigma, np.full((count, 5), np.nan, dtype=np.float32))


def _block(
    rng: np.random.Generator, label: NDArray[np.int8], scene: _Scene, config: SimulatorConfig
) -> SimulatedSeries:
    """Simulate series with the same dates."""
    days, noise_sigma = scene.days, scene.noise_sigma
    wrong = np.flatnonzero(label == TrendClass.PUE)
    other = np.flatnonzero(label == TrendClass.OTHER)
    odd = np.flatnonzero(label == NO_CLASS)
    background = label.copy()
    background[odd] = TrendClass.STABLE
    background[wrong] = rng.choice(_MOTIONS, size=len(wrong), p=SHARES_OF_MOTIONS)
    moving = rng.random(len(other)) < config.other.moving_probability
    background[other] = np.where(moving, TrendClass.LINEAR, TrendClass.STABLE)

    local = local_scatter(scene.still)
    to_stand_out = noise_sigma * np.clip(local / noise_sigma, config.motion.wander_share, 1)
    motions = draw_motions(rng, days, background, to_stand_out, config.motion)
    motions.displacement[other] += draw_others(rng, days, to_stand_out[other], local[other], config.other)
    motions.displacement[odd] += draw_decorrelated(rng, len(days), len(odd))
    if config.motion.settle_rates:
        straight = np.flatnonzero((label == TrendClass.STABLE) | (label == TrendClass.LINEAR))
        shown = motions.displacement[straight] + scene.still[straight]
        rate = settle_rates(rng, shown, days, label[straight], config.motion)
        motions.displacement[straight] += rate[:, None] * (days / np.float32(DAYS_PER_YEAR))
    noise_sigma = noise_sigma * motions.quieter
    noise_parts = scene.noise_parts.copy()
    noise_parts[:, :3] *= motions.quieter[:, None]
    displacement = motions.displacement + scene.still * motions.quieter[:, None]
    error = np.zeros(displacement.shape, dtype=np.int16)
    displacement[wrong], error[wrong] = add_unwrapping_errors(
        rng, days, displacement[wrong], (local * motions.quieter)[wrong], config.unwrapping
    )
    displacement = refer_and_round(rng, days, displacement, config.delivery)
    to_stand_out = to_stand_out * motions.quieter
    displacement[draw_missing(rng, days, label, motions, error, to_stand_out, config)] = np.nan
    return SimulatedSeries(
        displacement=displacement,
        days=np.broadcast_to(days, displacement.shape),
        label=label,
        background=background,
        calendar=np.full(len(label), scene.name),
        noise_sigma=noise_sigma,
        noise_parts=noise_parts,
        departure=motions.departure,
        break_day=motions.break_day,
        motion=motions.displacement,
        error=error,
    )


def local_scatter(still: Floats) -> Floats:
    """Return the robust scatter of rows [N, T] from epoch to epoch, [N]: without slow noise and outliers.

    1.4826 times the median absolute difference of successive epochs, divided by sqrt(2).
    """
    steps = np.abs(np.diff(still, axis=1))
    return np.asarray(MAD_TO_STD / np.sqrt(2) * np.median(steps, axis=1), dtype=np.float32)


def _join(blocks: list[SimulatedSeries]) -> SimulatedSeries:
    """Return the concatenation of blocks, padded to the longest."""
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
    "noise_parts": np.empty((0, 5), dtype=np.float32),
    "departure": np.empty(0, dtype=np.float32),
    "break_day": np.empty(0, dtype=np.float32),
    "motion": np.empty((0, 0), dtype=np.float32),
    "error": np.empty((0, 0), dtype=np.int16),
}
