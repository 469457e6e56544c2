"""A scene of points with known areas among noise, lone movers, unwrapping errors, a common step and a common ramp."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.places.positions import Points, draw_positions
from evaluation.places.shapes import CLASS_OF_COURSE, MovingArea, draw_area
from insar_runtime._input.slopes import slopes
from insar_runtime._spatial.neighbours import Neighbours
from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.config import SimulatorConfig
from training.simulator.draws import Floats
from training.simulator.motions import draw_motions
from training.simulator.noise import draw_annual, draw_noise, ornstein_uhlenbeck
from training.simulator.nuisances import draw_nuisances
from training.simulator.others import draw_others
from training.simulator.simulator import local_scatter
from training.simulator.unwrapping import add_unwrapping_errors

CRS: Final = "EPSG:32633"
ORIGIN_M: Final = (400_000.0, 4_290_000.0)
"""Centre of the scenes, in the Tyrrhenian Sea."""
_FIRST_DATE: Final = np.datetime64("2020-01-03")

FULL_POINTS: Final = 300_000
FULL_AREAS: Final = 40
_AREA_POINTS: Final = (60, 3000)
"""Points within the radius of an area, log-uniform, of which a part moves."""
_LEAST_MOVING: Final = 25
"""Least number of moving points of an area."""
_APART: Final = 3.0
"""Distance of the centres of two areas, in the larger of their radii."""
_TRIES: Final = 2000
_BLOCK: Final = 8192
"""Points that are simulated together; they are in random places."""

_LONE_MOVERS: Final = 0.005
_LONE_CLASSES: Final = (TrendClass.LINEAR, TrendClass.QUADRATIC, TrendClass.BILINEAR, TrendClass.OTHER)
_LONE_ERRORS: Final = 0.015
"""Shares of the points that move alone, and that have unwrapping errors of their own."""
_SHARED_ERRORS: Final = 1 / 12_000
"""Groups of neighbours that share an unwrapping error, per point."""
_GROUP_POINTS: Final = (8, 60)
_SHARED_MM: Final = (12.0, 28.0)
_UNLIKE: Final = 0.1
"""Relative spread of the rates of neighbours, and of their shared errors."""
_STEP_MM: Final = 3.0
_RAMP_MM_YR: Final = 0.7
_WANDER_MM: Final = 0.6
"""Step of the whole file at one date, rate of the common ramp at the edge of the scene, and common slow signal. All
numbers are our choice."""

NO_JUMP, POINT_JUMP, SHARED_JUMP = 0, 1, 2
"""Kinds of unwrapping errors in ``Truth.jump``."""


@dataclass(frozen=True)
class Truth:
    """What is known of the points.

    Attributes
    ----------
    label : ndarray of int8, shape [N]
        ``TrendClass``. A point of an area that moves by less than ``STABLE_RATE_MM_YR`` is Stable.
    rate_mm_yr : ndarray of float32, shape [N]
        Least-squares rate of the motion, without ramp, noise and errors.
    area : ndarray of int32, shape [N]
        Number of the area in which the point moves, from 1; 0 for none.
    jump : ndarray of int8, shape [N]
        ``NO_JUMP``, ``POINT_JUMP`` or ``SHARED_JUMP``.
    jump_epoch : ndarray of int32, shape [N]
        First epoch on the new level of a shared error; -1 for none.
    """

    label: NDArray[np.int8]
    rate_mm_yr: Floats
    area: NDArray[np.int32]
    jump: NDArray[np.int8]
    jump_epoch: NDArray[np.int32]


@dataclass(frozen=True)
class PlaceScene:
    """A scene of points.

    Attributes
    ----------
    points_m : ndarray of float64, shape [N, 2]
        Easting and northing in ``CRS``.
    dates : ndarray of datetime64[D], shape [T]
        Epochs.
    displacement : ndarray of float32, shape [N, T]
        mm, rounded to 0.1; no missing values.
    truth : Truth
        What is known of the points.
    areas : tuple of MovingArea
        In the order of their numbers.
    step_epoch : int
        First epoch after the step of the whole file.
    """

    points_m: Points
    dates: NDArray[np.datetime64]
    displacement: Floats
    truth: Truth
    areas: tuple[MovingArea, ...]
    step_epoch: int

    def __len__(self) -> int:
        return len(self.points_m)


def make_scene(
    points: int = FULL_POINTS, *, seed: int, areas: int | None = None, step_mm: float = _STEP_MM
) -> PlaceScene:
    """Return a scene.

    Parameters
    ----------
    points : int
        Number of points.
    seed : int
        Equal arguments give equal scenes.
    areas : int, optional
        Number of areas, 0 for a quiet scene; by default as many as fit the number of points, 40 for 300,000.
    step_mm : float
        Mean step of all points at one date.
    """
    rng = np.random.default_rng(seed)
    wanted = max(round(FULL_AREAS * points / FULL_POINTS), 2) if areas is None else areas
    places = draw_positions(rng, points)
    neighbours = Neighbours(places)
    found = _draw_areas(rng, places, neighbours, wanted)
    days = _draw_days(rng)
    truth, groups = _draw_truth(rng, places, neighbours, found)
    step_epoch = int(rng.integers(len(days) // 4, 3 * len(days) // 4))
    displacement = np.empty((points, len(days)), dtype=np.float32)
    rate = truth.rate_mm_yr.copy()
    for rows in np.array_split(np.arange(points), -(-points // _BLOCK)):
        displacement[rows], rate[rows] = _simulate(rng, days, rows, places, truth, found)
    truth = replace(truth, rate_mm_yr=rate)
    for group in groups:
        displacement[group] += _shared_error(rng, truth.jump_epoch[group[0]], len(group), len(days))
    displacement += _common(rng, days, places)
    displacement[:, step_epoch:] += rng.normal(step_mm, 0.2 * abs(step_mm), (points, 1)).astype(np.float32)
    displacement -= displacement[:, :1]
    dates = _FIRST_DATE + days.astype("timedelta64[D]")
    return PlaceScene(places + ORIGIN_M, dates, np.round(displacement, 1), truth, tuple(found), step_epoch)


def _draw_days(rng: np.random.Generator) -> Points:
    """Draw about 100 epochs: every 12 days for 3.6 years, of which some are missing."""
    plan = 12.0 * np.arange(110)
    lost = 1 + rng.choice(len(plan) - 2, size=8, replace=False)
    return np.delete(plan, lost)


def _draw_areas(rng: np.random.Generator, places: Points, neighbours: Neighbours, wanted: int) -> list[MovingArea]:
    """Draw areas apart from one another, around random points, so that most are in towns."""
    areas: list[MovingArea] = []
    for _ in range(_TRIES):
        if len(areas) == wanted:
            break
        largest = max(min(_AREA_POINTS[1], len(places) // 12), _AREA_POINTS[0])
        count = round(np.exp(rng.uniform(*np.log((_AREA_POINTS[0], largest)))))
        distances, rows = neighbours.nearest(count, places[rng.integers(len(places))][None, :])
        area = draw_area(rng, places[rows[0]], distances[0], len(areas))
        near = any(
            np.hypot(*np.subtract(area.centre_m, other.centre_m)) < _APART * max(area.radius_m, other.radius_m)
            for other in areas
        )
        if not near and np.count_nonzero(area.moves(places[rows[0]])) >= _LEAST_MOVING:
            areas.append(area)
    return areas


def _draw_truth(
    rng: np.random.Generator, places: Points, neighbours: Neighbours, areas: list[MovingArea]
) -> tuple[Truth, list[NDArray[np.int64]]]:
    """Draw which points move and have errors; returns the groups of points with shared errors, too."""
    count = len(places)
    label = np.full(count, TrendClass.STABLE, dtype=np.int8)
    number = np.zeros(count, dtype=np.int32)
    touched = np.zeros(count, dtype=np.bool_)
    for i, area in enumerate(areas, start=1):
        moving = area.moves(places)
        touched |= area.weight(places) > 0
        label[moving], number[moving] = CLASS_OF_COURSE[area.course], i
    free = ~touched
    lone = np.flatnonzero(free & (rng.random(count) < _LONE_MOVERS))
    label[lone] = rng.choice(_LONE_CLASSES, len(lone))
    free[lone] = False

    jump = np.full(count, NO_JUMP, dtype=np.int8)
    jump_epoch = np.full(count, -1, dtype=np.int32)
    groups = []
    for _ in range(round(_SHARED_ERRORS * count) + 1):
        size = int(rng.integers(*_GROUP_POINTS))
        rows = neighbours.nearest(size, places[rng.integers(count)][None, :])[1][0]
        rows = rows[free[rows]]
        if len(rows):
            groups.append(rows)
            jump[rows], label[rows], free[rows] = SHARED_JUMP, TrendClass.PUE, False
            jump_epoch[rows] = rng.integers(10, 90)
    wrong = free & (rng.random(count) < _LONE_ERRORS)
    jump[wrong], label[wrong] = POINT_JUMP, TrendClass.PUE
    return Truth(label, np.zeros(count, dtype=np.float32), number, jump, jump_epoch), groups


def _quiet_config() -> SimulatorConfig:
    """Return the simulator's settings without what the points of a file share: the scene has one of its own."""
    config = SimulatorConfig()
    noise = replace(
        config.noise,
        sigma_file_log_spread=0.0,
        common_sigma_mm=(0.0, 0.0),
        common_wander_probability=0.0,
        epoch_log_spread=0.0,
        noisy_epochs_probability=0.0,
        folded_probability=1.0,
        smoothed_probability=0.0,
        resampled_probability=0.0,
        uneven_file_probability=0.0,
    )
    nuisance = replace(config.nuisance, common_bad_epoch_probability=0.0, join_probability=0.0)
    return replace(config, noise=noise, nuisance=nuisance, annual=replace(config.annual, amplitude_log_spread=0.0))


