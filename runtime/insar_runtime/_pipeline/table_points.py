"""Positions of the points of a table, from its columns or its geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.position import LONGITUDE_LATITUDE, read_points
from insar_runtime._input.table import TableDescription
from insar_runtime._output.geometry import find_geometry, points_of
from insar_runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class TablePoints:
    """Reader of the positions of a table.

    Attributes
    ----------
    system : str or mapping or None
        Coordinate reference system: its name, or its PROJJSON; None if the table does not say it.
    read : callable
        Returns the positions [N, 2] of a batch, float64, NaN = missing.
    """

    system: str | Mapping[str, Any] | None
    read: Callable[[pa.RecordBatch], NDArray[np.float64]]


def find_points(description: TableDescription, purpose: str) -> TablePoints:
    """Return the positions of a table: of its columns if they hold some, otherwise of its geometry.

    Parameters
    ----------
    description : TableDescription
        Of the table.
    purpose : str
        What needs them, for the message: the subject of a sentence, in the plural.

    Raises
    ------
    DataError
        If the table has none.
    """
    if description.position is not None:
        return TablePoints(description.position.crs, partial(read_points, position=description.position))
    geometry = find_geometry(description.schema)
    if geometry is None:
        raise DataError(
            f"{purpose} need the positions of the points, and the table has none that are known; name their columns "
            "with --lon-column and --lat-column, and their system with --crs if they are no degrees"
        )
    system = LONGITUDE_LATITUDE if geometry.is_longitude_latitude else geometry.crs
    return TablePoints(system, partial(points_of, geometry=geometry))
