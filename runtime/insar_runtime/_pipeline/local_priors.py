"""Local class priors of a table: the mix of classes around each of its points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.class_priors import LocalPriors
from insar_runtime._engine.local_mix import PRIOR_POINTS, local_mixes
from insar_runtime._engine.priors import estimated_mix
from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime._spatial.neighbours import Neighbours

if TYPE_CHECKING:
    from insar_runtime._engine.class_priors import ClassPriors

_FILE_ROWS: Final = 8192
"""Points from all over the table that the mix of the whole is estimated from."""
_PAIRS: Final = 400_000
"""Pairs of neighbours that are held at a time, some 250 bytes each."""
_MOST_POINTS: Final = 4096
_COUNTED: Final = 256
"""Points all over the table whose neighbours are counted, to choose how many are searched at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalMixes:
    """Mixes of classes of all points.

    Attributes
    ----------
    priors : LocalPriors
        The mix of the whole, and what is to be known of the others.
    mixes : ndarray of float32, shape [N, C]
        Of each point.
    """

    priors: LocalPriors
    mixes: NDArray[np.float32]


def estimate_local_mixes(
    probabilities: NDArray[np.float32],
    points_m: NDArray[np.float64],
    distance_m: float,
    training: ClassPriors,
    unsure_below: float,
    *,
    prior_points: float = PRIOR_POINTS,
) -> LocalMixes:
    """Estimate the mix of classes around each point from its neighbours.

    Parameters
    ----------
    probabilities : ndarray of float32, shape [N, C]
        For the mix of the training; NaN in rows that cannot be classified. Rows that the network does not know, below
        ``unsure_below``, have a mix and do not count for others.
    points_m : ndarray of float64, shape [N, 2]
        Metres; NaN = no position: such a point has the mix of the whole, and nobody's mix depends on it.
    distance_m : float
        Largest distance of a neighbour.
    training : ClassPriors
        Mix of the training.
    unsure_below : float
    prior_points : float
        Weight of the mix of the whole, in points.

    Returns
    -------
    LocalMixes
        To the bit independent of the order of the points.
    """
    # Sums depend on the order of their terms: all is computed in the order of the positions.
    order = np.lexsort((*probabilities.T, points_m[:, 1], points_m[:, 0]))
    probabilities, points_m = probabilities[order], points_m[order]
    with np.errstate(invalid="ignore"):
        known = probabilities.max(axis=1, initial=0) >= unsure_below
    rows = np.flatnonzero(known)
    file_mix = estimated_mix(probabilities[rows[evenly_spaced(len(rows), _FILE_ROWS)]], training)
    neighbours = Neighbours(points_m)
    lists = neighbours.within(distance_m, chunk_rows=chunk_points(neighbours, points_m, distance_m))
    chunks = ((part.first, part.offsets, part.indices) for part in lists)
    mixes, counts = local_mixes(
        probabilities,
        known,
        points_m,
        chunks,
        distance=distance_m,
        file_mix=file_mix.array,
        training=training.array,
        prior_points=prior_points,
    )
    priors = LocalPriors(
        file_mix.shares,
        "local",
        file_mix.rows,
        file_mix.estimate,
        distance_m,
        float(np.median(counts)) if len(counts) else 0.0,
        int(np.count_nonzero(counts == 0)),
    )
    back = np.empty_like(mixes)
    back[order] = mixes
    return LocalMixes(priors, back)


def chunk_points(neighbours: Neighbours, points_m: NDArray[np.float64], distance_m: float) -> int:
    """Return the number of points whose neighbours fit into memory together; results do not depend on it."""
    some = points_m[evenly_spaced(len(points_m), _COUNTED)]
    most = int(neighbours.count_within(distance_m, some).max(initial=1))
    return max(1, min(_PAIRS // max(most, 1), _MOST_POINTS))
