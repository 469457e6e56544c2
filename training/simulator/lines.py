"""What rows [N, T] hold beside their best straight lines, and how they run."""

from __future__ import annotations

import numpy as np

from training.simulator.draws import Floats

_ROWS_AT_A_TIME = 256


def without_line(values: Floats, time: Floats) -> Floats:
    """Subtract the least-squares line of each row [N, T] over ``time`` [T], in any unit."""
    centred_time = time - time.mean()
    centred = values - values.mean(axis=1, keepdims=True)
    slope = centred @ centred_time / (centred_time @ centred_time)
    return np.asarray(centred - slope[:, None] * centred_time, dtype=np.float32)


def distance_from_line(values: Floats, time: Floats) -> Floats:
    """Give the RMS distance of rows [N, T] from their best straight lines, [N]."""
    rest = without_line(values, time)
    return np.sqrt(np.mean(rest * rest, axis=1, dtype=np.float32))


def curvature(residual: Floats, days: Floats) -> Floats:
    """Give the RMS of the best parabola of rows without line [N, T] over the RMS of what it leaves, [N]."""
    time = days / days[-1]
    bend = without_line((time * time)[None, :], days)[0]
    amount = residual @ bend / (bend @ bend)
    rest = residual - amount[:, None] * bend
    return np.abs(amount) * bend.std() / np.maximum(rest.std(axis=1), np.float32(1e-6))


def running_median(values: Floats, width: int) -> Floats:
    """Give the running median of rows [N, T], shape [N, T - width + 1]."""
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1)
    out = np.empty(windows.shape[:2], dtype=values.dtype)
    # The median copies every window.
    for begin in range(0, len(values), _ROWS_AT_A_TIME):
        part = slice(begin, begin + _ROWS_AT_A_TIME)
        out[part] = np.median(windows[part], axis=2)
    return out
