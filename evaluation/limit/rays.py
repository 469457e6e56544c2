"""Integrals of a Gaussian likelihood over the size of a curve, with a prior that depends on the residual scatter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaluation.limit.geometry import Floats, Images

_REACH: Final = 32.0
"""Intervals end where the likelihood has fallen by exp(-16) from its maximum in the interval."""
_NEGLIGIBLE: Final = 16.0
"""Curves whose maximum likelihood is below that of the row by exp(-16) are left out."""
_HOPELESS: Final = 1e6
"""Distance of bounds from the best size, in standard deviations, beyond which they have no effect."""
_RATE_NODES: Final = 3
"""Nodes of the Gauss-Hermite quadrature over the rate, for terms that depend on the scatter."""


@dataclass(frozen=True)
class Priors:
    """Priors of the size of a curve and of an added rate.

    Attributes
    ----------
    log_density : callable
        Function of curve indices [n], sizes [n, nodes] and scatter in mm [n, nodes] that returns the log density of the
        size; -inf for impossible sizes.
    intervals : tuple of (float, float)
        Possible sizes, if they do not depend on the scatter.
    departure : tuple of (ndarray, tuple of float), optional
        RMS distance of each unit curve [J] from its least-squares line in mm, and multiples of the scatter: the
        smallest possible one, then those at which the density is discontinuous. It replaces the intervals.
    rate : (float, float), optional
        Range of a uniform rate in mm/yr; by default no rate is added.
    """

    log_density: Callable[[NDArray[np.int64], Floats, Floats], Floats]
    intervals: tuple[tuple[float, float], ...] = ()
    departure: tuple[Floats, tuple[float, ...]] | None = None
    rate: tuple[float, float] | None = None


@dataclass(frozen=True)
class _Products:
    """Inner products of rows y [K], curves g [J] and the unit rate t."""

    yy: Floats
    gg: Floats
    gy: Floats
    tt: float
    gt: Floats
    ty: Floats


def _products(rows: Floats, curves: Floats, rate: Floats) -> _Products:
    return _Products(
        yy=np.einsum("kt,kt->k", rows, rows)[:, None],
        gg=np.einsum("jt,jt->j", curves, curves)[None, :],
        gy=rows @ curves.T,
        tt=float(rate @ rate),
        gt=(curves @ rate)[None, :],
        ty=(rows @ rate)[:, None],
    )


def log_integrals(rows: Images, curves: Images, rate: Images, priors: Priors, nodes: int) -> Floats:
    """Return the integrals of the likelihood of ``size * curve + rate * time`` over the priors of size and rate.

    The integral over the size is by Gauss-Legendre quadrature where the likelihood is not negligible. The likelihood is
    integrated over the rate in closed form; the scatter in the prior of the size is evaluated at three rates.

    Parameters
    ----------
    rows : Images of shape [K, T]
        Series.
    curves : Images of shape [J, T]
        Unit curves.
    rate : Images of shape [T]
        Displacement at 1 mm/yr.
    priors : Priors
        Priors of size and rate.
    nodes : int
        Number of nodes of the quadrature.

    Returns
    -------
    ndarray of float64, shape [K, J]
        Log integrals, up to the constant of the Gaussian density; -inf for an integral of zero.
    """
    white = _products(rows.white, curves.white, rate.white)
    plain = _products(rows.plain, curves.plain, rate.plain)
    if priors.rate is None:
        best_rate, rate_slope = np.zeros_like(white.ty), np.zeros_like(white.gt)
        rate_nodes, rate_weights = np.zeros(1), np.ones(1)
    else:
        best_rate, rate_slope = white.ty / white.tt, -white.gt / white.tt
        rate_nodes, rate_weights = np.polynomial.hermite_e.hermegauss(_RATE_NODES)
        rate_weights = rate_weights / rate_weights.sum()
    # -2 times the log-likelihood, at the best rate for each size, is a quadratic function of the size.
    misfit = _parabola(white, best_rate, rate_slope)
    deviation = 1 / np.sqrt(np.maximum(misfit[2], 1e-12))
    best = -misfit[1] / 2 * deviation**2
    top = -(misfit[0] - (best / deviation) ** 2) / 2

    total = np.full(best.shape, -np.inf)
    for node, rate_weight in zip(rate_nodes, rate_weights, strict=True):
        # So is the variance of the residuals, if the rate is a linear function of the size.
        variance = _parabola(plain, best_rate + node / np.sqrt(white.tt), rate_slope)
        for low, high in _intervals(priors, variance, best.shape):
            lower, upper = (low - best) / deviation, (high - best) / deviation
            nearest = np.clip(0, lower, np.maximum(lower, upper))
            reach = np.sqrt(nearest**2 + _REACH)
            possible = (lower < upper) & (np.abs(nearest) < _HOPELESS)
            score = np.where(possible, top - nearest**2 / 2, -np.inf)
            row, curve = np.nonzero((score > score.max(axis=1, keepdims=True) - _NEGLIGIBLE) & possible)
            if not len(row):
                continue
            at = row, curve
            unit = deviation[0, curve][:, None]
            z, weight = _nodes(np.maximum(lower, -reach)[at], np.minimum(upper, reach)[at], nodes)
            size = best[at][:, None] + z * unit
            log_value = top[at][:, None] - z**2 / 2 + np.log(weight * unit * rate_weight)
            if priors.rate is not None:
                fitted = best_rate[row] + rate_slope[0, curve][:, None] * size
                log_value += _log_rate_share(fitted, white.tt, priors.rate)
            squared = variance[0][row] + (variance[1][at][:, None] + variance[2][0, curve][:, None] * size) * size
            scatter = np.sqrt(np.maximum(squared, 1e-12))
            log_value += priors.log_density(curve, size, scatter)
            total[at] = np.logaddexp(total[at], log_sum(log_value))
    return total


def log_sum(log_values: Floats) -> Floats:
    """Return the log of the sum of exponentials along the last axis; -inf for an empty axis."""
    most = np.maximum(log_values.max(axis=-1, keepdims=True), -1e300)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(log_values - most).sum(axis=-1)) + most[..., 0])


def _parabola(of: _Products, at_zero: Floats, slope: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the coefficients of |y - c g - (at_zero + c slope) t|^2 as a polynomial in c."""
    return (
        of.yy + at_zero**2 * of.tt - 2 * at_zero * of.ty,
        2 * (at_zero * slope * of.tt - of.gy - slope * of.ty + at_zero * of.gt),
        of.gg + slope**2 * of.tt + 2 * slope * of.gt,
    )


