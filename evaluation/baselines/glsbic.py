"""Generalised least squares with known half wavelength, compared by an information criterion (`glsbic`).

The strongest classical opponent that we could make: outliers are clipped, the noise is whitened, every break and every
jump is tried, and jumps may ride on a line, a parabola or a hinge. Nothing but a handful of thresholds is learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from evaluation.baselines.contestant import Floats, gather
from evaluation.baselines.gls_evidence import Evidence, Thresholds
from evaluation.baselines.gls_noise import (
    Kernels,
    NoiseModel,
    clip_outliers,
    noise_grid,
    precision_of,
    restricted_deviance,
    scale_of,
)
from evaluation.baselines.gls_search import BASES, MAX_JUMPS, Design, Sizes, search
from insar_runtime.errors import UsageError
from training.dataset import NOISE_FACTS, LabelledSeries
from training.simulator import HALF_WAVELENGTH_MM

_ANNUAL_MM: Final = (1.1, 5.0)
_ANNUAL_RATIO: Final = (0.4, 2.0)
"""RMS of the yearly cycle that are tried, in mm and over the scatter: usual ones and strong ones (our choice)."""
_COMMON_MM: Final = 0.4
"""RMS of the epoch errors that a whole file shares: the oracle knows the noise of each point only."""
_TYPICAL: Final = NoiseModel(0.7, 0.5, 12.0, 0.5, 150.0, 0.5)
"""Noise about which motions and jumps are found that must go before the noise itself can be estimated."""
_ENOUGH_TO_TUNE: Final = 4096
_PAIRS_AT_ONCE: Final = 100_000
"""Pairs of epochs: more than these do not fit a processor's cache."""


class GlsBic:
    """Generalised least squares and BIC.

    Parameters
    ----------
    oracle : bool
        Whether the true noise of each series is read from its facts (``NOISE_FACTS``); otherwise it is estimated
        from the series.
    half_wavelength_mm : float
        What one lost cycle moves a series by.
    """

    def __init__(self, *, oracle: bool, half_wavelength_mm: float = HALF_WAVELENGTH_MM) -> None:
        self.name = "glsbic-oracle" if oracle else "glsbic"
        self.thresholds = Thresholds()
        self._oracle = oracle
        self._sizes = Sizes(half_wavelength_mm)

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Tune the thresholds, on some thousand of the series: nine numbers need no more."""
        rows = np.random.default_rng(seed).permutation(len(series))[:_ENOUGH_TO_TUNE]
        part = series.take(rows)
        self.thresholds = self.evidence(part).tuned(part.label)

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return the class probabilities [N, 5].

        Raises
        ------
        UsageError
            If this is the oracle and the series do not say what their noise is.
        """
        return self.evidence(series).probabilities(self.thresholds).astype(np.float32)

    def evidence(self, series: LabelledSeries) -> Evidence:
        """Fit all candidates to each series."""
        facts = None
        if self._oracle:
            missing = [name for name in NOISE_FACTS if name not in series.facts]
            if missing:
                raise UsageError(f"facts of the series lack {missing[0]}; the oracle needs the true noise")
            facts = np.stack([series.facts[name] for name in NOISE_FACTS], axis=1).astype(np.float64)
            if not np.isfinite(facts).all():
                raise UsageError("noise of a series is not known; the oracle takes simulated noise only")
        # Threads that wait for each other over small matrices make this many times slower.
        with threadpool_limits(1):
            return self._evidence(series, facts)

    def _evidence(self, series: LabelledSeries, facts: Floats | None) -> Evidence:
        rows: list[NDArray[np.int64]] = []
        parts: list[Evidence] = []
        for group in gather(series):
            kernels, design = Kernels(group.days), Design(group.days)
            values = clip_outliers(group.displacement)
            still = self._without_motion(values, kernels, design)
            noises = _estimated(still, kernels) if facts is None else _told(still, kernels, facts[group.rows])
            for members, scale, noise in noises:
                precision = precision_of(noise.covariance(kernels))
                for part in _parts(len(members), design.epochs):
                    size = scale[part]
                    found = search(values[members[part]], design, precision, size, size * noise.scatter_mm, self._sizes)
                    rows.append(group.rows[members[part]])
                    parts.append(Evidence.of(found, group.days))
        return Evidence.joined(parts, np.concatenate(rows))

    def _without_motion(self, values: Floats, kernels: Kernels, design: Design) -> Floats:
        """Take away the jumps and the hinge of each row's best candidate under a typical noise."""
        covariance = _TYPICAL.covariance(kernels)
        precision = precision_of(covariance)
        steps = np.diag(covariance)[1:] + np.diag(covariance)[:-1] - 2 * np.diag(covariance, 1)
        spread = 1.4826 * np.median(np.abs(np.diff(values, axis=1)), axis=1) / np.sqrt(np.median(steps))
        scale = np.maximum(spread, 0.1)
        still = values.copy()
        for part in _parts(len(values), design.epochs):
            found = search(values[part], design, precision, scale[part], scale[part], self._sizes)
            alone, _, jumping = Evidence.of(found, kernels.days).criterion(Thresholds())
            candidates = np.concatenate([alone[:, :, None], jumping], axis=2)
            base, jumps = np.divmod(candidates.reshape(len(alone), -1).argmin(axis=1), MAX_JUMPS + 1)
            rows = np.arange(len(alone))
            still[part] -= found.removed[rows, base, jumps]
            hinge = design.hinges[found.break_at]
            size = np.einsum("nt,nt->n", still[part], hinge) / np.einsum("nt,nt->n", hinge, hinge)
            still[part] -= ((base == BASES.index("hinge")) * size)[:, None] * hinge
        return still


def _estimated(still: Floats, kernels: Kernels) -> Iterator[tuple[NDArray[np.int64], Floats, NoiseModel]]:
    """Return series that have the same kind of noise, how large it is in each, and the noise."""
    grid = noise_grid(_ANNUAL_RATIO)
    covariances = [noise.covariance(kernels) for noise in grid]
    deviance = [restricted_deviance(still, covariance, kernels.days, known_scale=False) for covariance in covariances]
    best = np.argmin(deviance, axis=0)
    for kind in np.unique(best):
        members = np.flatnonzero(best == kind)
        yield members, scale_of(still[members], covariances[kind], kernels.days), grid[kind]


def _told(still: Floats, kernels: Kernels, facts: Floats) -> Iterator[tuple[NDArray[np.int64], Floats, NoiseModel]]:
    """Return each series with its true noise; only how strong its yearly cycle is has to be found."""
    for row, (white, short, slow, short_days, slow_days) in enumerate(facts.tolist()):
        whole = float(np.hypot(white, _COMMON_MM))
        noises = [NoiseModel(whole, short, short_days, slow, slow_days, annual) for annual in _ANNUAL_MM]
        deviance = [
            restricted_deviance(still[row : row + 1], noise.covariance(kernels), kernels.days, known_scale=True)[0]
            for noise in noises
        ]
        yield np.array([row]), np.ones(1), noises[int(np.argmin(deviance))]


def _parts(count: int, epochs: int) -> Iterator[slice]:
    step = max(1, _PAIRS_AT_ONCE // epochs**2)
    return (slice(begin, begin + step) for begin in range(0, count, step))
