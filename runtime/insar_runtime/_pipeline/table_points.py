"""Positions of the points of a table, from its columns or its geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.position import LONGITUDE_LATITUDE, Position, read_points
from insar_runtime._input.table import TableDescription
from insar_runtime._output.geometry import Geometry, find_geometry, points_of
from insar_runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class TablePoints:
    """Reader of the positions of a table.

    Attributes
    ----------
    system : str or mapping or None
        Coordinate reference system: its name, or its PROJJSON; None if the table does not say it.
    columns : tuple of str
        Columns that are read.
    read : callable
        Returns the positions [N, 2] of a batch, float64, NaN = missing.
    """

    system: str | Mapping[str, Any] | None
    columns: tuple[str, ...]
    read: Callable[[pa.RecordBatch], NDArray[np.float64]]

    @classmethod
    def of_columns(cls, position: Position) -> TablePoints:
        """Return the positions of two columns."""
        return cls(position.crs, (position.x, position.y), partial(read_points, position=position))

    @classmethod
    def of_geometry(cls, geometry: Geometry) -> TablePoints:
        """Return the positions of a geometry."""
        system = LONGITUDE_LATITUDE if geometry.is_longitude_latitude else geometry.crs
        return cls(system, (geometry.column,), partial(points_of, geometry=geometry))


def described_points(description: TableDescription) -> TablePoints | None:
    """Return the positions of a table: of its columns if they hold some, otherwise of its geometry; None without."""
    if description.position is not None:
        return TablePoints.of_columns(description.position)
    geometry = find_geometry(description.schema)
    return None if geometry is None else TablePoints.of_geometry(geometry)


def find_points(description: TableDescription, purpose: str) -> TablePoints:
    """Return the positions of a table, as ``described_points``.

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
    points = described_points(description)
    if points is None:
        raise DataError(
            f"{purpose} need the positions of the points, and the table has none that are known; name their columns "
            "with --lon-column and --lat-column, and their system with --crs if they are no degrees"
        )
    return points
