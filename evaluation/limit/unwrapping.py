"""Evidence of an unwrapping error by importance sampling.

Let q be the evidence of a series with a given jump by Gaussian approximations (proxies), and p the exact evidence. The
total evidence is the sum of q over all jumps, times the mean of p/q over jumps drawn with probabilities proportional to
q.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaluation.limit.geometry import Floats, Images
from evaluation.limit.jumps import JumpTable, SizeKinds, jump_table, size_kinds
from evaluation.limit.motions import MotionModel
from evaluation.limit.proxies import Proxies, motion_proxies
from evaluation.limit.rays import log_sum
from training.simulator.config import UnwrappingConfig
from training.simulator.simulator import SHARES_OF_MOTIONS

_NEGLIGIBLE: Final = 25.0
"""Pairs of jump and motion whose likelihood is below the maximum by exp(-25) are not proposed."""
_BREAKS: Final = 24
_REFINED_BREAKS: Final = 8


@dataclass(frozen=True)
class _Proposals:
    """Proposal distribution of jumps, each with one proxy, one pair of epochs and one kind of size.

    ``best`` and ``precision`` are those of the Gaussian likelihood of the size.
    """

    pair: NDArray[np.int64]
    kind: NDArray[np.int64]
    best: Floats
    precision: Floats
    log_mass: Floats


def log_jump_evidence(
    row: Images, model: MotionModel, config: UnwrappingConfig, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the log evidence of one jump on top of any of the four motions.

    Parameters
    ----------
    row : Images of shape [1, T]
        One series.
    model : MotionModel
        Motions and noise of the series.
    config : UnwrappingConfig
        Settings with one jump per row: see ``limit_config``.
    rng : numpy.random.Generator
        Random numbers for the samples.

    Returns
    -------
    log_evidence : float
        Up to the same constant as ``MotionModel.log_evidence``.
    effective_draws : float
        Effective sample size.
    """
    epochs = len(model.days)
    table, kinds = jump_table(model.days, config, model.effort.jump_table), size_kinds(config)
    # Steps at each epoch; the last, after the end, is zero.
    steps = model.geometry.images((np.arange(epochs) >= np.arange(epochs + 1)[:, None]).astype(np.float64))
    coarse = np.linspace(*model.config.break_share, _BREAKS)
    proxies = motion_proxies(model, coarse)
    proposals = _propose(row, steps, table, kinds, proxies)
    likeliest = int(proposals.log_mass.argmax())
    size = np.clip(proposals.best, kinds.low[proposals.kind], kinds.high[proposals.kind])[[likeliest]]
    breaks = model.breaks_around_peak(row.minus(size, _jumps(steps, table, proposals.pair[[likeliest]])))
    # Additional proxies at sharp breaks, which may lie between the coarse ones.
    new = np.setdiff1d(breaks, model.even_breaks)
    extra = new[np.linspace(0, len(new) - 1, _REFINED_BREAKS).astype(np.int64)]
    proxies = motion_proxies(model, np.sort(np.concatenate([coarse, extra])))
    proposals = _propose(row, steps, table, kinds, proxies)

    pair, size, count = _draw(proposals, kinds, model.effort.jumps, rng)
    rests = row.minus(size, _jumps(steps, table, pair))
    exact = log_sum(model.log_evidence(rests, breaks) + np.log(SHARES_OF_MOTIONS))
    log_ratio = exact - proxies.log_evidence(rests)
    ratio = np.exp(log_ratio - max(log_ratio.max(), -1e300))
    mean = float(count @ ratio / count.sum())
    effective = float((count @ ratio) ** 2 / max(count @ ratio**2, 1e-300))
    with np.errstate(divide="ignore"):
        log_evidence = log_sum(proposals.log_mass) + log_ratio.max() + np.log(mean)
    return float(log_evidence), effective


def _jumps(steps: Images, table: JumpTable, pair: NDArray[np.int64]) -> Images:
    begin, stop = table.begin[pair], table.stop[pair]
    return Images(steps.white[begin] - steps.white[stop], steps.plain[begin] - steps.plain[stop])


