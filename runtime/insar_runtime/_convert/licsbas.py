"""LiCSBAS: ``cum.h5`` and ``cum_filt.h5``, with the folder ``results`` beside them.

Structure and unit: LiCSBAS's bin/LiCSBAS13_sb_inv.py and bin/LiCSBAS16_filt_ts.py, whose comment on the conversion of
phase ("rad -> mm, positive is -LOS") states the sign: positive is against the line of sight, towards the satellite.
Positions: the corner is the centre of the first pixel (``xy2bl`` in LiCSBAS_tools_lib.py). Reference: the mean over
``refarea`` is subtracted at each date, as in LiCSBAS_cum2tstxt.py, and from the velocities, as in LiCSBAS_plot_ts.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._convert.companions import NONE, CompanionFiles
from insar_runtime._convert.cube import Cube, MapLayer, Window
from insar_runtime._convert.grids import Positions, from_axes
from insar_runtime._convert.hdf5 import as_text, open_hdf5, reader, translate_hdf5_errors
from insar_runtime._input.dates.date_values import parse_date, sort_axis
from insar_runtime.errors import DataError

_LAYERS: Final = {
    "vel": ("velocity", "mm/yr"),
    "vstd": ("velocity_std", "mm/yr"),
    "coh_avg": ("coherence", "1"),
    "resid_rms": ("rmse", "mm"),
    "hgt": ("height", "m"),
    "E.geo": ("los_east", "1"),
    "N.geo": ("los_north", "1"),
    "U.geo": ("los_up", "1"),
}
"""Maps in the file or in the folder of results: their columns and units."""
_GRID: Final = ("corner_lat", "corner_lon", "post_lat", "post_lon")
_SETTINGS: Final = ("filtwidth_yr", "filtwidth_km", "deramp_flag", "hgt_linear_flag")


def is_licsbas(file: Any) -> bool:
    """Whether an open HDF5 file holds time series of LiCSBAS."""
    return "cum" in file and "imdates" in file


@contextmanager
def open_licsbas(path: Path, named: CompanionFiles) -> Iterator[Cube]:
    """Open time series of LiCSBAS.

    Parameters
    ----------
    path : Path
        ``cum.h5`` or ``cum_filt.h5``.
    named : CompanionFiles
        Its mask is a map of little-endian float32, as LiCSBAS writes it.

    Yields
    ------
    Cube
        Open until the context ends.

    Raises
    ------
    DataError
        A number that is not a date, or a mask of another size.
    """
    product = "LiCSBAS"
    named.refuse(product, "geometry", "velocity", "coherence")
    named.refuse_units(product)
    with open_hdf5(path) as file:
        cum, shape = file["cum"], file["cum"].shape[1:]
        axis, order = sort_axis(_dates(file["imdates"][()]))
        maps = dict(_maps(path, file, shape))
        mask, notes = _choose_mask(path, file, shape, named), []
        if mask is None and named.mask is None:
            notes.append("no mask (results/mask) beside the series: all pixels with data are kept")
        area = _area(file, shape)
        offset, lost = _offset(path, cum, area)
        if area is not None and offset is not None and "vel" in maps:
            maps["vel"] = _relative(maps["vel"][0], area), maps["vel"][1]
        if lost:
            notes.append(f"the reference area has no value at {lost} of {len(axis)} dates, which stay as they are")
        positions = _positions(file, shape)
        if positions is None:
            notes.append("radar coordinates: no positions")
        settings = {name: file[name][()].item() for name in _SETTINGS if name in file}
        yield Cube(
            product=product,
            dates=axis,
            shape=shape,
            chunk=cum.chunks[1:] if cum.chunks else (1, shape[1]),
            series=_series(path, cum, offset, order),
            positions=positions,
            layers=tuple(
                MapLayer(_LAYERS[name][0], read, f"{source}, {_LAYERS[name][1]}")
                for name, (read, source) in maps.items()
            ),
            mask=mask and mask[0],
            reference=area,
            facts={
                "source_unit": "mm",
                "files": {"mask": mask[1]} if mask else {},
                "attributes": {"refarea": as_text(file["refarea"]) if "refarea" in file else None, **settings},
            },
            notes=tuple(notes),
        )


Read = Callable[[Window], NDArray[np.float32]]


def _dates(values: Any) -> NDArray[np.datetime64]:
    days = [parse_date(str(value)) for value in np.asarray(values).tolist()]
    if None in days:
        raise DataError(f"{values[days.index(None)]} in 'imdates' is not a date YYYYMMDD: correct it")
    return np.array(days, dtype="datetime64[D]")


def _maps(path: Path, file: Any, shape: tuple[int, int]) -> Iterator[tuple[str, tuple[Read, str]]]:
    for name in _LAYERS:
        if getattr(file.get(name), "shape", None) == shape:
            yield name, (_of_dataset(path, file[name]), f"{path.name}:{name}")
        elif (raw := _raw(path.parent / "results" / name, shape)) is not None:
            yield name, (raw, f"results/{name}")


def _of_dataset(path: Path, dataset: Any) -> Read:
    read = reader(path, dataset)
    return lambda window: read(window.part)


def _raw(path: Path, shape: tuple[int, int]) -> Read | None:
    """Return a map that LiCSBAS stores as raw float32; None if there is no such file of this size."""
    if not path.is_file() or path.stat().st_size != 4 * shape[0] * shape[1]:
        return None
    values = np.memmap(path, dtype="<f4", mode="r", shape=shape)
    return lambda window: np.array(values[window.part])


def _choose_mask(
    path: Path, file: Any, shape: tuple[int, int], named: CompanionFiles
) -> tuple[Callable[[Window], NDArray[np.bool_]], str] | None:
    """Return the mask that the user named, that of the file, or that of the results; pixels of value 1 are kept."""
    if named.mask == NONE:
        return None
    if named.mask is not None:
        raw, source = _raw(Path(named.mask), shape), named.mask
        if raw is None:
            raise DataError(
                f"--mask {source} is not a map of {shape[0]} lines and {shape[1]} pixels in float32: name results/mask "
                "of this stack"
            )
    elif getattr(file.get("mask"), "shape", None) == shape:
        raw, source = _of_dataset(path, file["mask"]), f"{path.name}:mask"
    else:
        beside = path.parent / "results" / "mask"
        raw, source = _raw(beside, shape), str(beside)
    return None if raw is None else (lambda window: raw(window) == 1, source)


def _area(file: Any, shape: tuple[int, int]) -> Window | None:
    """Return the reference area, stored as ``x1:x2/y1:y2``; None without a valid one."""
    if "refarea" not in file:
        return None
    match = re.fullmatch(r"(\d+):(\d+)/(\d+):(\d+)", as_text(file["refarea"]).strip())
    if not match:
        return None
    left, right, top, bottom = (int(number) for number in match.groups())
    area = Window(top, min(bottom, shape[0]), left, min(right, shape[1]))
    return area if min(area.shape) > 0 else None


def _offset(path: Path, cum: Any, area: Window | None) -> tuple[NDArray[np.float32] | None, int]:
    """Return the mean over the reference area [T], 0 at dates without a value there, and the number of these dates."""
    if area is None:
        return None, 0
    with translate_hdf5_errors(path):
        values = np.asarray(cum[:, *area.part], dtype=np.float32).reshape(len(cum), -1)
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
    mean = (total / np.maximum(count, 1)).astype(np.float32)
    return mean if mean.any() else None, int(np.count_nonzero(count == 0))


def _relative(read: Read, area: Window) -> Read:
    """Return a reader of velocities relative to their mean over the reference area."""
    values = read(area)
    known = values[~np.isnan(values)]
    mean = known.mean(dtype=np.float64).astype(np.float32) if known.size else np.float32(0)
    return lambda window: read(window) - mean


def _series(
    path: Path, cum: Any, offset: NDArray[np.float32] | None, order: NDArray[np.intp] | None
) -> Callable[[Window], NDArray[np.float32]]:
    read = reader(path, cum)

    def series(window: Window) -> NDArray[np.float32]:
        maps = read((slice(None), *window.part))
        if offset is not None:
            maps[:, ~maps.any(axis=0)] = np.nan  # no data at any date; no longer zero after the subtraction
            maps -= offset[:, None, None]
        return maps if order is None else maps[order]

    return series


def _positions(file: Any, shape: tuple[int, int]) -> Positions | None:
    if not all(name in file for name in _GRID):
        return None
    lat, lon, lat_step, lon_step = (float(file[name][()]) for name in _GRID)
    return from_axes(lon + lon_step * np.arange(shape[1]), lat + lat_step * np.arange(shape[0]))
