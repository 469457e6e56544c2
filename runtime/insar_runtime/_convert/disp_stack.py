"""OPERA DISP-S1 rebased by ``opera-utils disp-s1-reformat``: one NetCDF file with all dates.

Structure: opera-utils, src/opera_utils/disp/_reformat.py. The displacements are used as they are: rebased, masked,
and relative to the reference that was chosen there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._convert.companions import CompanionFiles
from insar_runtime._convert.cube import Cube, MapLayer, Window
from insar_runtime._convert.disp_s1 import METRES, projection
from insar_runtime._convert.grids import from_axes
from insar_runtime._convert.hdf5 import as_text, open_hdf5, reader
from insar_runtime._input.dates.date_values import sort_axis
from insar_runtime.errors import DataError

_SINCE: Final = re.compile(r"(seconds|minutes|hours|days) since (\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d))?.*")
_SECONDS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_COHERENCE: Final = "average_temporal_coherence"


def is_disp_stack(file: Any) -> bool:
    """Whether an open HDF5 file is such a stack."""
    return getattr(file.get("displacement"), "ndim", 0) == 3 and all(name in file for name in ("time", "x", "y"))


@contextmanager
def open_disp_stack(path: Path, named: CompanionFiles) -> Iterator[Cube]:
    """Open such a stack.

    Parameters
    ----------
    path : Path
    named : CompanionFiles
        Must name no file and no unit: the stack contains all.

    Yields
    ------
    Cube
        Open until the context ends.

    Raises
    ------
    DataError
        A unit other than metres, or times that cannot be read.
    """
    product = "OPERA DISP-S1"
    named.refuse(product, "geometry", "mask", "velocity", "coherence")
    named.refuse_units(product)
    with open_hdf5(path) as file:
        displacement = file["displacement"]
        units = as_text(displacement.attrs.get("units", ""))
        if units not in METRES:
            raise DataError(f"{path} has displacements in '{units}', not in metres: write them so")
        times = _days(path, file["time"])
        begin = _days(path, file["reference_time"]).min() if "reference_time" in file else times[0]
        # The first date is the reference, which has no map.
        axis, order = sort_axis(np.concatenate([[begin], times]) if begin < times.min() else times)
        shape = displacement.shape[1:]
        coherence = file[_COHERENCE] if getattr(file.get(_COHERENCE), "shape", None) == shape else None
        x, y = (np.asarray(file[name][()], dtype=np.float64) for name in "xy")
        yield Cube(
            product=product,
            dates=axis,
            shape=shape,
            chunk=displacement.chunks[1:] if displacement.chunks else (1, shape[1]),
            series=_series(reader(path, displacement, 1000), len(axis) - len(times), order),
            positions=from_axes(x, y, projection(path, file)),
            layers=() if coherence is None else (_layer(reader(path, coherence)),),
            mask=None,
            reference=None,
            facts={"source_unit": "m", "files": {}, "reformatted": "opera-utils disp-s1-reformat"},
            notes=(),
        )


def _days(path: Path, times: Any) -> NDArray[np.datetime64]:
    """Return dates from times of the CF conventions, a number of units since a date."""
    units = as_text(times.attrs.get("units", ""))
    match = _SINCE.fullmatch(units)
    if not match:
        raise DataError(f"{path} has times in '{units}', not in seconds or days since a date: write them so")
    origin = np.datetime64(f"{match[2]}T{match[3] or '00:00:00'}", "s")
    seconds = np.round(np.atleast_1d(times[()]) * _SECONDS[match[1]]).astype("timedelta64[s]")
    days: NDArray[np.datetime64] = (origin + seconds).astype("datetime64[D]")
    return days


def _series(
    read: Callable[[Any], NDArray[np.float32]], zeros: int, order: NDArray[np.intp] | None
) -> Callable[[Window], NDArray[np.float32]]:
    def series(window: Window) -> NDArray[np.float32]:
        maps = read((slice(None), *window.part))
        if zeros:
            maps = np.concatenate([np.zeros((zeros, *window.shape), dtype=np.float32), maps])
        return maps if order is None else maps[order]

    return series


def _layer(read: Callable[[Any], NDArray[np.float32]]) -> MapLayer:
    return MapLayer("temporal_coherence", lambda window: read(window.part), _COHERENCE)
