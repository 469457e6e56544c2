"""Small clusters beside a large one that moves alike: parts of one area, as houses across a field are."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._areas.alike import Motion, alike
from insar_runtime._spatial.neighbours import Neighbours
from insar_runtime._spatial.require import require

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_REACH: Final = 2.0
"""Distance between the nearest points of a fragment and its area, in distances of neighbours (our choice)."""
_SMALL: Final = 0.25
"""Most points of a fragment, as a share of those of its area."""


def join_fragments(label: Indices, movers_m: Floats, radius_m: Floats, motion: Motion) -> Indices:
    """Return the clusters of points, with each fragment joined to its area.

    Parameters
    ----------
    label : ndarray of int64, shape [M]
        Cluster of each moving point, from 0; -1 for none.
    movers_m : ndarray of float64, shape [M, 2]
        Moving points in metres.
    radius_m : ndarray of float64, shape [M]
        Distance within which each of them has its neighbours.
    motion : Motion
        Their rates.

    Returns
    -------
    ndarray of int64, shape [M]
        Clusters from 0, without gaps in their numbers.
    """
    inside = np.flatnonzero(label >= 0)
    count = int(label.max(initial=-1)) + 1
    if count < 2:
        return label
    size = np.bincount(label[inside], minlength=count)
    firsts, seconds = [], []
    for part in Neighbours(movers_m[inside]).within(_REACH * radius_m[inside]):
        one, other = inside[part.rows], inside[part.indices]
        smaller, larger = label[one], label[other]
        close = (smaller != larger) & (size[smaller] <= _SMALL * size[larger])
        close[close] = alike(motion, one[close], other[close])
        firsts.append(smaller[close])
        seconds.append(larger[close])
    fragment, area = np.concatenate(firsts), np.concatenate(seconds)
    sparse, csgraph = (require(f"scipy.sparse{part}", "a search of areas") for part in ("", ".csgraph"))
    # A fragment between two areas joins the larger one, and not both with each other.
    order = np.lexsort((-size[area], fragment))
    first = order[np.unique(fragment[order], return_index=True)[1]]
    edges = (np.ones(len(first), dtype=np.bool_), (fragment[first], area[first]))
    _, joined = csgraph.connected_components(sparse.coo_matrix(edges, shape=(count, count)), directed=False)
    found = label.copy()
    found[inside] = joined[label[inside]]
    return found
