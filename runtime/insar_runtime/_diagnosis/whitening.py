"""Likelihood of series under many kinds of noise at once, in time that grows with the epochs and not with their cube.

White noise with two Ornstein-Uhlenbeck parts is a Markov process of two states, so a Kalman filter turns columns into
uncorrelated ones of unit variance, whatever the dates are and whichever values are missing. Amplitudes of known columns
(a motion, a yearly cycle) are then those of ordinary least squares: free ones are projected out, as the restricted
likelihood does, random ones count with their variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.noise import ANNUAL_CHANGE, DAYS_OF_YEAR, HALF_YEAR, Floats, NoiseKind

_AT_ONCE: Final = 16_000
"""Values of a step of the filter: its arrays stay in the cache of a core."""
_STEP: Final = 5.0
"""Amplitude of a step at a known date over the scatter: large."""
_FLAT: Final = 1e-8
_LEAST: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns whose amplitudes are not known, beside the noise.

    Attributes
    ----------
    free : ndarray of float64, shape [T, p]
    random : ndarray of float64, shape [T, r]
        Their amplitudes have the variance of the noise.
    annual : ndarray of float64, shape [T, q]
        The same for a yearly cycle whose RMS is that of the noise.
    """

    free: Floats
    random: Floats
    annual: Floats

    @classmethod
    def of(cls, days: Floats, degree: int, steps: Sequence[int] = ()) -> Columns:
        """Give a polynomial, steps at some epochs, and a yearly cycle that changes from year to year."""
        time = 2 * days / max(days[-1], 1.0) - 1
        free = np.polynomial.chebyshev.chebvander(time, degree)
        # Not free: a row may have values on one side of a step only.
        random = _STEP * (np.arange(len(days))[:, None] >= np.array(steps, dtype=np.int64))
        year = days / DAYS_OF_YEAR
        wave = np.stack([np.cos(2 * np.pi * year), np.sin(2 * np.pi * year)], axis=1)
        half = np.stack([np.cos(4 * np.pi * year), np.sin(4 * np.pi * year)], axis=1)
        hats = np.maximum(1 - np.abs(year[:, None] - np.arange(int(year[-1]) + 2)), 0)
        of_year = (hats[:, :, None] * wave[:, None, :]).reshape(len(days), -1)
        annual = np.concatenate([wave, ANNUAL_CHANGE**0.5 * of_year, HALF_YEAR**0.5 * half], axis=1)
        return cls(free, random, annual)

    def of_degree(self, degree: int) -> Columns:
        """Give those of a polynomial of a lower degree."""
        return replace(self, free=self.free[:, : degree + 1])


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """How well kinds of noise fit rows, and with what scatter.

    Attributes
    ----------
    kinds : tuple of NoiseKind, length K
    log_likelihood : ndarray of float64, shape [N, K]
        Restricted, with the scatter integrated out.
    scatter : ndarray of float64, shape [N, K]
        In the unit of the values.
    freedom : ndarray of float64, shape [N]
        Values less free columns.
    """

    kinds: tuple[NoiseKind, ...]
    log_likelihood: Floats
    scatter: Floats
    freedom: Floats


def fit_kinds(values: Floats, days: Floats, kinds: Sequence[NoiseKind], columns: Columns, white_factor: Floats) -> Fits:
    """Fit kinds of noise to rows.

    Parameters
    ----------
    values : ndarray of float64, shape [N, T]
        NaN = missing. There must be more values than free columns.
    days : ndarray of float64, shape [T]
    kinds : sequence of NoiseKind, length K
        Of those that follow each other and differ in the yearly cycle only, all but one cost next to nothing.
    columns : Columns
    white_factor : ndarray of float64, shape [T]
        Scatter of the white part at each epoch over the usual one.
    """
    likelihood, scatter = (np.empty((len(values), len(kinds))) for _ in range(2))
    known = np.concatenate([columns.free, columns.random, columns.annual], axis=1)
    free, yearly = columns.free.shape[1], columns.annual.shape[1]
    random = np.arange(known.shape[1]) >= free
    alike: dict[NoiseKind, list[int]] = {}
    for place, kind in enumerate(kinds):
        alike.setdefault(replace(kind, annual=0.0), []).append(place)
    shapes = list(alike)
    missing = np.isnan(values)
    partial = missing.any(axis=1)
    for rows in (np.flatnonzero(~partial), np.flatnonzero(partial)):
        data, there = _beside(known, values[rows])
        freedom = there.sum(axis=0)[:, None] - free
        some = max(_AT_ONCE // max(data[0].size, 1), 1) if len(rows) else 0
        for first in range(0, len(shapes) if some else 0, max(some, 1)):
            part = shapes[first : first + some]
            for shape, white, volume in zip(part, *_whiten(data, there, days, part, white_factor), strict=True):
                products = _products(white, known.shape[1])
                for place in alike[shape]:
                    scale = np.ones(known.shape[1])
                    scale[-yearly:] = kinds[place].annual
                    left, more = _left_over(*products, scale, random)
                    of_rows = (volume + more)[:, None] + freedom * np.log(left)
                    likelihood[rows, place] = -0.5 * of_rows.ravel()
                    scatter[rows, place] = np.sqrt(left / freedom).ravel()
    return Fits(tuple(kinds), likelihood, scatter, (~missing).sum(axis=1) - float(free))


def _beside(known: Floats, values: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Put rows [n, T] beside known columns, [T, G, C]; all together (G = 1) where none of their values is missing."""
    there = ~np.isnan(values).T
    if there.all():
        return np.concatenate([known, values.T], axis=1)[:, None], there[:, :1]
    of_each = np.broadcast_to(known[:, None], (len(known), len(values), known.shape[1]))
    data = np.concatenate([of_each, values.T[..., None]], axis=2)
    return np.where(there[..., None], data, 0.0), there


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
    """Give the products of known columns [G, p, p], theirs with the series [G, p, n], and squares [G, n]."""
    transposed, series = white[..., :known].swapaxes(-1, -2), white[..., known:]
    return transposed @ white[..., :known], transposed @ series, np.einsum("...tn,...tn->...n", series, series)


def _left_over(
    known: Floats, cross: Floats, squares: Floats, scale: Floats, random: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Give the squares left about the known columns [G, n], and the log determinant of their amplitudes [G]."""
    # Free columns may be hard to tell apart where many values are missing.
    factor = np.linalg.cholesky(known * scale[:, None] * scale + np.diag(np.where(random, 1.0, _FLAT)))
    explained = np.linalg.solve(factor, cross * scale[:, None])
    left = squares - np.einsum("...pn,...pn->...n", explained, explained)
    diagonal = np.diagonal(factor, axis1=-2, axis2=-1)
    return np.maximum(left, _LEAST), 2 * np.log(diagonal).sum(axis=-1)
