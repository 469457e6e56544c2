"""How well areas are found: each true area against the found one that overlaps it most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.places.scene import PlaceScene

HALF: Final = 0.5
"""Intersection over union from which on an area counts as found."""


@dataclass(frozen=True)
class AreaScore:
    """Areas that were found in a scene.

    Attributes
    ----------
    overlap : ndarray of float64, shape [A]
        Intersection over union, in points, of each true area with the found one that overlaps it most.
    inside : ndarray of float64, shape [F]
        Largest share of the moving points of each found area that are in one true area.
    match : ndarray of float64, shape [F]
        Intersection over union of each found area with the true one that overlaps it most.
    """

    overlap: NDArray[np.float64]
    inside: NDArray[np.float64]
    match: NDArray[np.float64]

    def to_dict(self) -> dict[str, Any]:
        """Return counts, recall and precision as plain values; None where there is nothing to divide by."""
        return {
            "areas": len(self.overlap),
            "found": len(self.match),
            "recall": _share(self.overlap >= HALF),
            "precision": _share(self.match >= HALF),
            "within_a_true_area": _share(self.inside >= HALF),
            "median_overlap": float(np.median(self.overlap)) if len(self.overlap) else None,
        }


def score_areas(scene: PlaceScene, area_of_row: NDArray[np.int32], moving: NDArray[np.bool_]) -> AreaScore:
    """Compare found areas with the true ones.

    Parameters
    ----------
    scene : PlaceScene
        With its truth: the points of an area are those that move by ``STABLE_RATE_MM_YR`` or faster.
    area_of_row : ndarray of int32, shape [N]
        Found area of each point; 0 for none.
    moving : ndarray of bool, shape [N]
        Points that the classifier calls moving.
    """
    true = scene.truth.area
    counts = np.zeros((len(scene.areas) + 1, int(area_of_row.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(counts, (true, area_of_row), 1)
    both = counts[1:, 1:]
    union = counts[1:].sum(axis=1)[:, None] + counts[:, 1:].sum(axis=0)[None, :] - both
    overlap = both / np.maximum(union, 1)
    movers = np.zeros_like(counts)
    np.add.at(movers, (true[moving], area_of_row[moving]), 1)
    inside = movers[1:, 1:] / np.maximum(movers[:, 1:].sum(axis=0), 1)
    return AreaScore(
        overlap=overlap.max(axis=1, initial=0),
        inside=inside.max(axis=0, initial=0),
        match=overlap.max(axis=0, initial=0),
    )


def _share(flags: NDArray[np.bool_]) -> float | None:
    return float(flags.mean()) if len(flags) else None
