"""Break of a series: when the rate changed, from what to what, and how sure all of it is.

Every date, in every kind of noise that the file knows, is a hypothesis; what is reported is averaged over all of them
by how well they explain the row. The size of the change and of the scatter are integrated out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.found import Breaks
from insar_runtime._diagnosis.hinges import Candidates, Fits, Gaps, HingeTable, Singles
from insar_runtime._diagnosis.noise import FileNoise, Floats
from insar_runtime._diagnosis.status import FitStatus

_ROWS_AT_ONCE: Final = 128
"""What is held of so many rows stays in the caches. Chunks are filled up, so that a row's bits do not depend on others."""
_LEAST_EPOCHS: Final = 12
_LEAST_DAYS: Final = 180.0
"""Two rates, a date and the scatter are asked of a row [ours]."""
_FLOOR_MM: Final = 0.02
"""Scatter that no series is better than, rounding to 0.1 mm included."""
_TAIL: Final = 0.05
"""The interval leaves out this much of the probability on either side."""
_MEDIAN_EPOCHS: Final = 5
_CLIP: Final = 4.0
_LEAST_CLIP_MM: Final = 4.0


class BreakFinder:
    """Finds the break of each of many series that share a time axis and what is known of their noise.

    Parameters
    ----------
    noise : FileNoise

    Notes
    -----
    Built once for a file; safe to share between threads.
    """

    def __init__(self, noise: FileNoise) -> None:
        self._days = np.asarray(noise.days, dtype=np.float64)
        self._tables: list[HingeTable] = []
        self._singular = False
        if len(self._days) < _LEAST_EPOCHS:
            return
        self._candidates = Candidates.on(self._days)
        self._log_weight = np.log(np.maximum(noise.weights, 1e-12))
        try:
            self._tables = [HingeTable(covariance, self._candidates) for covariance in noise.covariances()]
        except np.linalg.LinAlgError:
            self._singular = True

    def find(self, displacement: NDArray[np.floating]) -> Breaks:
        """Find the break of each series.

        Parameters
        ----------
        displacement : ndarray of float32, shape [n, T]
            mm; NaN = missing.

        Returns
        -------
        Breaks
            Of every row; NaN, and why, where there is nothing to be found.
        """
        present = ~np.isnan(displacement)
        status = self._status(displacement, present)
        out = _nothing(status)
        good = np.flatnonzero(status == FitStatus.OK)
        whole = present[good].all(axis=1)
        # Rows with the same epochs next to each other, and those that lack similarly many.
        partial = good[~whole]
        partial = partial[np.lexsort((*np.packbits(present[partial], axis=1).T, present[partial].sum(axis=1)))]
        for rows in (good[whole], partial):
            for begin in range(0, len(rows), _ROWS_AT_ONCE):
                some = rows[begin : begin + _ROWS_AT_ONCE]
                self._fill(out, some, displacement[some], present[some])
        return out

    def _status(self, displacement: NDArray[np.floating], present: NDArray[np.bool_]) -> NDArray[np.int8]:
        count = present.sum(axis=1)
        span = np.zeros(len(present))
        if present.shape[1]:
            last = present.shape[1] - 1 - present[:, ::-1].argmax(axis=1)
            span = self._days[last] - self._days[present.argmax(axis=1)]
        return np.select(
            [np.isinf(displacement).any(axis=1), count < _LEAST_EPOCHS, span < _LEAST_DAYS],
            [FitStatus.NON_FINITE, FitStatus.TOO_FEW_EPOCHS, FitStatus.SPAN_TOO_SHORT],
            default=FitStatus.SINGULAR if self._singular else FitStatus.OK,
        ).astype(np.int8)

    def _fill(
        self, out: Breaks, rows: NDArray[np.intp], displacement: NDArray[np.floating], present: NDArray[np.bool_]
    ) -> None:
        count = len(rows)
        spare = ((0, _ROWS_AT_ONCE - count), (0, 0))
        values, rate = _about_line(
            np.pad(displacement, spare), np.pad(present, spare, constant_values=True), self._days
        )
        gaps: list[Gaps] = []
        if present.all():
            prior = self._candidates.log_prior(np.ones((1, len(self._days)), dtype=np.bool_))
        else:
            gaps = list(Gaps.of(~present, self._candidates.column.shape[1]))
            prior = self._candidates.log_prior(np.pad(present, spare, constant_values=True))
        posterior = _Posterior(len(values), len(self._candidates.day))
        for log_weight, table in zip(self._log_weight, self._tables, strict=True):
            posterior.add(table.fit(values, gaps), prior + log_weight, present_freedom(table, values, gaps))
        low, middle, high = posterior.quantiles(self._candidates.edge, (_TAIL, 0.5, 1 - _TAIL))
        mean, std = posterior.rates()
        out.day[rows], out.day_lo[rows], out.day_hi[rows] = middle[:count], low[:count], high[:count]
        out.v_before[rows], out.v_after[rows] = (mean + rate)[:, :count]
        out.v_before_std[rows], out.v_after_std[rows] = std[:, :count]
        out.explains[rows] = posterior.explains()[:count]
        lost = rows[~np.isfinite(std[0, :count])]
        if len(lost):
            out.status[lost] = FitStatus.SINGULAR


