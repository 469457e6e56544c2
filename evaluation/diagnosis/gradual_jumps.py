"""Series with damped jumps that differ from a step: gradual or alternating edges, decaying levels."""

from __future__ import annotations

from typing import Final

import numpy as np

from evaluation.diagnosis.injector import LASTING, LEAST_EPOCHS, Changes
from evaluation.diagnosis.scenes import Scene, seed_of
from evaluation.diagnosis.sets import JumpSet, as_delivered, damped_jumps, jump_free_set
from training.simulator.draws import log_uniform

_BETWEEN: Final = ((0.5,), (1 / 3, 2 / 3))
"""Shares of a gradual jump at the epochs between both levels."""
_SLOW_SHARE: Final = 0.5
_FLICKER_EPOCHS: Final = 6
_FLICKER_PROBABILITY: Final = 0.25
"""Share of gradual jumps in ``edge_set``. In the other jumps, epochs near the change are on the other level: largest
distance in epochs, and share (our choice, from plots of EGMS rows)."""
_SIZE: Final = (0.5, 1.0)
_EPOCHS: Final = (4.0, 40.0)
"""Jumps that decay gradually: size as a share of half a wavelength, and time constant in epochs (from plots of EGMS
rows)."""


def edge_set(scene: Scene, count: int, *, seed: int) -> JumpSet:
    """Return series with damped jumps that take two or three epochs, or with epochs on the other level near the change.

    The date of a jump with two epochs between its levels is that of the second.
    """
    made = damped_jumps(scene, "edges", count, seed=seed)
    rng = np.random.default_rng(seed_of(seed, f"edges {scene.name}"))
    changes, epochs = made.changes, made.displacement.shape[1]
    steps = changes.steps(epochs)
    for row, epoch, mm in zip(changes.rows, changes.epoch, changes.mm, strict=True):
        others = np.append(changes.of_row(row), [0, epochs])
        room = int(np.abs(others[others != epoch] - epoch).min())
        if rng.random() < _SLOW_SHARE:
            if room > LEAST_EPOCHS:
                between = np.array(_BETWEEN[int(rng.integers(len(_BETWEEN)))])
                steps[row, epoch - 1 : epoch - 1 + len(between)] += mm * (between - np.arange(len(between)))
            continue
        # Three epochs of each level are not changed, and no epoch is near two changes.
        reach = min(_FLICKER_EPOCHS, room - LEAST_EPOCHS, room // 2)
        for near in range(epoch - reach, epoch + reach):
            if rng.random() < _FLICKER_PROBABILITY:
                steps[row, near] += mm if near < epoch else -mm
    return JumpSet("edges", as_delivered(made.clean + steps), made.clean, made.background, changes)


def by_degrees_set(scene: Scene, count: int, *, seed: int) -> JumpSet:
    """Return series of all motions with one damped jump that decays gradually, or that ends a drift of equal size."""
    free = jump_free_set(scene, count, seed=seed + 1)
    rng = np.random.default_rng(seed_of(seed, f"by degrees {scene.name}"))
    epochs = len(scene.days)
    mm = rng.uniform(*_SIZE, count) * scene.half_wavelength_mm * rng.choice([-1, 1], count)
    epoch = rng.integers(LEAST_EPOCHS, epochs - LEAST_EPOCHS + 1, count)
    since = np.arange(epochs) - epoch[:, None]
    # Reversed in time, a drift that ends with a jump back is a jump that decays.
    forth = (rng.random(count) < 0.5)[:, None]
    there = np.where(forth, since >= 0, since < 0)
    fading = np.exp(-np.abs(since) / log_uniform(rng, *_EPOCHS, (count, 1)))
    away = np.where(forth, mm[:, None], -mm[:, None]) * np.where(there, fading, 0)
    changes = Changes(
        begins=np.arange(count + 1),
        epoch=epoch,
        mm=mm,
        cycles=np.zeros(count, dtype=np.int64),
        duration=np.full(count, LASTING),
        jumps=np.ones(count, dtype=np.int64),
    )
    displacement = np.round(free.clean + away, 1).astype(np.float32)
    return JumpSet("by degrees", displacement, free.clean, free.background, changes)
