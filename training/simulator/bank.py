"""Bank of real noise: residuals of quiet, unlabelled series from their least-squares line.

No noise model reproduces the noise of a processing chain exactly. Simulated motions are added to these residuals, so a
network can be trained on the noise of given files without labelled rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import DataError
from training.simulator.config import CalendarConfig
from training.simulator.draws import Floats, chosen, log_uniform, sign
from training.simulator.lines import curvature, level_changes, running_median, without_line

_MEDIAN_EPOCHS: Final = 9
_MAX_MEDIAN_RANGE_MM: Final = 14.0
MAX_CURVATURE: Final = 0.8
"""A row is quiet if the range of its running median over 9 epochs is at most 14 mm, and its least-squares parabola
departs from its line by less than 0.8 of the scatter (our choice, from plots of real series)."""

_MOST_CHANGE_MM: Final = 9.0
_MOST_CHANGE_SCATTERS: Final = 3.0
"""A row is not quiet if it leaves its level by more than both limits for three epochs, or permanently: readers label
such rows as unwrapping errors, which must not be trained on as noise. In an EGMS L2b file, 79 % of the rows labelled as
unwrapping errors leave their level by 9 mm for three epochs, and 21 % of those labelled Stable."""

_MIN_SCATTER_MM: Final = 0.2
"""Smallest scatter of a row: rows of zeros are fill values."""
_WINDOW_PROBABILITY: Final = 0.5
_THIN_PROBABILITY: Final = 0.25
_SCALE: Final = (0.45, 1.3)
_MIX_PROBABILITY: Final = 0.3
"""Variations of the noise (our choice): a part of the span, every second or third epoch, scaling (median factor 0.76),
mixture of two rows."""


@dataclass(frozen=True)
class NoiseFile:
    """Residuals of the quiet rows of one file.

    Attributes
    ----------
    name : str
        Name of the file.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    residual : ndarray of float32, shape [N, T]
        Residuals from the least-squares line, mm; no missing values.
    """

    name: str
    days: Floats
    residual: Floats


@dataclass(frozen=True)
class NoiseBank:
    """Residuals of the quiet rows of several files.

    Attributes
    ----------
    files : tuple of NoiseFile
        At least one. A file is drawn with a probability proportional to the square root of its number of rows.
    vary : bool
        Whether rows are varied at random for training: part of the span, thinning, scale, mixture of two rows.
        Otherwise rows keep the dates of the file and only their signs are random.
    """

    files: tuple[NoiseFile, ...]
    vary: bool = True

    def draw(
        self, rng: np.random.Generator, count: int, min_epochs: int, max_epochs: int
    ) -> tuple[str, Floats, Floats]:
        """Draw the noise of points with the same dates.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.
        count : int
            Number of points N.
        min_epochs, max_epochs : int
            Bounds of the number of epochs.

        Returns
        -------
        name : str
            Of the file.
        days : ndarray of float32, shape [T]
            Days since the first acquisition.
        values : ndarray of float32, shape [N, T]
            mm; each row without its least-squares line.
        """
        # Square root: a compromise between equal probability of all rows and of all files.
        weights = np.sqrt([len(file.residual) for file in self.files])
        file = self.files[rng.choice(len(self.files), p=weights / weights.sum())]
        epochs = self._epochs(rng, file.days, min_epochs, max_epochs)
        rows = rng.integers(0, len(file.residual), count)
        values = file.residual[np.ix_(rows, epochs)] * sign(rng, (count, 1))
        if self.vary:
            mixed = chosen(rng, _MIX_PROBABILITY, count)
            others = file.residual[np.ix_(rng.integers(0, len(file.residual), len(mixed)), epochs)]
            angle = rng.random(len(mixed), dtype=np.float32)[:, None] * np.float32(np.pi / 2)
            values[mixed] = np.cos(angle) * values[mixed] + np.sin(angle) * others
            values *= log_uniform(rng, *_SCALE, count)[:, None]
            if rng.random() < 0.5:
                # The statistics of noise do not depend on the direction of time.
                values = values[:, ::-1]
                epochs = epochs[::-1]
        days = np.abs(file.days[epochs] - file.days[epochs[0]])
        return file.name, days, without_line(values, days)

    def divide(self, share: float, *, seed: int) -> tuple[NoiseBank, NoiseBank]:
        """Split the rows of every file at random into ``1 - share`` and ``share``.

        A file of one row is in both parts.
        """
        rng = np.random.default_rng(seed)
        parts: tuple[list[NoiseFile], list[NoiseFile]] = ([], [])
        for file in self.files:
            rows = rng.permutation(len(file.residual))
            count = min(max(round(share * len(rows)), 1), max(len(rows) - 1, 1))
            for part, chosen_rows in zip(parts, (rows[count:], rows[:count]), strict=True):
                some = chosen_rows if len(chosen_rows) else rows
                part.append(replace(file, residual=file.residual[np.sort(some)]))
        return replace(self, files=tuple(parts[0])), replace(self, files=tuple(parts[1]))

    def _epochs(self, rng: np.random.Generator, days: Floats, min_epochs: int, max_epochs: int) -> NDArray[np.int64]:
        epochs = np.arange(len(days))
        if self.vary:
            if rng.random() < _THIN_PROBABILITY:
                every = int(rng.integers(2, 4))
                if len(epochs) // every >= min_epochs:
                    epochs = epochs[rng.integers(every) :: every]
            if rng.random() < _WINDOW_PROBABILITY and len(epochs) > min_epochs:
                length = int(log_uniform(rng, min_epochs, len(epochs) + 1, ()))
                begin = int(rng.integers(0, len(epochs) - length + 1))
                epochs = epochs[begin : begin + length]
        return epochs[-max_epochs:]


def quiet_residuals(name: str, displacement: Floats, days: Floats) -> NoiseFile:
    """Return the residuals of the complete, quiet rows of a file from their lines.

    Parameters
    ----------
    name : str
        Of the file.
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.

    Returns
    -------
    NoiseFile

    Raises
    ------
    DataError
        If no row is complete and quiet, the file has too few epochs, or a gap is too long.
    """
    # The run time does not classify such files, so they are not used for training either.
    limits = CalendarConfig()
    gap = float(np.diff(days).max()) if len(days) > 1 else 0.0
    if len(days) < limits.min_epochs or gap > limits.max_gap_days:
        raise DataError(
            f"{name} has {len(days)} epochs and a gap of {gap:g} days; noise is taken from files of "
            f"{limits.min_epochs} epochs or more without a gap above {limits.max_gap_days:g} days"
        )
    residual = without_line(displacement[np.isfinite(displacement).all(axis=1)], days)
    residual = residual[residual.std(axis=1) > _MIN_SCATTER_MM]
    residual = residual[np.ptp(running_median(residual, _MEDIAN_EPOCHS), axis=1) <= _MAX_MEDIAN_RANGE_MM]
    residual = residual[curvature(residual, days) <= MAX_CURVATURE]
    excursion, step, scatter = level_changes(residual)
    most = np.maximum(_MOST_CHANGE_MM, _MOST_CHANGE_SCATTERS * scatter)
    residual = residual[(excursion <= most) & (step <= most)]
    if not len(residual):
        raise DataError(f"{name} has no complete and quiet row among {len(displacement)}; give a file of stable ground")
    return NoiseFile(name, days, residual)
