"""Generalised least squares for all breaks and all jumps.

A jump at an epoch is a column of ones from that epoch on. With the line projected out of the precision matrix of the
noise, the products of all such columns are cumulative sums of that matrix; a temporary jump (boxcar) is the difference
of two columns; a hinge is a cumulative sum of them. The fit of each of the T * T / 2 boxcars takes a few operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.baselines.contestant import Floats
from insar_runtime.definitions import DAYS_PER_YEAR

BASES: Final = ("line", "parabola", "hinge")
"""Motions to which jumps may be added."""
MAX_JUMPS: Final = 4
_FORBIDDEN: Final = 1e12
_LEAST_EPOCHS: Final = 3
_BREAK_SHARES: Final = (0.12, 0.88)
"""Shortest jump in epochs, and range of the break as shares of the span (`insar_runtime.definitions`, with a
margin)."""


@dataclass(frozen=True)
class Sizes:
    """Ranges of the sizes of candidates.

    Attributes
    ----------
    cycle_mm : float
        Half a wavelength, the jump of one cycle.
    damped_mm : pair of float
        Range of a jump after the producer's filtering.
    nuisance_mm : float
        Largest step that is not an unwrapping error.
    departure : float
        Smallest RMS distance of a curve from its least-squares line, divided by the scatter.
    """

    cycle_mm: float
    damped_mm: tuple[float, float] = (12.0, 28.0)
    nuisance_mm: float = 10.0
    departure: float = 1.0


@dataclass(frozen=True)
class Found:
    """Best candidates of each kind for n series; the second axis of the arrays is that of ``BASES``.

    Attributes
    ----------
    plain : ndarray of float64, shape [n, 3]
        Weighted residual sum of squares of the motion alone.
    nuisance : ndarray of float64, shape [n, 3]
        The same with a small step, lasting or temporary.
    jumps : ndarray of float64, shape [n, 3, MAX_JUMPS]
        The same with one to four jumps, added one after the other.
    damped : ndarray of float64, shape [n, 3, MAX_JUMPS]
        Number of these jumps with a free amplitude instead of a whole cycle.
    rate : ndarray of float64, shape [n, 2]
        Rate of the line alone, and of the line with a small step, mm/yr.
    rate_error : ndarray of float64, shape [n]
        Standard error of the rates, mm/yr.
    removed : ndarray of float64, shape [n, 3, MAX_JUMPS + 1, T]
        Sum of the first 0 to 4 jumps, mm.
    break_at : ndarray of int64, shape [n]
        Epoch of the hinge to which jumps were added.
    """

    plain: Floats
    nuisance: Floats
    jumps: Floats
    damped: Floats
    rate: Floats
    rate_error: Floats
    removed: Floats
    break_at: NDArray[np.int64]


class Design:
    """Design functions of one calendar.

    Parameters
    ----------
    days : ndarray of float64, shape [T]
        Days since the first epoch.
    """

    def __init__(self, days: Floats) -> None:
        years = days / DAYS_PER_YEAR
        self.epochs = len(days)
        self.line = np.stack([np.ones_like(years), years - years.mean()])
        self.steps = np.diff(years, prepend=years[0])
        shares = days / days[-1]
        self.breaks = np.flatnonzero((shares >= _BREAK_SHARES[0]) & (shares <= _BREAK_SHARES[1]))
        self.parabola = self._without_line(years[None] ** 2)[0]
        self.hinges = self._without_line(np.maximum(years - years[self.breaks, None], 0))
        self.hinge_rms = self.hinges.std(axis=1)
        index = np.arange(self.epochs + 1)
        early = index < _LEAST_EPOCHS
        self.no_jump = (np.abs(index[:, None] - index) < _LEAST_EPOCHS) | early[:, None] | early
        """Mask [T + 1, T + 1] of pairs of begin and end that are too close to each other or to the first epoch."""

    def _without_line(self, values: Floats) -> Floats:
        basis = self.line / np.linalg.norm(self.line, axis=1, keepdims=True)
        return np.asarray(values - (values @ basis.T) @ basis)


def search(values: Floats, design: Design, precision: Floats, scale: Floats, scatter_mm: Floats, sizes: Sizes) -> Found:
    """Find the best candidate of each kind.

    Parameters
    ----------
    values : ndarray of float64, shape [n, T]
        mm, without missing values.
    design : Design
        Design functions of their calendar.
    precision : ndarray of float64, shape [T, T]
        Inverse covariance of the noise, up to a factor per series.
    scale : ndarray of float64, shape [n]
        Factor on the standard deviation of the noise of each series.
    scatter_mm : ndarray of float64, shape [n]
        RMS of the noise without the annual cycle, the reference for the size of curves.
    sizes : Sizes
        Ranges of the sizes of candidates.
    """
    weighted_line = design.line @ precision
    spread = np.linalg.inv(weighted_line @ design.line.T)
    projected = precision - weighted_line.T @ spread @ weighted_line
    to_rate = spread[1] @ weighted_line
    weighted = values @ projected
    line = _Base(
        left=np.einsum("nt,nt->n", weighted, values),
        seen=_closed(_onwards(weighted)),
        gram=_closed(_closed(_onwards(_onwards(projected).T)).T)[None],
        floor=scale**2 * np.log(design.epochs),
    )
    curve = projected @ design.parabola
    curve_seen, curve_size = values @ curve, np.asarray(curve @ design.parabola)
    parabola = line.beside(curve_seen, curve_size, _closed(_onwards(curve[None])))
    least = sizes.departure * scatter_mm
    straight, bent = line.chain(design, sizes), parabola.chain(design, sizes)

    # For a break together with jumps, the jumps that were found with a parabola are subtracted first.
    hinges = _Hinges(line.gram[0], design)
    jumpless = line.seen - _closed(_onwards(bent.removed[:, -1] @ projected))
    place = hinges.best(jumpless, 0 * least)[0]
    broken = line.beside(*hinges.at(place, line.seen)).chain(design, sizes)

    chains = (straight, bent, broken)
    plain = np.stack(
        [
            line.left,
            line.left - _gain(curve_seen, curve_size, least / design.parabola.std()),
            line.left - hinges.best(line.seen, least)[1],
        ],
        axis=1,
    )
    return Found(
        plain=plain,
        nuisance=np.stack([chain.nuisance for chain in chains], axis=1),
        jumps=np.stack([chain.left for chain in chains], axis=1),
        damped=np.stack([chain.damped for chain in chains], axis=1),
        rate=np.stack([values @ to_rate, (values - straight.small_step) @ to_rate], axis=1),
        rate_error=scale * np.sqrt(spread[1, 1]),
        removed=np.stack([chain.removed for chain in chains], axis=1),
        break_at=place,
    )


@dataclass(frozen=True)
class _Chain:
    """Jumps added to one motion, one after the other; shapes as in ``Found`` without the axis of motions."""

    left: Floats
    damped: Floats
    removed: Floats
    nuisance: Floats
    small_step: Floats


@dataclass(frozen=True)
class _Base:
    """Residual sum of squares after a projection, and the products of all jumps [T + 1] with the residual."""

    left: Floats
    seen: Floats
    gram: Floats
    floor: Floats

    def beside(self, other_seen: Floats, other_size: Floats, other_gram: Floats) -> _Base:
        """Project out one more column, from its products with the values [n], itself [n] and all jumps [n, T + 1]."""
        size = np.broadcast_to(other_size, other_seen.shape)
        share = other_gram / np.broadcast_to(size, (len(size),))[: len(other_gram), None]
        return _Base(
            self.left - other_seen**2 / size,
            self.seen - other_seen[:, None] * share,
            self.gram - share[:, :, None] * other_gram[:, None, :],
            self.floor,
        )

    def chain(self, design: Design, sizes: Sizes) -> _Chain:
        """Return the best small step, and up to four jumps, each the best given those before it."""
        count, columns = self.seen.shape
        own = np.einsum("nkk->nk", self.gram)
        size = own[:, :, None] + own[:, None, :] - 2 * self.gram
        # With this squared length, the gain of an excluded pair is zero at any amplitude.
        size = np.where(design.no_jump, _FORBIDDEN, np.maximum(size, 1e-12))
        rows = np.arange(count)
        shared = np.zeros(count, dtype=np.int64) if len(self.gram) == 1 else rows

        seen, left = self.seen.copy(), self.left.copy()
        lefts, damped = np.empty((count, MAX_JUMPS)), np.zeros((count, MAX_JUMPS))
        removed = np.zeros((count, MAX_JUMPS + 1, columns - 1))
        # Upwards at the first epoch of a pair, downwards at the second; in the other order, a jump downwards.
        doubled = 2 * (seen[:, :, None] - seen[:, None, :])
        amplitude = np.clip(doubled / (2 * size), 0, sizes.nuisance_mm)
        pair, gain = _largest(amplitude, doubled, size)
        nuisance = left - gain
        small_step = amplitude[rows, pair[0], pair[1], None] * _boxcar(pair, columns - 1)
        for jump in range(MAX_JUMPS):
            if jump:
                doubled = 2 * (seen[:, :, None] - seen[:, None, :])
            amplitude = np.clip(doubled / (2 * size), *sizes.damped_mm)
            pair, gain = _largest(amplitude, doubled, size)
            exact_pair, exact_gain = _largest(np.asarray(sizes.cycle_mm), doubled, size)
            own_amplitude = gain - self.floor > exact_gain
            first, last = np.where(own_amplitude, pair, exact_pair)
            gain = np.where(own_amplitude, gain, exact_gain)
            pays = gain > self.floor
            height = pays * np.where(own_amplitude, amplitude[rows, pair[0], pair[1]], sizes.cycle_mm)
            left = left - pays * gain
            seen -= height[:, None] * (self.gram[shared, first] - self.gram[shared, last])
            lefts[:, jump] = left
            damped[:, jump:] += (pays & own_amplitude)[:, None]
            removed[:, jump + 1] = removed[:, jump] + height[:, None] * _boxcar(np.stack([first, last]), columns - 1)
            if not pays.any():
                lefts[:, jump:] = left[:, None]
                removed[:, jump + 1 :] = removed[:, jump, None]
                break
        return _Chain(lefts, damped, removed, nuisance, small_step)


class _Hinges:
    """Products of all hinges with the values and with jumps, from the products of the jumps."""

    def __init__(self, gram: Floats, design: Design) -> None:
        self._design = design
        steps = np.append(design.steps, 0.0)
        # After its break, a hinge increases by each interval.
        self._with_jumps = _onwards(gram * steps)[:, design.breaks + 1]
        self._size = np.diagonal(_onwards((steps[:, None] * self._with_jumps).T)[:, design.breaks + 1])

    def _see(self, seen: Floats) -> Floats:
        return _onwards(seen * np.append(self._design.steps, 0.0))[:, self._design.breaks + 1]

    def best(self, seen: Floats, least: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Return index and gain of the best break of each series; curves depart by at least ``least`` [n] mm."""
        gain = _gain(self._see(seen), self._size, least[:, None] / self._design.hinge_rms)
        place = gain.argmax(axis=1)
        return place, gain[np.arange(len(gain)), place]

    def at(self, place: NDArray[np.int64], seen: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the arguments of ``_Base.beside`` for one break per series."""
        return self._see(seen)[np.arange(len(place)), place], self._size[place], self._with_jumps[:, place].T


def _gain(seen: Floats, size: Floats, least: Floats) -> Floats:
    """Return the decrease of the sum of squares by columns with the best amplitude that is at least ``least``."""
    amplitude = np.maximum(np.abs(seen) / size, least)
    return np.asarray((2 * np.abs(seen) - amplitude * size) * amplitude)


def _largest(amplitude: Floats, doubled: Floats, size: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the pair [2, n] whose boxcar decreases the sum of squares most, and the decrease [n]."""
    gain = (doubled - amplitude * size) * amplitude
    flat = gain.reshape(len(gain), -1)
    best = flat.argmax(axis=1)
    return np.stack(np.divmod(best, gain.shape[2])), flat[np.arange(len(flat)), best]


def _boxcar(pair: NDArray[np.int64], epochs: int) -> Floats:
    """Return 1 from the first epoch of each pair [2, n] to before the second; -1 if the pair is in reverse order."""
    index = np.arange(epochs)
    up, down = (index >= edge[:, None] for edge in pair)
    return up.astype(np.float64) - down


def _onwards(values: Floats) -> Floats:
    """Return the cumulative sums of rows [n, K] from each index to the end."""
    return np.asarray(np.cumsum(values[:, ::-1], axis=1)[:, ::-1])


def _closed(values: Floats) -> Floats:
    """Return rows [n, T] with a zero appended, for a jump after the last epoch."""
    return np.pad(values, ((0, 0), (0, 1)))
