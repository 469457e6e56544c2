"""Unlabelled real files: banks of noise from them, and the half of the project's files that is kept for testing."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from insar_runtime._units import Unit
from insar_runtime.errors import DataError, InputNotFoundError
from insar_runtime.files import open_understood
from training.simulator import HALF_WAVELENGTH_MM
from training.simulator.bank import NoiseBank, quiet_residuals
from training.simulator.draws import Floats

EGMS_ATTRIBUTION: Final = (
    "Generated using European Union's Copernicus Land Monitoring Service information (modified); "
    "https://doi.org/10.2909/d92e61be-d6e8-4bc1-aa10-f742bf27bab9"
)


@dataclass(frozen=True)
class RealFile:
    """A real file and what it may be used for.

    Attributes
    ----------
    path : str
        Below the folder of real files.
    trained : bool
        Whether its noise may be trained on; the others are only tested on.
    transposed : bool
        Whether it has one row a date and one column a point.
    """

    path: str
    trained: bool = False
    transposed: bool = False

    @property
    def name(self) -> str:
        """Name of the file without its ending."""
        return Path(self.path).stem


REAL_FILES: Final = (
    RealFile("egms_l2_carpathians/102_100.csv", trained=True),
    RealFile("egms_l2_wroclaw_transposed/wroclaw_caly_filtered.csv", trained=True, transposed=True),
    # The same track and town as the file above, so it is no independent test.
    RealFile("egms_l2_wroclaw/175_0304_IW1_VV.csv", trained=True),
    RealFile("egms_l2_wroclaw/124_0770_IW3_VV.csv"),
    RealFile("egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv"),
    RealFile("egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv"),
)
"""The files of ``shared/data/real`` with enough epochs, divided once: never train on one that is tested on."""


def read_series(path: Path, *, units: Unit | None = None) -> tuple[Floats, Floats]:
    """Read the series of any file that ``insar-rt classify`` reads.

    Parameters
    ----------
    path : Path
        One series a row.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the displacements where the file does not prove it.

    Returns
    -------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.

    Raises
    ------
    DataError
        If the file cannot be read as series, or holds none.
    """
    with open_understood(path, units=units, half_wavelength_mm=HALF_WAVELENGTH_MM) as (_, understanding, batches):
        parts = [understanding.matrix(batch) for batch in batches if batch.num_rows]
        days = understanding.layout.days
    if not parts:
        raise DataError(f"{path} holds no series; give a file with rows")
    return np.concatenate(parts), days


def bank_of(paths: Iterable[Path], *, units: Unit | None = None) -> NoiseBank:
    """Make a bank of the noise of unlabelled files, to train on.

    Raises
    ------
    DataError
        If a file has no quiet row.
    """
    return NoiseBank(tuple(quiet_residuals(path.stem, *read_series(path, units=units)) for path in paths))


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
    return _read_transposed(path) if file.transposed else read_series(path)


def real_bank(folder: Path, *, trained: bool) -> NoiseBank:
    """Make a bank of the files that may be trained on, varied, or of the others, as they are."""
    files = [quiet_residuals(file.name, *read_real(folder, file)) for file in REAL_FILES if file.trained == trained]
    return NoiseBank(tuple(files), vary=trained)


def one_by_one(bank: NoiseBank) -> list[tuple[str, NoiseBank]]:
    """Give a bank for each file of a bank, with its name."""
    return [(file.name, NoiseBank((file,), bank.vary)) for file in bank.files]


def _read_transposed(path: Path) -> tuple[Floats, Floats]:
    """Read a table with a date a row and a point a column, which the run-time refuses on purpose."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[1:]
    dates = np.array([row[0] for row in rows], dtype="datetime64[D]")
    values = np.array([row[1:] for row in rows], dtype=np.float32)
    return np.ascontiguousarray(values.T), (dates - dates[0]).astype(np.float32)
