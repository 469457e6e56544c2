"""Likelihood of series under many kinds of noise at once, in time that grows with the epochs and not with their cube.

White noise with two Ornstein-Uhlenbeck parts is a Markov process of two states, so a Kalman filter turns columns into
uncorrelated ones of unit variance, whatever the dates are and whichever values are missing. Amplitudes of known columns
(a motion, a yearly cycle) are then those of ordinary least squares: free ones are projected out, as the restricted
likelihood does, random ones count with their variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.noise import ANNUAL_CHANGE, DAYS_OF_YEAR, HALF_YEAR, Floats, NoiseKind

_AT_ONCE: Final = 16_000
"""Values of a step of the filter: its arrays stay in the cache of a core."""
_LEAST: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns whose amplitudes are not known, beside the noise.

    Attributes
    ----------
    free : ndarray of float64, shape [T, p]
    annual : ndarray of float64, shape [T, q]
        Those of a yearly cycle of unit RMS: their amplitudes are random, of unit variance.
    """

    free: Floats
    annual: Floats

    @classmethod
    def of(cls, days: Floats, degree: int, steps: Sequence[int] = ()) -> Columns:
        """Give a polynomial, steps at some epochs, and a yearly cycle that changes from year to year."""
        time = 2 * days / max(days[-1], 1.0) - 1
        free = [np.polynomial.chebyshev.chebvander(time, degree)]
        free += [(np.arange(len(days)) >= step).astype(np.float64)[:, None] for step in steps]
        year = days / DAYS_OF_YEAR
        wave = np.stack([np.cos(2 * np.pi * year), np.sin(2 * np.pi * year)], axis=1)
        half = np.stack([np.cos(4 * np.pi * year), np.sin(4 * np.pi * year)], axis=1)
        hats = np.maximum(1 - np.abs(year[:, None] - np.arange(int(year[-1]) + 2)), 0)
        of_year = (hats[:, :, None] * wave[:, None, :]).reshape(len(days), -1)
        annual = np.concatenate([wave, ANNUAL_CHANGE**0.5 * of_year, HALF_YEAR**0.5 * half], axis=1)
        return cls(np.concatenate(free, axis=1), annual)


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """How well each kind of noise fits each row, and with what scatter.

    Attributes
    ----------
    log_likelihood : ndarray of float64, shape [N, K, A]
        Restricted, with the scatter integrated out.
    scatter : ndarray of float64, shape [N, K, A]
        In the unit of the values.
    """

    log_likelihood: Floats
    scatter: Floats


