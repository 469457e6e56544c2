"""Series of a raster: an ``xarray.DataArray`` with an axis of time and any others, in memory or in chunks of dask."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.array_dates import as_dates
from insar_runtime._engine.floats import as_float32
from insar_runtime._engine.given_series import GivenSeries, SeriesPart
from insar_runtime._engine.row_labels import RowLabels
from insar_runtime._input.dates.date_columns import DATE_NAMES
from insar_runtime._input.units.series_units import Unit, factors_to_mm
from insar_runtime.errors import UsageError

_UNITS: Final[dict[str, Unit]] = {
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), "mm"),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), "cm"),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), "m"),
}
"""Spellings of the attribute ``units``, in lower case."""


def raster_series(raster: Any, dates: Any, *, units: Unit | None, half_wavelength_mm: float) -> GivenSeries:
    """Return the series of a raster, one for each place along its axes other than time.

    Parameters
    ----------
    raster : xarray.DataArray
        Any order of axes. One that dask holds in chunks is loaded chunk by chunk, each with all its dates.
    dates : array_like, shape [T], optional
        Of its axis of time, in its order; by default the coordinate.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the values; by default that of the attribute ``units``.
    half_wavelength_mm : float
        Half the wavelength of the radar, which fixes what a radian is.

    Raises
    ------
    UsageError
        If it is a Dataset, or there is no axis of time, no unit, or the number of dates is another one.
    DataError
        If a date is missing, unreadable or occurs twice.
    """
    if hasattr(raster, "data_vars"):
        names = ", ".join(map(str, raster.data_vars)) or "none"
        raise UsageError(f"a Dataset has several variables ({names}); give one of them, as dataset['displacement']")
    time = time_axis(raster)
    if time is None:
        raise UsageError(
            f"the DataArray has the axes {', '.join(map(str, raster.dims)) or 'none'}: name that of time 'time', or "
            "give it dates as coordinate"
        )
    if dates is None:
        if time not in raster.coords:
            raise UsageError(f"axis {time} of the DataArray has no coordinate; give its dates")
        dates = raster.coords[time].values
    axis, order = as_dates(dates)
    if len(axis) != raster.sizes[time]:
        raise UsageError(
            f"axis {time} of the DataArray has {raster.sizes[time]} epochs and there are {len(axis)} dates"
        )
    factor = np.float32(factors_to_mm(half_wavelength_mm)[units or _stated_unit(raster)])
    others = tuple(name for name in raster.dims if name != time)
    shape = tuple(int(raster.sizes[name]) for name in others)

    def load(place: dict[Any, slice]) -> NDArray[np.float32]:
        block = raster.isel(place).transpose(*others, time)
        values = as_float32(block.values).reshape(-1, len(axis))
        values = values if order is None else values[:, order]
        return values if factor == 1 else values * factor

    numbers = np.arange(math.prod(shape), dtype=np.intp).reshape(shape)
    parts = tuple(
        SeriesPart(numbers[tuple(place.values())].ravel(), lambda place=place: load(place))  # type: ignore[misc]
        for place in _blocks(raster, others)
    )
    return GivenSeries(axis, math.prod(shape), parts, _labels(raster, time, others, shape))


def time_axis(raster: Any) -> Any | None:
    """Return the name of the axis of time: the one with such a name, or else the only one that has dates."""
    named = [name for name in raster.dims if str(name).lower() in DATE_NAMES]
    dated = [name for name in raster.dims if name in raster.coords and raster.coords[name].dtype.kind == "M"]
    for found in (dated, named):
        if len(found) == 1:
            return found[0]
    return None


def _stated_unit(raster: Any) -> Unit:
    stated = raster.attrs.get("units")
    unit = _UNITS.get(str(stated).strip().lower())
    if unit is None:
        found = "no attribute units" if stated is None else f"the units {str(stated)!r}"
        raise UsageError(f"the DataArray has {found}; give units='mm', 'cm', 'm' or 'rad'")
    return unit


def _blocks(raster: Any, others: tuple[Any, ...]) -> Iterator[dict[Any, slice]]:
    """Return the chunks of dask along all axes but time, or the whole raster as one."""
    chunks = raster.chunks
    sizes = dict(zip(raster.dims, chunks, strict=True)) if chunks else {}
    slices = []
    for name in others:
        ends = list(itertools.accumulate(sizes.get(name, (int(raster.sizes[name]),))))
        slices.append([slice(begin, end) for begin, end in itertools.pairwise([0, *ends])])
    for place in itertools.product(*slices):
        yield dict(zip(others, place, strict=True))


def _labels(raster: Any, time: Any, others: tuple[Any, ...], shape: tuple[int, ...]) -> RowLabels:
    axes = raster.coords.to_dataset()
    dated = [name for name, coordinate in axes.coords.items() if time in coordinate.dims]
    return RowLabels(axes=axes.drop_vars(dated), dims=others, shape=shape)
