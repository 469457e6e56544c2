"""Small stacks of displacement maps in the structure of their products, for tests of ``insar-rt convert``.

MintPy's own files are in ``mintpy_project`` (see make.py there). These are written with h5py after the source of each
product: yumorishita/LiCSBAS bin/LiCSBAS13_sb_inv.py and LiCSBAS16_filt_ts.py, opera-adt/disp-s1 src/disp_s1/product.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyproj

FIRST = np.datetime64("2020-01-03")


def truth(epochs: int, lines: int, pixels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Displacements [T, lines, pixels] float32 in mm that begin at 0, and dates [T]."""
    rng = np.random.default_rng(seed)
    dates = FIRST + 12 * np.arange(epochs)
    rate = rng.choice([0.0, 8.0, -20.0], (lines, pixels))
    years = np.arange(epochs) * 12 / 365.25
    maps = rate * years[:, None, None] + rng.normal(0, 2, (epochs, lines, pixels))
    return (maps - maps[:1]).astype(np.float32), dates


def licsbas(folder: Path, maps: np.ndarray, dates: np.ndarray, **more: Any) -> Path:
    """Write ``cum.h5`` and the float32 files of ``results`` that are given (``mask``, ``coh_avg``, ...)."""
    path = folder / "cum.h5"
    shape = maps.shape[1:]
    with h5py.File(path, "w") as file:
        file["imdates"] = [np.int32(str(day).replace("-", "")) for day in dates]
        file.create_dataset("cum", data=maps, compression="gzip")
        file.create_dataset("gap", data=np.zeros((len(dates) - 1, *shape), np.int8), compression="gzip")
        years = np.arange(len(dates)) * 12 / 365.25
        slopes = np.polyfit(years, np.nan_to_num(maps).reshape(len(dates), -1), 1)[0]
        file.create_dataset("vel", data=slopes.reshape(shape).astype(np.float32), compression="gzip")
        file["corner_lat"], file["corner_lon"] = 40.9, 14.03
        file["post_lat"], file["post_lon"] = -0.001, 0.001
        file["refarea"] = more.pop("refarea", "0:1/0:1")
    (folder / "results").mkdir(exist_ok=True)
    for name, values in more.items():
        values.astype("<f4").tofile(folder / "results" / name)
    return path


def disp_s1(
    folder: Path,
    maps: np.ndarray,
    dates: np.ndarray,
    pairs: list[tuple[int, int]],
    *,
    masks: dict[int, np.ndarray] | None = None,
    frame: int = 11114,
    chunk: tuple[int, int] = (4, 4),
) -> list[Path]:
    """Write a file for each pair of (reference, secondary) epochs; masks by the secondary epoch, 1 is good."""
    folder.mkdir(exist_ok=True)
    shape = maps.shape[1:]
    paths = []
    for reference, secondary in pairs:
        begin, end = (str(dates[i]).replace("-", "") for i in (reference, secondary))
        name = f"OPERA_L3_DISP-S1_IW_F{frame:05d}_VV_{begin}T140000Z_{end}T140000Z_v1.0_20250101T000000Z.nc"
        paths.append(folder / name)
        with h5py.File(folder / name, "w") as file:
            group = file.create_group("identification")
            group["frame_id"] = frame
            group["product_version"] = "1.0"
            group["orbit_pass_direction"] = "Ascending"
            for role, i in (("reference", reference), ("secondary", secondary)):
                group[f"{role}_datetime"] = f"{dates[i]} 14:00:00.000000"
            _grid(file, shape, dates[reference], dates[secondary])
            layers = {
                "displacement": ((maps[secondary] - maps[reference]) / np.float32(1000)).astype(np.float32),
                "short_wavelength_displacement": np.full(shape, 9, np.float32),
                "recommended_mask": (masks or {}).get(secondary, np.ones(shape)).astype(np.uint8),
                "temporal_coherence": np.full(shape, 0.5 + 0.25 * (reference > 0), np.float32),
                "connected_component_labels": np.ones(shape, np.uint16),
                "water_mask": np.ones(shape, np.uint8),
            }
            for layer, values in layers.items():
                _layer(file, layer, values, chunk, "meters" if "displacement" in layer else "unitless")
            group = file.create_group("corrections")
            _grid(group, shape, dates[reference], dates[secondary])
            for layer in ("solid_earth_tide", "ionospheric_delay", "perpendicular_baseline"):
                _layer(group, layer, np.zeros(shape, np.float32), chunk, "meters")
    return paths


def disp_stack(path: Path, maps: np.ndarray, dates: np.ndarray, since: str = "seconds") -> Path:
    """Write what ``opera-utils disp-s1-reformat`` makes of the pairs: all dates but the first, on one reference."""
    shape = maps.shape[1:]
    with h5py.File(path, "w") as file:
        _grid(file, shape, dates[0], dates[-1])
        step = {"seconds": 86400.0, "days": 1.0}[since]
        for name, days in (("time", dates[1:]), ("reference_time", np.full(len(dates) - 1, dates[0]))):
            del file[name]
            file[name] = (days - dates[0]).astype(float) * step + step * 14 / 24
            file[name].attrs["units"] = f"{since} since {dates[0]} 00:00:00"
        file.create_dataset("displacement", data=maps[1:] / np.float32(1000), chunks=(1, 4, 4))
        file["displacement"].attrs["units"] = "meters"
        file["average_temporal_coherence"] = np.full(shape, 0.6, np.float32)
    return path


def _grid(group: Any, shape: tuple[int, int], reference: np.datetime64, secondary: np.datetime64) -> None:
    group["x"] = 450015.0 + 30 * np.arange(shape[1])
    group["y"] = 4499985.0 - 30 * np.arange(shape[0])
    for axis in "xy":
        group[axis].make_scale(axis)
    group["spatial_ref"] = 0
    for key, value in pyproj.CRS.from_epsg(32633).to_cf().items():
        group["spatial_ref"].attrs[key] = value
    group["spatial_ref"].attrs["GeoTransform"] = "450000.0 30.0 0.0 4500000.0 0.0 -30.0"
    for name, day in (("time", secondary), ("reference_time", reference)):
        group[name] = np.array([(day - FIRST).astype(int) * 86400.0])
        group[name].attrs["units"] = f"seconds since {FIRST} 00:00:00"
        group[name].attrs["calendar"] = "standard"
    group["time"].make_scale("time")
    group["reference_time"].dims[0].attach_scale(group["time"])


def _layer(group: Any, name: str, values: np.ndarray, chunk: tuple[int, int], units: str) -> None:
    dataset = group.create_dataset(name, data=values, chunks=chunk, compression="gzip")
    dataset.attrs["units"], dataset.attrs["grid_mapping"] = units, "spatial_ref"
    for axis, dim in zip("yx", dataset.dims, strict=True):
        dim.attach_scale(group[axis])
