"""Row checks before the network: number of epochs, longest gap, range, and whether a model may classify them."""

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

    def set(self, part: slice | NDArray[np.intp], found: RowChecks) -> None:
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
    rows, epochs = displacement.shape
    # Most rows have a value at every epoch, and none so large that their range could matter. One pass is enough to
    # know: the sum of squares of a row with NaN or infinity is not a finite number.
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", displacement, displacement)
    gap = np.diff(days).max(initial=0) if rows else 0
    of_complete = np.array(epochs), np.array(gap)
    checks = RowChecks(
        np.full(rows, _status(*of_complete, np.array(0.0), limits)),
        np.full(rows, epochs, dtype=np.int16),
        np.full(rows, min(gap, _INT16_MAX), dtype=np.int16),
    )
    # No range is larger than the root of twice the sum of squares, which float32 knows to less than a thousandth.
    some = np.flatnonzero(~(2 * squares < 0.999 * limits.max_range_mm**2))
    if not len(some):
        return checks
    finite = np.isfinite(squares[some])
    if len(large := some[finite]):
        series = displacement[large]
        checks.status[large] = _status(*of_complete, series.max(axis=1) - series.min(axis=1), limits)
    if len(unknown := some[~finite]):
        checks.set(unknown, _check_closely(displacement[unknown], days, limits))
    return checks


def _check_closely(displacement: NDArray[np.float32], days: NDArray[np.float32], limits: Limits) -> RowChecks:
    """Look at rows of which nothing is known."""
    valid = ~np.isnan(displacement)
    n_epochs = np.count_nonzero(valid, axis=1)
    gap = _longest_gap(valid, n_epochs, days)
    low, high = _extremes(displacement, valid, n_epochs)
    with np.errstate(invalid="ignore"):
        spread = high - low
    # Two finite values may differ by more than float32 holds: such a range is infinite, and too large.
    spread[np.isinf(low) | np.isinf(high)] = np.nan
    return RowChecks(
        _status(n_epochs, gap, spread, limits), n_epochs.astype(np.int16), np.minimum(gap, _INT16_MAX).astype(np.int16)
    )


def _status(
    n_epochs: NDArray[np.intp], gap: NDArray[np.floating], spread: NDArray[np.floating], limits: Limits
) -> NDArray[np.int8]:
    """Return the state of rows; their spread is NaN where a value is infinite."""
    # The first reason that holds is the one reported: from broken to merely unsuitable.
    return np.select(
        [
            np.isnan(spread),
            n_epochs < limits.min_epochs,
            gap > limits.max_gap_days,
            spread > limits.max_range_mm,
        ],
        [RowStatus.NON_FINITE, RowStatus.TOO_FEW_EPOCHS, RowStatus.GAP_TOO_LONG, RowStatus.OUT_OF_DOMAIN],
        default=RowStatus.OK,
    ).astype(np.int8)


def _longest_gap(
    valid: NDArray[np.bool_], n_epochs: NDArray[np.intp], days: NDArray[np.float32]
) -> NDArray[np.float32]:
    rows, epochs = valid.shape
    gap = np.full(rows, np.diff(days).max() if epochs > 1 else 0.0, dtype=np.float32)
    partial = np.flatnonzero(n_epochs < epochs)
    if not len(partial):
        return gap
    gap[partial] = 0
    some = partial[n_epochs[partial] > 0]
    if len(some):
        # Days of the epochs with a value, row after row.
        known = np.broadcast_to(days, (len(some), epochs))[valid[some]]
        counts = n_epochs[some]
        begins = np.cumsum(counts) - counts
        step = np.empty_like(known)
        np.subtract(known[1:], known[:-1], out=step[1:])
        step[begins] = 0
        gap[some] = np.maximum.reduceat(step, begins)
    return gap


def _extremes(
    displacement: NDArray[np.float32], valid: NDArray[np.bool_], n_epochs: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and the highest value of each row; 0 for a row without any.

    Missing values are filled with a value of the row before: numpy's maxima of what a mask leaves over take ten times
    as long as plain ones.
    """
    if displacement.shape[1] == 0:
        nothing = np.zeros(len(displacement), dtype=np.float32)
        return nothing, nothing
    low, high = displacement.min(axis=1), displacement.max(axis=1)  # NaN where a value is missing
    partial = np.flatnonzero(n_epochs < displacement.shape[1])
    if len(partial):
        rows, there = displacement[partial], valid[partial]
        some = rows[np.arange(len(rows)), there.argmax(axis=1)]
        filled = np.where(there, rows, some[:, None])
        low[partial], high[partial] = filled.min(axis=1), filled.max(axis=1)
        empty = partial[n_epochs[partial] == 0]
        low[empty] = high[empty] = 0
    return low, high
