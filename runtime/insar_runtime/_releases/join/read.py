"""Read a release into temporary files, with what its points are matched by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.table import as_first
from insar_runtime._pipeline.prepare import PreparedTable
from insar_runtime._pipeline.table_points import described_points
from insar_runtime._releases.join.compatible import angle_columns
from insar_runtime._releases.join.spill import SpilledRelease
from insar_runtime._releases.points import PointCollector, ReleasePoints

_ANGLE_ROWS: Final = 1000
"""Rows of a batch whose angles are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadRelease:
    """A release that was read.

    Attributes
    ----------
    rows : SpilledRelease
        Its rows, in temporary files.
    points : ReleasePoints
        Ids and positions.
    angles : dict of str to float
        Medians of the angles that it has columns of, degrees.
    """

    rows: SpilledRelease
    points: ReleasePoints
    angles: dict[str, float]


def read_release(table: PreparedTable, folder: Path, closing: ExitStack, advance: Callable[[int], None]) -> ReadRelease:
    """Read a release.

    Parameters
    ----------
    table : PreparedTable
    folder : Path
        Folder of the temporary files.
    closing : ExitStack
        Closes them.
    advance : callable
        Called with the number of rows of each batch.

    Raises
    ------
    DataError
        If its rows cannot be read.
    InputOutputError
        If there is no room for the temporary files.
    """
    description = table.description
    layout, places = description.layout, described_points(description)
    collector = PointCollector(table.source.name, None if places is None else places.system)
    rows = SpilledRelease(description, folder, closing)
    columns = angle_columns(
        tuple(name for name in layout.attributes if is_numeric(description.schema.field(name).type))
    )
    angles: dict[str, list[NDArray[np.float64]]] = {name: [] for name in columns}
    first_row = 0
    for each in table.batches:
        batch = as_first(each, description.schema)
        # Steps at earlier joins stay: they are taken out when the table is classified.
        rows.add(batch, description.as_stored(batch, first_row))
        points = None if places is None else places.read(batch)
        collector.add(batch.num_rows, batch.column(layout.id) if layout.id else None, points)
        for name, column in columns.items():
            values = batch.column(column).slice(0, _ANGLE_ROWS).cast(pa.float64()).to_numpy(zero_copy_only=False)
            angles[name].append(values[np.isfinite(values)])
        first_row += batch.num_rows
        advance(batch.num_rows)
    rows.complete()
    medians = {
        name: float(np.median(known)) for name, parts in angles.items() if len(known := np.concatenate([*parts, _NONE]))
    }
    return ReadRelease(rows, collector.points(), medians)


_NONE: Final = np.empty(0)
