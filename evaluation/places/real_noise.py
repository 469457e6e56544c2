"""The motions and errors of a scene on the noise of real rows, which are placed on its points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnosis.scenes import Scene, real_scenes
from evaluation.places.scene import NO_JUMP, ORIGIN_M, POINT_JUMP, SHARED_JUMP, PlaceScene, make_scene
from insar_runtime.classes import TrendClass
from training.simulator.config import SimulatorConfig
from training.simulator.draws import Floats
from training.simulator.motions import draw_motions
from training.simulator.others import draw_others
from training.simulator.simulator import local_scatter
from training.simulator.unwrapping import add_unwrapping_errors

_UNLIKE = 0.1
"""Relative spread of the rates of neighbours, and of their shared errors, as in the scene."""
_SHARED_MM = (12.0, 28.0)


def real_noise_scenes(folder: Path, points: int, *, seed: int) -> Iterator[tuple[str, PlaceScene]]:
    """Yield a scene for each real file with enough rows and two years or more: its name, and the scene.

    Parameters
    ----------
    folder : Path
        Folder of the real files.
    points : int
        Number of points of each scene. Quiet rows of the file are drawn for them, and repeat.
    seed : int
        Equal arguments give equal scenes.
    """
    for number, noise in enumerate(real_scenes(folder)):
        scene = make_scene(points, seed=seed + number, step_mm=0.0)
        yield noise.name, _placed(scene, noise, np.random.default_rng([seed, number]))


def _placed(scene: PlaceScene, noise: Scene, rng: np.random.Generator) -> PlaceScene:
    """Return the scene with other noise, on the time axis of that noise."""
    days = np.rint(noise.days).astype(np.float32)
    still = noise.draw(rng, len(scene)).still.astype(np.float32)
    truth = scene.truth
    places = scene.points_m - ORIGIN_M
    displacement = still.copy()
    for area in scene.areas:
        weight = area.weight(places)
        inside = np.flatnonzero(weight)
        scale = weight[inside] * (1 + _UNLIKE * rng.standard_normal(len(inside)))
        displacement[inside] += (scale[:, None] * area.displacement(days.astype(np.float64))).astype(np.float32)
    alone = np.flatnonzero((truth.area == 0) & ~np.isin(truth.label, (TrendClass.STABLE, TrendClass.PUE)))
    displacement[alone] += _lone_motions(rng, days, truth.label[alone], still[alone])
    wrong = np.flatnonzero(truth.jump == POINT_JUMP)
    config = SimulatorConfig().unwrapping
    displacement[wrong], _ = add_unwrapping_errors(rng, days, displacement[wrong], local_scatter(still[wrong]), config)
    jump_epoch = truth.jump_epoch.copy()
    for old in np.unique(truth.jump_epoch[truth.jump == SHARED_JUMP]):
        group = np.flatnonzero((truth.jump == SHARED_JUMP) & (truth.jump_epoch == old))
        epoch = int(rng.integers(10, len(days) - 10))
        size = rng.uniform(*_SHARED_MM) * rng.choice((-1.0, 1.0)) * (1 + _UNLIKE * rng.standard_normal((len(group), 1)))
        displacement[group] += (size * (np.arange(len(days)) >= epoch)).astype(np.float32)
        jump_epoch[group] = epoch
    jump_epoch[truth.jump == NO_JUMP] = -1
    displacement -= displacement[:, :1]
    return replace(
        scene,
        dates=noise.dates,
        displacement=np.round(displacement, 1),
        truth=replace(truth, jump_epoch=jump_epoch),
    )


def _lone_motions(rng: np.random.Generator, days: Floats, label: NDArray[np.int8], still: Floats) -> Floats:
    config = SimulatorConfig()
    sigma, local = still.std(axis=1), local_scatter(still)
    other = label == TrendClass.OTHER
    kind = np.where(other, TrendClass.STABLE, label).astype(np.int8)
    motion = draw_motions(rng, days, kind, sigma, config.motion).displacement
    motion[other] += draw_others(rng, days, sigma[other], local[other], config.other)
    return motion
