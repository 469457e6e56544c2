"""Findings of a run: about a random sample of the series that pass by, and about the counts at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._findings.finding import Finding
from insar_runtime._findings.run_findings import unclassed_rows
from insar_runtime._findings.sample_findings import examine_sample
from insar_runtime._findings.sentences import list_findings
from insar_runtime._input.random_rows import RandomRows, row_keys
from insar_runtime._input.table import TableDescription
from insar_runtime.models import Limits

_MOST_ROWS: Final = 600
_MOST_VALUES: Final = 60_000
_LEAST_ROWS: Final = 200
"""Rows and values of the sample, and rows of it however long they are: some 10 ms are enough to examine them."""
_SAME_SHARE: Final = 0.9
"""Part of the rows without a class that is as good as all of them in a sample."""


@dataclass(frozen=True, slots=True)
class SampledSeries:
    """Rows of a batch that may be in the sample: their series, mm, and their keys."""

    series: NDArray[np.float32]
    keys: NDArray[np.float64]


class SeriesSample:
    """A random sample of the series of a table, by keys that depend on the number of a row alone.

    So the sample depends neither on the size of batches nor on threads.

    Parameters
    ----------
    description : TableDescription
        Of the table.
    """

    def __init__(self, description: TableDescription) -> None:
        self._description = description
        epochs = len(description.layout.dates)
        self._size = max(min(_MOST_ROWS, _MOST_VALUES // max(epochs, 1)), _LEAST_ROWS)
        self._empty = np.empty((0, epochs), dtype=np.float32)
        self._sample: RandomRows[NDArray[np.float32]] = RandomRows(self._size)

    def choose(self, series: NDArray[np.float32], first_row: int) -> SampledSeries:
        """Return copies of the rows of a batch that may be in the sample; several threads may call this at once.

        Parameters
        ----------
        series : ndarray of float32, shape [N, T]
            mm; NaN = missing.
        first_row : int
            Number of the first row within the table.
        """
        keys = row_keys(first_row, len(series))
        # The limit only shrinks, so an older one lets needless rows through and misses none.
        rows = np.flatnonzero(keys < self._sample.key_limit)
        if len(rows) > self._size:
            rows = np.sort(rows[np.argpartition(keys[rows], self._size)[: self._size]])
        return SampledSeries(series[rows], keys[rows])

    def add(self, chosen: SampledSeries) -> None:
        """Take the chosen rows of the next batch, in the order of the batches."""
        self._sample.add(chosen.series, chosen.keys)

    def series(self) -> NDArray[np.float32]:
        """Return the sample, in the order of the rows."""
        return np.concatenate([self._empty, *self._sample.parts()])

    def findings(self, rows: int, statuses: Mapping[str, int], limits: Limits) -> list[Finding]:
        """Return what is to be known of the table and of its classes.

        Parameters
        ----------
        rows : int
            Number of rows of the table.
        statuses : mapping of str to int
            Number of rows by status.
        limits : Limits
            Limits of the model.
        """
        series = self.series()
        found = list_findings(
            examine_sample(series, self._description.layout.dates, None), len(series), self._description
        )
        unclassed = unclassed_rows(rows, statuses, limits)
        empty = next((finding.value or 0.0 for finding in found if finding.code == "empty_rows"), 0.0)
        # Rows without a value have no class: said once, unless there are clearly more of those without a class.
        is_said = unclassed is None or empty >= _SAME_SHARE * (unclassed.value or 0.0)
        return found if unclassed is None or is_said else [*found, unclassed]
