"""Test series of the benchmark, determined by the seed and the same for all contestants."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from evaluation.benchmark.sizes import BenchmarkSizes
from evaluation.limit import limit_config
from evaluation.semireal import TRAINED_FILES, semi_real_sets
from insar_runtime._engine.row_checks import check_rows
from insar_runtime.classes import NO_CLASS, SEED_CLASS_NAMES, RowStatus, TrendClass
from training.dataset import LIMITS, LabelledSeries, with_facts
from training.simulator import CALENDARS, SimulatedSeries, SimulatorConfig, simulate
from training.simulator.draws import Floats
from training.simulator.others import OTHERS, draw_others
from training.simulator.simulator import local_scatter

Group = Literal[
    "grid",
    "named",
    "trained files",
    "trained files, damped",
    "tested files",
    "tested files, damped",
    "limit",
    "deployment",
    "odd",
]

GRID_CALENDARS: Final = {
    60: ("regular_12", "sparse", "egms_2018_2022"),
    139: ("paper", "regular_12", "egms_2020_2024"),
    243: ("egms_2018_2022", "egms_2015_2021", "regular_6"),
    300: ("egms_2015_2021", "joined_2015_2022", "egms_l3"),
}
"""Calendars that are long enough; longer ones are cut to the number of epochs."""
PRIORS: Final = np.array([0.95, 0.02, 0.01, 0.01, 0.01])
"""Class shares of an area in which most points are stable."""
OTHER_PRIOR: Final = 0.005
"""Prior share of Other for classifiers of six classes; no series of that area is of class Other."""
REALISTIC: Final = "realistic"
DECORRELATED: Final = "decorrelated"
ODD_KINDS: Final = (*OTHERS, DECORRELATED)
"""Kinds of series of none of the five classes: those of Other, and decorrelated series."""

_BLOCK: Final = 50
"""Number of series with the same dates: fewer than in training, so that small cells have several calendars."""
_GAP_DAYS: Final = (100.0, 200.0)
_STRONG_ANNUAL_MM: Final = (6.0, 12.0)
_SHORT_JUMP_EPOCHS: Final = (3.0, 6.0)


@dataclass(frozen=True)
class Cell:
    """Test series of one kind.

    Attributes
    ----------
    name : str
        Unique name in tables.
    group : str
        Part of the benchmark.
    series : LabelledSeries
        Series within the limits of the models. Simulated ones have the fact ``jump_epochs``, the number of epochs of
        the longest unwrapping error.
    epochs, noise_mm, coloured : int, float, bool, optional
        Parameters of the cells of the grid.
    """

    name: str
    group: Group
    series: LabelledSeries
    epochs: int | None = None
    noise_mm: float | None = None
    coloured: bool | None = None


def make_cells(sizes: BenchmarkSizes, *, real: Path | None, seed: int) -> list[Cell]:
    """Return all cells.

    Parameters
    ----------
    sizes : BenchmarkSizes
        Numbers of series.
    real : Path, optional
        Folder of the real files; without it there are no semi-real cells.
    seed : int
        Seed of all random draws. A cell does not depend on the others.
    """
    cells = [
        *grid_cells(sizes, seed=seed),
        *named_cells(sizes.named, seed=seed),
        *limit_cells(sizes.limit, seed=seed),
        *odd_cells(sizes.odd, seed=seed),
        deployment_cell(sizes.deployment, seed=seed),
    ]
    return cells if real is None else [*cells, *semi_real_cells(real, sizes.semi_real, seed=seed)]


def seed_of(seed: int, purpose: str) -> int:
    """Return the seed for a purpose, independent of other purposes."""
    return int(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]).generate_state(1)[0])


def grid_cells(sizes: BenchmarkSizes, *, seed: int) -> list[Cell]:
    """Return the grid of lengths and noise: white or coloured noise of one RMS, with default motions."""
    cells = []
    for epochs, coloured, noise_mm in product(sizes.lengths, (False, True), sizes.noises_mm):
        name = f"{epochs} epochs, {'coloured' if coloured else 'white'} {noise_mm:g} mm"
        config = _of_length(_plain_noise(noise_mm, coloured=coloured), epochs)
        series = simulate(sizes.grid, seed=seed_of(seed, name), config=config, calendar=GRID_CALENDARS[epochs])
        cells.append(Cell(name, "grid", _labelled(series), epochs, noise_mm, coloured))
    return cells


def named_cells(count: int, *, seed: int) -> list[Cell]:
    """Return cells with default settings of the simulator except for one difficulty each."""
    default = replace(SimulatorConfig(), block=_BLOCK)
    annual, wrong = default.annual, default.unwrapping
    damped = replace(wrong, damped_probability=1.0, projected_probability=0.0)
    # Jumps that decay gradually are no multiples of half a wavelength.
    exact = replace(wrong, damped_probability=0.0, projected_probability=0.0, returning_probability=0.0)
    brief = replace(
        wrong,
        physics_probability=0.0,
        wander_probability=0.0,
        lasting_probability=0.0,
        duration_epochs=_SHORT_JUMP_EPOCHS,
    )
    egms = tuple(name for name in CALENDARS if name.startswith(("egms", "joined")))
    # Complete calendars and the shortest ones cannot have a gap.
    with_gaps = tuple(name for name in CALENDARS if name not in {"paper", "egms_l3", "short"})
    kinds: dict[str, tuple[SimulatorConfig, tuple[str, ...] | None]] = {
        REALISTIC: (default, None),
        "paper calendar": (default, ("paper",)),
        "EGMS calendars": (default, egms),
        "no annual cycle": (replace(default, annual=replace(annual, amplitude_mm=0.0, strong_probability=0.0)), None),
        "strong annual cycle": (
            replace(default, annual=replace(annual, strong_probability=1.0, strong_amplitude_mm=_STRONG_ANNUAL_MM)),
            None,
        ),
        "long gaps": (
            replace(default, calendar=replace(default.calendar, gap_probability=1.0, gap_days=_GAP_DAYS)),
            with_gaps,
        ),
        "short-lived PUE": (replace(default, unwrapping=brief), None),
        "exact PUE": (replace(default, unwrapping=exact), None),
        "damped PUE": (replace(default, unwrapping=damped), None),
    }
    return [
        Cell(name, "named", _labelled(simulate(count, seed=seed_of(seed, name), config=config, calendar=calendars)))
        for name, (config, calendars) in kinds.items()
    ]


def limit_cells(count: int, *, seed: int) -> list[Cell]:
    """Return the cells for which the Bayes classifier can be computed."""
    cells = []
    for epochs, white_mm in product((60, 139), (3.0, None)):
        name = f"limit, {epochs} epochs, " + ("mixed noise" if white_mm is None else f"white {white_mm:g} mm")
        # Few calendars, because the prior of jumps is computed for each of them.
        config = _of_length(replace(limit_config(white_mm=white_mm), block=2 * _BLOCK), epochs)
        series = simulate(count, seed=seed_of(seed, name), config=config, calendar=GRID_CALENDARS[epochs])
        cells.append(Cell(name, "limit", _labelled(series), epochs))
    return cells


def deployment_cell(count: int, *, seed: int) -> Cell:
    """Return a cell of which 95 % of the series are stable."""
    drawn = seed_of(seed, "deployment")
    label = np.repeat(np.arange(len(SEED_CLASS_NAMES)), np.rint(count * PRIORS).astype(int)).astype(np.int8)
    label = np.random.default_rng(drawn).permutation(label)
    config = replace(SimulatorConfig(), block=_BLOCK)
    return Cell("95 % stable", "deployment", _labelled(simulate(len(label), seed=drawn, config=config, labels=label)))


def odd_cells(count: int, *, seed: int) -> list[Cell]:
    """Return a cell for each kind of Other, and one of decorrelated series."""
    cells = []
    config = replace(SimulatorConfig(), block=_BLOCK)
    config = replace(config, delivery=replace(config.delivery, missing_probability=0.0))
    for kind in OTHERS:
        drawn = seed_of(seed, kind)
        still = simulate(count, seed=drawn, config=config, labels=np.full(count, TrendClass.STABLE, dtype=np.int8))
        rng = np.random.default_rng(drawn)
        displacement = still.displacement.copy()
        for rows, days in by_calendar(still.days):
            local = local_scatter(displacement[rows, : len(days)] - still.motion[rows, : len(days)])
            sigma = np.clip(local, config.motion.wander_share * still.noise_sigma[rows], still.noise_sigma[rows])
            other = draw_others(rng, days, sigma, local, config.other, kind)
            displacement[rows, : len(days)] += np.round(other, config.delivery.decimals)
        label = np.full(count, TrendClass.OTHER, dtype=np.int8)
        cells.append(Cell(kind, "odd", _labelled(replace(still, displacement=displacement, label=label))))
    drawn = seed_of(seed, DECORRELATED)
    series = simulate(count, seed=drawn, config=config, labels=np.full(count, NO_CLASS, dtype=np.int8))
    return [*cells, Cell(DECORRELATED, "odd", _labelled(series))]


def semi_real_cells(real: Path, count: int, *, seed: int) -> list[Cell]:
    """Return cells of known motions in the noise of each real file, with whole and with damped unwrapping errors."""
    cells = []
    for name, series in semi_real_sets(real, count, seed=seed_of(seed, "semi-real")).items():
        group = "trained files" if name in TRAINED_FILES else "tested files"
        for damped in (False, True):
            part = answerable(series.take(np.flatnonzero(series.facts["damped"] == damped)))
            suffix = ", damped" if damped else ""
            cells.append(Cell(f"real noise, {name}{suffix}", cast("Group", group + suffix), part))
    return cells


def priors_for(classes: int) -> NDArray[np.float64]:
    """Return the class shares of an area with mostly stable points, for a classifier of 5 or 6 classes."""
    if classes == len(SEED_CLASS_NAMES):
        return PRIORS
    return np.append((1 - OTHER_PRIOR) * PRIORS, OTHER_PRIOR)


def by_calendar(days: Floats) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    """Yield groups of rows with the same dates.

    Parameters
    ----------
    days : ndarray of float32, shape [N, T]
        Days since the first acquisition; padding repeats the last one.

    Yields
    ------
    rows : ndarray of int64, shape [n]
        Row numbers.
    days : ndarray of float32, shape [t]
        Their days, without padding.
    """
    keys = np.ascontiguousarray(days, dtype=np.float32)
    as_one = keys.view(np.dtype((np.void, keys.itemsize * keys.shape[1])))[:, 0]
    _, first, group = np.unique(as_one, return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    for head, rows in zip(first, np.split(order, np.cumsum(np.bincount(group))[:-1]), strict=True):
        yield rows, keys[head, : 1 + np.count_nonzero(np.diff(keys[head]) > 0)]


def answerable(series: LabelledSeries) -> LabelledSeries:
    """Return the series within the limits of the models, for example without rows that have a gap of most of a year."""
    good = np.zeros(len(series), dtype=bool)
    for rows, days in by_calendar(series.days):
        good[rows] = check_rows(series.displacement[rows, : len(days)], days, LIMITS).status == RowStatus.OK
    return series.take(np.flatnonzero(good))


def longest_run(error: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return the largest number [N] of successive epochs whose error [N, T] is not zero."""
    longest = np.zeros(len(error), dtype=np.int64)
    current = np.zeros(len(error), dtype=np.int64)
    for epoch in range(error.shape[1]):
        current = np.where(error[:, epoch] != 0, current + 1, 0)
        longest = np.maximum(longest, current)
    return longest


def _plain_noise(rms_mm: float, *, coloured: bool) -> SimulatorConfig:
    config = SimulatorConfig()
    noise = replace(config.noise.plain(), sigma_limits_mm=(rms_mm, rms_mm))
    if not coloured:
        noise = replace(noise, short_share=(0.0, 0.0), slow_share=(0.0, 0.0))
    return replace(config, noise=noise, block=_BLOCK)


def _of_length(config: SimulatorConfig, epochs: int) -> SimulatorConfig:
    return replace(config, calendar=replace(config.calendar, min_epochs=epochs, max_epochs=epochs))


def _labelled(series: SimulatedSeries) -> LabelledSeries:
    labelled = with_facts(series)
    facts = {**labelled.facts, "jump_epochs": longest_run(series.error)}
    return answerable(replace(labelled, facts=facts))
