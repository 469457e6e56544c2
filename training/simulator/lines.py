"""Residuals of rows [N, T] from their least-squares lines, running medians and changes of level."""

from __future__ import annotations

import numpy as np

from insar_runtime.definitions import MAD_TO_STD
from training.simulator.draws import Floats

_ROWS_AT_A_TIME = 256
_LOCAL_EPOCHS = 31
_SIDE_EPOCHS = 12


def without_line(values: Floats, time: Floats) -> Floats:
    """Subtract the least-squares line of each row [N, T] over ``time`` [T], in any unit."""
    centred_time = time - time.mean()
    centred = values - values.mean(axis=1, keepdims=True)
    slope = centred @ centred_time / (centred_time @ centred_time)
    return np.asarray(centred - slope[:, None] * centred_time, dtype=np.float32)


def distance_from_line(values: Floats, time: Floats) -> Floats:
    """Return the RMS of the residuals of rows [N, T] from their least-squares lines, [N]."""
    rest = without_line(values, time)
    return np.sqrt(np.mean(rest * rest, axis=1, dtype=np.float32))


def curvature(residual: Floats, days: Floats) -> Floats:
    """Return the ratio [N] of the RMS of the least-squares parabola of residuals [N, T] to the RMS of what remains."""
    time = days / days[-1]
    bend = without_line((time * time)[None, :], days)[0]
    amount = residual @ bend / (bend @ bend)
    rest = residual - amount[:, None] * bend
    return np.abs(amount) * bend.std() / np.maximum(rest.std(axis=1), np.float32(1e-6))


def running_median(values: Floats, width: int) -> Floats:
    """Return the running median of rows [N, T], shape [N, T - width + 1]."""
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1)
    out = np.empty(windows.shape[:2], dtype=values.dtype)
    # In parts, because the median copies every window.
    for begin in range(0, len(values), _ROWS_AT_A_TIME):
        part = slice(begin, begin + _ROWS_AT_A_TIME)
        out[part] = np.median(windows[part], axis=2)
    return out


def level_changes(residual: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the largest excursion, the largest change of level, and the scatter of rows [N, T].

    Returns
    -------
    excursion : ndarray of float32, shape [N]
        Largest distance from the running median over ``_LOCAL_EPOCHS`` that three successive epochs exceed.
    step : ndarray of float32, shape [N]
        Largest difference between the medians of ``_SIDE_EPOCHS`` before and after an epoch.
    scatter : ndarray of float32, shape [N]
        Robust scatter from epoch to epoch: 1.4826 times the median absolute difference, divided by sqrt(2).
    """
    half = min(_LOCAL_EPOCHS // 2, residual.shape[1] - 1)
    around = running_median(np.pad(residual, ((0, 0), (half, half)), mode="reflect"), 2 * half + 1)
    away = residual - around
    three = np.stack([away[:, :-2], away[:, 1:-1], away[:, 2:]])
    excursion = np.maximum(three.min(axis=0).max(axis=1), -three.max(axis=0).min(axis=1))
    side = min(_SIDE_EPOCHS, residual.shape[1] // 3)
    level = running_median(residual, side)
    step = np.abs(level[:, side:] - level[:, :-side]).max(axis=1)
    scatter = MAD_TO_STD * np.median(np.abs(np.diff(residual, axis=1)), axis=1) / np.sqrt(2)
    return excursion, step, np.asarray(scatter, dtype=np.float32)
