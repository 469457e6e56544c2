"""Measures of events in a series (rate, bend, changes of level), for labelled and for simulated rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import BREAK_SHARE, DAYS_PER_YEAR, JUMP_HELD_EPOCHS, JUMP_MM, JUMP_SCATTERS, MAD_TO_STD

Floats = NDArray[np.float64]

_LEAST_YEARS: Final = 1.0
"""Shortest span to which an annual cycle is fitted."""
_LEAST_EPOCHS: Final = 20
_PLACES: Final = 29
"""Candidate positions of a break."""
_MOST_BOXES: Final = 4
_EDGE_EPOCHS: Final = 3
_BETWEEN: Final = (0.25, 0.75)
"""An epoch within three epochs of an edge is between both levels if its value is this share of the change."""
_SLOW_EPOCHS: Final = 9
_LEAST_OWN: Final = 1e-6


@dataclass(frozen=True)
class Events:
    """Measures of the events of N series; NaN if undefined.

    Attributes
    ----------
    rate : ndarray of float64, shape [N]
        Absolute value of the least-squares rate, fitted together with an annual cycle, mm/yr.
    scatter : ndarray of float64, shape [N]
        Robust scatter from epoch to epoch, mm: 1.4826 times the median absolute difference, divided by sqrt(2).
    wander : ndarray of float64, shape [N]
        Range of the running median over 9 epochs of the residuals from line and annual cycle, mm.
    bend : ndarray of float64, shape [N]
        RMS distance of the fitted parabola, or of the fitted hinge if its residuals are smaller, from its
        least-squares line, divided by the scatter.
    break_share : ndarray of float64, shape [N]
        Position of that hinge as a share of the span.
    jump : ndarray of float64, shape [N]
        Largest change of level that is held for three epochs, about a line, mm.
    jump_over_scatter : ndarray of float64, shape [N]
        The same, divided by the scatter.
    duration_epochs, duration_days : ndarray of float64, shape [N]
        Duration of that change of level, if it is temporary.
    lasting : ndarray of float64, shape [N]
        1 if that level is held from the beginning or until the end, 0 if it is temporary.
    between_epochs : ndarray of float64, shape [N]
        Mean number of epochs between both levels at the edges of that change.
    jumps : ndarray of float64, shape [N]
        Number of changes of level of at least 10 mm and three times the scatter, at most four.
    """

    rate: Floats
    scatter: Floats
    wander: Floats
    bend: Floats
    break_share: Floats
    jump: Floats
    jump_over_scatter: Floats
    duration_epochs: Floats
    duration_days: Floats
    lasting: Floats
    between_epochs: Floats
    jumps: Floats

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Events:
        """Return some of the rows."""
        return Events(*(getattr(self, entry.name)[rows] for entry in fields(self)))


def measure_events(displacement: NDArray[np.float32], days: NDArray[np.float32]) -> Events:
    """Return the measures of series, independently of their class and of other rows.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing or padding. All measures of a row with fewer than 20 values are NaN.
    days : ndarray of float32, shape [N, T] or [T]
        Days since the first acquisition.
    """
    axes = np.broadcast_to(days, displacement.shape)
    found = np.full((len(fields(Events)), len(displacement)), np.nan)
    for row, (values, axis) in enumerate(zip(displacement, axes, strict=True)):
        there = np.isfinite(values)
        if there.sum() >= _LEAST_EPOCHS:
            found[:, row] = _measure(values[there].astype(np.float64), axis[there].astype(np.float64))
    return Events(*found)


def _measure(values: Floats, days: Floats) -> tuple[float, ...]:
    days = days - days[0]
    years = days / DAYS_PER_YEAR
    columns = [np.ones_like(years), years]
    if years[-1] >= _LEAST_YEARS:
        columns += [np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)]
    design = np.stack(columns, axis=1)
    coefficients = np.linalg.lstsq(design, values)[0]
    rest = values - design @ coefficients
    scatter = max(MAD_TO_STD / np.sqrt(2) * float(np.median(np.abs(np.diff(values)))), 0.05)
    slow = np.median(np.lib.stride_tricks.sliding_window_view(rest, _SLOW_EPOCHS), axis=1)
    bend, place = _bend(values, years, design)
    boxes = _boxes(values, np.linalg.qr(design)[0], scatter)
    size, begin, stop, rest_of_line = boxes[0]
    whole = len(values)
    lasting = begin == 0 or stop == whole
    held = np.nan if lasting else float(stop - begin)
    held_days = np.nan if lasting else float(days[min(stop, whole - 1)] - days[begin])
    between = _between(rest_of_line, size, begin, stop)
    least = max(JUMP_MM, JUMP_SCATTERS * scatter)
    count = sum(abs(box[0]) >= least for box in boxes)
    return (
        abs(float(coefficients[1])),
        scatter,
        float(np.ptp(slow)),
        bend / scatter,
        place,
        abs(size),
        abs(size) / scatter,
        held,
        held_days,
        float(lasting),
        between,
        float(count),
    )


def _bend(values: Floats, years: Floats, design: Floats) -> tuple[float, float]:
    """Return the RMS departure in mm of parabola or hinge from a line, and the position of the best hinge."""
    share = np.linspace(*BREAK_SHARE, _PLACES)
    curves = np.concatenate([years[None] ** 2, np.maximum(years - share[:, None] * years[-1], 0)])
    basis = np.linalg.qr(design)[0]
    beside = curves - (curves @ basis) @ basis.T
    own = np.maximum(np.sum(beside * beside, axis=1), _LEAST_OWN)
    amount = beside @ values / own
    gain = amount**2 * own
    best = int(gain.argmax())
    line = np.linalg.qr(design[:, :2])[0]
    curve = curves[best] * amount[best]
    curve -= line @ (line.T @ curve)
    return float(np.sqrt(np.mean(curve**2))), float(share[int(gain[1:].argmax())])


def _boxes(values: Floats, basis: Floats, scatter: float) -> list[tuple[float, int, int, Floats]]:
    """Return changes of level, found one after another: size, first epoch, first epoch after, row without the rest.

    A boxcar is fitted by least squares together with line and annual cycle (orthonormal ``basis`` [T, k]), to the
    running median of three epochs, which removes single outliers.
    """
    padded = np.pad(values, 1, mode="edge")
    rest = np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)
    found: list[tuple[float, int, int, Floats]] = []
    for _ in range(_MOST_BOXES):
        size, begin, stop, own = _largest_box(rest, basis)
        box = np.zeros_like(rest)
        box[begin:stop] = size
        without = rest - box
        found.append((size, begin, stop, rest - basis @ (basis.T @ without)))
        rest = without
        if abs(size) * np.sqrt(own) < JUMP_SCATTERS * scatter:
            break
    return found


def _largest_box(rest: Floats, basis: Floats) -> tuple[float, int, int, float]:
    """Return the boxcar that decreases the sum of squares most, orthogonal to a basis: size, begin, stop, square."""
    count = len(rest)
    sums, *moments = (np.concatenate([[0.0], np.cumsum(part)]) for part in (rest - basis @ (basis.T @ rest), *basis.T))
    begin, stop = np.arange(count + 1)[:, None], np.arange(count + 1)[None, :]
    length = stop - begin
    held = JUMP_HELD_EPOCHS
    allowed = (length >= held) & ((begin == 0) | (begin >= held)) & ((stop == count) | (stop <= count - held))
    allowed &= length < count
    own = length.astype(np.float64)
    for moment in moments:
        own -= (moment[None, :] - moment[:, None]) ** 2
    allowed &= own > 1
    inner = sums[None, :] - sums[:, None]
    gain = np.where(allowed, inner**2 / np.where(allowed, own, 1), -1)
    b, s = np.unravel_index(int(gain.argmax()), gain.shape)
    return float(inner[b, s] / own[b, s]), int(b), int(s), float(own[b, s])


def _between(level: Floats, size: float, begin: int, stop: int) -> float:
    """Return the mean number of epochs between both levels at the edges."""
    share = level / size if size else np.zeros_like(level)
    low, high = _BETWEEN
    counts = [
        np.count_nonzero(
            (share[max(edge - _EDGE_EPOCHS, 0) : edge + _EDGE_EPOCHS] > low)
            & (share[max(edge - _EDGE_EPOCHS, 0) : edge + _EDGE_EPOCHS] < high)
        )
        for edge in (begin, stop)
        if 0 < edge < len(level)
    ]
    return float(np.mean(counts)) if counts else np.nan