def fit_kinds(
    values: Floats,
    days: Floats,
    kinds: Sequence[NoiseKind],
    annual: Sequence[float],
    columns: Columns,
    white_factor: Floats,
) -> Fits:
    """Fit kinds of noise to rows.

    Parameters
    ----------
    values : ndarray of float64, shape [N, T]
        NaN = missing. There must be more values than free columns, and these must be independent at them.
    days : ndarray of float64, shape [T]
    kinds : sequence of NoiseKind, length K
        Their own yearly cycle does not count.
    annual : sequence of float, length A
        RMS of the yearly cycle over the scatter. More of them cost next to nothing.
    columns : Columns
    white_factor : ndarray of float64, shape [T]
        Scatter of the white part at each epoch over the usual one.
    """
    likelihood, scatter = (np.empty((len(values), len(kinds), len(annual))) for _ in range(2))
    missing = np.isnan(values)
    partial = missing.any(axis=1)
    known = np.concatenate([columns.free, columns.annual], axis=1)
    free = columns.free.shape[1]
    for rows in (np.flatnonzero(~partial), np.flatnonzero(partial)):
        if not len(rows):
            continue
        there = ~missing[rows].T
        if there.all():
            # All rows are columns beside the known ones.
            data, there = np.concatenate([known, values[rows].T], axis=1)[:, None], there[:, :1]
        else:
            of_each = np.broadcast_to(known[:, None], (len(days), len(rows), known.shape[1]))
            data = np.concatenate([of_each, values[rows].T[..., None]], axis=2)
            data = np.where(there[..., None], data, 0.0)
        freedom = there.sum(axis=0) - free
        some = max(_AT_ONCE // data[0].size, 1)
        for first in range(0, len(kinds), some):
            part = slice(first, first + some)
            white, volume = _whiten(data, there, days, kinds[part], white_factor)
            products = _products(white, known.shape[1])
            for place, ratio in enumerate(annual):
                squares, more = _left_over(*products, np.arange(known.shape[1]) >= free, ratio)
                of_rows = -0.5 * ((volume + more)[..., None] + freedom[:, None] * np.log(squares))
                likelihood[rows, part, place] = of_rows.reshape(len(white), -1).T
                scatter[rows, part, place] = np.sqrt(squares / freedom[:, None]).reshape(len(white), -1).T
    return Fits(likelihood, scatter)


def _whiten(
    data: Floats, there: NDArray[np.bool_], days: Floats, kinds: Sequence[NoiseKind], white_factor: Floats
) -> tuple[Floats, Floats]:
    """Filter columns [T, G, C] of G patterns of missing values; gives [K, G, T, C] and log determinants [K, G]."""
    parts = np.array([(kind.white, kind.short, kind.slow) for kind in kinds])
    constants = np.array([(kind.short_days, kind.slow_days) for kind in kinds])
    decay = np.exp(-np.diff(days, prepend=days[0])[:, None, None] / constants)
    gain, deviation = _gains(parts, decay, there, white_factor)
    white = np.empty((len(kinds), data.shape[1], len(days), data.shape[2]))
    short, slow = (np.zeros((len(kinds), *data.shape[1:])) for _ in range(2))
    fresh, step = np.empty_like(short), np.empty_like(short)
    for epoch, now in enumerate(data):
        short *= decay[epoch, :, 0, None, None]
        slow *= decay[epoch, :, 1, None, None]
        np.subtract(now, short, out=fresh)
        fresh -= slow
        short += np.multiply(fresh, gain[epoch, 0][..., None], out=step)
        slow += np.multiply(fresh, gain[epoch, 1][..., None], out=step)
        np.divide(fresh, deviation[epoch][..., None], out=white[:, :, epoch])
        if not there[epoch].all():
            white[:, ~there[epoch], epoch] = 0.0
    return white, 2 * np.log(deviation).sum(axis=0)


def _gains(parts: Floats, decay: Floats, there: NDArray[np.bool_], white_factor: Floats) -> tuple[Floats, Floats]:
    """Give the filter's gains [T, 2, K, G] and the deviation of what is new at each epoch [T, K, G]."""
    shape = (len(parts), there.shape[1])
    gain, deviation = np.zeros((len(there), 2, *shape)), np.ones((len(there), *shape))
    white, of_short, of_slow = (np.broadcast_to(part[:, None], shape) for part in parts.T)
    short, slow, both = of_short.copy(), of_slow.copy(), np.zeros(shape)
    for epoch, now in enumerate(there):
        one, other = decay[epoch, :, 0, None], decay[epoch, :, 1, None]
        short = one**2 * short + (1 - one**2) * of_short
        slow = other**2 * slow + (1 - other**2) * of_slow
        both = one * other * both
        from_short, from_slow = short + both, slow + both
        variance = from_short + from_slow + white * white_factor[epoch] ** 2
        gain[epoch] = np.where(now, [from_short / variance, from_slow / variance], 0.0)
        deviation[epoch] = np.where(now, np.sqrt(variance), 1.0)
        short = short - gain[epoch, 0] * from_short
        both = both - gain[epoch, 0] * from_slow
        slow = slow - gain[epoch, 1] * from_slow
    return gain, deviation


def _products(white: Floats, known: int) -> tuple[Floats, Floats, Floats]:
    """Give the products of known columns [K, G, p, p], theirs with the series [K, G, p, n], and squares [K, G, n]."""
    transposed, series = white[..., :known].swapaxes(-1, -2), white[..., known:]
    return transposed @ white[..., :known], transposed @ series, np.einsum("...tn,...tn->...n", series, series)


def _left_over(
    known: Floats, cross: Floats, squares: Floats, random: NDArray[np.bool_], ratio: float
) -> tuple[Floats, Floats]:
    """Give the squares left about the known columns [K, G, n], and the log determinant of their amplitudes [K, G]."""
    scale = np.where(random, ratio, 1.0)
    factor = np.linalg.cholesky(known * scale[:, None] * scale + np.diag(random.astype(np.float64)))
    explained = np.linalg.solve(factor, cross * scale[:, None])
    left = squares - np.einsum("...pn,...pn->...n", explained, explained)
    diagonal = np.diagonal(factor, axis1=-2, axis2=-1)
    return np.maximum(left, _LEAST), 2 * np.log(diagonal).sum(axis=-1)
