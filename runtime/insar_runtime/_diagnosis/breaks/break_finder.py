"""Break of a series: date of a change of rate and the rates before and after it, with their uncertainties.

Bayesian model averaging: each date in each noise model of the file is a hypothesis, and the reported values are
averaged over the posterior of all hypotheses.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, IndexArray, Int8Array, RealArray
from insar_runtime._diagnosis.breaks.break_posterior import BreakPosterior
from insar_runtime._diagnosis.breaks.candidates import BreakCandidates
from insar_runtime._diagnosis.breaks.detrend import without_line
from insar_runtime._diagnosis.breaks.gap_layout import GapLayout
from insar_runtime._diagnosis.breaks.hinges import HingeTable
from insar_runtime._diagnosis.missing_epochs import MissingPatterns, first_and_last, order_by_missing_count
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.noise.rate_noise import rate_noise_models
from insar_runtime._diagnosis.results import Breaks, FitStatus

_ROWS_AT_ONCE: Final = 256
"""Rows that are fitted at a time, few enough for the caches. Smaller chunks are padded, so the bits of a row do not
depend on the number of rows."""
_LEAST_EPOCHS: Final = 12
_LEAST_DAYS: Final = 180.0
"""Least number of epochs and least span for an estimate of two rates, a date and the scatter. Our choice."""
_TAIL: Final = 0.05
"""Probability on either side of the interval of the date."""


class BreakFinder:
    """Finds the break of each of many series that share a time axis and a noise model.

    Parameters
    ----------
    noise : FileNoise

    Notes
    -----
    Built once per file, safe to share between threads. A break is assumed to lie between 5 and 95 % of the span of its
    row, and rarely outside 15 to 85 %. For a break nearer to an end, the result is the nearest allowed date, and its
    interval is too narrow.
    """

    def __init__(self, noise: FileNoise) -> None:
        self._days = np.asarray(noise.days, dtype=np.float64)
        self._tables: list[HingeTable] = []
        self._singular = False
        if len(self._days) < _LEAST_EPOCHS:
            return
        self._candidates = BreakCandidates.for_days(self._days)
        covariances, weights = rate_noise_models(noise)
        self._log_weight = np.log(weights)
        self._complete_prior = self._candidates.log_prior(np.ones((1, len(self._days)), dtype=np.bool_))
        try:
            self._tables = [HingeTable(covariance, self._candidates) for covariance in covariances]
        except np.linalg.LinAlgError:
            self._singular = True

    def find(self, displacement: RealArray) -> Breaks:
        """Return the break of each series.

        Parameters
        ----------
        displacement : ndarray of float32, shape [n, T]
            mm; NaN = missing.

        Returns
        -------
        Breaks
            One per row; where the status is not OK, the values are NaN.
        """
        present = ~np.isnan(displacement)
        status = self._status(displacement, present)
        out = _unfitted(status)
        good = np.flatnonzero(status == FitStatus.OK)
        complete = present[good].all(axis=1)
        partial = good[~complete]
        for rows in (good[complete], partial[order_by_missing_count(~present[partial])]):
            for begin in range(0, len(rows), _ROWS_AT_ONCE):
                some = rows[begin : begin + _ROWS_AT_ONCE]
                # Values beyond single precision give results that are not finite; those rows become SINGULAR.
                with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                    self._fill(out, some, displacement[some], present[some])
        return out

    def _status(self, displacement: RealArray, present: BoolArray) -> Int8Array:
        first, last = first_and_last(present, self._days)
        short = last - first < _LEAST_DAYS
        status = np.select(
            [np.isinf(displacement).any(axis=1), present.sum(axis=1) < _LEAST_EPOCHS, short],
            [FitStatus.NON_FINITE, FitStatus.TOO_FEW_EPOCHS, FitStatus.SPAN_TOO_SHORT],
            default=FitStatus.SINGULAR if self._singular else FitStatus.OK,
        )
        return status.astype(np.int8)

    def _fill(self, out: Breaks, rows: IndexArray, displacement: RealArray, present: BoolArray) -> None:
        count, candidates = len(rows), self._candidates
        # ``HingeTable`` needs one additional epoch, which is empty.
        values, rate = np.zeros((_ROWS_AT_ONCE, len(self._days) + 1), dtype=np.float32), np.zeros(_ROWS_AT_ONCE)
        values[:count, :-1], rate[:count] = without_line(displacement, present, self._days)
        gaps: list[GapLayout] = []
        log_prior = self._complete_prior
        if not present.all():
            patterns = MissingPatterns.of(~present)
            gaps = list(GapLayout.of(patterns, len(candidates.day)))
            log_prior = np.repeat(log_prior, _ROWS_AT_ONCE, axis=0)
            log_prior[patterns.all_rows] = candidates.log_prior(~patterns.missing)[patterns.of_row]
        posterior = BreakPosterior(_ROWS_AT_ONCE, len(candidates.day))
        for log_weight, table in zip(self._log_weight, self._tables, strict=True):
            posterior.add(table.fit(values, gaps), log_prior + log_weight)
        edges = posterior.quantiles(candidates.edge, (0.5, _TAIL, 1 - _TAIL))
        mean, std = posterior.rates()
        fitted = np.all(np.isfinite(std) & np.any(np.isfinite(log_prior[:, :-1]), axis=1), axis=0)[:count]
        some = rows[fitted]
        for column, days in zip((out.day, out.day_lo, out.day_hi), edges, strict=True):
            column[some] = days[:count][fitted]
        out.v_before[some], out.v_after[some] = (mean[:2] + rate)[:, :count][:, fitted]
        out.v_before_std[some], out.v_after_std[some], out.change_std[some] = std[:, :count][:, fitted]
        out.explains[some] = posterior.explains()[:count][fitted]
        out.status[rows[~fitted]] = FitStatus.SINGULAR


def _unfitted(status: Int8Array) -> Breaks:
    count = len(status)
    day, rate = np.full((3, count), np.nan), np.full((5, count), np.nan, dtype=np.float32)
    return Breaks(
        day=day[0],
        day_lo=day[1],
        day_hi=day[2],
        v_before=rate[0],
        v_before_std=rate[1],
        v_after=rate[2],
        v_after_std=rate[3],
        change_std=rate[4],
        explains=np.zeros(count, dtype=np.bool_),
        status=status,
    )
