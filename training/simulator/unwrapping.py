"""Simulation of phase unwrapping errors of two kinds.

Unwrapping about a linear model wraps deviations of more than a quarter of the wavelength. Integer ambiguity errors on
arcs of the network shift a point by whole cycles, temporarily or permanently; filtering and averaging by the producer
leave 10 to 28 mm of such a cycle.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.config import UnwrappingConfig
from training.simulator.draws import Floats, chosen, log_uniform, sign, uniform

_MAX_TRIES: Final = 20
_SMEARED_SHARE: Final = (0.3, 0.7)
"""Share of a gradual jump one epoch before its date; and the share of that value two epochs before, for a transition
of three epochs (our choice)."""


def add_unwrapping_errors(
    rng: np.random.Generator,
    days: Floats,
    displacement: Floats,
    noise_sigma: Floats,
    config: UnwrappingConfig,
) -> tuple[Floats, NDArray[np.int16]]:
    """Return rows with at least one visible unwrapping error each.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    displacement : ndarray of float32, shape [N, T]
        Motion and noise in mm.
    noise_sigma : ndarray of float32, shape [N]
        RMS in mm of the scatter of each row around a jump, without slow noise.
    config : UnwrappingConfig
        Settings.

    Returns
    -------
    displacement : ndarray of float32, shape [N, T]
        Series with errors, mm.
    errors : ndarray of int16, shape [N, T]
        True error of each epoch in tenths of a millimetre.
    """
    count = len(displacement)
    sizes = _sizes(rng, noise_sigma, config)
    errors = _lost_integers(rng, days, sizes, config)
    for _ in range(_MAX_TRIES):
        hidden = np.flatnonzero(~(visible(errors, config) & stands_out(errors, noise_sigma, config)))
        if not len(hidden):
            break
        errors[hidden] = _lost_integers(rng, days, sizes[hidden], config)
    else:
        half = np.arange(len(days)) >= len(days) // 2
        errors[hidden] = np.float32(config.half_wavelength_mm) * half
    physical = chosen(rng, config.physics_probability, count)
    folded = _fold(rng, days, displacement[physical], config) * _draw_size(rng, sizes[physical], config)[:, None]
    good = visible(folded, config) & stands_out(folded, noise_sigma[physical], config)
    errors[physical[good]] = folded[good]
    wandering = chosen(rng, config.wander_probability, count)
    wander, folded = _fold_wander(rng, len(days), sizes[wandering], noise_sigma[wandering], config)
    good = visible(folded, config) & stands_out(folded, noise_sigma[wandering], config)
    errors[wandering[good]] = folded[good]
    displacement = displacement.copy()
    displacement[wandering[good]] += wander[good]
    projected = chosen(rng, config.projected_probability, count)
    errors[projected] /= uniform(rng, config.los_up, len(projected))[:, None]
    unsteady = chosen(rng, config.unsteady_probability, count)
    share = uniform(rng, config.unsteady_share, len(unsteady))[:, None]
    displacement += errors
    displacement[unsteady] += (
        share * errors[unsteady] * rng.standard_normal((len(unsteady), len(days)), dtype=np.float32)
    )
    return displacement, np.rint(errors * 10).astype(np.int16)


def _sizes(rng: np.random.Generator, noise_sigma: Floats, config: UnwrappingConfig) -> Floats:
    """Draw the bounds [N, 2] in mm of one cycle after filtering; equal bounds for whole cycles."""
    low, high = config.damped_mm
    least = np.clip(config.damped_over_noise * noise_sigma, low, high)
    damped = rng.random(len(noise_sigma)) < config.damped_probability
    exact = np.float32(config.half_wavelength_mm)
    bounds = np.stack([np.where(damped, least, exact), np.where(damped, high, exact)], axis=1)
    return np.asarray(bounds, dtype=np.float32)


def _draw_size(rng: np.random.Generator, bounds: Floats, config: UnwrappingConfig) -> Floats:
    """Draw the remaining size of one cycle in mm, within bounds [N, 2]."""
    share = rng.random(len(bounds), dtype=np.float32) ** np.float32(config.damped_skew)
    return bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) * share


def _fold(rng: np.random.Generator, days: Floats, displacement: Floats, config: UnwrappingConfig) -> Floats:
    """Return the error in cycles [N, T] of rows that are unwrapped about a line."""
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


def _fold_wander(
    rng: np.random.Generator, epochs: int, sizes: Floats, noise_sigma: Floats, config: UnwrappingConfig
) -> tuple[Floats, Floats]:
    """Draw slow deviations [N, T] and the unwrapping errors [N, T] that occur beyond a threshold, mm."""
    count = len(sizes)
    index = np.arange(epochs, dtype=np.float32)[None, :]
    wander = np.zeros((count, epochs), dtype=np.float32)
    times = rng.choice(len(config.wander_count), size=count, p=config.wander_count) + 1
    height = uniform(rng, config.wander_mm, count) * sign(rng, count)
    late = rng.random(count) < config.late_probability
    for place in range(len(config.wander_count)):
        rows = np.flatnonzero(times > place)
        up, down = (log_uniform(rng, *config.wander_edge_epochs, (len(rows), 1)) for _ in range(2))
        top = uniform(rng, config.wander_top_epochs, (len(rows), 1))
        share = rng.random(len(rows), dtype=np.float32)
        begin = np.where(late[rows], 1 - config.part_of_span * share, share)[:, None] * epochs - up
        rising = np.clip((index - begin) / up, 0, 1)
        falling = np.clip((begin + up + top + down - index) / down, 0, 1)
        bump = 0.5 - 0.5 * np.cos(np.pi * np.minimum(rising, falling))
        size = (height[rows] * uniform(rng, (0.7, 1.0), len(rows)))[:, None]
        wander[rows] = np.where(np.abs(size * bump) > np.abs(wander[rows]), size * bump, wander[rows])
    threshold = np.abs(height) * uniform(rng, config.wander_threshold, count)
    noise = noise_sigma[:, None] * rng.standard_normal((count, epochs), dtype=np.float32)
    beyond = (np.abs(wander) > 0) & (np.abs(wander + noise) > threshold[:, None])
    cycle = (np.sign(height) * _draw_size(rng, sizes, config))[:, None]
    return wander, np.asarray(-cycle * beyond, dtype=np.float32)


def visible(errors: Floats, config: UnwrappingConfig) -> NDArray[np.bool_]:
    """Return which rows have a jump between two steady levels.

    Parameters
    ----------
    errors : ndarray of float32, shape [N, T]
        Error of each epoch in mm.
    config : UnwrappingConfig
        Settings, with the definition of a jump and of a constant level.

    Returns
    -------
    ndarray of bool, shape [N]
        Whether the error is constant for some epochs, changes by a jump within one to three epochs, and is constant
        again.
    """
    width = config.min_visible_epochs
    windows = np.lib.stride_tricks.sliding_window_view(errors, width, axis=1)
    lowest, highest = windows[..., 0].copy(), windows[..., 0].copy()
    for place in range(1, width):
        np.minimum(lowest, windows[..., place], out=lowest)
        np.maximum(highest, windows[..., place], out=highest)
    steady = highest - lowest <= config.steady_mm
    found = np.zeros(len(errors), dtype=bool)
    for after in (width, width + 1, width + 2):
        jump = np.abs(lowest[:, after:] - lowest[:, :-after]) >= config.min_visible_mm - config.steady_mm / 2
        found |= (jump & steady[:, after:] & steady[:, :-after]).any(axis=1)
    # A row with many changes between two levels is not a jump.
    flickers = np.count_nonzero(np.abs(np.diff(errors, axis=1)) > config.steady_mm, axis=1) > 0.15 * errors.shape[1]
    return found & ~flickers


def stands_out(errors: Floats, noise_sigma: Floats, config: UnwrappingConfig) -> NDArray[np.bool_]:
    """Return which rows have errors that are large in relation to the scatter: large and short, or smaller and longer.

    Parameters
    ----------
    errors : ndarray of float32, shape [N, T]
        Error of each epoch in mm.
    noise_sigma : ndarray of float32, shape [N]
        RMS of the scatter of each row in mm.
    config : UnwrappingConfig
        Settings, with the smallest ratio.

    Returns
    -------
    ndarray of bool, shape [N]
        Whether the root of the sum of squared errors, about the median level of the row, is large in relation to the
        scatter: the statistic of the likelihood ratio test of a known jump in white noise.
    """
    away = errors - np.median(errors, axis=1, keepdims=True)
    strength: NDArray[np.bool_] = np.sqrt(np.sum(away * away, axis=1)) >= config.jump_over_noise * noise_sigma
    return strength


def _lost_integers(rng: np.random.Generator, days: Floats, sizes: Floats, config: UnwrappingConfig) -> Floats:
    """Draw integer ambiguity errors [N, T]: one to four jumps per row, each in a separate part of the span."""
    count, epochs = len(sizes), len(days)
    errors = np.zeros((count, epochs), dtype=np.float32)
    events = rng.choice(len(config.event_count), size=count, p=config.event_count) + 1
    alternating = rng.random(count) < 0.5
    first_sign = sign(rng, count)
    smeared = rng.random(count) < config.smeared_probability
    slowly = rng.random(count) < config.slowly_smeared_share
    flickers = (rng.random(count) < config.flicker_probability)[:, None]
    absent = flickers & (rng.random((count, epochs), dtype=np.float32) < uniform(rng, config.flicker_share, (count, 1)))
    index = np.arange(epochs, dtype=np.float32)[None, :]
    returns = ~flickers & (rng.random((count, 1)) < config.returning_probability)
    constant = log_uniform(rng, *config.returning_epochs, (count, 1))
    first, length = _part_of_span(rng, events, epochs, config)
    winter = np.cos(2 * np.pi * (days / np.float32(DAYS_PER_YEAR) + rng.random()))
    least = config.min_visible_epochs
    for event in range(len(config.event_count)):
        rows = np.flatnonzero(events > event)
        if not len(rows):
            continue
        # Each event has a separate part of the span, so that no two cancel each other.
        stretch = length[rows] / events[rows]
        places = rng.random((len(rows), 3))
        begins = first[rows, None] + (event + places * 0.7) * stretch[:, None]
        wintry = winter[begins.astype(np.int64)].argmax(axis=1) * (rng.random(len(rows)) < config.winter_probability)
        begin = begins[np.arange(len(rows)), wintry]
        end = first[rows] + (event + 1) * stretch
        shortest, longest = config.duration_epochs
        duration = log_uniform(rng, shortest, np.clip(end - begin, shortest + 1, longest), len(rows))
        lasting = rng.random(len(rows)) < config.lasting_probability
        stop = np.where(lasting, np.inf, np.rint(begin) + np.maximum(np.rint(duration), least))
        size = np.where(rng.random(len(rows)) < config.two_cycles_probability, 2, 1) * _draw_size(
            rng, sizes[rows], config
        )
        turn = np.where(alternating[rows] & (event % 2 == 1), -1.0, 1.0)
        value = (size * turn * first_sign[rows])[:, None].astype(np.float32)
        start = np.rint(begin)[:, None]
        inside = (index >= start) & (index < stop[:, None])
        errors[rows] += value * inside
        early = value * smeared[rows][:, None] * uniform(rng, _SMEARED_SHARE, len(rows))[:, None]
        earlier = early * slowly[rows][:, None] * uniform(rng, _SMEARED_SHARE, len(rows))[:, None]
        errors[rows] += early * (index == start - 1) + earlier * (index == start - 2)
        # The first epochs of an error are not changed, so that its level is visible.
        held = index < start + least
        errors[rows] -= value * inside * ~held * absent[rows]
        # After that, some errors decay gradually.
        gone = 1 - np.exp(-np.maximum(index - start - least, 0) / constant[rows])
        errors[rows] -= value * inside * ~absent[rows] * np.where(returns[rows], gone, 0)
    mirrored = returns[:, 0] & (rng.random(count) < 0.5)
    errors[mirrored] = errors[mirrored, ::-1]
    rows = chosen(rng, config.spike_probability, count)
    place = rng.integers(1, epochs - 1, len(rows))[:, None]
    width = rng.integers(1, 3, len(rows))[:, None]
    size = (_draw_size(rng, sizes[rows], config) * sign(rng, len(rows)))[:, None]
    errors[rows] += size * ((index >= place) & (index < place + width))
    return errors


def _part_of_span(
    rng: np.random.Generator, events: NDArray[np.int64], epochs: int, config: UnwrappingConfig
) -> tuple[Floats, Floats]:
    """Draw the first epoch and the number of epochs of the part of the span in which the jumps of each row begin."""
    least = config.min_visible_epochs
    whole = epochs - 2 * least
    part = np.clip(config.part_of_span * whole, np.minimum(2.5 * least * events, whole), whole)
    kind = rng.random(len(events))
    late = kind < config.late_probability
    clustered = ~late & (kind < config.late_probability + config.clustered_probability)
    length = np.where(late | clustered, part, whole)
    shift = np.where(late, 1.0, rng.random(len(events))) * (whole - length)
    return (least + shift).astype(np.float32), length.astype(np.float32)
