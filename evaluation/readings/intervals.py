"""Areas under ROC curves, and bootstrap intervals."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.readings.scoring_rules import BOOTSTRAP_SEED, BOOTSTRAPS

Floats = NDArray[np.float64]
Interval = tuple[float, float]
NO_INTERVAL: Final = (float("nan"), float("nan"))
_LEVELS: Final = (0.025, 0.975)


def mean_recall_interval(recall: Floats, counts: NDArray[np.int64]) -> Interval:
    """Return the 95 % interval of a mean recall, by a bootstrap within each class.

    Parameters
    ----------
    recall : ndarray of float64, shape [C]
        Recall of each class; NaN for a class without rows, which is left out.
    counts : ndarray of int64, shape [C]
        Number of rows for each class.
    """
    known = counts > 0
    if not known.any():
        return NO_INTERVAL
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    # The number of correct rows in a bootstrap sample is binomial.
    drawn = rng.binomial(counts[known], recall[known], size=(BOOTSTRAPS, int(known.sum()))) / counts[known]
    return _interval(drawn.mean(axis=1))


def auroc(clear: Floats, other: Floats) -> float:
    """Return the area under the ROC curve of a score that should be larger for ``clear`` rows than for ``other`` rows.

    By ranks (Mann and Whitney 1947); ties count one half; NaN if one of the two is empty.
    """
    if not len(clear) or not len(other):
        return float("nan")
    rank = stats.rankdata(np.concatenate([clear, other]))[: len(clear)]
    return float((rank.sum() - len(clear) * (len(clear) + 1) / 2) / (len(clear) * len(other)))


def auroc_interval(clear: Floats, other: Floats) -> Interval:
    """Return the 95 % interval of ``auroc``, by a bootstrap of the rows of both kinds."""
    if not len(clear) or not len(other):
        return NO_INTERVAL
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    return _interval(
        np.array([auroc(rng.choice(clear, len(clear)), rng.choice(other, len(other))) for _ in range(BOOTSTRAPS)])
    )


def _interval(values: Floats) -> Interval:
    low, high = np.quantile(values, _LEVELS)
    return float(low), float(high)
