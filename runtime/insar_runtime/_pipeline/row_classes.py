"""Classes of the rows of a table with one time axis: by the network, or from probabilities that are known already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import DataError
from insar_runtime.result import Result

if TYPE_CHECKING:
    from insar_runtime._engine.runner import ModelRunner


class RowClasses:
    """Classify the rows of a table. May be shared between threads.

    Parameters
    ----------
    runner : ModelRunner
        Classifies the series.
    days : ndarray of float32, shape [T]
        The time axis.
    known : ndarray of float32, shape [N, C], optional
        Probabilities of all rows of the table, from a reading before (``ModelRunner.network_probabilities``): the
        network is asked about repaired series only.
    mixes : ndarray of float32, shape [N, C], optional
        Mix of classes of each row, in place of that of the runner.
    """

    def __init__(
        self,
        runner: ModelRunner,
        days: NDArray[np.float32],
        known: NDArray[np.float32] | None = None,
        mixes: NDArray[np.float32] | None = None,
    ) -> None:
        self._runner = runner
        self._days = days
        self._known = known
        self._mixes = mixes

    def probabilities(self, series: NDArray[np.float32], first_row: int) -> NDArray[np.float32]:
        """Return the probabilities of the rows from a number on for the mix of the training, [n, C].

        Raises
        ------
        DataError
            If there were fewer rows when the table was read before.
        """
        if self._known is None:
            return self._runner.network_probabilities(series, self._days)
        end = first_row + len(series)
        if end > len(self._known):
            raise changed_table(len(self._known))
        return self._known[first_row:end]

    def decide(self, probabilities: NDArray[np.float32], series: NDArray[np.float32], first_row: int) -> Result:
        """Return the classes of the rows from a number on, by their ``probabilities``."""
        mixes = None if self._mixes is None else self._mixes[first_row : first_row + len(series)]
        return self._runner.decide_rows(probabilities, series, self._days, mixes)

    def classify(self, series: NDArray[np.float32], first_row: int) -> Result:
        """Return the classes of the rows from a number on.

        Parameters
        ----------
        series : ndarray of float32, shape [n, T]
            mm; NaN = missing.
        first_row : int
            Number of the first row within the table.

        Raises
        ------
        DataError
            If there were fewer rows when the table was read before.
        """
        if self._known is None and self._mixes is None:
            return self._runner.classify_matrix(series, self._days)
        return self.decide(self.probabilities(series, first_row), series, first_row)

    def reclassify(self, series: NDArray[np.float32], rows: NDArray[np.intp]) -> Result:
        """Return the classes of repaired series [n, T] of the rows with these numbers, for the mix of each row."""
        if self._mixes is None:
            return self._runner.classify_matrix(series, self._days)
        probabilities = self._runner.network_probabilities(series, self._days)
        return self._runner.decide_rows(probabilities, series, self._days, self._mixes[rows])


def changed_table(rows: int) -> DataError:
    """Return the error that a table is not what it was when it was read before, with so many rows."""
    return DataError(f"the table had {rows} rows when it was read first, and has others now; run again")