def _propose(row: Images, steps: Images, table: JumpTable, kinds: SizeKinds, proxies: Proxies) -> _Proposals:
    """Return the proposal distribution over all jumps and all proxies of the motion."""
    begin, stop = table.begin, table.stop
    gram, product = steps.white @ steps.white.T, steps.white @ row.white[0]
    length = gram[begin, begin] - 2 * gram[begin, stop] + gram[stop, stop]
    explained_steps = proxies.basis @ steps.white.T
    explained_row = proxies.basis @ row.white[0]
    explained = explained_steps[:, :, begin] - explained_steps[:, :, stop]
    precision = np.maximum(length - (explained**2).sum(axis=1), 1e-12)
    slope = product[begin] - product[stop] - np.einsum("mpj,mp->mj", explained, explained_row)
    rest = row.white[0] @ row.white[0] - (explained_row**2).sum(axis=1)
    log_base = (proxies.log_prior - proxies.log_determinant / 2 - rest / 2)[:, None] + table.log_prior

    best = slope / precision
    size = np.clip(np.abs(best), np.abs(kinds.low).min(), np.abs(kinds.high).max())
    bound = log_base + size * np.abs(slope) - size**2 * precision / 2
    proxy, pair = np.nonzero(bound > bound.max() - _NEGLIGIBLE)
    best, precision = best[proxy, pair][:, None], precision[proxy, pair][:, None]
    log_mass = log_base[proxy, pair][:, None] + kinds.log_prior + _log_size_mass(best, precision, kinds)
    shape = log_mass.shape
    return _Proposals(
        pair=np.repeat(pair, shape[1]),
        kind=np.tile(np.arange(shape[1]), shape[0]),
        best=np.repeat(best[:, 0], shape[1]),
        precision=np.repeat(precision[:, 0], shape[1]),
        log_mass=log_mass.ravel(),
    )


def _log_size_mass(best: Floats, precision: Floats, kinds: SizeKinds) -> Floats:
    """Return the log likelihood ratio [n, 8] of a jump of each kind to no jump, averaged over the sizes."""
    out = (best - kinds.low / 2) * kinds.low * precision
    damped = kinds.low < kinds.high
    low, high = kinds.low[damped], kinds.high[damped]
    lower, upper, _ = _tail(best, precision, low, high)
    log_share = upper + np.log1p(-np.exp(lower - upper))
    constant = np.log(2 * np.pi / precision) / 2 - np.log(high - low)
    out[:, damped] = best**2 * precision / 2 + constant + log_share
    return np.asarray(out)


def _tail(best: Floats, precision: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return the log distribution function at both bounds, mirrored in the upper tail to avoid cancellation."""
    root = np.sqrt(precision)
    lower, upper = (low - best) * root, (high - best) * root
    mirrored = lower + upper > 0
    lower, upper = np.where(mirrored, -upper, lower), np.where(mirrored, -lower, upper)
    return special.log_ndtr(lower), special.log_ndtr(upper), mirrored


def _draw(
    proposals: _Proposals, kinds: SizeKinds, draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Draw jumps by systematic sampling: pairs, sizes, and numbers of draws."""
    share = np.cumsum(np.exp(proposals.log_mass - proposals.log_mass.max()))
    place = (np.arange(draws) + rng.random()) / draws * share[-1]
    drawn = np.minimum(np.searchsorted(share, place, side="right"), len(share) - 1)
    pair, kind = proposals.pair[drawn], proposals.kind[drawn]
    best, precision = proposals.best[drawn], proposals.precision[drawn]
    low, high = kinds.low[kind], kinds.high[kind]
    lower, upper, mirrored = _tail(best, precision, low, high)
    u = rng.random(draws)
    z = special.ndtri_exp(upper + np.log(u + (1 - u) * np.exp(lower - upper)))
    size = np.clip(best + np.where(mirrored, -z, z) / np.sqrt(precision), low, high)
    # Exact sizes are drawn repeatedly; each is evaluated once.
    _, first, count = np.unique(np.stack([pair, size]), axis=1, return_index=True, return_counts=True)
    return pair[first], size[first], count.astype(np.float64)
