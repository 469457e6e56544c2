"""Known motions of all six classes in the quiet noise of one file."""

from __future__ import annotations

from typing import Final

import numpy as np

from evaluation.semireal import LEAST_DEPARTURE, recipe
from insar_runtime.classes import CLASS_NAMES, TrendClass
from training.dataset import LabelledSeries, with_facts
from training.simulator import simulate
from training.simulator.bank import NoiseBank, NoiseFile

STILL: Final = 1500
MOVING: Final = 150
"""Number of Stable series, and of series of each other class, of which some slow lines are left out."""


def known_motions(noise: NoiseFile, *, seed: int) -> LabelledSeries:
    """Return series with known motions in the noise of one file; most of them are Stable.

    Curves depart from their least-squares line by at least 1.5 times the scatter of the row, and lines from their
    mean; unwrapping errors are damped, as producers leave them (``evaluation.semireal.recipe``).

    Parameters
    ----------
    noise : NoiseFile
        Residuals of the quiet rows of the file.
    seed : int
        Seed of all random draws.
    """
    moving = np.repeat(np.arange(1, len(CLASS_NAMES)), MOVING)
    labels = np.concatenate([np.full(STILL, TrendClass.STABLE), moving]).astype(np.int8)
    bank = NoiseBank((noise,), vary=False)
    series = simulate(len(labels), seed=seed, config=recipe(damped=True), bank=bank, labels=labels)
    flat = np.nanstd(series.motion, axis=1) < LEAST_DEPARTURE * series.noise_sigma
    return with_facts(series.take(np.flatnonzero(~((series.label == TrendClass.LINEAR) & flat))))
