"""Local mix of classes: the mix around each point, re-estimated from the probabilities of its neighbours.

Saerens, Latinne, Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities: a simple
procedure", Neural Computation 14(1), 2002, 21-41, with a kernel that weighs each neighbour by its distance, and a
Dirichlet prior about the mix of the file: a maximum of the local likelihood (Tibshirani and Hastie, "Local likelihood
estimation", Journal of the American Statistical Association 82, 1987, 559-567) times the prior.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass

Chunk = tuple[int, NDArray[np.integer], NDArray[np.integer]]
"""Number of a first point, and the neighbours of some points from it on: offsets [m + 1] into indices."""

PRIOR_POINTS: Final = 3.0
"""Weight of the mix of the file, in points: with so many neighbours beside it, the neighbours count for half. A class
that none of n neighbours shows keeps 3 / (3 + n) of its share. Of the weights and distances that ``python -m evaluation
places local`` compares, these halve the false moving points of simulated scenes at no cost on real rows."""

_OF_ONE_POINT: Final = int(TrendClass.PUE)
"""Class that keeps the share of the file everywhere: an unwrapping error is one of a single point as a rule, so
neighbours without one say nothing against it. If they did, one PUE in thirty would be called Stable."""

_STEPS: Final = 20
"""Steps of expectation and maximization. Their number is fixed, so that the result of a point does not depend on
those that are estimated with it."""


def local_mixes(
    probabilities: NDArray[np.float32],
    votes: NDArray[np.bool_],
    points: NDArray[np.float64],
    chunks: Iterable[Chunk],
    *,
    distance: float,
    file_mix: NDArray[np.float64],
    training: NDArray[np.float64],
    prior_points: float = PRIOR_POINTS,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the mix of classes around each point, in which the point itself does not count.

    Parameters
    ----------
    probabilities : ndarray of float32, shape [N, C]
        As the network gives them, for the mix of the training.
    votes : ndarray of bool, shape [N]
        Points whose probabilities count for others.
    points : ndarray of float64, shape [N, 2]
        Metres.
    chunks : iterable of (int, offsets, indices)
        The neighbours of the points; see ``Chunk``. A point may be among its own, and the order does not matter.
    distance : float
        Metres, at which the weight of a neighbour becomes 0: it falls by 1 - (d / distance)^2 (Epanechnikov).
    file_mix, training : ndarray of float64, shape [C]
        Mix of the file, and that for which the probabilities hold; all above 0, sum 1.
    prior_points : float
        See ``PRIOR_POINTS``.

    Returns
    -------
    mixes : ndarray of float32, shape [N, C]
        Sum 1, all above 0; that of the file for points without neighbours.
    counts : ndarray of int32, shape [N]
        Neighbours that count.
    """
    mixes = np.tile(file_mix.astype(np.float32), (len(points), 1))
    counts = np.zeros(len(points), dtype=np.int32)
    for first, offsets, indices in chunks:
        lengths = np.diff(offsets)
        point = np.repeat(np.arange(first, first + len(lengths)), lengths)
        counting = votes[indices] & (indices != point)
        point, neighbour = point[counting], indices[counting]
        if not len(point):
            continue
        order = np.lexsort((neighbour, point))
        point, neighbour = point[order], neighbour[order]
        place, begins, number = np.unique(point, return_index=True, return_counts=True)
        weight = np.maximum(1 - ((points[neighbour] - points[point]) ** 2).sum(axis=1) / distance**2, 0)
        likelihood = np.ascontiguousarray(probabilities[neighbour].T) / training[:, None]
        found = _estimate(likelihood, weight, begins, number, prior_points * file_mix)
        kept = file_mix[_OF_ONE_POINT]
        found[_OF_ONE_POINT] = 0
        found *= (1 - kept) / found.sum(axis=0)
        found[_OF_ONE_POINT] = kept
        mixes[place] = found.T
        counts[place] = number
    return mixes, counts


def _estimate(
    likelihood: NDArray[np.float64],
    weight: NDArray[np.float64],
    begins: NDArray[np.intp],
    number: NDArray[np.intp],
    prior: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the mixes [C, M] of largest posterior probability around M points.

    Parameters
    ----------
    likelihood : ndarray of float64, shape [C, E]
        Of the neighbours of all points, one point after the other, up to a factor for each neighbour.
    weight : ndarray of float64, shape [E]
        Of these neighbours.
    begins, number : ndarray of intp, shape [M]
        First neighbour of each point, and how many it has; at least 1.
    prior : ndarray of float64, shape [C]
        Mix of the file, in points.
    """
    total = prior.sum() + np.add.reduceat(weight, begins)
    mixes = np.repeat((prior / prior.sum())[:, None], len(begins), axis=1)
    for _ in range(_STEPS):
        evidence = (np.repeat(mixes, number, axis=1) * likelihood).sum(axis=0)
        expected = mixes * np.add.reduceat(likelihood * (weight / evidence), begins, axis=1)
        mixes = (prior[:, None] + expected) / total
    return mixes
