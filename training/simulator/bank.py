"""A bank of real noise: what is left of quiet, unlabelled series when their line is taken away.

No formula makes noise quite as a processor leaves it. Motions added to such residuals teach a network the noise of the
files that it will see; nobody has to label a row for that.
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
"""A row is quiet if its running median over 9 epochs stays within 14 mm and its best parabola adds less than
0.8 of the scatter to its best line (`research/real-series.md` of the project)."""

_MOST_CHANGE_MM: Final = 9.0
_MOST_CHANGE_SCATTERS: Final = 3.0
"""A row is not quiet if it leaves its level by more than both for three epochs, or for good: people read such rows as
unwrapping errors, which in a bank would teach that they are noise. Of rows of an EGMS L2b file that readers call
unwrapping errors 79 % leave their level by 9 mm for three epochs, of those they call Stable 21 %."""

_MIN_SCATTER_MM: Final = 0.2
"""Rows of zeros are fillings, not quiet ground."""
_WINDOW_PROBABILITY: Final = 0.5
_THIN_PROBABILITY: Final = 0.25
_SCALE: Final = (0.45, 1.3)
_MIX_PROBABILITY: Final = 0.3
"""Variations of a bank (our choice): part of the span, every second or third epoch, more or less scatter (median 0.76),
two rows in one."""


@dataclass(frozen=True)
class NoiseFile:
    """Residuals of the quiet rows of one file.

    Attributes
    ----------
    name : str
        Of the file.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    residual : ndarray of float32, shape [N, T]
        Displacement without its least-squares line, mm; no missing values.
    """

    name: str
    days: Floats
    residual: Floats


@dataclass(frozen=True)
class NoiseBank:
    """Residuals of several files.

    Attributes
    ----------
    files : tuple of NoiseFile
        At least one; blocks of simulated series draw theirs, by the root of the number of rows.
    vary : bool
        Whether windows, thinning, scale and mixtures of two rows are drawn, as training wants them. Otherwise rows
        keep the file's own dates and only their signs are drawn.
    """

    files: tuple[NoiseFile, ...]
    vary: bool = True

    def draw(
        self, rng: np.random.Generator, count: int, min_epochs: int, max_epochs: int
    ) -> tuple[str, Floats, Floats]:
        """Draw the noise of points that share a calendar.

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
        # Neither a file of thousands of rows alone, nor one of a few dozen as often as that.
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
                # Noise has no direction in time worth learning.
                values = values[:, ::-1]
                epochs = epochs[::-1]
        days = np.abs(file.days[epochs] - file.days[epochs[0]])
        return file.name, days, without_line(values, days)

    def divide(self, share: float, *, seed: int) -> tuple[NoiseBank, NoiseBank]:
        """Divide the rows of every file at random: all but ``share`` of them, and that share.

        A file of one row stands on both sides.
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
    """Take the line away from the complete, quiet rows of a file.

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
        If no row is complete and quiet, or the file is too short or has too long a gap.
    """
    # What the run-time would not ask a network about must not teach one.
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
