"""Positions of the points of the real files, in metres."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from insar_runtime._input.position import LAEA_EUROPE, LONGITUDE_LATITUDE
from insar_runtime._spatial.metres import LocalPlane
from insar_runtime.errors import DataError, InputNotFoundError
from training.real_files import STAMPS_FILE, RealFile

_POSITIONS_BESIDE: Final = {"wroclaw_caly_filtered.csv": "wroclaw_geo_filtered.csv"}
"""Tables of positions of transposed files, in the order of their columns."""


def real_points(folder: Path, file: RealFile) -> NDArray[np.float64]:
    """Return the positions [N, 2] of the points of a real file in metres, in the order of its points.

    Parameters
    ----------
    folder : Path
        Folder of the real files.
    file : RealFile

    Raises
    ------
    InputNotFoundError
        If the file is not below the folder.
    DataError
        If it has no positions.
    """
    path = folder / file.path
    path = path.with_name(_POSITIONS_BESIDE.get(path.name, path.name))
    if not path.is_file():
        raise InputNotFoundError(f"{path} is not there; give the folder of the real files")
    table = pacsv.read_csv(path)
    if file == STAMPS_FILE:
        # Longitude and latitude come first, without names; the first row is that of the reference point.
        degrees = np.stack([table.column(place).to_numpy()[1:] for place in (0, 1)], axis=1).astype(np.float64)
        return _in_metres(degrees, LONGITUDE_LATITUDE)
    for names, system in ((("longitude", "latitude"), LONGITUDE_LATITUDE), (("easting", "northing"), LAEA_EUROPE)):
        if set(names) <= set(table.column_names):
            columns = [table[name].cast(pa.float64()).to_numpy() for name in names]
            return _in_metres(np.stack(columns, axis=1), system)
    raise DataError(f"{path} has no positions; give a file with longitude and latitude")


def _in_metres(points: NDArray[np.float64], system: str) -> NDArray[np.float64]:
    return LocalPlane.around(points, system).to_metres(points)