def _simulate(
    rng: np.random.Generator,
    days: Points,
    rows: NDArray[np.int64],
    places: Points,
    truth: Truth,
    areas: list[MovingArea],
) -> tuple[Floats, Floats]:
    """Return series [n, T] with the motions and errors of single points, and the rates of the motions [n]."""
    config, axis = _quiet_config(), days.astype(np.float32)
    label, count = truth.label[rows], len(rows)
    noise = draw_noise(rng, axis, count, config.noise).values
    sigma = noise.std(axis=1)
    still = noise + draw_annual(rng, axis, count, config.annual) + draw_nuisances(rng, axis, sigma, config.nuisance)
    motion = np.zeros((count, len(days)), dtype=np.float32)
    for area in areas:
        # Points at the margin move as well, by less than a moving class.
        weight = area.weight(places[rows])
        inside = np.flatnonzero(weight)
        scale = weight[inside] * (1 + _UNLIKE * rng.standard_normal(len(inside)))
        motion[inside] += (scale[:, None] * area.displacement(days)).astype(np.float32)
    alone = np.flatnonzero((truth.area[rows] == 0) & np.isin(label, _LONE_CLASSES))
    motion[alone] += _lone_motions(rng, axis, label[alone], still[alone], config)
    displacement = still + motion
    wrong = np.flatnonzero(truth.jump[rows] == POINT_JUMP)
    displacement[wrong], _ = add_unwrapping_errors(
        rng, axis, displacement[wrong], local_scatter(still[wrong]), config.unwrapping
    )
    return displacement, slopes(motion, axis, least_epochs=2).astype(np.float32)


