"""Comparison of estimated rates with those in files of EGMS."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import csv

from insar_runtime._diagnosis.arrays import FloatArray
from insar_runtime._diagnosis.rates.egms_rates import estimate_rates
from insar_runtime.definitions import DAYS_PER_YEAR
from training.announce import Announce

FILES: Final = (
    "egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv",
    "egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv",
    "egms_l2_carpathians/102_100.csv",
)
"""Real files with columns of rates; the owners of the other files removed them."""

_COLUMNS: Final = {
    "velocity": ("mean_velocity", 1),
    "velocity_std": ("mean_velocity_std", 1),
    "acceleration": ("acceleration", 2),
    "acceleration_std": ("acceleration_std", 2),
    "season_amp": ("seasonality", 1),
    "season_amp_std": ("seasonality_std", 1),
    "rmse": ("rmse", 1),
}
"""Column name and number of decimals in EGMS, by our name."""

_RENAMED: Final = {"rmse_ts": "rmse"}
"""The same for release 2020-2024."""

_ROUNDING_MM: Final = 0.1
"""Resolution in mm of the displacements in the files."""

_SIGMAS: Final = 3.0
_FLOAT: Final = 1e-6
"""Rounding error of a rate in float32."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of a column of a file with our values.

    Attributes
    ----------
    column : str
        Name in the file.
    unit_of_last_digit : float
    hair : float
        Three standard deviations of the error of the value by rounding of the displacements.
    equal : float
        Share in percent of rows with a difference of at most half a unit of the last digit plus ``hair``.
    equal_without_hair : float
        The same for half a unit of the last digit only.
    equal_year_365, equal_year_365_without_hair : float
        The same for rates with a year of 365 days.
    mean_difference, largest_difference : float
        Our value minus that of EGMS.
    """

    column: str
    unit_of_last_digit: float
    hair: float
    equal: float
    equal_without_hair: float
    equal_year_365: float
    equal_year_365_without_hair: float
    mean_difference: float
    largest_difference: float


def prove_rates(real: Path, out: Path, *, announce: Announce) -> None:
    """Compare all files and write ``rates.json``.

    Parameters
    ----------
    real : Path
        Folder of the project's real files.
    out : Path
        Folder of the record.
    announce : callable
        Function that receives the lines of the table.
    """
    record = {}
    for name in FILES:
        agreements = compare(real / name)
        record[Path(name).stem] = {key: _rounded(agreement) for key, agreement in agreements.items()}
        announce(f"{Path(name).name}: equal rows in % (without tolerance for rounding; both with a year of 365 days)")
        for key, one in agreements.items():
            announce(
                f"  {key:24} {one.equal:6.2f} ({one.equal_without_hair:6.2f}; {one.equal_year_365:6.2f},"
                f" {one.equal_year_365_without_hair:6.2f})  mean difference {one.mean_difference:+.4f}"
            )
    out.mkdir(parents=True, exist_ok=True)
    path = out / "rates.json"
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    announce(f"{path} written")


def compare(path: Path) -> dict[str, Agreement]:
    """Compare estimated rates with the columns of a file of EGMS.

    Returns
    -------
    dict of str to Agreement
        Agreement by our names. ``velocity_less_plane``, for files that are calibrated by GNSS: differences of the
        velocity minus a fitted plane in latitude and longitude. The plane is smaller than the last digit of the GNSS
        velocity, as if the column had been calibrated with the rounded and the series with the exact value.
    """
    table = csv.read_csv(path)
    table = table.rename_columns([_RENAMED.get(name, name) for name in table.column_names])
    displacement, days = _series(table)
    rounding = np.random.default_rng(2026).uniform(-_ROUNDING_MM / 2, _ROUNDING_MM / 2, displacement.shape)
    ours = _rates(displacement, days)
    moved = _rates(displacement + rounding, days)
    of_365 = _rates(displacement, days * (DAYS_PER_YEAR / 365))
    found = {}
    for name, (column, digits) in _COLUMNS.items():
        theirs = table[column].to_numpy().astype(np.float64)
        hair = _SIGMAS * float((moved[name] - ours[name]).std())
        differences = ours[name] - theirs, of_365[name] - theirs
        found[name] = _agreement(column, digits, hair, *differences)
        if name == "velocity" and "gnss_velocity" in table.column_names:
            flat = [_less_plane(table, one) for one in differences]
            found["velocity_less_plane"] = _agreement(column, digits, hair, *flat)
    return found


def _series(table: pa.Table) -> tuple[FloatArray, FloatArray]:
    """Return displacement [N, T] in mm and days [T]."""
    names = [name for name in table.column_names if re.fullmatch(r"\d{8}", name)]
    dates = [date.fromisoformat(f"{name[:4]}-{name[4:6]}-{name[6:]}") for name in names]
    displacement = np.stack([table[name].to_numpy().astype(np.float64) for name in names], axis=1)
    return displacement, np.array([(day - dates[0]).days for day in dates], dtype=np.float64)


def _rates(displacement: FloatArray, days: FloatArray) -> Mapping[str, FloatArray]:
    rates = estimate_rates(displacement, days)
    return {name: getattr(rates, name).astype(np.float64) for name in _COLUMNS}


def _less_plane(table: pa.Table, difference: FloatArray) -> FloatArray:
    position = [table[name].to_numpy() for name in ("latitude", "longitude")]
    columns = np.stack([np.ones(len(difference)), *(one - one.mean() for one in position)], axis=1)
    plane = columns @ np.linalg.lstsq(columns, difference, rcond=None)[0]
    return np.asarray(difference - plane)


def _agreement(column: str, digits: int, hair: float, difference: FloatArray, of_365: FloatArray) -> Agreement:
    unit = 10.0**-digits

    def share(of: FloatArray, more: float) -> float:
        return 100 * float(np.mean(np.abs(of) <= unit / 2 + more + _FLOAT))

    return Agreement(
        column=column,
        unit_of_last_digit=unit,
        hair=hair,
        equal=share(difference, hair),
        equal_without_hair=share(difference, 0.0),
        equal_year_365=share(of_365, hair),
        equal_year_365_without_hair=share(of_365, 0.0),
        mean_difference=float(difference.mean()),
        largest_difference=float(np.abs(difference).max()),
    )


def _rounded(agreement: Agreement) -> dict[str, str | float]:
    return {key: value if isinstance(value, str) else round(value, 4) for key, value in asdict(agreement).items()}
