"""Rate at which Stable and Linear are equally probable, by span and noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.draws import Floats

SPANS_YEARS: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
NOISES_MM: Final = (1.0, 2.0, 3.0, 4.5)
_RATES_MM_YR: Final = np.arange(0.25, 10.01, 0.25)
_INTERVAL_DAYS: Final = 12.0
_SERIES: Final = 120

Predict = Callable[[Floats, Floats], NDArray[np.floating[Any]]]
"""Function from series [N, T] in mm and days [N, T] to probabilities [N, classes]."""


@dataclass(frozen=True)
class RateCrossing:
    """Rates at which Stable and Linear are equally probable.

    Attributes
    ----------
    rate : ndarray of float64, shape [spans, noises]
        mm/yr, for ``SPANS_YEARS`` and ``NOISES_MM``; NaN if no rate up to 10 mm/yr is Linear.
    share : ndarray of float64, shape [spans, noises, rates]
        Mean of P(Linear) / (P(Stable) + P(Linear)), by rate.
    """

    rate: NDArray[np.float64]
    share: NDArray[np.float64]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        return {
            "spans, years": list(SPANS_YEARS),
            "white noise, mm": list(NOISES_MM),
            "rate, mm/yr": [[None if np.isnan(one) else round(float(one), 2) for one in row] for row in self.rate],
        }


def rate_crossing(predict: Predict, *, seed: int) -> RateCrossing:
    """Return the rates at which Stable and Linear are equally probable.

    The series are lines in white noise, with an acquisition every 12 days, no annual cycle, and rates of both signs.

    Parameters
    ----------
    predict : callable
        Function of a network, from series to probabilities.
    seed : int
        Seed of the noise.
    """
    rng = np.random.default_rng(seed)
    shape = len(SPANS_YEARS), len(NOISES_MM)
    rate, share = np.full(shape, np.nan), np.empty((*shape, len(_RATES_MM_YR)))
    for i, span in enumerate(SPANS_YEARS):
        days = np.arange(0, span * DAYS_PER_YEAR, _INTERVAL_DAYS, dtype=np.float32)
        turn = np.where(np.arange(_SERIES) % 2, 1.0, -1.0)
        motion = (turn[None, :, None] * _RATES_MM_YR[:, None, None] * days / DAYS_PER_YEAR).reshape(-1, len(days))
        for j, noise in enumerate(NOISES_MM):
            series = np.round(motion + rng.normal(0, noise, motion.shape), 1).astype(np.float32)
            found = predict(series, np.tile(days, (len(series), 1)))
            both = found[:, [TrendClass.STABLE, TrendClass.LINEAR]].astype(np.float64)
            linear = both[:, 1] / np.maximum(both.sum(axis=1), 1e-12)
            share[i, j] = linear.reshape(len(_RATES_MM_YR), _SERIES).mean(axis=1)
            rate[i, j] = _first_crossing(share[i, j])
    return RateCrossing(rate, share)


def draw_crossing(crossing: RateCrossing, path: Path) -> None:
    """Plot P(Linear) against the rate, with one panel per noise and one line per span."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only figures need it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(1, len(NOISES_MM), figsize=(15, 3.8), sharey=True, layout="constrained")
    for j, (axis, noise) in enumerate(zip(axes, NOISES_MM, strict=True)):
        for i, span in enumerate(SPANS_YEARS):
            label = f"{span:g} year{'s' if span != 1 else ''}"
            axis.plot(_RATES_MM_YR, crossing.share[i, j], label=label, color=plt.cm.viridis(i / 6))
        axis.axhline(0.5, color="grey", lw=0.6)
        axis.set_title(f"white noise {noise:g} mm", fontsize=10)
        axis.set_xlabel("rate, mm/yr")
        axis.set_xlim(0, 8)
    axes[0].set_ylabel("P(Linear) / (P(Stable) + P(Linear))")
    axes[-1].legend(fontsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


def _first_crossing(share: NDArray[np.float64]) -> float:
    """Return the rate above which the share stays above one half, by linear interpolation; NaN if there is none."""
    below = np.flatnonzero(share < 0.5)
    if not len(below):
        return float(_RATES_MM_YR[0])
    last = int(below[-1])
    if last + 1 == len(share):
        return float("nan")
    part = (0.5 - share[last]) / (share[last + 1] - share[last])
    return float(_RATES_MM_YR[last] + part * (_RATES_MM_YR[last + 1] - _RATES_MM_YR[last]))