def present_freedom(table: HingeTable, values: Singles, gaps: list[Gaps]) -> Floats:
    freedom = np.full(len(values) if gaps else 1, float(table.freedom))
    for some in gaps:
        freedom[some.rows] -= (~some.padding).sum(axis=1)[some.pattern][:, None]
    return freedom


def _nothing(status: NDArray[np.int8]) -> Breaks:
    count = len(status)
    day = [np.full(count, np.nan) for _ in range(3)]
    rate = [np.full(count, np.nan, dtype=np.float32) for _ in range(4)]
    return Breaks(*day, *rate, np.zeros(count, dtype=np.bool_), status)


class _Posterior:
    """What is known of n rows after each kind of noise has been heard."""

    def __init__(self, rows: int, dates: int) -> None:
        self._date = np.zeros((rows, dates), dtype=np.float32)
        self._top = np.full(rows, -np.inf)
        self._log_evidence: list[Floats] = []
        self._log_parabola: list[Floats] = []
        self._mean: list[Floats] = []
        self._variance: list[Floats] = []

    def add(self, fits: Fits, log_prior: Floats, freedom: Floats) -> None:
        """Hear one kind of noise.

        Parameters
        ----------
        fits : Fits
        log_prior : ndarray of float64, shape [n or 1, J]
        freedom : ndarray of float64, shape [n or 1]
        """
        gain = fits.gain
        left = gain * gain
        np.subtract(fits.squares[:, None], left, out=left)
        floor = (freedom * _FLOOR_MM**2).astype(np.float32)
        np.maximum(left, 0, out=left)
        left += floor[:, None]
        least = left.min(axis=1)
        offset = (log_prior - 0.5 * np.log(fits.information) - 0.5 * fits.log_determinant[:, None]).astype(np.float32)
        half = (freedom / 2).astype(np.float32)
        score = left / least[:, None]
        np.log(score, out=score)
        score *= -half[:, None]
        score += offset
        base = -half * np.log(least.astype(np.float64))
        self._log_parabola.append(base + score[:, -1])

        score, gain, left = score[:, :-1], gain[:, :-1], left[:, :-1]
        best = score.argmax(axis=1)
        index = np.arange(len(score))
        top = score[index, best]
        weight = np.exp(score - top[:, None])
        whole = weight.sum(axis=1)
        top = base + top
        self._log_evidence.append(top + np.log(whole))
        highest = np.maximum(self._top, top)
        with np.errstate(invalid="ignore"):
            self._date *= np.exp(self._top - highest).astype(np.float32)[:, None]
            self._date += weight * np.exp(top - highest).astype(np.float32)[:, None]
        self._top = highest

        # Rates before and after are what a hinge takes from the line, and adds to it, for each unit of its gain.
        scale = 1 / np.sqrt(fits.information[:, :-1])
        lean = fits.lean[:, :-1]
        weight /= whole[:, None]
        means, variances = [], []
        for share in (-lean * scale, (1 - lean) * scale):
            share = share.astype(np.float32)
            rate = gain * share
            middle = rate[index, best].copy()
            rate -= middle[:, None]
            weighted = weight * rate
            mean = weighted.sum(axis=1)
            spread = np.einsum("nj,nj->n", weighted, rate) - mean**2
            share = share * share
            within = np.einsum("nj,nj,nj->n", weight, left, np.broadcast_to(share, left.shape))
            within = within + fits.slope_variance * np.einsum("nj,nj->n", weight, left)
            means.append(middle.astype(np.float64) + mean + fits.slope)
            variances.append(np.maximum(spread, 0) + within / np.maximum(freedom - 2, 1))
        self._mean.append(np.stack(means))
        self._variance.append(np.stack(variances))

    def quantiles(self, edge: Floats, probabilities: tuple[float, ...]) -> list[Floats]:
        """Give days [n] before which a break lies with these probabilities; ``edge`` [G + 1] are the dates' bounds."""
        sums = np.cumsum(self._date, axis=1, dtype=np.float32)
        index = np.arange(len(sums))
        found = []
        for probability in probabilities:
            wanted = probability * sums[:, -1]
            at = np.minimum((sums < wanted[:, None]).sum(axis=1), sums.shape[1] - 1)
            inside = self._date[index, at]
            part = 1 - (sums[index, at] - wanted) / np.maximum(inside, 1e-30)
            found.append(edge[at] + np.clip(part, 0, 1) * (edge[at + 1] - edge[at]))
        return found

    def rates(self) -> tuple[Floats, Floats]:
        """Give means and standard deviations of the rates before and after, each [2, n]."""
        log_evidence = np.stack(self._log_evidence)
        weight = np.exp(log_evidence - log_evidence.max(axis=0))
        weight /= weight.sum(axis=0)
        mean, variance = np.stack(self._mean, axis=1), np.stack(self._variance, axis=1)
        middle = (weight * mean).sum(axis=1)
        spread = (weight * (variance + (mean - middle[:, None]) ** 2)).sum(axis=1)
        return middle, np.sqrt(spread)

    def explains(self) -> NDArray[np.bool_]:
        """Tell where all hinges together are at least as likely as a parabola, [n]."""
        return np.asarray(np.logaddexp.reduce(self._log_evidence) >= np.logaddexp.reduce(self._log_parabola))


