"""Share of moving points outside areas, around each point: what chance makes clusters of."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._areas.alike import Motion, alike_by_chance
from insar_runtime._spatial.neighbours import Neighbours

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MOST: Final = 0.3
"""Largest share of moving points outside areas: where more points move, they are areas."""
_TYPICAL_NEIGHBOURS: Final = 64
_TYPICAL_POINTS: Final = 2000
"""The share begins as the median over so many points of the share among so many of their neighbours."""
_LOCAL_NEIGHBOURS: Final = 500
_LOCAL_PLACES: Final = 1000
"""It is estimated again among so many of the nearest points outside the clusters, at so many places."""
_PRIOR_POINTS: Final = 50
"""Weight of the share of the whole file in that of a place, in points."""


class Background:
    """Probability that a point moves as a given one does, where there is no area.

    Sinking and rising points are counted apart: a slow ramp of the whole file makes false movers of one sign on one of
    its sides.

    Parameters
    ----------
    points_m : ndarray of float64, shape [N, 2]
        All points with a class, in metres; NaN = no position.
    moving : ndarray of bool, shape [N]
        Which of them move, M in all.
    motion : Motion
        Of the M moving points.
    """

    def __init__(self, points_m: Floats, moving: Flags, motion: Motion) -> None:
        self._points = points_m
        self._placed: Flags = np.asarray(np.isfinite(points_m).all(axis=1))
        self._moving = moving
        self._motion = motion
        self._rising = np.zeros(len(points_m), dtype=np.bool_)
        self._rising[moving] = motion.rate > 0

    def typical(self, everywhere: Neighbours) -> Floats:
        """Return the first estimate for each moving point [M]: one number, from the places where fewer points move."""
        placed = np.flatnonzero(self._placed)
        sample = np.sort(np.random.default_rng(0).permutation(placed)[:_TYPICAL_POINTS])
        _, rows = everywhere.nearest(min(_TYPICAL_NEIGHBOURS, len(placed)), self._points[sample])
        shares = self._moving[rows].mean(axis=1)
        # Where few points move, the median is a coarse number, even 0: the mean of the lower half is finer then.
        middle = float(np.median(shares))
        share = max(middle, float(shares[shares <= middle].mean()))
        all_outside = np.ones(len(self._motion.rate), dtype=np.bool_)
        chance = self._bounded(share or float(self._moving[placed].mean())) * alike_by_chance(self._motion, all_outside)
        return np.full(len(self._motion.rate), chance)

    def outside(self, core_m: Floats, near: Flags, distance_m: float) -> tuple[Floats, float]:
        """Return the estimate for each moving point [M] from the points outside the clusters, and the share of all.

        Parameters
        ----------
        core_m : ndarray of float64, shape [C, 2]
            Core points of the clusters.
        near : ndarray of bool, shape [M]
            Which moving points are core points, or neighbours of one.
        distance_m : float
            Points within this distance of a core point are not outside.
        """
        outside: Flags = np.array(self._placed)
        if len(core_m):
            far, _ = Neighbours(core_m).nearest(1, self._points, within_m=distance_m)
            outside &= ~np.isfinite(far[:, 0])
        outside[np.flatnonzero(self._moving)[near]] = False
        rows = np.flatnonzero(outside)
        chance = alike_by_chance(self._motion, ~near)
        share = self._bounded((np.count_nonzero(self._moving[rows]) + 1) / (len(rows) + 1))
        movers = self._points[self._moving]
        if len(rows) < _PRIOR_POINTS:
            return np.full(len(movers), share * chance), share
        places = np.sort(np.random.default_rng(0).permutation(np.flatnonzero(self._placed))[:_LOCAL_PLACES])
        _, around = Neighbours(self._points[rows]).nearest(min(_LOCAL_NEIGHBOURS, len(rows)), self._points[places])
        found = rows[around]
        _, nearest = Neighbours(self._points[places]).nearest(1, movers)
        # A moving point without a position is in no cluster, whatever its probability is.
        place = np.maximum(nearest[:, 0], 0)
        probability = np.empty(len(movers))
        for rising in (False, True):
            of_sign = self._moving & (self._rising == rising)
            overall = (np.count_nonzero(of_sign[rows]) + 1) / (len(rows) + 1)
            local = (of_sign[found].sum(axis=1) + _PRIOR_POINTS * overall) / (found.shape[1] + _PRIOR_POINTS)
            chosen = self._rising[self._moving] == rising
            probability[chosen] = np.clip(local, 1 / len(self._points), _MOST)[place[chosen]]
        same_sign = alike_by_chance(self._motion, ~near, same_sign=True)
        return probability * same_sign, share

    def _bounded(self, share: float) -> float:
        return float(np.clip(share, 1 / max(len(self._points), 1), _MOST))
