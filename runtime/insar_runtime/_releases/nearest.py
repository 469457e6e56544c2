"""Pairs of nearest points of two sets, one to one, within a distance."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._spatial.require import require
from insar_runtime.errors import UsageError

_MOST_PAIRS: Final = 50_000_000
"""Pairs within the distance, 24 bytes each."""
_ROUNDS: Final = 50
"""Rounds in which all pairs of mutually nearest points are taken at once; real sets need some ten."""
_SPACING_POINTS: Final = 100_000
"""Points of which the nearest neighbour is searched for the typical spacing."""


def nearest_pairs(
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    limit_m: float,
    *,
    ids: tuple[pa.Array | None, pa.Array | None] = (None, None),
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the stable matching of two sets by distance: the two nearest points, then the two nearest of the rest, ...

    Of equal distances, the order of the coordinates decides, then that of the ids, so the pairs depend neither on the
    order of the points nor on which set comes first.

    Parameters
    ----------
    old, new : ndarray of float64, shapes [N, D] and [M, D]
        Coordinates in metres, finite.
    limit_m : float
        Greatest distance of a pair.
    ids : pair of pyarrow.Array or None
        Ids of both sets.

    Returns
    -------
    pairs : ndarray of intp, shape [P, 2]
        Indices of old and new points; no point occurs twice.
    distance : ndarray of float64, shape [P]
        Metres.

    Raises
    ------
    UsageError
        If too many pairs lie within the distance.
    UnavailableError
        If scipy is not installed.
    """
    if not len(old) or not len(new):
        return np.empty((0, 2), dtype=np.intp), np.empty(0)
    tree, other = _tree(old), _tree(new)
    if tree.count_neighbors(other, limit_m) > _MOST_PAIRS:
        raise UsageError(
            f"too many points lie within {limit_m:g} m of each other to be matched; give a smaller --within, "
            "or match by id (--match id)"
        )
    found = tree.sparse_distance_matrix(other, limit_m, output_type="ndarray")
    i, j, distance = found["i"], found["j"], found["v"]
    # Symmetric in both sets; two pairs that are equal in it, (a, b) and (b, a), have no point in common.
    rank_i, rank_j = _ranks(old, ids[0])[i], _ranks(new, ids[1])[j]
    order = np.lexsort((np.minimum(rank_i, rank_j), rank_i + rank_j, distance))
    i, j, distance = i[order], j[order], distance[order]
    taken = _first_come(i, j, len(old), len(new))
    return np.stack([i[taken], j[taken]], axis=1).astype(np.intp), distance[taken]


def typical_spacing_m(points: NDArray[np.float64]) -> float:
    """Return the median distance of a point to its nearest neighbour at another place.

    Parameters
    ----------
    points : ndarray of float64, shape [N, D]
        Coordinates in metres; NaN = no position.

    Returns
    -------
    float
        Infinite if there are no two places.

    Raises
    ------
    UnavailableError
        If scipy is not installed.
    """
    places = np.unique(points[np.isfinite(points).all(axis=1)], axis=0)
    if len(places) < 2:
        return np.inf
    some = places[:: max(1, len(places) // _SPACING_POINTS)]
    distance, _ = _tree(places).query(some, k=2)
    return float(np.median(distance[:, 1]))


def _tree(points: NDArray[np.float64]) -> Any:
    return require("scipy.spatial", "matching of points by position").cKDTree(points)


def _ranks(points: NDArray[np.float64], ids: pa.Array | None) -> NDArray[np.intp]:
    """Return the ranks of points [N] by coordinates, and of points at one place by their ids."""
    keys = list(points.T[::-1])
    if ids is not None:
        by_text = np.empty(len(points), dtype=np.intp)
        by_text[pc.array_sort_indices(ids).to_numpy()] = np.arange(len(points))
        keys.insert(0, by_text)
    ranks = np.empty(len(points), dtype=np.intp)
    ranks[np.lexsort(keys)] = np.arange(len(points))
    return ranks


def _first_come(i: NDArray[np.intp], j: NDArray[np.intp], count_i: int, count_j: int) -> NDArray[np.intp]:
    """Return the places of the pairs that have no earlier pair with one of their points among those returned."""
    places, taken = np.arange(len(i)), []
    for _ in range(_ROUNDS):
        if not len(places):
            break
        # A pair that is the first one of both of its points is taken.
        first_i, first_j = np.empty(count_i, dtype=np.intp), np.empty(count_j, dtype=np.intp)
        first_i[i[places[::-1]]] = first_j[j[places[::-1]]] = places[::-1]
        best = places[(first_i[i[places]] == places) & (first_j[j[places]] == places)]
        taken.append(best)
        free_i, free_j = np.ones(count_i, dtype=np.bool_), np.ones(count_j, dtype=np.bool_)
        free_i[i[best]] = free_j[j[best]] = False
        places = places[free_i[i[places]] & free_j[j[places]]]
    used_i, used_j, rest = set[int](), set[int](), []
    for place, a, b in zip(places.tolist(), i[places].tolist(), j[places].tolist(), strict=True):
        if a not in used_i and b not in used_j:
            used_i.add(a)
            used_j.add(b)
            rest.append(place)
    return np.concatenate([*taken, np.array(rest, dtype=np.intp)])