def _lone_motions(
    rng: np.random.Generator, days: Floats, label: NDArray[np.int8], still: Floats, config: SimulatorConfig
) -> Floats:
    sigma, local = still.std(axis=1), local_scatter(still)
    other = label == TrendClass.OTHER
    kind = np.where(other, TrendClass.STABLE, label).astype(np.int8)
    motion = draw_motions(rng, days, kind, sigma, config.motion).displacement
    motion[other] += draw_others(rng, days, sigma[other], local[other], config.other)
    return motion


def _shared_error(rng: np.random.Generator, epoch: int, count: int, epochs: int) -> Floats:
    """Return the unwrapping error of neighbours [count, T], which lasts or ends after some epochs."""
    size = rng.uniform(*_SHARED_MM) * rng.choice((-1.0, 1.0)) * (1 + _UNLIKE * rng.standard_normal((count, 1)))
    stop = epochs if rng.random() < 0.5 else epoch + int(rng.integers(8, 40))
    index = np.arange(epochs)
    return (size * ((index >= epoch) & (index < stop))).astype(np.float32)


def _common(rng: np.random.Generator, days: Points, places: Points) -> Floats:
    """Return what all points share [N, T]: a ramp in space that grows in time, and a slow signal."""
    angle = rng.uniform(0, 2 * np.pi)
    along = places @ (np.cos(angle), np.sin(angle))
    along = along / max(np.abs(along).max(), 1.0)
    wander = _WANDER_MM * ornstein_uhlenbeck(rng, days.astype(np.float32), np.array([90.0], dtype=np.float32))[0]
    return (np.outer(_RAMP_MM_YR * along, days / DAYS_PER_YEAR) + wander).astype(np.float32)
