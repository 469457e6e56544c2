"""Measures of recent changes of one scene: calibration, old motions, rows with jumps, and the published rule."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnosis.metrics import Numbers, Table
from evaluation.diagnosis.scenes import Scene
from evaluation.diagnosis.sets import file_of, jump_set
from evaluation.recent.power import FOUND_FROM
from evaluation.recent.published_rule import READINGS, RULE_DAYS, rate_change
from evaluation.recent.series import changed, halves, unchanged
from insar_runtime import Classifier
from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.options import RECENT_DAYS
from insar_runtime._diagnosis.recent.recent_finder import RecentChangeFinder
from insar_runtime._diagnosis.recent.recent_spread import with_recent_spread
from insar_runtime.classes import TrendClass
from training.metrics import rounded

SURE: Final = 0.99
_LEAST_HALF: Final = 400
"""Scenes with fewer points use the same ones for the noise and for the series."""


def measure_scene(scene: Scene, *, file: int, series: int, jumps: int, seed: int, classifier: Classifier) -> Numbers:
    """Return shares of series with a probability above 0.95, by kind of series; null if the file is too short.

    Parameters
    ----------
    scene : Scene
    file, series, jumps : int
        Rows from which the noise is estimated, series of each kind, and series with jumps.
    seed : int
    classifier : Classifier
        Classifies the series with jumps.
    """
    source, test = halves(scene, _LEAST_HALF)
    rows = file_of(source, file, seed=seed)
    noise = with_recent_spread(estimate_noise(rows, scene.dates), rows, RECENT_DAYS)
    finder = RecentChangeFinder(noise, RECENT_DAYS)
    found = {
        kind: finder.find(made).probability
        for kind, made in unchanged(test, series, recent_days=RECENT_DAYS, seed=seed).items()
    }
    line = found["line"]
    return {
        "points": len(test),
        "series": series,
        "epochs": len(scene.days),
        "scatter_mm": rounded(float(np.median(scene.scatter))),
        "recent_spread": rounded(noise.recent_spread),
        "recent_std_mm_yr": rounded(_median_std(finder, test, series, seed)),
        **{kind: rounded(_share(probability, FOUND_FROM)) for kind, probability in found.items()},
        "line, above 0.99": rounded(_share(line, SURE)),
        "with jumps": rounded(_with_jumps(test, jumps, noise, seed=seed, classifier=classifier)),
    }


def _median_std(finder: RecentChangeFinder, scene: Scene, count: int, seed: int) -> float:
    std = finder.find(unchanged(scene, count, recent_days=RECENT_DAYS, seed=seed)["line"]).v_recent_std
    return float(np.median(std[np.isfinite(std)])) if np.isfinite(std).any() else float("nan")


def _with_jumps(scene: Scene, count: int, noise: FileNoise, *, seed: int, classifier: Classifier) -> float:
    """Return the share above 0.95 of series without motion, or with a rate, in which jumps are found."""
    made = jump_set(scene, count, seed=seed)
    steady = np.isin(made.background, (TrendClass.STABLE, TrendClass.LINEAR))
    diagnosis = classifier.diagnose(
        made.displacement[steady], scene.dates, noise=noise, half_wavelength_mm=scene.half_wavelength_mm
    )
    jumping = np.unique(diagnosis.jump_series)
    return _share(diagnosis.recent.probability[jumping], FOUND_FROM)


def _share(probability: NDArray[np.floating], above: float) -> float:
    known = probability[np.isfinite(probability)]
    return float(np.mean(known > above)) if len(known) else float("nan")


def beside_rule(scene: Scene, *, file: int, series: int, seed: int) -> Table:
    """Return one row per series: whether it changed, by how much, and what the rule and the diagnosis find."""
    source, test = halves(scene, _LEAST_HALF)
    rows = file_of(source, file, seed=seed)
    noise = with_recent_spread(estimate_noise(rows, scene.dates), rows, RULE_DAYS)
    finder = RecentChangeFinder(noise, RULE_DAYS)
    still = unchanged(test, series, recent_days=RULE_DAYS, seed=seed)["line"]
    moved, change = changed(test, series, window_days=RULE_DAYS, seed=seed)
    both = np.concatenate([still, moved])
    return {
        "group": np.full(len(both), scene.group),
        "change": np.concatenate([np.zeros(len(still)), change]),
        "probability": finder.find(both).probability.astype(np.float64),
        **{reading: np.abs(rate_change(both, scene.days, reading)) for reading in READINGS},
    }
