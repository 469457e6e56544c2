"""Clusters of points that move alike: DBSCAN whose density threshold depends on the share of moving points of the file.

Ester et al., "A density-based algorithm for discovering clusters in large spatial databases with noise", KDD 1996. A
point is a core point not by a fixed number of neighbours, but if so many of its neighbours move alike as chance, with
the share of moving points of the rest of the file, hardly ever has (a binomial test, as in scan statistics).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._areas.alike import Motion, alike
from insar_runtime._areas.background import Background
from insar_runtime._areas.fragments import join_fragments
from insar_runtime._spatial.neighbours import Neighbours, typical_spacing
from insar_runtime._spatial.require import require
from insar_runtime.errors import DataError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

SPACINGS: Final = 2.3
"""Default distance in spacings of the points: some 16 neighbours at the typical density, and 12 on a square grid."""
_SPARSE: Final = 5.0
"""In sparser parts of the file the distance is larger, up to this many times."""
_FALSE_CORES: Final = 0.05
"""Core points that chance makes of a file, on average: the significance of a test is this over the number of tests
(Bonferroni)."""
_WEAK_CHANCE: Final = 0.01
"""Probability by chance up to which a point continues a cluster that has a core point (hysteresis, as Canny, 1986,
traces edges): the margins of an area move slower than its middle."""
_LEAST_WEAK: Final = 2
"""Fewest neighbours that move alike, for such a point."""
_ROUNDS: Final = 3
"""Times that the share of moving points outside the clusters is estimated; two are enough as a rule."""

NO_CLUSTER: Final = -1


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of moving points.

    Attributes
    ----------
    label : ndarray of int64, shape [M]
        Cluster of each moving point, from 0; ``NO_CLUSTER`` for none.
    count : int
        Number of clusters.
    distance_m : float
        Distance within which points are neighbours, where they lie as densely as usual.
    spacing_m : float
        Typical spacing of the points.
    background : float
        Share of moving points outside the clusters.
    radius_m : ndarray of float64, shape [M]
        Distance within which each moving point has its neighbours.
    around_m : ndarray of float64, shape [M]
        Spacing of the points around each moving point.
    """

    label: Indices
    count: int
    distance_m: float
    spacing_m: float
    background: float
    radius_m: Floats
    around_m: Floats


def find_clusters(
    points_m: Floats,
    moving: Flags,
    motion: Motion,
    *,
    distance_m: float | None = None,
    min_points: int,
    threads: int = 1,
) -> Clusters:
    """Find clusters of points that move alike.

    Parameters
    ----------
    points_m : ndarray of float64, shape [N, 2]
        All points that have a class, in metres; NaN = no position.
    moving : ndarray of bool, shape [N]
        Which of them move, M in all.
    motion : Motion
        Rates of the M moving points.
    distance_m : float, optional
        Distance within which points are neighbours, everywhere. By default 2.3 times the typical spacing of the points,
        and up to five times that where they are sparser.
    min_points : int
        Fewest moving points of a cluster.
    threads : int
        Threads of the searches.

    Raises
    ------
    DataError
        If all points lie at one place.
    """
    spacing = typical_spacing(points_m)
    placed = np.isfinite(points_m).all(axis=1)
    if np.count_nonzero(placed) > 1 and not spacing > 0:
        raise DataError("all points lie at one place; check the columns of their coordinates")
    usual = distance_m if distance_m is not None else SPACINGS * spacing
    movers = points_m[moving]
    if not np.isfinite(usual) or len(movers) < min_points:
        none = np.full(len(movers), np.nan)
        return Clusters(np.full(len(movers), NO_CLUSTER), 0, usual, spacing, 0.0, none, none)
    everywhere = Neighbours(points_m, threads=threads)
    around_m = everywhere.spacing(movers)
    radius = np.full(len(movers), usual)
    if distance_m is None:
        radius = np.clip(np.nan_to_num(SPACINGS * around_m, nan=usual), usual, _SPARSE * usual)
    around = everywhere.count_within(radius, movers) - 1
    graph = _alike_neighbours(movers, radius, motion, threads=threads)
    background = Background(points_m, moving, motion)
    chance, share = background.typical(everywhere), 0.0
    for _ in range(_ROUNDS):
        graph.choose_core(around, chance, min_points)
        chance, share = background.outside(movers[graph.core], graph.near_core(), usual)
    graph.choose_core(around, chance, min_points)
    label = join_fragments(graph.components(movers, min_points), movers, radius, motion)
    return Clusters(label, int(label.max(initial=-1)) + 1, usual, spacing, share, radius, around_m)


