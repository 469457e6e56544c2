"""Speed of the fits without files; the benchmark runs this module in a process with one core and one thread."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import numpy as np

from benchmarks.diagnosis.other_methods import CurveFit, Gls, Lstsq, Scan
from benchmarks.diagnosis.series import of_class, series
from benchmarks.speed.timing import Job, in_turns, timed, use_cores
from insar_runtime._diagnosis.breaks.break_finder import BreakFinder
from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder
from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._diagnosis.rates.egms_rates import estimate_rates
from insar_runtime.classes import TrendClass
from training.simulator import HALF_WAVELENGTH_MM

_FIRST_DATE: Final = np.datetime64("2018-01-03")
_FEW: Final = 64
"""Number of series of a turn for methods that take milliseconds per series."""


def measure(count: int, turns: int) -> dict[str, Any]:
    """Return the speed of our fits and of other methods, measured in turns on the same series."""
    use_cores(1)
    still = series(count, seed=1)
    days = still.days[0].astype(np.float64)
    rows = {
        "rates": np.ascontiguousarray(still.displacement),
        "breaks": of_class(TrendClass.BILINEAR, count, seed=2),
        "jumps": of_class(TrendClass.PUE, count, seed=3),
    }
    noise = estimate_noise(rows["rates"], _FIRST_DATE + days.astype("timedelta64[D]"))
    breaks, jumps = BreakFinder(noise), JumpFinder(noise, HALF_WAVELENGTH_MM)
    typical = noise.covariances()[int(np.argmax(noise.weights))]
    gls, scan, fit, least = Gls(days, typical), Scan(days), CurveFit(days), Lstsq(days)
    fits: dict[str, tuple[str, Any, int]] = {
        "rates": ("rates", partial(estimate_rates, days=days), count),
        "rates, scipy lstsq": ("rates", least.rates, count),
        "rates, scipy curve_fit": ("rates", fit.rates, count),
        "breaks": ("breaks", breaks.find, count),
        "breaks, scipy curve_fit": ("breaks", fit.breaks, _FEW),
        "breaks, scipy scan": ("breaks", scan.breaks, _FEW),
        "breaks, GLS": ("breaks", gls.breaks, _FEW),
        "jumps": ("jumps", jumps.find, count),
        "jumps, scipy scan": ("jumps", scan.jumps, 8),
        "jumps, GLS": ("jumps", gls.jumps, _FEW),
    }
    jobs: dict[str, Job] = {
        name: lambda n, what=what, job=job: job(rows[what][:n])  # type: ignore[misc]
        for name, (what, job, _) in fits.items()
    }
    paces = in_turns(
        {name: timed(job) for name, job in jobs.items()},
        {name: most for name, (_, _, most) in fits.items()},
        turns=turns,
    )
    return {name: asdict(pace) for name, pace in paces.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("turns", type=int)
    given = parser.parse_args()
    print(json.dumps(measure(given.count, given.turns)))  # noqa: T201 - the benchmark reads it