def _about_line(displacement: NDArray[np.floating], present: NDArray[np.bool_], days: Floats) -> tuple[Singles, Floats]:
    """Clip outliers and take the own line off rows [n, T]; give also its rate in mm/yr, [n]."""
    years = (days - days.mean()) / 365.25
    values = np.where(present, displacement, 0.0).astype(np.float64)
    count = present.sum(axis=1)
    mean = values.sum(axis=1) / count
    middle = present @ years / count
    spread = present @ years**2 - count * middle**2
    rate = (values @ years - count * mean * middle) / spread
    values -= (mean - rate * middle)[:, None] + rate[:, None] * years
    values[~present] = 0.0
    return _clipped(values.astype(np.float32), present), rate


def _clipped(values: Singles, present: NDArray[np.bool_]) -> Singles:
    """Draw outliers of one or two epochs towards the running median of five."""
    half = _MEDIAN_EPOCHS // 2
    epochs = values.shape[1]
    if not present.all():
        return values
    padded = np.pad(values, ((0, 0), (half, half)), mode="reflect")
    a, b, c, d, e = (padded[:, k : k + epochs] for k in range(5))
    centre = _median_of_five(a, b, c, d, e)
    distance = values - centre
    sigma = 1.4826 * np.median(np.abs(distance), axis=1, keepdims=True)
    limit = np.maximum(np.float32(_CLIP) * sigma, np.float32(_LEAST_CLIP_MM))
    return centre + np.clip(distance, -limit, limit)


def _median_of_five(a: Singles, b: Singles, c: Singles, d: Singles, e: Singles) -> Singles:
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), e))
