"""Positions of scatterers of natural density: towns of buildings, and single points between them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_IN_TOWNS: Final = 0.75
"""Share of the points in towns; the others are spread over the whole scene."""
_TOWN_POINTS: Final = 3750
"""Mean number of points of a town."""
_TOWN_SPREAD_M: Final = (350.0, 900.0)
"""Standard deviation of the positions of the buildings of a town; log-uniform."""
_POINTS_OF_BUILDING: Final = 4.0
"""Mean number of points of a building."""
_BUILDING_SPREAD_M: Final = 7.0
_POINTS_PER_KM2: Final = 75.0
"""Density between towns; with the towns, the median spacing is near 30 m, as in EGMS L2b files. All numbers of this
module are our choice."""


def draw_positions(rng: np.random.Generator, count: int) -> Points:
    """Draw positions [count, 2] in metres, float64, in a square around the origin, in random order."""
    sparse = count - round(_IN_TOWNS * count)
    side = 1000 * np.sqrt(sparse / _POINTS_PER_KM2)
    between = rng.uniform(-side / 2, side / 2, (sparse, 2))
    inside = count - sparse
    towns = max(round(inside / _TOWN_POINTS), 1)
    centre = rng.uniform(-0.4 * side, 0.4 * side, (towns, 2))
    narrow, wide = np.log(_TOWN_SPREAD_M)
    spread = np.exp(rng.uniform(narrow, wide, towns))
    # Wide towns are the large ones.
    buildings = max(round(inside / _POINTS_OF_BUILDING), 1)
    town = rng.choice(towns, size=buildings, p=spread / spread.sum())
    building = centre[town] + spread[town, None] * rng.standard_normal((buildings, 2))
    of = rng.integers(0, buildings, inside)
    built_up = building[of] + _BUILDING_SPREAD_M * rng.standard_normal((inside, 2))
    return rng.permutation(np.concatenate([between, built_up]))
