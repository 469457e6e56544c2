"""Accuracy measures of a classifier, from true classes and probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import CLASS_NAMES

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metrics:
    """Accuracy measures of a classifier on a labelled set.

    Attributes
    ----------
    confusion : ndarray of int64, shape [C, C]
        Number of series by true class (row) and assigned class (column). C is the number of classes of the classifier,
        5 or 6; it is 6 if the set contains class Other.
    expected_calibration_error : float
        Mean absolute difference of confidence and accuracy over 15 bins of confidence, weighted by their counts.
    """

    confusion: NDArray[np.int64]
    expected_calibration_error: float

    @property
    def count(self) -> int:
        """Number of series."""
        return int(self.confusion.sum())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return CLASS_NAMES[: len(self.confusion)]

    @property
    def accuracy(self) -> float:
        """Overall accuracy, between 0 and 1."""
        return float(np.trace(self.confusion) / max(self.count, 1))

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the overall accuracy (Wilson 1927)."""
        return wilson_interval(int(np.trace(self.confusion)), self.count)

    @property
    def precision(self) -> Floats:
        """Precision of each class; NaN if the class was never assigned."""
        return _ratio(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> Floats:
        """Recall of each class; NaN if the class has no series."""
        return _ratio(np.diag(self.confusion), self.confusion.sum(axis=1))

    @property
    def f1(self) -> Floats:
        """F1 score of each class."""
        return _ratio(2 * np.diag(self.confusion), self.confusion.sum(axis=0) + self.confusion.sum(axis=1))

    def to_dict(self) -> dict[str, Any]:
        """Return all measures as plain numbers, for JSON."""
        low, high = self.accuracy_interval
        return {
            "series": self.count,
            "accuracy": round(self.accuracy, 5),
            "accuracy_95": [round(low, 5), round(high, 5)],
            "expected_calibration_error": round(self.expected_calibration_error, 5),
            "classes": {
                name: {
                    "precision": rounded(self.precision[i]),
                    "recall": rounded(self.recall[i]),
                    "f1": rounded(self.f1[i]),
                }
                for i, name in enumerate(self.names)
            },
            "confusion": self.confusion.tolist(),
        }


def rounded(value: float) -> float | None:
    """Return a rounded number; None for NaN, which JSON does not have."""
    return None if np.isnan(value) else round(float(value), 5)


def measure(label: NDArray[Any], probabilities: NDArray[np.floating[Any]]) -> Metrics:
    """Return the accuracy measures for true classes and probabilities.

    Parameters
    ----------
    label : ndarray of int, shape [N]
        True class ids.
    probabilities : ndarray of float, shape [N, 5] or [N, 6]
        Class probabilities; the assigned class is the most probable one.
    """
    top = probabilities.argmax(axis=1)
    classes = max(probabilities.shape[1], int(label.max(initial=0)) + 1)
    confusion = np.bincount(label.astype(np.int64) * classes + top, minlength=classes**2)
    return Metrics(
        confusion=confusion.reshape(classes, classes),
        expected_calibration_error=expected_calibration_error(label == top, probabilities.max(axis=1)),
    )


def expected_calibration_error(
    right: NDArray[np.bool_], confidence: NDArray[np.floating[Any]], bins: int = 15
) -> float:
    """Return the expected calibration error (Naeini et al. 2015), between 0 and 1."""
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    surplus = np.bincount(bin_of, weights=confidence.astype(float) - right, minlength=bins)
    return float(np.abs(surplus).sum() / max(len(right), 1))


def wilson_interval(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion (Wilson, JASA 22, 1927); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, z * z
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = z / (1 + z2 / trials) * (share * (1 - share) / trials + z2 / (4 * trials**2)) ** 0.5
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return part / whole
