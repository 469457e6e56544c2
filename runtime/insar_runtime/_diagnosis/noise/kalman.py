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
from numpy.polynomial.chebyshev import chebvander

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, IndexArray
from insar_runtime._diagnosis.missing import MissingPatterns
from insar_runtime._diagnosis.noise.noise_model import ANNUAL_CHANGE, HALF_YEAR, NoiseKind
from insar_runtime._input.slopes import DAYS_PER_YEAR

_AT_ONCE: Final = 16_000
"""Values of a step of the filter: its arrays stay in the cache of a core."""
_BENDS: Final = (5.0, 2.0, 1.0, 0.5)
"""Amplitude over the scatter of a motion's second to fifth power."""
_BENT: Final = 0.3
"""Rows that may move so: it need not be known well [ours]."""
_STEP: Final = 5.0
"""Amplitude of a step at a known date over the scatter: large."""
_FLAT: Final = 1e-8
_LEAST: Final = 1e-12
_ALIKE: Final = 5
"""Rows that miss the same values and are worth being filtered together."""


@dataclass(frozen=True, slots=True, eq=False)
class Regressors:
    """Columns whose amplitudes are not known, beside the noise; those of all but a line are random, of its variance.

    Attributes
    ----------
    line : ndarray of float64, shape [T, 2]
    motion : ndarray of float64, shape [T, m]
        Bends of the line, which some rows have.
    steps : ndarray of float64, shape [T, s]
    annual : ndarray of float64, shape [T, q]
        A yearly cycle whose RMS is that of the noise.
    """

    line: FloatArray
    motion: FloatArray
    steps: FloatArray
    annual: FloatArray

    @classmethod
    def of(
        cls, days: FloatArray, steps: Sequence[int] = (), *, motion: bool = True, steady: bool = False
    ) -> Regressors:
        """Give a line and its bends, steps at some epochs, and a yearly cycle that changes or not."""
        time = 2 * days / max(float(days[-1]), 1.0) - 1
        powers = chebvander(time, 1 + (len(_BENDS) if motion else 0)).astype(np.float64)
        bends = powers[:, 2:] * np.array(_BENDS)[: powers.shape[1] - 2]
        # A step is not free, for a row may have values on one side of it only.
        jumps = np.where(np.arange(len(days))[:, None] >= np.array(steps, dtype=np.int64), _STEP, 0.0)
        year = days / DAYS_PER_YEAR
        wave = np.stack([np.cos(2 * np.pi * year), np.sin(2 * np.pi * year)], axis=1)
        half = np.stack([np.cos(4 * np.pi * year), np.sin(4 * np.pi * year)], axis=1)
        hats = np.maximum(1 - np.abs(year[:, None] - np.arange(int(year[-1]) + 2)), 0)
        of_year = (hats[:, :, None] * wave[:, None, :]).reshape(len(days), -1)
        changes = ANNUAL_CHANGE**0.5 * of_year[:, : 0 if steady else of_year.shape[1]]
        annual = np.concatenate([wave, changes, HALF_YEAR**0.5 * half], axis=1)
        return cls(powers[:, :2], np.asarray(bends, dtype=np.float64), jumps, annual)

    @property
    def all(self) -> FloatArray:
        """All columns, [T, p]."""
        return np.concatenate([self.line, self.motion, self.steps, self.annual], axis=1)

    def amplitudes(self, annual: float, *, bends: bool) -> FloatArray:
        """Give the scale [p] of each column's amplitude over the noise; that of the line only says that it is free."""
        sizes = [part.shape[1] for part in (self.line, self.motion, self.steps, self.annual)]
        return np.repeat([1.0, float(bends), 1.0, annual], sizes)

    def unbent(self) -> Regressors:
        """Give those of rows that do not bend."""
        return replace(self, motion=self.motion[:, :0])


@dataclass(frozen=True, slots=True, eq=False)
class NoiseFits:
    """How well kinds of noise fit rows, and with what scatter.

    Attributes
    ----------
    kinds : tuple of NoiseKind, length K
    log_likelihood : ndarray of float64, shape [N, K]
        Restricted, with the scatter integrated out, and whether the row bends.
    scatter : ndarray of float64, shape [N, K]
        In the unit of the values.
    freedom : ndarray of float64, shape [N]
        Values less those that a line takes.
    """

    kinds: tuple[NoiseKind, ...]
    log_likelihood: FloatArray
    scatter: FloatArray
    freedom: FloatArray


