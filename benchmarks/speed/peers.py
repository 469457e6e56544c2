"""Other tools for displacement series, on the same series and on one core, like the engines.

None of them is a competitor of ``classify`` in all it does: EGMSpy and PS-Time assign classes, ruptures detects change
points, MintPy fits rates. Tools without a package in a registry run in our own implementation of what their authors
publish, and are named so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from benchmarks.speed.engine import Engine
from evaluation.baselines import Contestant, EgmspyRules, PsTime
from training.dataset import LabelledSeries

_FIRST_DATE: Final = np.datetime64("2016-01-01")
_LEAST_LEVEL_EPOCHS: Final = 3
_FEW: Final = 32
"""Largest number of series of a turn of a method that takes a second for them."""


def make_egmspy(series: LabelledSeries) -> dict[str, Engine]:
    """Return the rules of EGMSpy."""
    return {"EGMSpy rules, our implementation": _contestant(EgmspyRules(), series)}


def make_pstime(series: LabelledSeries) -> dict[str, Engine]:
    """Return the tests of PS-Time."""
    return {"PS-Time tests, our implementation": _contestant(PsTime(), series)}


def make_ruptures(series: LabelledSeries) -> dict[str, Engine]:
    """Return the change point detection of ruptures, with the penalty of BIC for the noise of each series."""
    import ruptures

    def each(detect: Callable[[Any, float], object], count: int) -> None:
        for row in series.displacement[:count]:
            values = row[np.isfinite(row)].astype(np.float64)
            noise = np.diff(values).var() / 2
            detect(values[:, None], 2 * noise * np.log(len(values)))

    def pelt(values: Any, penalty: float) -> object:
        return ruptures.Pelt(model="l2", min_size=_LEAST_LEVEL_EPOCHS, jump=1).fit(values).predict(pen=penalty)

    def kernel(values: Any, penalty: float) -> object:
        return ruptures.KernelCPD(kernel="linear", min_size=_LEAST_LEVEL_EPOCHS).fit(values).predict(pen=penalty)

    return {
        "ruptures, PELT": Engine("-", partial(each, pelt), _FEW),
        "ruptures, kernel in C": Engine("-", partial(each, kernel), len(series.displacement)),
    }


def make_mintpy(series: LabelledSeries) -> dict[str, Engine]:
    """Return the time functions of MintPy: a line and an annual cycle."""
    from mintpy.utils import time_func

    dates = _FIRST_DATE + np.rint(series.days[0]).astype("timedelta64[D]")
    names = [str(date).replace("-", "") for date in dates]
    model = {"polynomial": 1, "periodic": [1.0], "stepDate": [], "polyline": [], "exp": {}, "log": {}}

    def rates(count: int) -> object:
        # Its least squares take no missing values; MintPy replaces them beforehand.
        rows = np.nan_to_num(series.displacement[:count])
        return time_func.estimate_time_func(model, names, rows.T)

    return {"MintPy, rates": Engine("-", rates, len(series.displacement))}


def _contestant(contestant: Contestant, series: LabelledSeries) -> Engine:
    contestant.fit(series, seed=1)
    return Engine("-", lambda count: contestant.probabilities(series.take(np.arange(count))), len(series))
