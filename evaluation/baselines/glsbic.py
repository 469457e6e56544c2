"""Generalised least squares with known half wavelength, and comparison by an information criterion (`glsbic`).

The strongest baseline without a network: outliers are clipped, the noise is whitened, all breaks and all jumps are
fitted, and jumps may be added to a line, a parabola or a hinge. Only a few thresholds are fitted to labelled series.
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
from insar_runtime.definitions import MAD_TO_STD
from insar_runtime.errors import UsageError
from training.dataset import NOISE_FACTS, LabelledSeries
from training.simulator import HALF_WAVELENGTH_MM

_ANNUAL_MM: Final = (1.1, 5.0)
_ANNUAL_RATIO: Final = (0.4, 2.0)
"""Candidates for the RMS of the annual cycle, in mm and relative to the scatter (our choice)."""
_COMMON_MM: Final = 0.4
"""RMS of the epoch errors that a file shares, which are not in the known noise of each point."""
_TYPICAL: Final = NoiseModel(0.7, 0.5, 12.0, 0.5, 150.0, 0.5)
"""Typical noise for a first fit, whose motions and jumps are subtracted before the noise is estimated."""
_ENOUGH_TO_TUNE: Final = 4096
_PAIRS_AT_ONCE: Final = 100_000
"""Number of pairs of epochs that are processed at once, so that they fit the cache of a processor."""


class GlsBic:
    """Generalised least squares and BIC.

    Parameters
    ----------
    oracle : bool
        Whether the true noise of each series is known (``NOISE_FACTS`` of its facts); otherwise it is estimated from
        the series.
    half_wavelength_mm : float
        Half a wavelength in mm, the jump of one cycle.
    """

    def __init__(self, *, oracle: bool, half_wavelength_mm: float = HALF_WAVELENGTH_MM) -> None:
        self.name = "glsbic-oracle" if oracle else "glsbic"
        self.thresholds = Thresholds()
        self._oracle = oracle
        self._sizes = Sizes(half_wavelength_mm)

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Fit the nine thresholds, with some thousand of the series."""
        rows = np.random.default_rng(seed).permutation(len(series))[:_ENOUGH_TO_TUNE]
        part = series.take(rows)
        self.thresholds = self.evidence(part).tuned(part.label)

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return the class probabilities [N, 5].

        Raises
        ------
        UsageError
            If the true noise is needed and the series do not have it.
        """
        return self.evidence(series).probabilities(self.thresholds).astype(np.float32)

    def evidence(self, series: LabelledSeries) -> Evidence:
        """Return the fits of all candidates to each series."""
        facts = None
        if self._oracle:
            missing = [name for name in NOISE_FACTS if name not in series.facts]
            if missing:
                raise UsageError(f"facts of the series lack {missing[0]}; the oracle needs the true noise")
            facts = np.stack([series.facts[name] for name in NOISE_FACTS], axis=1).astype(np.float64)
            if not np.isfinite(facts).all():
                raise UsageError("noise of a series is not known; the oracle takes simulated noise only")
        # With small matrices, several BLAS threads are many times slower than one.
        with threadpool_limits(1):
            return self._evidence(series, facts)

    def _evidence(self, series: LabelledSeries, facts: Floats | None) -> Evidence:
        rows: list[NDArray[np.int64]] = []
        parts: list[Evidence] = []
        for group in gather(series):
            kernels, design = Kernels(group.days), Design(group.days)
            values = clip_outliers(group.displacement)
            still = self._without_motion(values, kernels, design)
            noises = _estimated(still, kernels) if facts is None else _known(still, kernels, facts[group.rows])
            for members, scale, noise in noises:
                precision = precision_of(noise.covariance(kernels))
                for part in _parts(len(members), design.epochs):
                    size = scale[part]
                    found = search(values[members[part]], design, precision, size, size * noise.scatter_mm, self._sizes)
                    rows.append(group.rows[members[part]])
                    parts.append(Evidence.of(found, group.days))
        return Evidence.joined(parts, np.concatenate(rows))

    def _without_motion(self, values: Floats, kernels: Kernels, design: Design) -> Floats:
        """Subtract the jumps and the hinge of the best candidate of each row, with typical noise."""
        covariance = _TYPICAL.covariance(kernels)
        precision = precision_of(covariance)
        steps = np.diag(covariance)[1:] + np.diag(covariance)[:-1] - 2 * np.diag(covariance, 1)
        spread = MAD_TO_STD * np.median(np.abs(np.diff(values, axis=1)), axis=1) / np.sqrt(np.median(steps))
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
    """Yield groups of series with the same noise model: row numbers, factors on the noise, and the noise model."""
    grid = noise_grid(_ANNUAL_RATIO)
    covariances = [noise.covariance(kernels) for noise in grid]
    deviance = [restricted_deviance(still, covariance, kernels.days, known_scale=False) for covariance in covariances]
    best = np.argmin(deviance, axis=0)
    for kind in np.unique(best):
        members = np.flatnonzero(best == kind)
        yield members, scale_of(still[members], covariances[kind], kernels.days), grid[kind]


def _known(still: Floats, kernels: Kernels, facts: Floats) -> Iterator[tuple[NDArray[np.int64], Floats, NoiseModel]]:
    """Yield each series with its true noise; only the amplitude of the annual cycle is estimated."""
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
