"""The part of a diagnosis that needs no noise model: rates of all rows, and which rows may have a break or jumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, DateArray, Float32Array, IndexArray, Int8Array
from insar_runtime._diagnosis.options import Diagnose, JumpRows
from insar_runtime._diagnosis.rates.egms_rates import EgmsRateEstimator
from insar_runtime._diagnosis.results import Rates, RecentChanges
from insar_runtime.classes import RowStatus, TrendClass
from insar_runtime.result import Result

WITH_BREAK: Final = (TrendClass.BILINEAR, TrendClass.QUADRATIC)
"""Classes whose series may have a break."""


@dataclass(frozen=True, slots=True, eq=False)
class SelectedRows:
    """Rates of N series, and those F of the series that may have a break or jumps.

    Attributes
    ----------
    rates : Rates
        Of all N series.
    rows : ndarray of intp, shape [F]
        Indices of the selected series, increasing.
    series : ndarray of float32, shape [F, T]
        mm; NaN = missing. A copy, so the series of all rows need not be held.
    class_id : ndarray of int8, shape [F]
        Their classes.
    searched : ndarray of bool, shape [F]
        Whether a series is searched for jumps.
    is_pue : ndarray of bool, shape [F]
        Whether its class or its most probable class is PUE.
    p_pue : ndarray of float32, shape [F]
        Probability of PUE; NaN where it is unknown.
    displacement : ndarray of float32, shape [N, T], or None
        All N series, as long as their recent changes are not estimated, which needs the noise model.
    recent : RecentChanges or None
        Of all N series, as delivered; None if they are not estimated.
    """

    rates: Rates
    rows: IndexArray
    series: Float32Array
    class_id: Int8Array
    searched: BoolArray
    is_pue: BoolArray
    p_pue: Float32Array
    displacement: Float32Array | None
    recent: RecentChanges | None = None


class RowSelector:
    """Estimates rates and selects rows of one time axis. May be shared between threads.

    Parameters
    ----------
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    options : Diagnose
    """

    def __init__(self, dates: DateArray, options: Diagnose) -> None:
        self._rates = EgmsRateEstimator((dates - dates[:1]).astype(np.float64))
        self._options = options

    def select(self, displacement: Float32Array, result: Result) -> SelectedRows:
        """Return the rates of series, and the rows that may have a break or jumps.

        Parameters
        ----------
        displacement : ndarray of float32, shape [N, T]
            mm; NaN = missing.
        result : Result
            Their classes.
        """
        searched, is_pue = searched_rows(result, self._options.jumps)
        rows = np.flatnonzero(searched | np.isin(result.class_id, WITH_BREAK))
        # Values that cannot be estimated become NaN, and the status of the row gives the reason.
        with np.errstate(all="ignore"):
            rates = self._rates.estimate(displacement)
        return SelectedRows(
            rates=rates,
            rows=rows,
            series=displacement[rows],
            class_id=result.class_id[rows],
            searched=searched[rows],
            is_pue=is_pue[rows],
            p_pue=result.probabilities[rows, TrendClass.PUE],
            displacement=displacement,
        )


def searched_rows(result: Result, jump_rows: JumpRows) -> tuple[BoolArray, BoolArray]:
    """Return which rows are searched for jumps [N], and which have PUE as their class or most probable class [N]."""
    is_pue = (result.class_id == TrendClass.PUE) | (result.class_top == TrendClass.PUE)
    # Rows with infinite values have no class, so ``is_pue`` already excludes them.
    searched = result.status != RowStatus.NON_FINITE if jump_rows == "all" else is_pue
    return searched, is_pue
