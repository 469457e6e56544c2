"""Input of a caller in Python: arrays, data frames, Arrow tables and rasters become series [N, T] in mm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike

from insar_runtime._engine.array_dates import as_dates
from insar_runtime._engine.floats import as_float32
from insar_runtime._engine.given_series import GivenSeries
from insar_runtime._engine.raster_input import is_raster, raster_series, time_axis
from insar_runtime._engine.row_labels import RowLabels
from insar_runtime._engine.table_input import is_table, table_series
from insar_runtime._input.units.series_units import Unit, factors_to_mm
from insar_runtime.errors import UsageError


def given_series(
    displacement: Any,
    dates: ArrayLike | Sequence[Any] | None,
    *,
    units: Unit | None,
    half_wavelength_mm: float,
) -> GivenSeries:
    """Return the series of whatever ``Classifier.classify`` takes.

    Parameters
    ----------
    displacement : array_like [N, T] or [T], pandas.DataFrame or Series, table of Arrow, or xarray.DataArray
        See ``Classifier.classify``.
    dates : array_like, shape [T], optional
        For arrays; tables, rasters and a ``pandas.Series`` have their own.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the values.
    half_wavelength_mm : float
        Half the wavelength of the radar, which fixes what a radian is.

    Raises
    ------
    UsageError
        If the shapes do not fit together, displacements are no numbers, there are no dates, or a unit is unknown.
    DataError
        If a date is missing, unreadable or occurs twice, or a table cannot be read as series.
    """
    if units is not None and units not in get_args(Unit):
        raise UsageError(f"unknown unit '{units}': one of {', '.join(get_args(Unit))}")
    if is_raster(displacement) and (dates is None or time_axis(displacement) is not None):
        return raster_series(displacement, dates, units=units, half_wavelength_mm=half_wavelength_mm)
    index = displacement.index if hasattr(displacement, "iloc") else None
    if dates is None:
        if index is not None and not hasattr(displacement, "columns"):
            dates = index  # of a pandas.Series
        elif is_table(displacement):
            return table_series(displacement, units=units, half_wavelength_mm=half_wavelength_mm)
        else:
            raise UsageError("an array has no dates of its own; give them: classify(displacement, dates)")
    array = as_float32(displacement)
    labels = RowLabels(index=index) if index is not None and array.ndim == 2 else None
    matrix = np.atleast_2d(array)
    axis, order = as_dates(dates)
    if matrix.ndim != 2 or matrix.shape[1] != len(axis):
        raise UsageError(
            f"displacement has shape {list(matrix.shape)} and there are {len(axis)} dates; give [N, {len(axis)}]"
        )
    factor = np.float32(factors_to_mm(half_wavelength_mm)[units or "mm"])
    if factor != 1:
        matrix = matrix * factor
    return GivenSeries.whole(matrix if order is None else matrix[:, order], axis, labels)
