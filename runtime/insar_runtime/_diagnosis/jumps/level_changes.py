"""Changes of level between running medians before and after each epoch, and the scatter about the medians.

They account neither for coloured noise nor for motion, so they decide whether a jump satisfies its definition
(``definitions``), and not how probable it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, RealArray
from insar_runtime.definitions import JUMP_EDGE_EPOCHS, JUMP_HELD_EPOCHS, JUMP_SCATTERS, MAD_TO_STD

_SHORT: Final = 2 * JUMP_HELD_EPOCHS - 1
"""Length of the short median, which is on a level as soon as ``JUMP_HELD_EPOCHS`` of its epochs are."""
_LONG: Final = 20
"""Length of the long median, which is robust to noise and to values on the wrong level next to a permanent jump. Our
choice."""
_AT_ONCE: Final = 0.7
_AT_ONCE_EPOCHS: Final = 2
"""A change between long medians is abrupt if the change between short medians, at most this many epochs away, is at
least this part of it. Motion and annual cycle give less. Our choice."""
_AROUND: Final = 10
"""Epochs before and after a change over which the scatter is measured."""
_OF_MEDIAN: Final = (np.pi / 2) ** 0.5
"""Standard deviation of a median of many values over that of their mean, for normal noise."""
_LEAST_SCATTER_MM: Final = 0.2
_ROWS_OF_CACHE: Final = 64
"""Series whose windows are formed at a time, few enough for the cache of a core."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelChanges:
    """Abrupt changes of level of n series at T epochs; 0 if there is none, or too few epochs on either side.

    Attributes
    ----------
    mm : ndarray of float64, shape [n, T]
        Median of the following epochs, this one included, less the median of the preceding ones. The medians are those
        of five or of twenty epochs, whichever change is clearer; at the ends of fewer, at least three.
    std : ndarray of float64, shape [n, T]
        Standard deviation of the change for white noise, mm.
    scatter : ndarray of float64, shape [n, T]
        Robust RMS about the medians of the ten epochs before and of the ten after, mm.
    """

    mm: FloatArray
    std: FloatArray
    scatter: FloatArray

    @classmethod
    def of(cls, values: Float32Array) -> LevelChanges:
        """Return the changes of level of series [n, T] in mm, without missing values.

        If a change takes two epochs, the epoch in between belongs to neither level.
        """
        begins = range(0, max(len(values), 1), _ROWS_OF_CACHE)
        parts = [cls._of_some(values[begin : begin + _ROWS_OF_CACHE]) for begin in begins]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("mm", "std", "scatter")))

    @classmethod
    def _of_some(cls, values: Float32Array) -> LevelChanges:
        spread = _spreads(values)
        short, long = (_changes(values, length, spread) for length in (_SHORT, _LONG))
        at_once = np.stack([_shifted(short.mm, shift) for shift in range(-_AT_ONCE_EPOCHS, _AT_ONCE_EPOCHS + 1)])
        abrupt = (at_once * np.sign(long.mm)).max(axis=0) >= _AT_ONCE * np.abs(long.mm)
        return short.clearer(long, abrupt)

    def are_jumps(self, least_mm: float) -> BoolArray:
        """Return which changes satisfy the definition of a jump within their standard deviations, [n, T]."""
        size = np.where(self.mm != 0, np.abs(self.mm) + self.std, 0)
        return np.asarray((size >= least_mm) & (size >= JUMP_SCATTERS * self.scatter))

    def clearness(self) -> FloatArray:
        """Return the size of each change over its standard deviation, [n, T]."""
        return np.asarray(np.abs(self.mm) / self.std)

    def clearer(self, other: LevelChanges, allowed: BoolArray) -> LevelChanges:
        """Return the clearer one of both changes at each epoch; the other one only where it is allowed."""
        mine = ~allowed | (self.clearness() >= other.clearness())
        return LevelChanges(
            *(np.where(mine, getattr(self, name), getattr(other, name)) for name in ("mm", "std", "scatter"))
        )


def _changes(values: Float32Array, length: int, spread: FloatArray) -> LevelChanges:
    """Return the changes between medians of ``length`` epochs; see ``_windows`` for the indices."""
    epochs = values.shape[1]
    level = _nan_median(_windows(values, length))
    none = np.zeros(values.shape)
    found = LevelChanges(none, np.ones(values.shape), none)
    for between in range(JUMP_EDGE_EPOCHS):
        first = np.arange(JUMP_HELD_EPOCHS + between, epochs - JUMP_HELD_EPOCHS + 1)
        change, noise = none.copy(), np.ones(values.shape)
        if len(first):
            change[:, first] = level[:, first + length] - level[:, first - between]
            both = spread[:, first + _AROUND] ** 2 + spread[:, first - between] ** 2
            noise[:, first] = np.maximum(np.sqrt(both / 2), _LEAST_SCATTER_MM)
        held = np.minimum(length, np.minimum(np.arange(epochs) - between, epochs - np.arange(epochs)))
        std = _OF_MEDIAN * noise * np.sqrt(2 / np.maximum(held, JUMP_HELD_EPOCHS))
        found = found.clearer(LevelChanges(change, std, noise), change != 0)
    return found


def _shifted(values: FloatArray, shift: int) -> FloatArray:
    """Return rows shifted by a number of epochs to the left, with 0 beyond the ends."""
    count = values.shape[1]
    place = np.arange(count) + shift
    return np.where((place >= 0) & (place < count), values[:, np.clip(place, 0, count - 1)], 0)


def _windows(values: Float32Array, length: int) -> Float32Array:
    """Return sliding windows [n, T + length, length] of series, padded with NaN at both ends.

    Window e contains the epochs before e, and window e + length the epochs from e on.
    """
    padded = np.pad(values, ((0, 0), (length, length)), constant_values=np.nan)
    return np.asarray(sliding_window_view(padded, length, axis=1)[:, : values.shape[1] + length])


def _spreads(values: Float32Array) -> FloatArray:
    windows = _windows(values, _AROUND)
    return np.asarray(MAD_TO_STD * _nan_median(np.abs(windows - _nan_median(windows)[:, :, None])))


def _nan_median(windows: RealArray) -> FloatArray:
    """Return the median of the values in each window [..., k] that are not NaN; NaN if there are none.

    numpy.nanmedian takes many times as long.
    """
    ordered = np.sort(windows, axis=-1)  # NaN comes last
    count = np.count_nonzero(~np.isnan(ordered), axis=-1)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 0) // 2
    pick = [np.take_along_axis(ordered, place[..., None], axis=-1)[..., 0] for place in (low, high)]
    # For an odd number of values, both are the same.
    return np.asarray((pick[0].astype(np.float64) + pick[1]) / 2)
