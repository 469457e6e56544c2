"""Survey of a table: a reading of all rows before they are written, for what depends on the neighbours of a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.jumps.jump_kinds import FileJumps, PresentEpochs
from insar_runtime._diagnosis.row_selection import searched_rows
from insar_runtime._pipeline.batch_work import ENOUGH_ROWS, NumberedBatch
from insar_runtime._pipeline.blas import one_thread_a_product
from insar_runtime._pipeline.row_classes import RowClasses
from insar_runtime._pipeline.table_points import TablePoints
from insar_runtime.classes import TrendClass

if TYPE_CHECKING:
    from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder
    from insar_runtime._diagnosis.options import JumpRows
    from insar_runtime._diagnosis.results import Jumps
    from insar_runtime._input.table import TableDescription

POINT_BYTES: Final = 240
"""Memory of a point in a survey: position, probabilities and mix (16 + 24 + 24 bytes), copies in metres and in the
order of the positions, and the tree of these."""
JUMP_BYTES: Final = 80
"""The same for the bits of its epochs, of which there are 512 at most, and for its jumps."""


@dataclass(frozen=True, slots=True, eq=False)
class SurveyedRows:
    """What is kept of the rows of a batch.

    Attributes
    ----------
    probabilities : ndarray of float32, shape [n, C]
        For the mix of the training; NaN in rows that cannot be classified.
    points : ndarray of float64, shape [n, 2]
        In the system of the table; NaN = no position.
    bits : ndarray of uint8, shape [n, ceil(T / 8)], or None
        Which epochs have a value, if jumps are wanted.
    jump_rows : ndarray of intp, shape [J], or None
        Numbers, within the table, of the rows that were searched for jumps.
    jumps : Jumps or None
        Their jumps.
    """

    probabilities: NDArray[np.float32]
    points: NDArray[np.float64]
    bits: NDArray[np.uint8] | None = None
    jump_rows: NDArray[np.intp] | None = None
    jumps: Jumps | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What is kept of all rows; see ``SurveyedRows``."""

    probabilities: NDArray[np.float32]
    points: NDArray[np.float64]
    present: PresentEpochs | None
    jumps: FileJumps | None

    @classmethod
    def of(cls, parts: list[SurveyedRows], classes: int, epochs: int, *, has_jumps: bool) -> Survey:
        """Join the parts, which are in the order of the rows; their list is emptied."""
        none = np.empty((0, classes), dtype=np.float32)
        probabilities = np.concatenate([none, *(part.probabilities for part in parts)])
        points = np.concatenate([np.empty((0, 2)), *(part.points for part in parts)])
        bits = [part.bits for part in parts if part.bits is not None]
        found = [
            (part.jump_rows, part.jumps) for part in parts if part.jump_rows is not None and part.jumps is not None
        ]
        parts.clear()
        if not has_jumps:
            return cls(probabilities, points, None, None)
        no_bits = np.empty((0, -(-epochs // 8)), dtype=np.uint8)
        present = PresentEpochs(np.concatenate([no_bits, *bits]), epochs)
        return cls(probabilities, points, present, FileJumps.of(len(points), found))


@dataclass(frozen=True, slots=True, eq=False)
class _BegunRows:
    """Rows of a batch whose jumps are not found yet: those that are searched, with their series and probabilities."""

    kept: SurveyedRows
    rows: NDArray[np.intp]
    series: NDArray[np.float32]
    p_pue: NDArray[np.float32]
    is_pue: NDArray[np.bool_]


class SurveyWork:
    """Work of a thread on the batches of a table that is surveyed.

    Parameters
    ----------
    description : TableDescription
        Of a table with one time axis.
    points : TablePoints
        Reads the positions.
    classes : RowClasses
        Classifies the rows.
    most : int
        Most batches of a thread whose jumps are searched together.
    finder : JumpFinder or None
        Finds the jumps, if they are wanted.
    jump_rows : {"flagged", "all"}
        Rows that are searched for jumps.
    """

    def __init__(
        self,
        description: TableDescription,
        points: TablePoints,
        classes: RowClasses,
        *,
        most: int = 1,
        finder: JumpFinder | None = None,
        jump_rows: JumpRows = "flagged",
    ) -> None:
        self.most = most if finder is not None else 1
        self._description = description
        self._points = points
        self._classes = classes
        self._finder = finder
        self._jump_rows: JumpRows = jump_rows

    def begin(self, item: NumberedBatch) -> _BegunRows:
        """Ask the network about a batch, and select the rows that are searched for jumps."""
        batch, first_row = item
        series = self._description.matrix(batch, first_row)
        probabilities, points = self._classes.probabilities(series, first_row), self._points.read(batch)
        if self._finder is None:
            none = np.empty(0, dtype=np.intp)
            return _BegunRows(SurveyedRows(probabilities, points), none, series[:0], probabilities[:0, 0], none > 0)
        result = self._classes.decide(probabilities, series, first_row)
        searched, is_pue = searched_rows(result, self._jump_rows)
        rows = np.flatnonzero(searched)
        return _BegunRows(
            SurveyedRows(probabilities, points, PresentEpochs.pack(series), first_row + rows),
            first_row + rows,
            series[rows],
            result.probabilities[rows, TrendClass.PUE],
            is_pue[rows],
        )

    def is_enough(self, begun: list[_BegunRows]) -> bool:
        """Return whether there are rows enough to be searched together."""
        return sum(len(part.rows) for part in begun) >= ENOUGH_ROWS

    def finish(self, begun: list[_BegunRows]) -> list[SurveyedRows]:
        """Find the jumps of batches, and return what is kept of these."""
        if self._finder is None:
            return [part.kept for part in begun]
        joined = [np.concatenate([getattr(part, name) for part in begun]) for name in ("series", "p_pue", "is_pue")]
        # Values that cannot be estimated become NaN, as in the diagnosis.
        with one_thread_a_product(), np.errstate(all="ignore"):
            jumps = self._finder.find(*joined)
        found, end = [], 0
        for part in begun:
            begin, end = end, end + len(part.rows)
            kept = part.kept
            own = jumps.of_rows(begin, end)
            found.append(SurveyedRows(kept.probabilities, kept.points, kept.bits, part.rows, own))
        return found