def _intervals(
    priors: Priors, variance: tuple[Floats, Floats, Floats], shape: tuple[int, ...]
) -> list[tuple[Floats, Floats]]:
    """Return the possible sizes [K, J] as pairs of bounds; empty if the lower bound is above the upper."""
    if priors.departure is None:
        return [(np.full(shape, low), np.full(shape, high)) for low, high in priors.intervals]
    # The condition that the curve departs from its line by a multiple of the scatter is a quadratic inequality.
    distance, (least, *edges) = priors.departure
    low, high, square, root = _sizes_of(distance, least, variance)
    between = np.broadcast_to(square < 0, shape)
    # Size zero does not satisfy it, so an interval between two roots has sizes of one sign; otherwise each sign has
    # one interval.
    possible = np.where(between & (root == 0), np.inf, low)
    intervals = [
        (np.where(between, possible, -np.inf), np.where(between, high, low)),
        (np.where(between, np.inf, high), np.full(shape, np.inf)),
    ]
    for edge in edges:
        first, last, _, real = _sizes_of(distance, edge, variance)
        parts = []
        for begin, end in intervals:
            # Without a root the first two parts are empty.
            cut, again = (np.where(real > 0, np.clip(place, begin, end), begin) for place in (first, last))
            parts += [(begin, cut), (cut, again), (again, end)]
        intervals = parts
    return intervals


def _sizes_of(
    distance: Floats, multiple: float, variance: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return both sizes at which a departure is a multiple of the scatter, the quadratic coefficient and the root."""
    constant, linear, square = (-(multiple**2) * part for part in variance)
    square = square + distance**2
    root = np.sqrt(np.maximum(linear**2 - 4 * square * constant, 0))
    ends = (-linear - root) / (2 * square), (-linear + root) / (2 * square)
    return np.minimum(*ends), np.maximum(*ends), square, root


def _nodes(lower: Floats, upper: Floats, count: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights [n, count] between bounds [n]."""
    node, weight = np.polynomial.legendre.leggauss(count)
    half = (upper - lower)[:, None] / 2
    return (upper + lower)[:, None] / 2 + half * node, half * weight


def _log_rate_share(best: Floats, precision: float, bounds: tuple[float, float]) -> Floats:
    """Return the log integral of exp(-precision (rate - best)^2 / 2) over a uniform prior of the rate."""
    low, high = bounds
    root = np.sqrt(precision)
    lower, upper = (low - best) * root, (high - best) * root
    # If both bounds are in the upper tail, they are mirrored to avoid cancellation.
    mirrored = lower > 0
    lower, upper = np.where(mirrored, -upper, lower), np.where(mirrored, -lower, upper)
    log_upper = special.log_ndtr(upper)
    log_share = log_upper + np.log1p(-np.exp(special.log_ndtr(lower) - log_upper))
    return np.asarray(log_share + np.log(2 * np.pi / precision) / 2 - np.log(high - low))