def fit_kinds(
    values: FloatArray, days: FloatArray, kinds: Sequence[NoiseKind], columns: Regressors, white_factor: FloatArray
) -> NoiseFits:
    """Fit kinds of noise to rows.

    Parameters
    ----------
    values : ndarray of float64, shape [N, T]
        NaN = missing. There must be more values than free columns.
    days : ndarray of float64, shape [T]
    kinds : sequence of NoiseKind, length K
        Of those that follow each other and differ in the yearly cycle only, all but one cost next to nothing.
    columns : Regressors
    white_factor : ndarray of float64, shape [T]
        Scatter of the white part at each epoch over the usual one.
    """
    likelihood, scatter = (np.empty((len(values), len(kinds))) for _ in range(2))
    known, free = columns.all, columns.line.shape[1]
    # A row that bends, and one that does not.
    ways = ((True, _BENT), (False, 1 - _BENT)) if columns.motion.shape[1] else ((False, 1.0),)
    alike: dict[NoiseKind, list[int]] = {}
    for place, kind in enumerate(kinds):
        alike.setdefault(replace(kind, annual=0.0), []).append(place)
    shapes = list(alike)
    alike_rows, alone = shared_and_other_patterns(np.isnan(values))
    for rows in (*alike_rows, *([alone] if len(alone) else [])):
        data, there = _beside(known, values[rows])
        freedom = there.sum(axis=0)[:, None] - free
        some = max(_AT_ONCE // data[0].size, 1)
        for first in range(0, len(shapes), some):
            part = shapes[first : first + some]
            for shape, white, volume in zip(part, *_whiten(data, there, days, part, white_factor), strict=True):
                products = _products(white, known.shape[1])
                for place in alike[shape]:
                    found = []
                    for bends, share in ways:
                        left, more = _left_over(*products, columns.amplitudes(kinds[place].annual, bends=bends), free)
                        of_rows = (volume + more)[:, None] + freedom * np.log(left)
                        found.append((np.log(share) - 0.5 * of_rows.ravel(), (left / freedom).ravel()))
                    likelihood[rows, place], scatter[rows, place] = _either(found)
    return NoiseFits(tuple(kinds), likelihood, scatter, np.isfinite(values).sum(axis=1) - float(free))


def _either(found: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Give the logarithm of the summed likelihoods, and the scatter, of rows that are of one of some kinds."""
    likelihood = np.logaddexp.reduce([one for one, _ in found])
    variance = sum(np.exp(one - likelihood) * squares for one, squares in found)
    return likelihood, np.sqrt(variance)


def shared_and_other_patterns(missing: BoolArray) -> tuple[list[IndexArray], IndexArray]:
    """Group rows [N, T] that miss the same values, most rows first; gives also those that are like few others."""
    groups = MissingPatterns.of(missing).rows
    many = sorted((rows for rows in groups if len(rows) >= _ALIKE), key=len, reverse=True)
    few = [rows for rows in groups if len(rows) < _ALIKE]
    return many, np.sort(np.concatenate(few)) if few else np.empty(0, dtype=np.intp)


def _beside(known: FloatArray, values: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Put rows [n, T] beside known columns, [T, G, C]; all together (G = 1) where they miss the same values."""
    there = ~np.isnan(values).T
    if (there == there[:, :1]).all():
        data, there = np.concatenate([known, values.T], axis=1)[:, None], there[:, :1]
    else:
        of_each = np.broadcast_to(known[:, None], (len(known), len(values), known.shape[1]))
        data = np.concatenate([of_each, values.T[..., None]], axis=2)
    return np.where(there[..., None], data, 0.0), there


def _whiten(
    data: FloatArray, there: BoolArray, days: FloatArray, kinds: Sequence[NoiseKind], white_factor: FloatArray
) -> tuple[FloatArray, FloatArray]:
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


def _gains(
    parts: FloatArray, decay: FloatArray, there: BoolArray, white_factor: FloatArray
) -> tuple[FloatArray, FloatArray]:
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


def _products(white: FloatArray, known: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the products of known columns [G, p, p], theirs with the series [G, p, n], and squares [G, n]."""
    transposed, series = white[..., :known].swapaxes(-1, -2), white[..., known:]
    return transposed @ white[..., :known], transposed @ series, np.einsum("...tn,...tn->...n", series, series)


def _left_over(
    known: FloatArray, cross: FloatArray, squares: FloatArray, scale: FloatArray, free: int
) -> tuple[FloatArray, FloatArray]:
    """Give the squares left about the known columns [G, n], and the log determinant of their amplitudes [G]."""
    # Even a line may be hard to tell where most values are missing.
    prior = np.where(np.arange(len(scale)) < free, _FLAT, 1.0)
    factor = np.linalg.cholesky(known * scale[:, None] * scale + np.diag(prior))
    explained = np.linalg.solve(factor, cross * scale[:, None])
    left = squares - np.einsum("...pn,...pn->...n", explained, explained)
    diagonal = np.diagonal(factor, axis1=-2, axis2=-1)
    return np.maximum(left, _LEAST), 2 * np.log(diagonal).sum(axis=-1)
