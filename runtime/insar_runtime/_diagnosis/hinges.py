"""Every date at which a series can break, and what one kind of noise makes of a break there.

The parabola is a candidate beside the hinges, so that both are judged by the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.gls import line_estimator, restricted_precision
from insar_runtime._diagnosis.noise import DAYS_OF_YEAR, Floats

Singles = NDArray[np.float32]

_STEP_DAYS: Final = 6.0
_MOST_STEPS: Final = 400
"""Dates are tried at the epochs and between them, no further apart than this or than this part of the span."""
_USUAL_SHARE: Final = 0.15
_LEAST_SHARE: Final = 0.05
_LEAST_WEIGHT: Final = 0.1
"""A break is taken to lie in the inner 70 % of the span [design], each day alike; further out, less and less likely."""
_LEAST_EPOCHS: Final = 3
"""Epochs on either side of a break: fewer are outliers as well as a rate."""

_LOST_MULTIPLE: Final = 8
"""Missing epochs are padded to a multiple of this, so that a row's matrices have a shape, and bits, of their own."""
_ROWS_TOGETHER: Final = 8
"""The same for rows that lack the same epochs."""
_VALUES_AT_ONCE: Final = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Hinges at J - 1 dates, and a parabola.

    Attributes
    ----------
    days : ndarray of float64, shape [T]
        Time axis.
    day : ndarray of float64, shape [J - 1]
        Dates of the hinges.
    edge : ndarray of float64, shape [J]
        Each date stands for the days between two of these.
    line : ndarray of float64, shape [T, 2]
        One, and years from the middle of the span.
    column : ndarray of float64, shape [T, J]
        Years since the date, or 0 before it; the last one is the parabola.
    """

    days: Floats
    day: Floats
    edge: Floats
    line: Floats
    column: Floats

    @classmethod
    def on(cls, days: Floats) -> Candidates:
        """Lay out dates on a time axis [T]."""
        step = max(_STEP_DAYS, (days[-1] - days[0]) / _MOST_STEPS)
        gaps = np.diff(days)
        parts = np.ceil(gaps / step - 1e-9).astype(np.int64)
        first = np.repeat(np.cumsum(parts) - parts, parts)
        within = (np.arange(parts.sum()) - first) / np.repeat(parts, parts)
        day = np.append(np.repeat(days[:-1], parts) + within * np.repeat(gaps, parts), days[-1])
        # Neither end can be a break; leaving them out keeps every column from being a line.
        edge = (day[:-1] + day[1:]) / 2
        day = day[1:-1]
        years = (days - (days[0] + days[-1]) / 2) / DAYS_OF_YEAR
        hinges = np.maximum(days[:, None] - day, 0) / DAYS_OF_YEAR
        line = np.stack([np.ones_like(years), years], axis=1)
        return cls(days, day, edge, line, np.concatenate([hinges, years[:, None] ** 2], axis=1))

    def log_prior(self, present: NDArray[np.bool_]) -> Floats:
        """Give what is known of each candidate before its row is looked at.

        The parabola weighs as much as all hinges together. An amplitude counts by how far it departs from a line
        (RMS): the same departure is as likely at every date.

        Parameters
        ----------
        present : ndarray of bool, shape [n, T]

        Returns
        -------
        ndarray of float64, shape [n, J]
            -inf where a row cannot break.
        """
        here = present.astype(np.float64)
        count = here.sum(axis=1, keepdims=True)
        years, column = self.line[:, 1], self.column
        # The least-squares line of each column over the epochs that are there.
        mean = here @ years[:, None] / count
        spread = here @ years[:, None] ** 2 / count - mean**2
        average = here @ column / count
        slope = (here @ (column * years[:, None]) / count - mean * average) / spread
        departure = here @ column**2 / count - average**2 - slope**2 * spread

        begin = self.days[present.argmax(axis=1)][:, None]
        end = self.days[len(self.days) - 1 - present[:, ::-1].argmax(axis=1)][:, None]
        share = (self.day - begin) / (end - begin)
        outside = (np.minimum(share, 1 - share) - _LEAST_SHARE) / (_USUAL_SHARE - _LEAST_SHARE)
        weight = np.diff(self.edge) * np.clip(_LEAST_WEIGHT + (1 - _LEAST_WEIGHT) * outside, 0, 1)
        before = here @ (self.days[:, None] <= self.day)
        enough = np.minimum(before, count - before) >= _LEAST_EPOCHS
        weight *= enough & (outside >= 0)
        whole = weight.sum(axis=1, keepdims=True)
        weight = np.concatenate([weight / np.maximum(whole, 1e-300), np.ones_like(whole)], axis=1)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(weight) + 0.5 * np.log(np.maximum(departure, 1e-300)))


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """Fits of all candidates to n rows in one kind of noise; axes of length 1 hold for all rows.

    Attributes
    ----------
    gain : ndarray of float32, shape [n, J]
        Amplitude over its standard deviation in noise of unit scatter; its square is what a candidate takes off the sum of squares.
    squares : ndarray of float32, shape [n]
        Weighted sum of squares about the line.
    slope : ndarray of float64, shape [n]
        Of the line alone, mm/yr.
    information : ndarray of float64, shape [n or 1, J]
        Inverse variance of each amplitude in noise of unit scatter.
    lean : ndarray of float64, shape [n or 1, J]
        Slope of the line that a candidate of unit amplitude is taken for.
    slope_variance : ndarray of float64, shape [n or 1]
        Of ``slope``, in noise of unit scatter.
    log_determinant : ndarray of float64, shape [n or 1]
    """

    gain: Singles
    squares: Singles
    slope: Floats
    information: Floats
    lean: Floats
    slope_variance: Floats
    log_determinant: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Which epochs some rows lack, laid out for matrices of fixed shapes.

    Attributes
    ----------
    lost : ndarray of intp, shape [p, m]
        Missing epochs of each pattern; padded.
    padding : ndarray of bool, shape [p, m]
    rows : ndarray of intp, shape [b, r]
        Rows of a block, which share a pattern; padded by its first.
    pattern : ndarray of intp, shape [b]
        Of each block.
    """

    lost: NDArray[np.intp]
    padding: NDArray[np.bool_]
    rows: NDArray[np.intp]
    pattern: NDArray[np.intp]

    @staticmethod
    def of(missing: NDArray[np.bool_], width: int) -> Iterator[Gaps]:
        """Sort rows [n, T] by what they lack; complete ones are in none of the answers."""
        groups: dict[int, list[tuple[NDArray[np.intp], NDArray[np.intp]]]] = {}
        _, kind = np.unique(np.packbits(missing, axis=1), axis=0, return_inverse=True)
        order = np.argsort(kind.ravel(), kind="stable")
        for rows in np.split(order, np.cumsum(np.bincount(kind.ravel()))[:-1]):
            lost = np.flatnonzero(missing[rows[0]])
            if len(lost):
                groups.setdefault(-(-len(lost) // _LOST_MULTIPLE), []).append((lost, rows))
        for multiple, members in sorted(groups.items()):
            size = multiple * _LOST_MULTIPLE
            step = max(1, _VALUES_AT_ONCE // (size * width))
            for begin in range(0, len(members), step):
                yield Gaps._laid_out(members[begin : begin + step], size)

    @staticmethod
    def _laid_out(members: list[tuple[NDArray[np.intp], NDArray[np.intp]]], size: int) -> Gaps:
        lost = np.zeros((len(members), size), dtype=np.intp)
        padding = np.ones((len(members), size), dtype=np.bool_)
        blocks, pattern = [], []
        for p, (epochs, rows) in enumerate(members):
            lost[p, : len(epochs)], padding[p, : len(epochs)] = epochs, False
            padded = np.concatenate([rows, np.full(-len(rows) % _ROWS_TOGETHER, rows[0])])
            blocks.append(padded.reshape(-1, _ROWS_TOGETHER))
            pattern += [p] * len(blocks[-1])
        return Gaps(lost, padding, np.concatenate(blocks), np.array(pattern, dtype=np.intp))


class HingeTable:
    """All that one kind of noise has to say of the candidates, as one matrix to multiply rows with.

    Parameters
    ----------
    covariance : ndarray of float64, shape [T, T]
        Of unit scatter.
    candidates : Candidates

    Raises
    ------
    numpy.linalg.LinAlgError
        If the covariance is singular.
    """

    def __init__(self, covariance: Floats, candidates: Candidates) -> None:
        precision = restricted_precision(covariance, candidates.line)
        estimator, spread = line_estimator(covariance, candidates.line)
        self.freedom = precision.freedom
        self._epochs = len(covariance)
        self._precision = precision.matrix
        seen = precision.matrix @ candidates.column
        self._information = np.maximum(np.einsum("tj,tj->j", candidates.column, seen), 1e-300)
        self._lean = estimator[1] @ candidates.column
        self._slope_variance = float(spread[1, 1])
        self._log_determinant = precision.log_determinant
        self._seen = np.concatenate([seen, estimator[1][:, None]], axis=1)
        scaled = seen / np.sqrt(self._information)
        self._response = np.concatenate([precision.matrix, scaled, estimator[1][:, None]], axis=1).astype(np.float32)

    def fit(self, values: Singles, gaps: list[Gaps]) -> Fits:
        """Fit all candidates to rows.

        Parameters
        ----------
        values : ndarray of float32, shape [n, T]
            mm; 0 = missing. n should always be the same, for the same bits.
        gaps : list of Gaps
            Of the rows that lack values.
        """
        answer = values @ self._response
        seen, gain = answer[:, : self._epochs], answer[:, self._epochs : -1]
        squares, slope = np.einsum("nt,nt->n", values, seen), answer[:, -1].astype(np.float64)
        one = np.ones(len(values) if gaps else 1)
        fits = Fits(
            gain,
            squares,
            slope,
            one[:, None] * self._information,
            one[:, None] * self._lean,
            one * self._slope_variance,
            one * self._log_determinant,
        )
        for some in gaps:
            self._mend(fits, seen, some)
        return fits

    def _mend(self, fits: Fits, seen: Singles, gaps: Gaps) -> None:
        """Take missing epochs out of the fits of their rows: each is as good as an unknown of its own."""
        matrix = self._precision[gaps.lost[:, :, None], gaps.lost[:, None, :]]
        matrix[gaps.padding[:, :, None] | gaps.padding[:, None, :]] = 0.0
        index = np.arange(gaps.lost.shape[1])
        matrix[:, index, index] += gaps.padding
        factor = np.linalg.cholesky(matrix)
        half = np.linalg.inv(factor)
        across = self._seen[gaps.lost]
        across[gaps.padding] = 0.0
        across = half @ across
        hinges, line = across[:, :, :-1], across[:, :, -1:]
        information = np.maximum(self._information - np.einsum("pmj,pmj->pj", hinges, hinges), 1e-300)
        lean = self._lean - np.einsum("pmj,pmk->pj", hinges, line)
        variance = self._slope_variance + np.einsum("pmk,pmk->p", line, line)
        volume = self._log_determinant + 2 * np.log(factor[:, index, index]).sum(axis=1)

        rows, pattern = gaps.rows, gaps.pattern
        fits.information[rows] = information[pattern][:, None]
        fits.lean[rows] = lean[pattern][:, None]
        fits.slope_variance[rows] = variance[pattern][:, None]
        fits.log_determinant[rows] = volume[pattern][:, None]
        there = seen[rows[:, :, None], gaps.lost[pattern][:, None, :]].astype(np.float64)
        there[np.broadcast_to(gaps.padding[pattern][:, None, :], there.shape)] = 0.0
        there = there @ half.transpose(0, 2, 1)[pattern]
        taken = there @ across[pattern]
        gain = (fits.gain[rows] * np.sqrt(self._information) - taken[:, :, :-1]) / np.sqrt(information)[pattern][
            :, None
        ]
        fits.squares[rows] = fits.squares[rows] - np.einsum("brm,brm->br", there, there)
        fits.slope[rows] = fits.slope[rows] - taken[:, :, -1]
        fits.gain[rows] = gain
