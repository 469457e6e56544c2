"""MintPy: ``timeseries*.h5`` with the files beside it, and HDF-EOS5 (``.he5``) with all maps in one file.

Structure: MintPy's docs/api/data_structure.md and docs/hdfeos5.md. Sign: its docs/FAQs.md, "For LOS displacement in
the unit of meters ... positive value represents motion toward the satellite". Positions: the corner is that of the
first pixel, as in ``mintpy.utils.utils0.get_lat_lon``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._convert.companions import CompanionFiles, CompanionSearch, pick
from insar_runtime._convert.cube import Cube, MapLayer, Window
from insar_runtime._convert.grids import Positions, from_axes, from_maps
from insar_runtime._convert.hdf5 import (
    as_text,
    maps_of_shape,
    open_hdf5,
    reader,
    text_attributes,
    translate_hdf5_errors,
)
from insar_runtime._input.dates.date_values import parse_date, sort_axis
from insar_runtime.errors import DataError

_EOS: Final = "HDFEOS/GRIDS/timeseries"
_TO_MM: Final = {"m": 1000.0, "meter": 1000.0, "meters": 1000.0, "cm": 10.0, "mm": 1.0}
_MASKS: Final = ("maskTempCoh.h5",)
_GEOMETRIES: Final = ("geometryRadar.h5", "geometryGeo.h5")
_LAYERS: Final = {"height": "height", "incidenceAngle": "incidence_angle", "azimuthAngle": "azimuth_angle"}
"""Maps of a geometry file and their columns; metres and degrees in both."""


def is_mintpy(file: Any) -> bool:
    """Whether an open HDF5 file holds time series of MintPy."""
    return ("timeseries" in file and "date" in file) or f"{_EOS}/observation/displacement" in file


@contextmanager
def open_mintpy(path: Path, named: CompanionFiles) -> Iterator[Cube]:
    """Open time series of MintPy.

    Parameters
    ----------
    path : Path
        ``timeseries*.h5`` or ``*.he5``.
    named : CompanionFiles
        Unit and files that the user declares.

    Yields
    ------
    Cube
        Open until the context ends.

    Raises
    ------
    DataError
        A unit that is no length, a text that is not a date, or files that do not belong together.
    """
    with ExitStack() as closing:
        file = closing.enter_context(open_hdf5(path))
        with translate_hdf5_errors(path):
            attributes = text_attributes(file.attrs)
        if "timeseries" in file:
            series, dates = file["timeseries"], file["date"]
            companions = CompanionSearch(
                (path.parent, path.parent / "inputs", path.parent.parent / "inputs"), series.shape[1:], closing
            )
            maps = _beside(path, companions, named)
        else:
            named.refuse("an HDF-EOS5 file", "geometry", "mask", "velocity", "coherence")
            series, dates = file[f"{_EOS}/observation/displacement"], file[f"{_EOS}/observation/date"]
            companions = CompanionSearch((), series.shape[1:], closing)
            maps = {name: item for group in ("quality", "geometry") for name, item in _group(path, file, group, series)}
            if named.mask is not None:
                maps.pop("mask", None)
        axis, order = sort_axis(_dates(dates[()]))
        factor, unit, note = _unit(attributes, series, named)
        notes = [*companions.notes, *([note] if note else [])]
        if "mask" not in maps and named.mask is None:
            notes.append("no mask (maskTempCoh.h5) beside the series: all pixels with data are kept")
        positions = _positions(attributes, maps, series.shape[1:])
        if positions is None:
            notes.append("radar coordinates and no latitudes: no positions (--geometry geometryRadar.h5 brings them)")
        yield Cube(
            product="MintPy",
            dates=axis,
            shape=series.shape[1:],
            chunk=series.chunks[1:] if series.chunks else (1, series.shape[2]),
            series=_series(path, series, factor, order, _no_data(attributes)),
            positions=positions,
            layers=tuple(_layers(maps)),
            mask=_mask(maps["mask"]) if "mask" in maps else None,
            reference=_reference(attributes),
            facts={"source_unit": unit, "files": companions.used, "attributes": attributes},
            notes=tuple(notes),
        )


Read = Callable[[Any], NDArray[np.float32]]
Plane = tuple[Read, str]
"""Reader of part of a map, and the file and dataset of the map."""


def _beside(path: Path, companions: CompanionSearch, named: CompanionFiles) -> dict[str, Plane]:
    """Return the maps of the files beside the series, by their names in MintPy."""
    prefix = "geo_" if path.name.startswith("geo_") else ""
    maps: dict[str, Plane] = {}

    def take(source: Path, name: str, dataset: Any, alias: str | None = None) -> None:
        maps[alias or name] = reader(source, dataset), f"{source.name}:{name}"

    geometry = companions.open("geometry", named.geometry, [prefix + _GEOMETRIES[0], *_GEOMETRIES])
    if geometry:
        for name, dataset in geometry[1].items():
            take(geometry[0], name, dataset)
    mask = companions.open("mask", named.mask, [prefix + name for name in _MASKS])
    if mask:
        take(mask[0], *pick(*mask, ["mask"]), alias="mask")
    coherence = companions.open("coherence", named.coherence, [f"{prefix}temporalCoherence.h5"])
    if coherence:
        take(coherence[0], *pick(*coherence, ["temporalCoherence", "coherence"]), alias="temporalCoherence")
    velocity = companions.open("velocity", named.velocity, [f"{prefix}velocity.h5"])
    if velocity:
        source, found = velocity
        unit = as_text(next(iter(found.values())).file.attrs.get("UNIT", "m/year"))
        factor = _TO_MM.get(unit.split("/")[0])
        if factor is None or not unit.endswith(("/year", "/yr")):
            raise DataError(f"{source} has velocities in '{unit}', not in m/year: write them so")
        for name in ("velocity", "velocityStd"):
            if name in found:
                maps[name] = reader(source, found[name], factor), f"{source.name}:{name}, {unit}"
    return maps


def _group(path: Path, file: Any, group: str, series: Any) -> Iterator[tuple[str, Plane]]:
    for name, dataset in maps_of_shape(file.get(f"{_EOS}/{group}", {}), series.shape[1:]).items():
        yield name, (reader(path, dataset), f"{group}/{name}")


def _layers(maps: Mapping[str, Plane]) -> Iterator[MapLayer]:
    columns = {
        "velocity": "velocity",
        "velocityStd": "velocity_std",
        "temporalCoherence": "temporal_coherence",
        **_LAYERS,
    }
    for name, column in columns.items():
        if name in maps:
            read, source = maps[name]
            yield MapLayer(column, _of_window(read), source)


def _of_window(read: Read) -> Callable[[Window], NDArray[np.float32]]:
    return lambda window: read(window.part)


def _mask(plane: Plane) -> Callable[[Window], NDArray[np.bool_]]:
    read = plane[0]

    def mask(window: Window) -> NDArray[np.bool_]:
        values = read(window.part)
        kept: NDArray[np.bool_] = (values != 0) & ~np.isnan(values)
        return kept

    return mask


def _dates(values: Any) -> NDArray[np.datetime64]:
    """Return dates from texts YYYYMMDD, which may end with a time of day."""
    days = [parse_date(as_text(value)[:8]) for value in values]
    if None in days:
        raise DataError(f"'{as_text(values[days.index(None)])}' in 'date' is not a date YYYYMMDD: correct it")
    return np.array(days, dtype="datetime64[D]")


def _unit(attributes: Mapping[str, str], series: Any, named: CompanionFiles) -> tuple[float, str, str | None]:
    """Return the factor to mm, the unit, and a note if the declared unit differs from the stated one."""
    stated = attributes.get("UNIT") or as_text(series.attrs.get("UNIT", series.attrs.get("Units", "")))
    unit = named.declared.units or stated
    if not unit:
        raise DataError("the series state no UNIT: declare it, e.g. --units m (what MintPy writes)")
    if unit not in _TO_MM:
        raise DataError(f"the series are in '{unit}', no length: convert them to displacement with MintPy")
    differs = stated and _TO_MM.get(stated) != _TO_MM[unit]
    return _TO_MM[unit], unit, f"declared {unit}, but the file states {stated}" if differs else None


def _no_data(attributes: Mapping[str, str]) -> float | None:
    """Return the nodata value; None if it is 0, because then only pixels that are 0 at all dates have no data."""
    try:
        value = float(attributes.get("NO_DATA_VALUE", "0"))
    except ValueError:
        return None
    return None if value == 0 or np.isnan(value) else value


def _series(
    path: Path, dataset: Any, factor: float, order: NDArray[np.intp] | None, no_data: float | None
) -> Callable[[Window], NDArray[np.float32]]:
    read = reader(path, dataset)

    def series(window: Window) -> NDArray[np.float32]:
        maps = read((slice(None), *window.part))
        if no_data is not None:
            maps[maps == np.float32(no_data)] = np.nan
        maps *= np.float32(factor)
        return maps if order is None else maps[order]

    return series


def _positions(attributes: Mapping[str, str], maps: Mapping[str, Plane], shape: tuple[int, int]) -> Positions | None:
    if "Y_FIRST" in attributes and "X_FIRST" in attributes:
        first = {axis: float(attributes[f"{axis}_FIRST"]) for axis in "XY"}
        step = {axis: float(attributes[f"{axis}_STEP"]) for axis in "XY"}
        y, x = (first[axis] + step[axis] * (np.arange(n) + 0.5) for axis, n in zip("YX", shape, strict=True))
        return from_axes(x, y, _projection(attributes))
    if "longitude" in maps and "latitude" in maps:
        return from_maps(maps["longitude"][0], maps["latitude"][0])
    return None


def _projection(attributes: Mapping[str, str]) -> str | None:
    """Return the projection of a geocoded file; None for longitude and latitude."""
    if attributes.get("Y_UNIT", "degrees").lower().startswith("deg"):
        return None
    epsg = attributes.get("EPSG", "")
    zone = attributes.get("UTM_ZONE", "")
    if epsg.isdigit():
        return f"EPSG:{epsg}"
    if zone[:-1].isdigit() and zone[-1] in "NS":
        return f"EPSG:{(32600 if zone[-1] == 'N' else 32700) + int(zone[:-1])}"
    raise DataError(
        f"the map is in {attributes['Y_UNIT']} and states neither EPSG nor UTM_ZONE: add attribute EPSG, e.g. 32633"
    )


def _reference(attributes: Mapping[str, str]) -> Window | None:
    try:
        line, pixel = int(attributes["REF_Y"]), int(attributes["REF_X"])
    except (KeyError, ValueError):
        return None
    return Window(line, line + 1, pixel, pixel + 1)
