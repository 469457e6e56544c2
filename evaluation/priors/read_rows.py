"""Rows of real files with the labels of readers, weighted so that they stand for all rows of their file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.readings.scoring_rules import EITHER_RATE_MM_YR
from insar_runtime.definitions import DAYS_PER_YEAR
from training.labelled_rows.labels import LabelledFile
from training.real_files import RealFile, read_real
from training.simulator.lines import level_changes, without_line

_BREAKS: Final = np.linspace(0.15, 0.85, 15)
_STRATA: Final = np.array([0.8, 0.9, 0.95, 0.97])
"""Limits of the strata by rank."""


@dataclass(frozen=True)
class ReadRows:
    """Labelled rows of one file.

    Attributes
    ----------
    row : ndarray of int64, shape [N]
        Number of each row in the file.
    label : ndarray of int8, shape [N]
        Class that most readers gave; -1 where no two agree.
    unanimous : ndarray of bool, shape [N]
        Whether all readers agree.
    rate : ndarray of float64, shape [N]
        mm/yr, of least squares beside an annual cycle.
    weight : ndarray of float64, shape [N]
        Share of the rows of the file that the row stands for.
    """

    row: NDArray[np.int64]
    label: NDArray[np.int8]
    unanimous: NDArray[np.bool_]
    rate: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def either(self) -> NDArray[np.bool_]:
        """Whether both Stable and Linear are right for a row labelled as one of them."""
        low, high = EITHER_RATE_MM_YR
        return (np.abs(self.rate) >= low) & (np.abs(self.rate) <= high)


def read_rows(real: Path, file: RealFile, labelled: LabelledFile) -> ReadRows:
    """Return the labelled rows of a file with their weights.

    Rows were read because they were drawn at random, or because rate, curvature, preference of a hinge, or change of
    level was among the highest of the file. The highest of the four ranks of a row therefore says how likely it was to
    be read, and within a stratum of it a read row stands for equally many (post-stratification).

    Parameters
    ----------
    real : Path
        Folder of the real files.
    file : RealFile
        The file.
    labelled : LabelledFile
        Its labelled rows.
    """
    displacement, days = read_real(real, file)
    stratum = np.searchsorted(_STRATA, _highest_rank(displacement, days), side="right")
    readings = labelled.readings
    there = np.bincount(stratum, minlength=len(_STRATA) + 1)
    read = np.bincount(stratum[readings.row], minlength=len(_STRATA) + 1)
    weight = (there / np.maximum(read, 1))[stratum[readings.row]] / len(displacement)
    return ReadRows(readings.row, readings.label, readings.unanimous, readings.rate, weight)


def _highest_rank(displacement: NDArray[np.float32], days: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the highest of the ranks [N], between 0 and 1, of a row in rate, curvature, hinge, and change of level."""
    series = _filled(displacement, days)
    time = (days / days[-1]).astype(np.float64)
    angle = 2 * np.pi * days.astype(np.float64) / DAYS_PER_YEAR
    line = np.stack([np.ones_like(time), time, np.sin(angle), np.cos(angle)], axis=1)

    def scatter(more: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
        design = np.column_stack([line, *more])
        fit = np.linalg.lstsq(design, series.T, rcond=None)[0]
        return np.asarray((series - (design @ fit).T).std(axis=1))

    rate = np.abs(np.linalg.lstsq(line, series.T, rcond=None)[0][1])
    straight, curved = scatter([]), scatter([time * time])
    hinged = np.min([scatter([np.maximum(time - place, 0)]) for place in _BREAKS], axis=0)
    excursion, step, _ = level_changes(without_line(series.astype(np.float32), days))
    figures = [
        rate,
        np.sqrt(np.maximum(straight**2 - curved**2, 0)) / curved,
        np.log(curved / hinged),
        np.maximum(excursion, step),
    ]
    return np.asarray(np.max([np.argsort(np.argsort(one)) / len(series) for one in figures], axis=0))


def _filled(displacement: NDArray[np.float32], days: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return series with missing values interpolated; 0 where there is none to interpolate from."""
    series = displacement.astype(np.float64)
    for values in series:
        there = np.isfinite(values)
        if not there.all():
            values[~there] = np.interp(days[~there], days[there], values[there]) if there.any() else 0.0
    return series
