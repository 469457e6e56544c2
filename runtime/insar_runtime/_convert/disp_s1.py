"""OPERA DISP-S1: one NetCDF file for each pair of dates, with a moving reference date.

Structure, unit and sign: opera-adt/disp-s1, src/disp_s1/product.py and product_info.py ("Displacement along the radar
Line-of-Sight (LOS) direction. Positive values indicate apparent motion towards the platform."). The displacements are
rebased to one reference as by ``opera_utils.disp.rebase_timeseries``: if the reference of a file is a later date, the
displacement of that date is added. Pixels outside the recommended mask of a file are missing at its date, and at later
dates that refer to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._convert.companions import CompanionFiles
from insar_runtime._convert.cube import Cube, MapLayer, Window
from insar_runtime._convert.grids import from_axes
from insar_runtime._convert.hdf5 import as_text, open_hdf5, reader, translate_hdf5_errors
from insar_runtime._findings.wording import counted
from insar_runtime._input.dates.date_values import parse_date
from insar_runtime.errors import DataError

_NAME: Final = re.compile(r"_F(\d{5})_\w\w_(\d{8})T\d{6}Z_(\d{8})T\d{6}Z_v([\d.]+)_(\w+)")
_IDENTIFICATION: Final = ("frame_id", "product_version", "orbit_pass_direction", "radar_wavelength", "track_number")
METRES: Final = ("meters", "meter", "m")

Day = np.datetime64
Read = Callable[[Any], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Pair:
    """One open file.

    Attributes
    ----------
    path : Path
    reference, secondary : datetime64[D]
        Dates between which the displacement is measured.
    age : tuple
        Sort key of files of the same dates; the newest file has the greatest one.
    displacement, mask, coherence : callable
        Readers of part of a map; None for a mask that is not used, and for a missing coherence.
    """

    path: Path
    reference: Day
    secondary: Day
    age: tuple[Any, ...]
    displacement: Read
    mask: Read | None
    coherence: Read | None


def is_disp_s1(file: Any) -> bool:
    """Whether an open HDF5 file is a product of OPERA DISP-S1."""
    return getattr(file.get("displacement"), "ndim", 0) == 2 and "spatial_ref" in file and "x" in file and "y" in file


@contextmanager
def open_disp_s1(paths: Sequence[Path], named: CompanionFiles) -> Iterator[Cube]:
    """Open the files of one frame as one stack.

    Parameters
    ----------
    paths : sequence of Path
        In any order.
    named : CompanionFiles
        ``mask="none"`` ignores the recommended masks of the files.

    Yields
    ------
    Cube
        Open until the context ends.

    Raises
    ------
    DataError
        Several frames or grids, or a reference date at which no file ends.
    """
    product = "OPERA DISP-S1"
    named.refuse(product, "geometry", "mask", "velocity", "coherence")
    named.refuse_units(product)
    with ExitStack() as closing:
        # Chunks are read once, and each of hundreds of files would cache a megabyte.
        files = [(path, closing.enter_context(open_hdf5(path, cache=False))) for path in paths]
        first_path, first = files[0]
        for path, file in files:
            _check_same(first_path, first, path, file)
        pairs, notes = _chain([_pair(path, file, masked=named.mask is None) for path, file in files])
        dates = np.array([pairs[0].reference, *(pair.secondary for pair in pairs)], dtype="datetime64[D]")
        x, y = (np.asarray(first[axis][()], dtype=np.float64) for axis in "xy")
        displacement = first["displacement"]
        facts = {
            name: as_text(first["identification"][name])
            for name in _IDENTIFICATION
            if name in first.get("identification", {})
        }
        yield Cube(
            product=product,
            dates=dates,
            shape=displacement.shape,
            chunk=displacement.chunks or (1, displacement.shape[1]),
            series=lambda window: _rebased(pairs, dates, window),
            positions=from_axes(x, y, projection(first_path, first)),
            layers=tuple(_coherence(pairs)),
            mask=None,
            reference=None,
            facts={
                "source_unit": "m",
                "files": {"mask": "recommended_mask of each file"} if named.mask is None else {},
                "pairs": len(pairs),
                "reference_dates": sorted({str(pair.reference) for pair in pairs}),
                "corrections_applied": [],
                "attributes": facts,
            },
            notes=tuple(notes),
        )


def projection(path: Path, file: Any) -> str:
    """Return the projection of a file as WKT."""
    with translate_hdf5_errors(path):
        return as_text(file["spatial_ref"].attrs["crs_wkt"])


def _check_same(first_path: Path, first: Any, path: Path, file: Any) -> None:
    if not is_disp_s1(file):
        raise DataError(f"{path} is not a DISP-S1 product as {first_path.name} is: leave it out")
    frames = [
        as_text(one["identification/frame_id"]) if "identification/frame_id" in one else None for one in (first, file)
    ]
    if frames[0] != frames[1]:
        raise DataError(
            f"{path} is of frame {frames[1]}, {first_path.name} of frame {frames[0]}: convert each by itself"
        )
    if any(not np.array_equal(first[axis][()], file[axis][()]) for axis in "xy"):
        raise DataError(f"{path} has another grid than {first_path.name}: convert each grid by itself")
    units = as_text(file["displacement"].attrs.get("units", ""))
    if units not in METRES:
        raise DataError(f"{path} has displacements in '{units}', not in metres: fetch the product again")


def _pair(path: Path, file: Any, *, masked: bool) -> Pair:
    found = _NAME.search(path.name)
    days: list[Day] = []
    for number, role in enumerate(("reference", "secondary")):
        name = f"identification/{role}_datetime"
        day = parse_date(as_text(file[name])[:10]) if name in file else found and parse_date(found[number + 2])
        if not day:
            raise DataError(f"{path} states no {role} date, in itself or its name: fetch the product again")
        days.append(np.datetime64(day, "D"))
    if not days[0] < days[1]:
        raise DataError(f"{path} goes from {days[0]} back to {days[1]}: leave it out")
    version = tuple(int(part) for part in found[4].split(".") if part) if found else ()
    read = {
        name: reader(path, file[name])
        for name in ("displacement", "recommended_mask", "temporal_coherence")
        if name in file
    }
    return Pair(
        path,
        reference=days[0],
        secondary=days[1],
        age=(version, found[5] if found else "", path.name),
        displacement=read["displacement"],
        mask=read.get("recommended_mask") if masked else None,
        coherence=read.get("temporal_coherence"),
    )


def _chain(pairs: Sequence[Pair]) -> tuple[list[Pair], list[str]]:
    """Return one file per date, sorted, such that each reference is the first date or the date of an earlier file."""
    chosen: dict[Day, Pair] = {}
    for pair in pairs:
        # Of several files of a date: the earliest reference needs the fewest sums; then the newest file.
        other = chosen.get(pair.secondary)
        if other is None or (pair.reference, other.age) < (other.reference, pair.age):
            chosen[pair.secondary] = pair
    chain = [chosen[day] for day in sorted(chosen)]
    begin = min(pair.reference for pair in chain)
    known = {begin}
    for pair in chain:
        if pair.reference not in known:
            raise DataError(
                f"{pair.path.name} begins at {pair.reference}, which no other file ends at: add the file that does, or "
                "convert the files before and from that date by themselves"
            )
        known.add(pair.secondary)
    dropped = len(pairs) - len(chain)
    are = "is" if dropped == 1 else "are"
    notes = [f"{counted(dropped, 'file')} {are} not used: others end at the same dates"] if dropped else []
    return chain, notes


def _rebased(pairs: Sequence[Pair], dates: NDArray[np.datetime64], window: Window) -> NDArray[np.float32]:
    """Return the displacements [T, lines, pixels] in mm since the first date."""
    number = {day: i for i, day in enumerate(dates)}
    maps = np.empty((len(dates), *window.shape), dtype=np.float32)
    maps[0] = 0
    for i, pair in enumerate(pairs, start=1):
        maps[i] = pair.displacement(window.part)
        if pair.mask is not None:
            maps[i][pair.mask(window.part) != 1] = np.nan
        begin = number[pair.reference]
        if begin:
            maps[i] += maps[begin]
    maps *= np.float32(1000)
    return maps


def _coherence(pairs: Sequence[Pair]) -> Iterator[MapLayer]:
    """Return the mean temporal coherence over one file of each reference date; files of one reference share it."""
    reads = list({pair.reference: pair.coherence for pair in pairs if pair.coherence is not None}.values())
    if not reads:
        return

    def mean(window: Window) -> NDArray[np.float32]:
        total = np.zeros(window.shape, dtype=np.float64)
        for read in reads:
            total += read(window.part)
        return (total / len(reads)).astype(np.float32)

    yield MapLayer("temporal_coherence", mean, f"temporal_coherence, mean of {counted(len(reads), 'file')}")
