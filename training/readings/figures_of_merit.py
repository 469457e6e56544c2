"""Figures that scores on read rows are made of, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from training.metrics import rounded, wilson_interval
from training.readings.definitions import BOOTSTRAP_SEED, BOOTSTRAPS, CLASSES, SEED_CLASSES

Floats = NDArray[np.float64]
Interval = tuple[float, float]
_LEVELS = (0.025, 0.975)
_NONE = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Part:
    """Right and wrong answers on some rows.

    Attributes
    ----------
    rows, right : int
        Number of rows, and of those answered right.
    recall : tuple of float
        Share of right answers for each class; NaN for a class that no row was read as.
    counts : tuple of int
        Number of rows for each class.
    mean_recall_95 : tuple of float
        95 % interval of the mean recall, from rows drawn with replacement.
    """

    rows: int
    right: int
    recall: tuple[float, ...]
    counts: tuple[int, ...]
    mean_recall_95: Interval

    @property
    def accuracy(self) -> float:
        """Share of the rows answered right; NaN without rows."""
        return self.right / self.rows if self.rows else float("nan")

    @property
    def accuracy_95(self) -> Interval:
        """95 % interval of the accuracy (Wilson 1927)."""
        return wilson_interval(self.right, self.rows)

    @property
    def mean_recall(self) -> float:
        """Mean recall of the classes that rows were read as; NaN without rows."""
        known = [value for value in self.recall if not np.isnan(value)]
        return float(np.mean(known)) if known else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        return {
            "rows": self.rows,
            "accuracy": rounded(self.accuracy),
            "accuracy_95": [rounded(bound) for bound in self.accuracy_95],
            "mean_recall": rounded(self.mean_recall),
            "mean_recall_95": [rounded(bound) for bound in self.mean_recall_95],
            "recall": {
                name: {"rows": count, "recall": rounded(value)}
                for name, count, value in zip(CLASSES, self.counts, self.recall, strict=False)
            },
        }


@dataclass(frozen=True)
class OtherScores:
    """What becomes of rows read as Other, and whether probabilities set them apart.

    Attributes
    ----------
    rows, given : int
        Rows read as Other, and those of them that get one of the five classes after abstention.
    given_as : tuple of int
        How many of them get each of the five.
    auroc, auroc_95 : float, tuple of float
        Area under the ROC curve by which the largest probability of the five tells rows of the five classes (of one
        mind) from these. One half is chance; NaN where every answer is sure.
    auroc_of_p_other : float
        The same by one less the probability of Other; NaN for a classifier of five classes.
    """

    rows: int
    given: int
    given_as: tuple[int, ...]
    auroc: float
    auroc_95: Interval
    auroc_of_p_other: float

    @property
    def given_share(self) -> float:
        """Share of the rows read as Other that get one of the five classes; NaN without rows."""
        return self.given / self.rows if self.rows else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        return {
            "rows": self.rows,
            "get one of the five": rounded(self.given_share),
            "get one of the five, 95": [rounded(bound) for bound in wilson_interval(self.given, self.rows)],
            "given as": dict(zip(SEED_CLASSES, self.given_as, strict=True)),
            "auroc": rounded(self.auroc),
            "auroc_95": [rounded(bound) for bound in self.auroc_95],
            "auroc of p_other": rounded(self.auroc_of_p_other),
        }


def mean_recall_interval(recall: Floats, counts: NDArray[np.int64]) -> Interval:
    """Return the 95 % interval of a mean recall, from rows drawn with replacement within each class.

    Parameters
    ----------
    recall : ndarray of float64, shape [C]
        Share of right answers for each class; NaN for one without rows, which is left out.
    counts : ndarray of int64, shape [C]
        Number of rows for each class.
    """
    known = counts > 0
    if not known.any():
        return _NONE
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    # Right answers among rows drawn with replacement are binomial.
    drawn = rng.binomial(counts[known], recall[known], size=(BOOTSTRAPS, int(known.sum()))) / counts[known]
    return _interval(drawn.mean(axis=1))


def auroc(clear: Floats, other: Floats) -> float:
    """Return the area under the ROC curve by which a score sets ``clear`` rows above ``other`` ones.

    By ranks (Mann and Whitney 1947); ties count one half; NaN where one of the two is empty.
    """
    if not len(clear) or not len(other):
        return float("nan")
    rank = stats.rankdata(np.concatenate([clear, other]))[: len(clear)]
    return float((rank.sum() - len(clear) * (len(clear) + 1) / 2) / (len(clear) * len(other)))


def auroc_interval(clear: Floats, other: Floats) -> Interval:
    """Return the 95 % interval of ``auroc``, from rows of both kinds drawn with replacement."""
    if not len(clear) or not len(other):
        return _NONE
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    return _interval(
        np.array([auroc(rng.choice(clear, len(clear)), rng.choice(other, len(other))) for _ in range(BOOTSTRAPS)])
    )


def _interval(values: Floats) -> Interval:
    low, high = np.quantile(values, _LEVELS)
    return float(low), float(high)
