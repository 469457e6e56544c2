"""Series as a caller gives them: their dates, their rows in parts that are loaded one by one, and their labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.row_labels import RowLabels

if TYPE_CHECKING:
    from insar_runtime._input.producers import Producer
    from insar_runtime._input.table import TableDescription


@dataclass(frozen=True, slots=True, eq=False)
class SeriesPart:
    """Some of the series.

    Attributes
    ----------
    rows : slice, or ndarray of intp, shape [n]
        Which rows of all these are.
    load : callable
        Returns them as an ndarray of float32, shape [n, T], in mm, epochs in the order of the dates, NaN = missing.
    """

    rows: slice | NDArray[np.intp]
    load: Callable[[], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class GivenSeries:
    """N series that share a time axis.

    Attributes
    ----------
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    count : int
        N.
    parts : tuple of SeriesPart
        All rows, each in one part; one part but for rasters in chunks.
    labels : RowLabels
        What the caller's object says of the rows.
    description : TableDescription, optional
        Where the series are a table: what its columns mean.
    """

    dates: NDArray[np.datetime64]
    count: int
    parts: tuple[SeriesPart, ...]
    labels: RowLabels = field(default_factory=RowLabels)
    description: TableDescription | None = None

    @classmethod
    def whole(
        cls,
        matrix: NDArray[np.float32],
        dates: NDArray[np.datetime64],
        labels: RowLabels | None = None,
        description: TableDescription | None = None,
    ) -> GivenSeries:
        """Return series that are in memory [N, T]."""
        return cls(dates, len(matrix), (SeriesPart(slice(None), lambda: matrix),), labels or RowLabels(), description)

    @property
    def made_by(self) -> Producer | None:
        """Who makes tables with such columns; None if unknown."""
        return self.description.layout.made_by if self.description else None

    @property
    def days(self) -> NDArray[np.float32]:
        """Days since the first epoch, float32, shape [T]."""
        return (self.dates - self.dates[:1]).astype(np.float32)

    def matrix(self) -> NDArray[np.float32]:
        """Return all series [N, T], mm, NaN = missing."""
        if len(self.parts) == 1:
            return self.parts[0].load()
        matrix = np.empty((self.count, len(self.dates)), dtype=np.float32)
        for part in self.parts:
            matrix[part.rows] = part.load()
        return matrix


def is_frame(given: Any) -> bool:
    """Return whether an object is a ``pandas.DataFrame``."""
    return hasattr(given, "iloc") and hasattr(given, "columns")
