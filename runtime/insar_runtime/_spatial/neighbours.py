"""Neighbours of points within a distance, by a k-d tree (Maneewongvatana and Mount, 1999; scipy's ``cKDTree``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._spatial.require import require

Points = NDArray[np.float64]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

NO_NEIGHBOUR: Final = -1
_CHUNK_ROWS: Final = 16_384
"""Points whose neighbours are held at a time; scipy makes a list of Python of each."""
_SPACING_NEIGHBOURS: Final = 8
"""Neighbours by which the density around a point is estimated: those around a point of a square grid."""
_SPACING_POINTS: Final = 20_000
"""Points of a random sample from which the typical spacing is taken."""


@dataclass(frozen=True, slots=True)
class NeighbourLists:
    """The neighbours of successive points.

    Attributes
    ----------
    first : int
        Row of the first of these points.
    offsets : ndarray of int64, shape [n + 1]
        Where the neighbours of each point begin, and end.
    indices : ndarray of int64
        Rows of the neighbours, increasing for each point; a point is its own neighbour if it is among the points that
        are searched.
    """

    first: int
    offsets: Indices
    indices: Indices

    @property
    def rows(self) -> Indices:
        """Row of the point of each of the indices."""
        counts = np.diff(self.offsets)
        return self.first + np.repeat(np.arange(len(counts), dtype=np.int64), counts)


class Neighbours:
    """Searches the neighbours of points. Points without a position are nobody's neighbours and have none.

    Parameters
    ----------
    points_m : ndarray of float64, shape [N, 2]
        Positions in metres; NaN = no position.
    threads : int
        Threads of a search; -1 for all processors.

    Raises
    ------
    UnavailableError
        If scipy is not installed.
    """

    def __init__(self, points_m: Points, *, threads: int = 1) -> None:
        self._points = points_m
        self._placed = np.flatnonzero(np.isfinite(points_m).all(axis=1))
        self._tree = require("scipy.spatial", "a search of neighbours").cKDTree(points_m[self._placed])
        self._threads = threads

    def __len__(self) -> int:
        """Return the number of points with a position."""
        return len(self._placed)

    def within(
        self, distance_m: float | Floats, of: Points | None = None, *, chunk_rows: int = _CHUNK_ROWS
    ) -> Iterator[NeighbourLists]:
        """Yield the neighbours within a distance, for successive points, so that memory stays flat.

        Parameters
        ----------
        distance_m : float, or ndarray of float64, shape [M]
            Distance, for all or for each point.
        of : ndarray of float64, shape [M, 2], optional
            Points whose neighbours are wanted, in metres; by default those that are searched, each of which is its own
            neighbour then.
        chunk_rows : int
            Points at a time.
        """
        points = self._points if of is None else of
        for first in range(0, len(points), chunk_rows):
            part = points[first : first + chunk_rows]
            there = np.flatnonzero(np.isfinite(part).all(axis=1))
            radius = distance_m if np.ndim(distance_m) == 0 else np.asarray(distance_m)[first + there]
            lists = self._tree.query_ball_point(part[there], radius, workers=self._threads, return_sorted=True)
            counts = np.zeros(len(part), dtype=np.int64)
            counts[there] = [len(one) for one in lists]
            offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
            found = np.fromiter((i for one in lists for i in one), dtype=np.int64, count=int(offsets[-1]))
            yield NeighbourLists(first, offsets, self._placed[found])

    def count_within(self, distance_m: float | Floats, of: Points | None = None) -> Indices:
        """Return the number of neighbours within a distance [M], as ``within`` finds them; 0 without a position."""
        points = self._points if of is None else of
        there = np.flatnonzero(np.isfinite(points).all(axis=1))
        radius = distance_m if np.ndim(distance_m) == 0 else np.asarray(distance_m)[there]
        counts = np.zeros(len(points), dtype=np.int64)
        counts[there] = self._tree.query_ball_point(points[there], radius, workers=self._threads, return_length=True)
        return counts

    def nearest(self, count: int, of: Points | None = None, *, within_m: float = np.inf) -> tuple[Floats, Indices]:
        """Return the nearest neighbours, in the order of their distances.

        Parameters
        ----------
        count : int
            Neighbours of each point, at least 1.
        of : ndarray of float64, shape [M, 2], optional
            As for ``within``.
        within_m : float
            Largest distance.

        Returns
        -------
        distances : ndarray of float64, shape [M, count]
            Metres; infinity where there is no neighbour.
        rows : ndarray of int64, shape [M, count]
            Rows of the neighbours; -1 where there is none.
        """
        points = self._points if of is None else of
        there = np.flatnonzero(np.isfinite(points).all(axis=1))
        distances = np.full((len(points), count), np.inf)
        rows = np.full((len(points), count), NO_NEIGHBOUR, dtype=np.int64)
        if len(there) and len(self):
            found, places = self._tree.query(
                points[there], k=np.arange(1, count + 1), distance_upper_bound=within_m, workers=self._threads
            )
            distances[there] = found
            rows[there] = np.append(self._placed, NO_NEIGHBOUR)[places]
        return distances, rows

    def spacing(self, of: Points | None = None) -> Floats:
        """Return the spacing of the points around each point [M], in metres.

        It is that of a square grid with as many points in a circle as there are around the point: the distance to its
        eighth neighbour times the square root of pi / 8. NaN without a position, or where there is no second point.
        """
        count = min(_SPACING_NEIGHBOURS, len(self) - 1)
        points = self._points if of is None else of
        if count < 1:
            return np.full(len(points), np.nan)
        distances, _ = self.nearest(count + 1, points)
        farthest = distances[:, -1]
        spacing: Floats = np.where(np.isfinite(farthest), farthest * np.sqrt(np.pi / count), np.nan)
        return spacing


def typical_spacing(points_m: Points) -> float:
    """Return the median spacing of points, in metres; see ``Neighbours.spacing``.

    Points at one place count once. At most 20,000 points of a fixed random sample are looked at.

    Parameters
    ----------
    points_m : ndarray of float64, shape [N, 2]
        NaN = no position.

    Returns
    -------
    float
        NaN where there are fewer than two places.
    """
    places = np.unique(points_m[np.isfinite(points_m).all(axis=1)], axis=0)
    if len(places) < 2:
        return float("nan")
    sample = np.random.default_rng(0).permutation(len(places))[:_SPACING_POINTS]
    return float(np.median(Neighbours(places).spacing(places[np.sort(sample)])))
