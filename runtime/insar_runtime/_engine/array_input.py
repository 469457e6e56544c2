"""Input of a caller in Python: arrays, data frames, Arrow tables and rasters become series [N, T] in mm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from insar_runtime._engine.array_dates import as_dates
from insar_runtime._engine.floats import as_float32
from insar_runtime._engine.given_series import GivenSeries, is_frame
from insar_runtime._engine.row_labels import RowLabels
from insar_runtime.errors import UsageError

if TYPE_CHECKING:
    from insar_runtime._input.units.series_units import Unit


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
        If the shapes do not fit together, displacements are not numbers, there are no dates, or a unit is unknown.
    DataError
        If a date is missing, unreadable or occurs twice, or a table cannot be read as series.
    """
    factor = np.float32(1 if units is None else _factor_to_mm(units, half_wavelength_mm))
    if _is_raster(displacement):
        from insar_runtime._engine.raster_input import raster_series, time_axis  # noqa: PLC0415 - arrays take none of it

        if dates is None or time_axis(displacement) is not None:
            return raster_series(displacement, dates, units=units, half_wavelength_mm=half_wavelength_mm)
    index = displacement.index if hasattr(displacement, "iloc") else None
    if dates is None:
        if index is not None and not is_frame(displacement):
            dates = index  # of a pandas.Series
        elif _is_table(displacement):
            from insar_runtime._engine.table_input import table_series  # noqa: PLC0415 - arrays take none of it

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
    if factor != 1:
        matrix = matrix * factor
    return GivenSeries.whole(matrix if order is None else matrix[:, order], axis, labels)


def _factor_to_mm(units: Unit, half_wavelength_mm: float) -> float:
    from insar_runtime._input.units.series_units import factors_to_mm  # noqa: PLC0415 - mm take none of it

    factors = factors_to_mm(half_wavelength_mm)
    if units not in factors:
        raise UsageError(f"unknown unit '{units}': one of {', '.join(factors)}")
    return factors[units]


def _is_raster(given: Any) -> bool:
    """Return whether an object is an ``xarray.DataArray`` or ``Dataset``."""
    return all(hasattr(given, name) for name in ("dims", "coords", "isel", "transpose"))


def _is_table(given: Any) -> bool:
    """Return whether an object is a data frame of pandas or offers itself as a stream of Arrow record batches."""
    return is_frame(given) or hasattr(given, "__arrow_c_stream__") or isinstance(given, pa.RecordBatch)
