"""Real files of the project, noise banks from real files, and the split into training and test files."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.random_rows import RowSample
from insar_runtime._input.units.series_units import Unit
from insar_runtime._input.units.wavelength import find_wavelength
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError, InputNotFoundError
from training.announce import Announce
from training.simulator import HALF_WAVELENGTH_MM
from training.simulator.bank import NoiseBank, quiet_residuals
from training.simulator.draws import Floats

EGMS_ATTRIBUTION: Final = (
    "Generated using European Union's Copernicus Land Monitoring Service information (modified, partly as reduced and "
    "joined in the repositories podral3/EGMS, mar441/analiza_insar and mar441/insar_wroc); "
    "https://doi.org/10.2909/1b2eb0d6-8c3a-4de2-b99d-10a30079f3cc, "
    "https://doi.org/10.2909/d92e61be-d6e8-4bc1-aa10-f742bf27bab9"
)
"""The training files do not state whether they are of the Basic or of the Calibrated product."""

ALL_ATTRIBUTIONS: Final = (
    EGMS_ATTRIBUTION,
    "EGMS Ortho vertical, https://doi.org/10.2909/943e9cbb-f8ef-4378-966c-63eb761016a9, and EGMS of Ustica as in the "
    "repository FilSantarelli/egms-ortho-product",
    "StaMPS-Visualizer, github user thho, CC BY 4.0",
)
"""Attribution of all files of ``noise_bank`` and of the labelled rows."""

_MOST_ROWS: Final = 50_000
"""Largest number of rows of a file for a noise bank: more rows add no new noise and need memory."""


@dataclass(frozen=True)
class RealFile:
    """Real file and its use.

    Attributes
    ----------
    path : str
        Path below the folder of real files.
    trained : bool
        Whether the baselines of the benchmark are trained on its noise; the default network is trained on the noise of
        all files (``noise_bank``).
    transposed : bool
        Whether it has one row per date and one column per point.
    """

    path: str
    trained: bool = False
    transposed: bool = False

    @property
    def name(self) -> str:
        """Name of the file without extension."""
        return Path(self.path).stem


REAL_FILES: Final = (
    RealFile("egms_l2_carpathians/102_100.csv", trained=True),
    RealFile("egms_l2_wroclaw_transposed/wroclaw_caly_filtered.csv", trained=True, transposed=True),
    # Same track and town as the file above, so it would be no independent test.
    RealFile("egms_l2_wroclaw/175_0304_IW1_VV.csv", trained=True),
    RealFile("egms_l2_wroclaw/124_0770_IW3_VV.csv"),
    RealFile("egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv"),
    RealFile("egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv"),
)
"""Real files with enough epochs, with a fixed split. The default network is trained on the noise of all of them; its
accuracy on files that it was not trained on is measured by ``export.left_out``."""

STAMPS_FILE: Final = RealFile("stamps_maoxian/Maoxian_PS.csv")
"""Table of StaMPS Visualizer, too short for most tests; row numbers start after the reference row."""


def read_series(
    path: Path, *, units: Unit | None = None, most_rows: int | None = None, announce: Announce | None = None
) -> tuple[Floats, Floats]:
    """Read the series of any file that ``insar-rt classify`` reads.

    Parameters
    ----------
    path : Path
        Table with one series per row.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the displacements, if the file does not prove it.
    most_rows : int, optional
        From a longer file, a uniform sample of so many rows is returned; its rows are never all in memory.
    announce : callable, optional
        Function that receives the assumptions made about the file.

    Returns
    -------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.

    Raises
    ------
    DataError
        If the file cannot be read, or has no series.
    """
    with open_described(path, UserDeclarations(units, half_wavelength_mm=HALF_WAVELENGTH_MM)) as table:
        description = table.description
        days = description.layout.days
        sample = RowSample(most_rows or sys.maxsize, len(days))
        for batch in table.batches:
            sample.add(description.matrix(batch))
        if announce:
            for note in notes_on(description):
                announce(f"{path.name}: {note}")
    rows = sample.rows()
    if not len(rows):
        raise DataError(f"{path} holds no series; give a file with rows")
    return rows, days


def bank_of(paths: Iterable[Path], *, units: Unit | None = None, announce: Announce | None = None) -> NoiseBank:
    """Return a noise bank for training from unlabelled files; from a long file, a sample of rows is used.

    Raises
    ------
    DataError
        If a file has no quiet row.
    """
    read = partial(read_series, units=units, most_rows=_MOST_ROWS, announce=announce)
    return NoiseBank(tuple(quiet_residuals(path.stem, *read(path)) for path in paths))


def read_real(folder: Path, file: RealFile) -> tuple[Floats, Floats]:
    """Read one of ``REAL_FILES``; see ``read_series``.

    Raises
    ------
    InputNotFoundError
        If the file is not below ``folder``.
    """
    path = folder / file.path
    if not path.is_file():
        raise InputNotFoundError(f"{path} is not there; give the folder of the project's real files")
    if not file.transposed:
        return read_series(path)
    rows, dates = _read_transposed(path)
    return rows, (dates - dates[0]).astype(np.float32)


def real_axis(folder: Path, file: RealFile) -> tuple[NDArray[np.datetime64], float | None]:
    """Return the dates [T] of one of ``REAL_FILES``, and half its wavelength in mm; None for projected products."""
    path = folder / file.path
    if file.transposed:
        dates = _read_transposed(path)[1]
        return dates, find_wavelength(dates).half_mm
    with open_described(path, UserDeclarations(half_wavelength_mm=HALF_WAVELENGTH_MM)) as table:
        layout = table.description.layout
        return layout.dates, find_wavelength(layout.dates, layout.made_by).half_mm


def real_bank(folder: Path, *, trained: bool) -> NoiseBank:
    """Return the noise bank of the training files, with variations, or of the test files, without."""
    files = [quiet_residuals(file.name, *read_real(folder, file)) for file in REAL_FILES if file.trained == trained]
    return NoiseBank(tuple(files), vary=trained)


def noise_bank(folder: Path, *, leave_out: Iterable[str] = ()) -> NoiseBank:
    """Return the noise bank of all files except those left out by name, with variations."""
    left_out = set(leave_out)
    files = [file for file in (*REAL_FILES, STAMPS_FILE) if file.name not in left_out]
    return NoiseBank(tuple(quiet_residuals(file.name, *read_real(folder, file)) for file in files))


def one_by_one(bank: NoiseBank) -> list[tuple[str, NoiseBank]]:
    """Return one noise bank per file, with the name of the file."""
    return [(file.name, NoiseBank((file,), bank.vary)) for file in bank.files]


def _read_transposed(path: Path) -> tuple[Floats, NDArray[np.datetime64]]:
    """Read a table with one row per date and one column per point, a layout that the run time refuses."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[1:]
    dates = np.array([row[0] for row in rows], dtype="datetime64[D]")
    values = np.array([row[1:] for row in rows], dtype=np.float32)
    return np.ascontiguousarray(values.T), dates
