"""Phase unwrapping errors, made the two ways in which they come about.

Wrapping and unwrapping about a linear model folds whatever departs from it by more than a quarter of the
wavelength. Lost integers on arcs of the network move a point by whole cycles for some time, or for good;
filtering and averaging by the producer leave 12 to 28 mm of such a cycle.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.simulator.config import UnwrappingConfig
from training.simulator.draws import Floats, chosen, log_uniform, sign, uniform

_MAX_SMEARED_SHARE: Final = (0.3, 0.7)
"""Part of a jump that is there already one epoch early, where it is smeared [ours]."""


def add_unwrapping_errors(
    rng: np.random.Generator,
    days: Floats,
    displacement: Floats,
    noise_sigma: Floats,
    config: UnwrappingConfig,
) -> tuple[Floats, NDArray[np.int16]]:
    """Give every row at least one error that can be seen.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    displacement : ndarray of float32, shape [N, T]
        Motion and noise in mm.
    noise_sigma : ndarray of float32, shape [N]
        RMS of each row's scatter in mm.
    config : UnwrappingConfig
        Its numbers.

    Returns
    -------
    displacement : ndarray of float32, shape [N, T]
        With errors, mm.
    errors : ndarray of int16, shape [N, T]
        The error of each epoch in tenths of a millimetre: the truth of where it is wrong and by how much.
    """
    count = len(displacement)
    errors = _lost_integers(rng, displacement.shape, config)
    physical = chosen(rng, config.physics_probability, count)
    folded = _fold(rng, days, displacement[physical], config)
    good = visible(folded, config)
    errors[physical[good]] = folded[good]
    errors *= _amplitudes(rng, noise_sigma, config)[:, None]
    projected = chosen(rng, config.projected_probability, count)
    errors[projected] /= uniform(rng, config.los_up, len(projected))[:, None]
    return displacement + errors, np.rint(errors * 10).astype(np.int16)


def _amplitudes(rng: np.random.Generator, noise_sigma: Floats, config: UnwrappingConfig) -> Floats:
    """Draw what is left of one cycle in each row, mm."""
    count = len(noise_sigma)
    low, high = config.damped_mm
    low_of_row = np.clip(config.damped_over_noise * noise_sigma, low, high)
    damped = low_of_row + (high - low_of_row) * rng.random(count, dtype=np.float32)
    exact = np.float32(config.half_wavelength_mm)
    return np.where(rng.random(count) < config.damped_probability, damped, exact).astype(np.float32)


def _fold(rng: np.random.Generator, days: Floats, displacement: Floats, config: UnwrappingConfig) -> Floats:
    """Wrap rows about a line and say by how many cycles each epoch comes out wrong, [N, T]."""
    count = len(displacement)
    time = days / days[-1]
    centred_time = time - time.mean()
    level = displacement.mean(axis=1, keepdims=True)
    slope = (displacement - level) @ centred_time / (centred_time @ centred_time)
    wrong = chosen(rng, config.model_error_probability, count)
    cycle = np.float32(config.half_wavelength_mm)
    slope[wrong] += uniform(rng, (0.5, 1.5), len(wrong)) * sign(rng, len(wrong)) * cycle
    rest = displacement - level - slope[:, None] * centred_time
    return -np.rint(rest / cycle)


def visible(cycles: Floats, config: UnwrappingConfig) -> NDArray[np.bool_]:
    """Tell which rows [N, T] stay on another level than their usual one for some epochs in a row, [N] bool."""
    usual = np.median(cycles, axis=1, keepdims=True)
    wrong = cycles != usual
    run = np.ones_like(wrong[:, config.min_visible_epochs - 1 :])
    for shift in range(config.min_visible_epochs):
        run &= wrong[:, shift : wrong.shape[1] - config.min_visible_epochs + 1 + shift]
    # A row that flickers is noise about a wrong level rather than a jump.
    flickers = np.count_nonzero(np.diff(cycles, axis=1), axis=1) > 0.15 * cycles.shape[1]
    return run.any(axis=1) & ~flickers


def _lost_integers(rng: np.random.Generator, shape: tuple[int, int], config: UnwrappingConfig) -> Floats:
    """Draw cycles [N, T] that were lost: one to four jumps a row, each in a part of the span of its own."""
    count, epochs = shape
    cycles = np.zeros(shape, dtype=np.float32)
    events = rng.choice(len(config.event_count), size=count, p=config.event_count) + 1
    alternating = rng.random(count) < 0.5
    first_sign = sign(rng, count)
    smeared = rng.random(count) < config.smeared_probability
    index = np.arange(epochs, dtype=np.float32)[None, :]
    least = config.min_visible_epochs
    for event in range(len(config.event_count)):
        rows = np.flatnonzero(events > event)
        if not len(rows):
            continue
        # Each event has its own stretch, so that no two of them cancel each other.
        stretch = (epochs - 2 * least) / events[rows]
        begin = least + (event + rng.random(len(rows)) * 0.7) * stretch
        end = least + (event + 1) * stretch
        shortest, longest = config.duration_epochs
        duration = log_uniform(rng, shortest, np.clip(end - begin, shortest + 1, longest), len(rows))
        lasting = rng.random(len(rows)) < config.lasting_probability
        stop = np.where(lasting, np.inf, np.rint(begin) + np.maximum(np.rint(duration), least))
        size = np.where(rng.random(len(rows)) < config.two_cycles_probability, 2.0, 1.0)
        turn = np.where(alternating[rows] & (event % 2 == 1), -1.0, 1.0)
        value = (size * turn * first_sign[rows])[:, None].astype(np.float32)
        start = np.rint(begin)[:, None]
        cycles[rows] += value * ((index >= start) & (index < stop[:, None]))
        early = value * (index == start - 1) * uniform(rng, _MAX_SMEARED_SHARE, len(rows))[:, None]
        cycles[rows] += early * smeared[rows][:, None]
    rows = chosen(rng, config.spike_probability, count)
    place = rng.integers(1, epochs - 1, len(rows))[:, None]
    width = rng.integers(1, 3, len(rows))[:, None]
    cycles[rows] += sign(rng, (len(rows), 1)) * ((index >= place) & (index < place + width))
    return cycles