@dataclass(slots=True)
class _Graph:
    """Moving points and those of their neighbours that move alike.

    Attributes
    ----------
    offsets, indices : ndarray
        Neighbours of each moving point, without itself.
    core, weak : ndarray of bool, shape [M]
        Core points, and those that continue a cluster of core points.
    """

    offsets: Indices
    indices: NDArray[np.int32]
    core: Flags
    weak: Flags

    def near_core(self) -> Flags:
        """Return which points are core points, or neighbours of one [M]."""
        near = self.core.copy()
        near[self.indices[np.repeat(self.core, np.diff(self.offsets))]] = True
        return near

    def choose_core(self, around: Indices, chance: Floats, min_points: int) -> None:
        """Decide which points are core points.

        Parameters
        ----------
        around : ndarray of int64, shape [M]
            Neighbours of each moving point, whatever their class.
        chance : ndarray of float64, shape [M]
            Probability that one of them moves alike without an area.
        min_points : int
            Fewest points of a cluster.
        """
        found = np.diff(self.offsets)
        special = require("scipy.special", "a search of areas")
        # Probability of more than found - 1 of so many neighbours.
        by_chance = special.bdtrc(found - 1.0, np.maximum(around, found), chance)
        self.core = (found + 1 >= min_points) & (by_chance <= _FALSE_CORES / max(len(found), 1))
        self.weak = self.core | ((found >= _LEAST_WEAK) & (by_chance <= _WEAK_CHANCE))

    def components(self, movers: Floats, min_points: int) -> Indices:
        """Return the cluster of each point [M]: connected points, at least one of them a core point, and their borders.

        A point at the border belongs to the cluster of the nearest connected point.
        """
        sparse, csgraph = (require(f"scipy.sparse{part}", "a search of areas") for part in ("", ".csgraph"))
        rows = np.repeat(np.arange(len(movers), dtype=np.int32), np.diff(self.offsets))
        both = self.weak[rows] & self.weak[self.indices]
        edges = (np.ones(np.count_nonzero(both), dtype=np.bool_), (rows[both], self.indices[both]))
        matrix = sparse.coo_matrix(edges, shape=(len(movers), len(movers)))
        count, component = csgraph.connected_components(matrix, directed=False)
        has_core = np.zeros(count, dtype=np.bool_)
        has_core[component[self.core]] = True
        joined = self.weak & has_core[component]
        label = np.where(joined, component, NO_CLUSTER).astype(np.int64)
        border = joined[rows] & ~joined[self.indices]
        of, near = self.indices[border], rows[border]
        order = np.lexsort((np.linalg.norm(movers[of] - movers[near], axis=1), of))
        first = order[np.unique(of[order], return_index=True)[1]]
        label[of[first]] = label[near[first]]
        return _numbered(label, min_points)


def _numbered(label: Indices, min_points: int) -> Indices:
    """Return clusters numbered from 0, without those of too few points."""
    inside = label >= 0
    _, number, counts = np.unique(label[inside], return_inverse=True, return_counts=True)
    kept = counts >= min_points
    new = np.where(kept, np.cumsum(kept) - 1, NO_CLUSTER)
    found = np.full(len(label), NO_CLUSTER, dtype=np.int64)
    found[inside] = new[number]
    return found


def _alike_neighbours(movers: Floats, radius: Floats, motion: Motion, *, threads: int) -> _Graph:
    counts, indices = [], []
    for part in Neighbours(movers, threads=threads).within(radius):
        rows = part.rows
        kept = (rows != part.indices) & alike(motion, rows, part.indices)
        counts.append(np.bincount(rows[kept] - part.first, minlength=len(part.offsets) - 1))
        indices.append(part.indices[kept].astype(np.int32))
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.concatenate(counts))])
    none = np.zeros(len(movers), dtype=np.bool_)
    return _Graph(offsets, np.concatenate(indices), none, none)
