"""Bayes classifier: class posteriors by marginal likelihood, the highest possible accuracy for these priors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evaluation.limit.geometry import Floats, noise_geometry
from evaluation.limit.motions import Effort, MotionModel
from evaluation.limit.subset import limit_config
from evaluation.limit.unwrapping import log_jump_evidence
from insar_runtime.classes import SEED_CLASS_NAMES, TrendClass
from insar_runtime.errors import DataError
from training.dataset import NOISE_FACTS, LabelledSeries
from training.simulator.config import SimulatorConfig


def bayes_probabilities(
    series: LabelledSeries,
    config: SimulatorConfig | None = None,
    *,
    effort: Effort | None = None,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the posterior probabilities of the classes, with equal prior probabilities.

    The noise of each series is known (``NOISE_FACTS``) and Gaussian. The likelihood is averaged over the priors of the
    simulator: for motions by quadrature, for jumps by importance sampling. The simulator draws the size of a motion as
    a multiple of the actual RMS of the noise; for a given motion, this RMS is that of the residuals and therefore
    known. The level is free, because the reference of a series is arbitrary. For short and noisy rows, whose noise the
    simulator reduces, the reduced noise is used; the prior of such rows is approximate.

    Parameters
    ----------
    series : LabelledSeries
        Series simulated with ``limit_config``; each row is complete up to its padding.
    config : SimulatorConfig, optional
        Settings of the simulation; by default ``limit_config()``.
    effort : Effort, optional
        Numbers of nodes and samples of the integrals.
    seed : int
        Seed of the importance sampling.

    Returns
    -------
    ndarray of float64, shape [N, 5]
        Rows sum to 1.

    Raises
    ------
    DataError
        If the true noise is unknown, or a value before the last one of a row is missing.

    Notes
    -----
    About 10 series per second on one core. The matrices are small, so one BLAS thread (``OPENBLAS_NUM_THREADS=1``) is
    faster than several. The prior of jumps depends on the calendar; computing it takes seconds for each.
    """
    config, effort = config or limit_config(), effort or Effort()
    missing = [name for name in NOISE_FACTS if name not in series.facts]
    if missing:
        raise DataError(f"series lack the facts {', '.join(missing)}; simulate them")
    noise = np.stack([series.facts[name] for name in NOISE_FACTS], axis=1).astype(np.float64)
    if not np.isfinite(noise).all():
        raise DataError("the noise of some series is not known; simulate them without a bank of real noise")
    epochs = np.isfinite(series.displacement).sum(axis=1)
    if not np.isfinite(series.displacement[np.arange(series.displacement.shape[1]) < epochs[:, None]]).all():
        raise DataError("some series miss values before their end; simulate them by limit_config()")
    streams = np.random.SeedSequence(seed).spawn(len(series))
    rows = [
        _row_probabilities(
            series.displacement[i, : epochs[i]].astype(np.float64),
            series.days[i, : epochs[i]].astype(np.float64),
            noise[i],
            config,
            effort,
            np.random.default_rng(streams[i]),
        )
        for i in range(len(series))
    ]
    return np.stack(rows) if rows else np.empty((0, len(SEED_CLASS_NAMES)))


def _row_probabilities(
    displacement: Floats,
    days: Floats,
    noise: Floats,
    config: SimulatorConfig,
    effort: Effort,
    rng: np.random.Generator,
) -> Floats:
    white, short, slow, short_days, slow_days = (float(part) for part in noise)
    # The rounding of delivered values is included as white noise.
    rounding = 10.0**-config.delivery.decimals / np.sqrt(12)
    geometry = noise_geometry(days, float(np.hypot(white, rounding)), (short, slow), (short_days, slow_days))
    model = MotionModel(geometry, tuple(days), config.motion, effort)
    row = geometry.images(displacement[None, :])
    log_evidence = np.empty(len(SEED_CLASS_NAMES))
    breaks = model.breaks_around_peak(row)
    motions = model.log_evidence(row, breaks)
    log_evidence[: TrendClass.PUE] = motions[0]
    log_evidence[TrendClass.PUE], _ = log_jump_evidence(row, model, config.unwrapping, rng)
    probability = np.exp(log_evidence - log_evidence.max())
    return np.asarray(probability / probability.sum())
