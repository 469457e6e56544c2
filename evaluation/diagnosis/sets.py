"""Series with known breaks and jumps, in the noise of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnosis.injector import LEAST_EPOCHS, Changes, between, draw_changes, whole_cycles
from evaluation.diagnosis.scenes import Scene, seed_of
from evaluation.semireal import recipe
from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR, JUMP_MM
from training.simulator.draws import Floats, sign
from training.simulator.motions import draw_motions

Missing = Literal["none", "scattered", "start"]

DEPARTURES: Final = (1.5, 2.0, 3.0, 5.0)
"""RMS distance of a motion with a break from its least-squares line, divided by the scatter of the row."""
MOST_JUMPS: Final = 8
MOTIONS: Final = (TrendClass.STABLE, TrendClass.LINEAR, TrendClass.QUADRATIC, TrendClass.BILINEAR)
FILE_SHARES: Final = (0.7, 0.15, 0.05, 0.05, 0.05)
"""Class shares in the file from which the noise is estimated, PUE last (our choice: few rows of a file move)."""

_DECIMALS: Final = 1
BREAK_SHARE: Final = (0.15, 0.85)
_RATE_MM_YR: Final = (-15.0, 15.0)
_SCATTERED_SHARE: Final = 0.1
_START_SHARE: Final = (0.1, 0.3)
_DAMPED_CYCLES: Final = (JUMP_MM / 27.73, 25 / 27.73)
_STEP_CYCLES: Final = (5 / 27.73, 40 / 27.73)
_STEP_AWAY_CYCLES: Final = 0.18
"""Sizes of damped jumps (10 to 25 mm for Sentinel-1) and of true steps (5 to 40 mm, at least 5 mm from multiples)."""


@dataclass(frozen=True)
class BreakSet:
    """Series with one known break each.

    Attributes
    ----------
    missing : str
        Kind of missing values.
    displacement : ndarray of float32, shape [n, T]
        mm; NaN = missing.
    motion : ndarray of float64, shape [n, T]
        mm.
    day : ndarray of float64, shape [n]
        Day of the break since the first epoch of the axis.
    v_before, v_after : ndarray of float64, shape [n]
        Rates before and after, mm/yr.
    departure : ndarray of float64, shape [n]
        One of ``DEPARTURES``, for the valid epochs.
    """

    missing: Missing
    displacement: Floats
    motion: NDArray[np.float64]
    day: NDArray[np.float64]
    v_before: NDArray[np.float64]
    v_after: NDArray[np.float64]
    departure: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True)
class JumpSet:
    """Series with known jumps, or without jumps.

    Attributes
    ----------
    kind : str
        Kind of jumps, or of the signal that resembles jumps.
    displacement : ndarray of float32, shape [n, T]
        mm.
    clean : ndarray of float32, shape [n, T]
        The same without the jumps.
    background : ndarray of int8, shape [n]
        Class of the motion without jumps.
    changes : Changes
    """

    kind: str
    displacement: Floats
    clean: Floats
    background: NDArray[np.int8]
    changes: Changes

    def __len__(self) -> int:
        return len(self.background)


def break_set(scene: Scene, count: int, *, seed: int, missing: Missing = "none") -> BreakSet:
    """Return series with a break, each of ``DEPARTURES`` equally often.

    One quarter each starts, stops, reverses, or has any rate before the break.
    """
    rng = np.random.default_rng(seed_of(seed, f"breaks {scene.name} {missing}"))
    scene = scene.draw(rng, count)
    gone = _missing(rng, missing, scene.still.shape)
    years = scene.days / DAYS_PER_YEAR
    first = np.where(gone, np.inf, years).min(axis=1)
    share = rng.uniform(*BREAK_SHARE, count)
    place = first + share * (years[-1] - first)
    hinge = np.maximum(years - place[:, None], 0)
    departure = np.resize(DEPARTURES, count)
    change = departure * scene.scatter / _from_line(hinge, years, ~gone) * sign(rng, count)
    kind = rng.integers(0, 4, count)
    before = np.choose(kind, [np.zeros(count), -change, -change / 2, rng.uniform(*_RATE_MM_YR, count)])
    motion = before[:, None] * years + change[:, None] * hinge
    displacement = as_delivered(motion + scene.still)
    displacement[gone] = np.nan
    return BreakSet(missing, displacement, motion, place * DAYS_PER_YEAR, before, before + change, departure)


def _missing(rng: np.random.Generator, missing: Missing, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if missing == "scattered":
        # By the ranks of random numbers, so that the share is exact; both ends are kept.
        rank = rng.random(shape)
        rank[:, [0, -1]] = 1
        return np.asarray(rank.argsort(axis=1).argsort(axis=1) < round(_SCATTERED_SHARE * shape[1]))
    if missing == "start":
        lost = rng.uniform(*_START_SHARE, shape[0]) * shape[1]
        return np.asarray(np.arange(shape[1]) < lost[:, None])
    return np.zeros(shape, dtype=np.bool_)


def _from_line(values: NDArray[np.float64], time: NDArray[np.float64], there: NDArray[np.bool_]) -> Floats:
    """Return the RMS of the residuals of rows [n, T] from their least-squares lines over the valid epochs, [n]."""
    out = np.empty(len(values))
    for row, (value, here) in enumerate(zip(values, there, strict=True)):
        design = np.stack([np.ones(here.sum()), time[here]], axis=1)
        orthogonal, _ = np.linalg.qr(design)
        rest = value[here] - orthogonal @ (orthogonal.T @ value[here])
        out[row] = np.sqrt(np.mean(rest * rest))
    return out.astype(np.float32)


def jump_set(scene: Scene, count: int, *, seed: int) -> JumpSet:
    """Return series of all motions with 1 to 8 jumps of whole half wavelengths, all numbers equally often."""
    jumps = np.arange(count) % MOST_JUMPS + 1
    return _with_jumps(scene, "whole", jumps, seed, whole=True)


def damped_set(scene: Scene, count: int, *, seed: int) -> JumpSet:
    """Return series with 1 to 4 jumps of less than half a wavelength."""
    return damped_jumps(scene, "damped", count, seed=seed)


def damped_jumps(scene: Scene, kind: str, count: int, *, seed: int) -> JumpSet:
    """Return series with 1 to 4 jumps of less than half a wavelength, with random numbers of their own."""
    return _with_jumps(scene, kind, np.arange(count) % 4 + 1, seed, cycles=_DAMPED_CYCLES)


def step_set(scene: Scene, count: int, *, seed: int) -> JumpSet:
    """Return series with one or two true steps, which last and are no multiples."""
    return _with_jumps(
        scene, "steps", np.arange(count) % 2 + 1, seed, cycles=_STEP_CYCLES, away=_STEP_AWAY_CYCLES, temporary=False
    )


def jump_free_set(scene: Scene, count: int, *, seed: int) -> JumpSet:
    """Return series of all motions without jumps."""
    return _with_jumps(scene, "none", np.zeros(count, dtype=np.int64), seed, whole=True)


def with_gaps(made: JumpSet, count: int, *, seed: int) -> JumpSet:
    """Return some rows with one tenth of the values missing; a change is at the first valid epoch on the new level.

    No values are removed from a level that would have fewer than ``LEAST_EPOCHS`` values.
    """
    rng = np.random.default_rng(seed_of(seed, f"gaps {made.kind} {made.displacement.shape}"))
    rows = np.sort(rng.permutation(len(made))[:count])
    displacement, clean = made.displacement[rows], made.clean[rows]
    gone = _missing(rng, "scattered", displacement.shape)
    for row, lost in zip(rows, gone, strict=True):
        level = np.searchsorted(made.changes.of_row(row), np.arange(displacement.shape[1]), side="right")
        lost[np.bincount(level, ~lost)[level] < LEAST_EPOCHS] = False
    displacement[gone] = clean[gone] = np.nan
    epochs = displacement.shape[1]
    index = np.where(gone, epochs, np.arange(epochs))
    next_left = np.minimum.accumulate(index[:, ::-1], axis=1)[:, ::-1]
    kept = np.isin(made.changes.rows, rows)
    changes = made.changes
    row = np.searchsorted(rows, changes.rows[kept])
    moved = Changes(
        begins=np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))]),
        epoch=next_left[row, changes.epoch[kept]],
        mm=changes.mm[kept],
        cycles=changes.cycles[kept],
        duration=changes.duration[kept],
        jumps=changes.jumps[rows],
    )
    return JumpSet("gaps", displacement, clean, made.background[rows], moved)


def _with_jumps(
    scene: Scene,
    kind: str,
    jumps: NDArray[np.int64],
    seed: int,
    *,
    whole: bool = False,
    cycles: tuple[float, float] = (0.0, 0.0),
    away: float = 0.0,
    temporary: bool = True,
) -> JumpSet:
    rng = np.random.default_rng(seed_of(seed, f"jumps {scene.name} {kind}"))
    half = scene.half_wavelength_mm
    size = whole_cycles(half) if whole else between(*(half * c for c in cycles), multiple=half, away=half * away)
    # In blocks, so that every number of jumps occurs with every motion.
    background = np.array(MOTIONS, dtype=np.int8)[np.arange(len(jumps)) // MOST_JUMPS % len(MOTIONS)]
    moving = _moving(rng, scene.draw(rng, len(jumps)), background)
    changes = draw_changes(rng, len(scene.days), jumps, size, temporary=temporary)
    steps = changes.steps(len(scene.days))
    return JumpSet(kind, as_delivered(moving + steps), as_delivered(moving), background, changes)


def _moving(rng: np.random.Generator, scene: Scene, background: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return points with simulated motions of these classes, [n, T]."""
    motions = draw_motions(rng, scene.days.astype(np.float32), background, scene.scatter, recipe(damped=False).motion)
    return np.asarray(motions.displacement + scene.still * motions.quieter[:, None], dtype=np.float64)


def as_delivered(values: NDArray[np.floating]) -> Floats:
    """Return values rounded to the decimals of files."""
    return np.round(values, _DECIMALS).astype(np.float32)


def file_of(scene: Scene, count: int, *, seed: int) -> Floats:
    """Return a file [N, T] in which few rows move or have jumps, for the estimation of noise."""
    rng = np.random.default_rng(seed_of(seed, f"file {scene.name}"))
    label = np.repeat(np.arange(len(FILE_SHARES)), np.rint(count * np.array(FILE_SHARES)).astype(int)).astype(np.int8)
    jumping = label == TrendClass.PUE
    background = np.where(jumping, rng.choice(MOTIONS, len(label)), label).astype(np.int8)
    moving = _moving(rng, scene.draw(rng, len(label)), background)
    jumps = np.where(jumping, rng.integers(1, 4, len(label)), 0)
    changes = draw_changes(rng, len(scene.days), jumps, whole_cycles(scene.half_wavelength_mm))
    return as_delivered(moving + changes.steps(len(scene.days)))
