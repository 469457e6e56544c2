"""Series that go on as before, and series whose rate has changed in the last months, in the noise of a scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnosis.scenes import Scene, seed_of
from evaluation.diagnosis.sets import as_delivered
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.draws import Floats, log_uniform, sign, uniform

_RATE_MM_YR: Final = (-20.0, 20.0)
_MOVING: Final = 0.3
DEPARTURES: Final = (2.0, 4.0, 8.0)
"""RMS departure of an old motion from its line, over the scatter of the row, each equally often."""
_BREAK_BEGIN: Final = 0.15
CHANGES_MM_YR: Final = (5.0, 60.0)
"""Bounds of the changes of rate, log-uniform (our choice: the published rule takes 10)."""
_LEAST_SHARE: Final = 0.5
"""A change begins within the earlier half of the window: later, no method has enough epochs."""


def halves(scene: Scene, least: int) -> tuple[Scene, Scene]:
    """Return points for the file of the noise, and others for the series; the same if fewer than ``least``."""
    if len(scene) < least:
        return scene, scene
    middle = len(scene) // 2
    first, second = (
        replace(scene, still=scene.still[part], scatter=scene.scatter[part])
        for part in (slice(middle), slice(middle, None))
    )
    return first, second


def unchanged(scene: Scene, count: int, *, recent_days: int, seed: int) -> Mapping[str, Floats]:
    """Return series that go on as before, by the kind of their motion: line, constant acceleration, earlier break."""
    rng = np.random.default_rng(seed_of(seed, f"unchanged {scene.name}"))
    years = scene.days / DAYS_PER_YEAR
    scene = scene.draw(rng, count)
    rate = uniform(rng, _RATE_MM_YR, (count, 1)) * (rng.random((count, 1)) < _MOVING)
    departure = rng.choice(DEPARTURES, (count, 1)) * scene.scatter[:, None] * sign(rng, (count, 1))
    span = scene.days[-1]
    last = max(span - 2 * recent_days, _BREAK_BEGIN * span)
    begin = rng.uniform(_BREAK_BEGIN * span, last, (count, 1)) / DAYS_PER_YEAR
    line = scene.still + rate * years
    return {
        "line": as_delivered(line),
        "acceleration": as_delivered(line + departure * _departing((years**2)[None], years)),
        "earlier break": as_delivered(line + departure * _departing(np.maximum(years - begin, 0), years)),
    }


def changed(scene: Scene, count: int, *, window_days: int, seed: int) -> tuple[Floats, NDArray[np.float64]]:
    """Return series whose rate changes in the earlier half of the last days, and by how much, mm/yr."""
    rng = np.random.default_rng(seed_of(seed, f"changed {scene.name}"))
    scene = scene.draw(rng, count)
    change = (log_uniform(rng, *CHANGES_MM_YR, (count, 1)) * sign(rng, (count, 1))).astype(np.float64)
    rate = uniform(rng, _RATE_MM_YR, (count, 1)) * (rng.random((count, 1)) < _MOVING)
    begin = scene.days[-1] - uniform(rng, (_LEAST_SHARE, 1.0), (count, 1)) * window_days
    years = scene.days / DAYS_PER_YEAR
    recent = np.maximum(scene.days - begin, 0) / DAYS_PER_YEAR
    return as_delivered(scene.still + rate * years + change * recent), change[:, 0]


def _departing(motion: NDArray[np.float64], years: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return motions [n, T] without their lines, with an RMS of 1."""
    line = np.stack([np.ones_like(years), years], axis=1)
    rest = motion - (line @ np.linalg.lstsq(line, motion.T, rcond=None)[0]).T
    return np.asarray(rest / rest.std(axis=1, keepdims=True))
