"""Semi-real series: known motions in real noise, from files that are not in the repository."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from insar_runtime.classes import SEED_CLASS_NAMES, TrendClass
from training.dataset import LabelledSeries, with_facts
from training.real_files import REAL_FILES, one_by_one, real_bank
from training.simulator import SimulatorConfig, simulate
from training.simulator.bank import NoiseBank

LEAST_DEPARTURE: Final = 1.5
CLEARLY_STABLE_MM_YR: Final = 1.2
"""Smallest ratio of a motion to the scatter, and largest ratio of a Stable line. Motions between them are left out,
because their class would be ambiguous (our choice)."""

TRAINED_FILES: Final = tuple(file.name for file in REAL_FILES if file.trained)
TEST_FILES: Final = tuple(file.name for file in REAL_FILES if not file.trained)


def recipe(*, damped: bool) -> SimulatorConfig:
    """Return the simulator's numbers for semi-real series.

    Parameters
    ----------
    damped : bool
        Whether unwrapping errors are damped (``UnwrappingConfig.damped_mm``); otherwise they are exact multiples of
        half a wavelength.
    """
    default = SimulatorConfig()
    wrong = default.unwrapping
    return replace(
        default,
        motion=replace(
            default.motion,
            departure=(LEAST_DEPARTURE, default.motion.departure[1]),
            # The ratio is to the whole RMS of the noise, with slow noise.
            wander_share=1.0,
            stable_rate_mm_yr=CLEARLY_STABLE_MM_YR,
        ),
        unwrapping=replace(
            wrong,
            damped_probability=float(damped),
            projected_probability=0.0,
            # Jumps that decay gradually are no multiples of half a wavelength.
            returning_probability=wrong.returning_probability if damped else 0.0,
        ),
        delivery=replace(default.delivery, missing_probability=0.0),
    )


def semi_real(bank: NoiseBank, count: int, *, seed: int, damped: bool = False) -> LabelledSeries:
    """Return series with known motions in real noise, equally many of each of the five classes of the seed paper.

    A curve departs from its least-squares line by at least 1.5 times the scatter (RMS) of the row, and so does a line
    from its mean.

    Parameters
    ----------
    bank : NoiseBank
        Noise without variations (``vary`` false).
    count : int
        Number of series.
    seed : int
        Seed of all random draws.
    damped : bool
        See ``recipe``.
    """
    # More series than needed, because slow lines are left out.
    series = simulate(2 * count, seed=seed, config=recipe(damped=damped), bank=replace(bank, vary=False))
    flat = np.nanstd(series.motion, axis=1) < LEAST_DEPARTURE * series.noise_sigma
    usable = ~((series.label == TrendClass.LINEAR) & flat)
    each = count // len(SEED_CLASS_NAMES)
    rows = [np.flatnonzero(usable & (series.label == kind))[:each] for kind in range(len(SEED_CLASS_NAMES))]
    return with_facts(series.take(np.sort(np.concatenate(rows))))


def semi_real_sets(folder: Path, count: int, *, seed: int, trained: bool | None = None) -> dict[str, LabelledSeries]:
    """Return a set for each file, with exact and with damped unwrapping errors.

    Parameters
    ----------
    folder : Path
        Folder of the real files.
    count : int
        Number of series of each file, half of them with exact and half with damped errors.
    seed : int
        Seed of all random draws.
    trained : bool, optional
        Whether to use only the training files, or only the test files; by default all.

    Returns
    -------
    dict of str to LabelledSeries
        Sets by name of the file; the fact ``damped`` distinguishes the halves.
    """
    sets = {}
    for part in (True, False) if trained is None else (trained,):
        for name, bank in one_by_one(real_bank(folder, trained=part)):
            # Each file and half has its own seed, so that the motions are independent.
            halves = [
                semi_real(bank, count // 2, seed=zlib.crc32(f"{seed} {name} {damped}".encode()), damped=damped)
                for damped in (False, True)
            ]
            sets[name] = joined(halves, "damped", [False, True])
    return sets


def joined(parts: list[LabelledSeries], fact: str, values: list[object]) -> LabelledSeries:
    """Return concatenated sets of the same dates, with a fact that distinguishes them."""
    facts = {name: np.concatenate([part.facts[name] for part in parts]) for name in parts[0].facts}
    facts[fact] = np.concatenate([np.full(len(part), value) for part, value in zip(parts, values, strict=True)])
    return LabelledSeries(
        np.concatenate([part.displacement for part in parts]),
        np.concatenate([part.days for part in parts]),
        np.concatenate([part.label for part in parts]),
        facts,
    )
