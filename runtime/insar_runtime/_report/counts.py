"""Counts over all rows of a table: classes, statuses, histograms of confidence and velocity."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES

GROUPS: Final = len(CLASS_NAMES) + 1
"""The classes, and the rows without a class."""

_CONFIDENCE_BINS: Final = 32
_LEAST_CONFIDENCE: Final = 1 / len(CLASS_NAMES)
_VELOCITY_STEP: Final = 0.1
_MOST_VELOCITY: Final = 1000.0
"""Largest velocity of the histogram, in steps of 0.1 mm/yr; faster points are counted there."""
_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_SHOWN: Final = (0.005, 0.995)
"""Quantiles of all velocities between which the chart shows them."""
_BARS: Final = 80


class Counts:
    """Counts of rows by class, status, confidence and velocity."""

    def __init__(self) -> None:
        self.rows = self.unplaced = 0
        self._groups = np.zeros(GROUPS, dtype=np.int64)
        self._statuses = np.zeros(len(STATUS_NAMES), dtype=np.int64)
        self._confidence = np.zeros((GROUPS, _CONFIDENCE_BINS), dtype=np.int64)
        # Bin i is for the velocities nearest to (i - half) steps.
        self._half = round(_MOST_VELOCITY / _VELOCITY_STEP)
        self._velocity = np.zeros((GROUPS, 2 * self._half + 1), dtype=np.int64)

    def add(
        self,
        group: NDArray[np.int8],
        status: NDArray[np.int8],
        confidence: NDArray[np.float32],
        velocity: NDArray[np.float32],
        placed: NDArray[np.bool_],
    ) -> None:
        """Count the next rows, given as arrays [N]; confidence and velocity may be NaN."""
        self.rows += len(group)
        self.unplaced += int(np.count_nonzero(~placed))
        self._groups += np.bincount(group, minlength=GROUPS)
        self._statuses += np.bincount(status, minlength=len(STATUS_NAMES))
        known = ~np.isnan(confidence)
        scaled = (confidence[known] - _LEAST_CONFIDENCE) / (1 - _LEAST_CONFIDENCE) * _CONFIDENCE_BINS
        _count(self._confidence, group[known], scaled.astype(np.int64))
        known = ~np.isnan(velocity)
        steps = np.round(velocity[known] / _VELOCITY_STEP) + self._half
        _count(self._velocity, group[known], np.clip(steps, 0, 2 * self._half).astype(np.int64))

    def to_dict(self) -> dict[str, Any]:
        """Return all counts as plain values; lists by group have the classes first, and rows without a class last."""
        statuses = zip(STATUS_NAMES, self._statuses.tolist(), strict=True)
        return {
            "rows": self.rows,
            "unplaced": self.unplaced,
            "groups": self._groups.tolist(),
            "statuses": {name: count for name, count in statuses if count},
            "confidence": {"from": _LEAST_CONFIDENCE, "to": 1.0, "counts": self._confidence.tolist()},
            "velocity": self._velocities(),
        }

    def _velocities(self) -> dict[str, Any] | None:
        together = self._velocity.sum(axis=0)
        if not together.any():
            return None
        low, high = (int(i) for i in _quantile_bins(together, _SHOWN))
        width = max(-(-(high - low + 1) // _BARS), 1)
        bars = max(-(-(high - low + 1) // width), 1)
        part = np.zeros((GROUPS, bars * width), dtype=np.int64)
        shown = self._velocity[:, low : low + bars * width]
        part[:, : shown.shape[1]] = shown
        return {
            "from": (low - self._half - 0.5) * _VELOCITY_STEP,
            "to": (low + bars * width - self._half - 0.5) * _VELOCITY_STEP,
            "counts": part.reshape(GROUPS, bars, width).sum(axis=2).tolist(),
            "quantiles": [
                [round((int(i) - self._half) * _VELOCITY_STEP, 1) for i in _quantile_bins(counts, _QUANTILES)]
                if counts.any()
                else None
                for counts in self._velocity
            ],
        }


def _count(into: NDArray[np.int64], group: NDArray[np.int8], place: NDArray[np.int64]) -> None:
    """Add one at [group, place] for each row."""
    width = into.shape[1]
    flat = group.astype(np.int64) * width + np.clip(place, 0, width - 1)
    into += np.bincount(flat, minlength=into.size).reshape(into.shape)


def _quantile_bins(counts: NDArray[np.int64], quantiles: tuple[float, ...]) -> NDArray[np.intp]:
    """Return the bins that contain quantiles of the counted values."""
    reached = np.cumsum(counts)
    bins: NDArray[np.intp] = np.searchsorted(reached, np.maximum(np.array(quantiles) * reached[-1], 1), side="left")
    return bins
