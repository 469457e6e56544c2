"""Series without jumps that resemble series with jumps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from evaluation.diagnosis.injector import draw_changes, whole_cycles
from evaluation.diagnosis.scenes import Scene, seed_of
from evaluation.diagnosis.sets import BREAK_SHARE, JumpSet, as_delivered
from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.draws import Floats, log_uniform, sign, uniform


def hard_sets(scene: Scene, count: int, *, seed: int) -> list[JumpSet]:
    """Return sets of series without jumps that resemble series with jumps, one for each of ``HARD``."""
    found = []
    for kind, draw in HARD.items():
        rng = np.random.default_rng(seed_of(seed, f"hard {scene.name} {kind}"))
        some = scene.draw(rng, count)
        series = as_delivered(draw(rng, some))
        changes = draw_changes(rng, len(scene.days), np.zeros(count, dtype=np.int64), whole_cycles(1.0))
        found.append(JumpSet(kind, series, series, np.full(count, TrendClass.STABLE, dtype=np.int8), changes))
    return found


def _outliers(rng: np.random.Generator, scene: Scene) -> Floats:
    """Return series with two outliers of one or two epochs per row, of up to a cycle."""
    out = scene.still.copy()
    count, epochs = out.shape
    index = np.arange(epochs)
    for _ in range(2):
        begin = rng.integers(0, epochs - 1, (count, 1))
        width = rng.integers(1, 3, (count, 1))
        size = uniform(rng, (10 / 27.73, 1.0), (count, 1)) * scene.half_wavelength_mm * sign(rng, (count, 1))
        out += size.astype(np.float32) * ((index >= begin) & (index < begin + width))
    return out


def _bursts(rng: np.random.Generator, scene: Scene) -> Floats:
    """Return series with three times the scatter for two to eight months."""
    length = uniform(rng, (60, 240), (len(scene), 1))
    begin = uniform(rng, (0, 1), (len(scene), 1)) * (scene.days[-1] - length)
    inside = (scene.days >= begin) & (scene.days < begin + length)
    level = np.median(scene.still, axis=1, keepdims=True)
    # At most the scatter of a uniformly distributed phase.
    most = max(1.0, scene.half_wavelength_mm / 12**0.5 / float(np.median(scene.scatter)))
    return np.asarray(level + (scene.still - level) * np.where(inside, min(3.0, most), 1), dtype=np.float32)


def _strong_annual(rng: np.random.Generator, scene: Scene) -> Floats:
    phase = uniform(rng, (0, 2 * np.pi), (len(scene), 1))
    amplitude = uniform(rng, (8, 14), (len(scene), 1))
    cycle = amplitude * np.sin(2 * np.pi * scene.days / DAYS_PER_YEAR + phase)
    return np.asarray(scene.still + cycle, dtype=np.float32)


def _fast_breaks(rng: np.random.Generator, scene: Scene) -> Floats:
    """Return series whose rate changes by 60 to 150 mm/yr at one date."""
    years = scene.days / DAYS_PER_YEAR
    place = rng.uniform(*BREAK_SHARE, (len(scene), 1)) * years[-1]
    change = log_uniform(rng, 60, 150, (len(scene), 1)) * sign(rng, (len(scene), 1))
    return np.asarray(scene.still + change * np.maximum(years - place, 0), dtype=np.float32)


def _excursions(rng: np.random.Generator, scene: Scene) -> Floats:
    """Return series with a gradual excursion of 7 to 15 mm for some months."""
    middle = rng.uniform(0, 1, (len(scene), 1)) * scene.days[-1]
    half = rng.uniform(90, 250, (len(scene), 1))
    size = uniform(rng, (7, 15), (len(scene), 1)) * sign(rng, (len(scene), 1))
    phase = np.clip(np.abs(scene.days - middle) / half, 0, 1)
    return np.asarray(scene.still + size * (0.5 + 0.5 * np.cos(np.pi * phase)), dtype=np.float32)


HARD: Final[Mapping[str, Callable[[np.random.Generator, Scene], Floats]]] = {
    "outliers": _outliers,
    "bursts": _bursts,
    "strong annual": _strong_annual,
    "fast breaks": _fast_breaks,
    "excursions": _excursions,
}
"""Signals that resemble a jump, by name (our choice)."""
