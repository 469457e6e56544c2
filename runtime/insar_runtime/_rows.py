"""What each row really holds, and whether a model may be asked about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import RowStatus
from insar_runtime.models import Limits

_INT16_MAX = np.iinfo(np.int16).max


@dataclass(frozen=True, slots=True)
class RowChecks:
    """One value a row.

    Attributes
    ----------
    status : ndarray of int8, shape [N]
        ``RowStatus``; OK where the model may be asked.
    n_epochs : ndarray of int16, shape [N]
        Epochs with a value, finite or not.
    max_gap_days : ndarray of int16, shape [N]
        Longest time between two neighbouring epochs with a value; 0 with fewer than two of them.
    """

    status: NDArray[np.int8]
    n_epochs: NDArray[np.int16]
    max_gap_days: NDArray[np.int16]

    @classmethod
    def empty(cls, rows: int) -> RowChecks:
        """Make room for the checks of so many rows."""
        return cls(np.empty(rows, np.int8), np.empty(rows, np.int16), np.empty(rows, np.int16))

    def set(self, part: slice, found: RowChecks) -> None:
        """Fill in the checks of some of the rows."""
        self.status[part], self.n_epochs[part] = found.status, found.n_epochs
        self.max_gap_days[part] = found.max_gap_days


def check_rows(displacement: NDArray[np.float32], days: NDArray[np.float32], limits: Limits) -> RowChecks:
    """Look at every row before the network does.

    The network must not be left to decide: an int8 model turns NaN and infinity into a confident class.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float32, shape [T]
        Days since the first epoch, strictly increasing.
    limits : Limits
        What the model was made for.
    """
    valid = ~np.isnan(displacement)
    n_epochs = valid.sum(axis=1)
    gap = _longest_gap(valid, n_epochs, days)
    with np.errstate(invalid="ignore"):
        spread = _nan_range(displacement, valid)

    # The first reason that holds is the one reported: from broken to merely unsuitable.
    status = np.select(
        [
            np.isinf(displacement).any(axis=1),
            n_epochs < limits.min_epochs,
            gap > limits.max_gap_days,
            spread > limits.max_range_mm,
        ],
        [RowStatus.NON_FINITE, RowStatus.TOO_FEW_EPOCHS, RowStatus.GAP_TOO_LONG, RowStatus.OUT_OF_DOMAIN],
        default=RowStatus.OK,
    )
    return RowChecks(
        status.astype(np.int8),
        n_epochs.astype(np.int16),
        np.minimum(gap, _INT16_MAX).astype(np.int16),
    )


def _longest_gap(
    valid: NDArray[np.bool_], n_epochs: NDArray[np.int64], days: NDArray[np.float32]
) -> NDArray[np.float32]:
    rows, epochs = valid.shape
    gap = np.full(rows, np.diff(days).max() if epochs > 1 else 0.0, dtype=np.float32)
    partial = np.flatnonzero(n_epochs < epochs)
    if len(partial) and epochs > 1:
        there = valid[partial]
        # Day of the latest epoch with a value up to each epoch; -inf before the first one.
        latest = np.maximum.accumulate(np.where(there, days, -np.inf), axis=1)
        step = np.where(there[:, 1:] & np.isfinite(latest[:, :-1]), days[1:] - latest[:, :-1], 0.0)
        gap[partial] = step.max(axis=1)
    return gap


def _nan_range(displacement: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    if displacement.shape[1] == 0:
        return np.zeros(len(displacement), dtype=np.float32)
    high = np.max(displacement, axis=1, initial=-np.inf, where=valid)
    low = np.min(displacement, axis=1, initial=np.inf, where=valid)
    return np.asarray(high - low, dtype=np.float32)
