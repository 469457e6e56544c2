"""Evidence of the four motions: likelihood of a series, averaged over the priors of the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.limit.geometry import Floats, Geometry, Images
from evaluation.limit.rays import Priors, log_integrals, log_sum
from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.config import MotionConfig
from training.simulator.lines import distance_from_line

BENT_RATES: Final = ((0.25, 0.0), (0.25, -1.0), (0.2, -0.5))
"""Shares of bilinear motions that start, stop and reverse, and ratios of the rate before the break to the change of
rate; the others have any rate before, like half of the quadratic motions (`training.simulator.motions`)."""
CURVES_WITH_RATE: Final = 0.5

_ZOOMS: Final = 2
_ZOOM_NODES: Final = 17


@dataclass(frozen=True)
class Effort:
    """Numbers of nodes and samples of the integrals.

    Attributes
    ----------
    size_nodes : int
        Nodes for the size of a motion.
    break_nodes : int
        Nodes for the position of a break, evenly over the span; more are added near the maximum of the likelihood.
    jumps : int
        Samples of an unwrapping error.
    jump_table : int
        Simulated jumps for the prior of the epochs of a jump.
    """

    size_nodes: int = 12
    break_nodes: int = 49
    jumps: int = 48
    jump_table: int = 100_000


@dataclass(frozen=True)
class MotionModel:
    """Motions on one calendar, with the noise of one series."""

    geometry: Geometry
    days: tuple[float, ...]
    config: MotionConfig
    effort: Effort

    @cached_property
    def years(self) -> Floats:
        """Years since the first acquisition, [T]."""
        return np.asarray(self.days) / DAYS_PER_YEAR

    @cached_property
    def rate(self) -> Images:
        """Displacement at 1 mm/yr."""
        return self.geometry.images(self.years)

    @property
    def even_breaks(self) -> Floats:
        """Positions of a break over the whole range, as shares of the span."""
        return np.linspace(*self.config.break_share, self.effort.break_nodes)

    def hinges(self, share: Floats) -> Floats:
        """Return the displacement [J, T] of 1 mm/yr after breaks at these shares [J] of the span."""
        return np.maximum(self.years - (share * self.years[-1])[:, None], 0)

    def breaks_around_peak(self, row: Images) -> Floats:
        """Return sorted positions of a break, dense near the maximum of the likelihood of one row (shape [1, T])."""
        share = self.even_breaks
        found = [share]
        for _ in range(_ZOOMS):
            curves, rate = self.geometry.images(self.hinges(share)).white, self.rate.white
            unit = rate / np.linalg.norm(rate)
            curves = curves - np.outer(curves @ unit, unit)
            gain = (curves @ row.white[0]) ** 2 / np.maximum(np.einsum("jt,jt->j", curves, curves), 1e-12)
            peak = int(gain.argmax())
            share = np.linspace(share[max(peak - 1, 0)], share[min(peak + 1, len(share) - 1)], _ZOOM_NODES)
            found.append(share)
        return np.unique(np.concatenate(found))

    def log_evidence(self, rows: Images, breaks: Floats) -> Floats:
        """Return the log evidence of the four motions for rows with the same noise.

        Parameters
        ----------
        rows : Images of shape [K, T]
            Series.
        breaks : ndarray of float64, shape [J]
            Sorted positions of a break as shares of the span, the nodes of a trapezoidal rule.

        Returns
        -------
        ndarray of float64, shape [K, 4]
            Log evidence, up to a constant of the series.
        """
        out = np.empty((len(rows), 4))
        lines = self.geometry.images(self.years[None, :])
        for kind, priors in ((TrendClass.STABLE, self._stable()), (TrendClass.LINEAR, self._linear())):
            out[:, kind] = self._integrals(rows, lines, priors)[:, 0]

        parabola = self.years[None, :] ** 2
        curve = self.geometry.images(parabola)
        change = 2 * float(self.years[-1])
        parts = [
            np.log(share) + self._integrals(rows, curve, self._curved(parabola, change, with_rate))[:, 0]
            for share, with_rate in ((1 - CURVES_WITH_RATE, False), (CURVES_WITH_RATE, True))
        ]
        out[:, TrendClass.QUADRATIC] = np.logaddexp(*parts)

        hinges = self.hinges(breaks)
        width = np.gradient(breaks)
        width[[0, -1]] /= 2
        log_width = np.log(width / width.sum())
        shares = [share for share, _ in BENT_RATES]
        bent = [hinges + before * self.years for _, before in BENT_RATES]
        log_share = np.log([*shares, 1 - sum(shares)])
        integrals = [
            self._integrals(rows, self.geometry.images(shape), self._curved(hinges, 1.0, with_rate))
            for shape, with_rate in [*((shape, False) for shape in bent), (hinges, True)]
        ]
        terms = np.stack(integrals, axis=1) + log_share[:, None] + log_width
        out[:, TrendClass.BILINEAR] = log_sum(terms.reshape(len(rows), -1))
        return out

    def _integrals(self, rows: Images, curves: Images, priors: Priors) -> Floats:
        return log_integrals(rows, curves, self.rate, priors, self.effort.size_nodes)

    def _stable(self) -> Priors:
        limit = self.config.stable_rate_mm_yr
        density = -np.log(2 * limit)
        return Priors(lambda _, size, __: np.full(size.shape, density), ((-limit, limit),))

    def _linear(self) -> Priors:
        config = self.config
        low, high = config.linear_rate_mm_yr
        # Mixture of two log-uniform priors with the same smallest rate: of all rows, and of slow rows.
        ends = np.array([high, config.slow_linear_ratio * low])
        shares = np.array([1 - config.slow_linear_probability, config.slow_linear_probability])
        density = shares / (2 * np.log(ends / low))

        def log_density(_: NDArray[np.int64], size: Floats, __: Floats) -> Floats:
            rate = np.abs(size)
            return np.log((density * (rate[..., None] <= ends)).sum(axis=-1) / rate)

        edges = [low, *np.sort(ends)]
        rates = list(pairwise(edges))
        return Priors(log_density, tuple([(-right, -left) for left, right in rates] + rates))

    def _curved(self, curves: Floats, change_of_rate: float, with_rate: bool) -> Priors:
        config = self.config
        least, most = config.departure
        # Mixture of two log-uniform priors with the same smallest departure: of all rows, and of slight curves.
        slight = config.slight_departure_ratio * least
        share = config.slight_departure_probability
        distance = distance_from_line(curves.astype(np.float32), self.years.astype(np.float32)).astype(np.float64)
        largest = np.minimum(config.departure_limit_mm, config.rate_change_limit_mm_yr / change_of_rate * distance)

        def log_density(curve: NDArray[np.int64], size: Floats, scatter: Floats) -> Floats:
            departure = np.abs(size) * distance[curve][:, None] / scatter
            density = np.zeros_like(departure)
            for part, end in ((1 - share, most), (share, slight)):
                limit = np.clip(largest[curve][:, None] / scatter, 1.5 * least, end)
                density += np.where(departure <= limit, part / (2 * np.abs(size) * np.log(limit / least)), 0)
            # Nodes are above the smallest departure by construction, but rounding may put the first below it.
            density *= departure >= least * (1 - 1e-9)
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(density))

        rate = config.base_rate_mm_yr if with_rate else None
        return Priors(log_density, departure=(distance, (least, slight)), rate=rate)
