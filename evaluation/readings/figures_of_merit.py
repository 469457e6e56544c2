"""Accuracy measures of a classifier on labelled rows, and their JSON form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.readings.intervals import Interval
from evaluation.readings.scoring_rules import SEED_CLASSES
from training.metrics import rounded, wilson_interval


@dataclass(frozen=True)
class Part:
    """Accuracy on a part of the rows.

    Attributes
    ----------
    names : tuple of str
        Names of the C classes.
    rows, right : int
        Number of rows, and of correctly classified rows.
    recall : tuple of float
        Recall of each class; NaN for a class without rows.
    counts : tuple of int
        Number of rows for each class.
    mean_recall_95 : tuple of float
        95 % interval of the mean recall (bootstrap over rows).
    """

    names: tuple[str, ...]
    rows: int
    right: int
    recall: tuple[float, ...]
    counts: tuple[int, ...]
    mean_recall_95: Interval

    @property
    def accuracy(self) -> float:
        """Share of correctly classified rows; NaN without rows."""
        return self.right / self.rows if self.rows else float("nan")

    @property
    def accuracy_95(self) -> Interval:
        """95 % interval of the accuracy (Wilson 1927)."""
        return wilson_interval(self.right, self.rows)

    @property
    def mean_recall(self) -> float:
        """Mean recall of the classes with rows; NaN without rows."""
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
                for name, count, value in zip(self.names, self.counts, self.recall, strict=True)
            },
        }


@dataclass(frozen=True)
class OtherScores:
    """Assigned classes of rows labelled Other, and separation of these rows by probabilities.

    Attributes
    ----------
    rows, given : int
        Number of rows labelled Other, and of those that get one of the five classes after abstention.
    given_as : tuple of int
        Number of these rows by assigned class.
    auroc, auroc_95 : float, tuple of float
        Area under the ROC curve of the largest of the five probabilities as a score that separates unanimous rows of
        the five classes from rows labelled Other. One half is chance; NaN if all probabilities are 0 or 1.
    auroc_of_p_other : float
        The same for the score 1 - P(Other); NaN for a classifier of five classes.
    """

    rows: int
    given: int
    given_as: tuple[int, ...]
    auroc: float
    auroc_95: Interval
    auroc_of_p_other: float

    @property
    def given_share(self) -> float:
        """Share of the rows labelled Other that get one of the five classes; NaN without rows."""
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


@dataclass(frozen=True)
class Scores:
    """Scores of a classifier on labelled rows; unless stated otherwise, on unanimous rows (all readers agree).

    Attributes
    ----------
    five, five_strict : Part
        Rows of the five classes. In ``five``, both Stable and Linear are correct for rates within
        ``EITHER_RATE_MM_YR``; in ``five_strict`` only the label is.
    six : Part
        As ``five``, with the rows labelled Other, for which only Other is correct.
    five_without_other : Part
        As ``five``, for the most probable of the five classes, that is, with Other excluded (five-class accuracy); for
        comparison with classifiers of five classes.
    coarse : Part
        As ``five``, with Quadratic and Bilinear as one class, for classifiers that do not distinguish them.
    files : dict of str to Part
        ``five`` for each file.
    confusion : ndarray of int64, shape [6, 7]
        Number of rows by label and most probable class, before abstention; the last column counts rows without a
        result.
    other, other_labelled : OtherScores
        For the rows that all readers labelled Other, and for those that most readers did.
    calibration : dict of str to float
        Expected calibration errors with ``CALIBRATION_BINS`` bins, for the rows of ``five`` (``five``), ``five_strict``
        (``five, strict``), ``six`` (``six``), and for all rows with a label (``labelled``); NaN if all probabilities
        are 0 or 1.
    curve : list of dict
        Mean confidence, accuracy and number of rows of ``six`` for each non-empty bin.
    accepted : Part
        Rows of ``six`` that get a class after abstention.
    as_reader, as_reader_either : float
        Mean over all rows of the share of the readings that equal the most probable class; in the second, Stable and
        Linear count as equal for rates within ``EITHER_RATE_MM_YR``.
    no_answer, no_answer_five : int
        Number of rows without a result, among all rows and among those of ``five``; they count as errors.
    """

    five: Part
    five_strict: Part
    six: Part
    five_without_other: Part
    coarse: Part
    files: dict[str, Part]
    confusion: NDArray[np.int64]
    other: OtherScores
    other_labelled: OtherScores
    calibration: dict[str, float]
    curve: list[dict[str, float | int]]
    accepted: Part
    as_reader: float
    as_reader_either: float
    no_answer: int
    no_answer_five: int

    @property
    def accepted_share(self) -> float:
        """Share of the rows of ``six`` that get a class after abstention."""
        return self.accepted.rows / max(self.six.rows, 1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        return {
            "five": self.five.to_dict(),
            "five, strict": self.five_strict.to_dict(),
            "six": self.six.to_dict(),
            "five classes, Other excluded": self.five_without_other.to_dict(),
            "coarse": self.coarse.to_dict(),
            "files": {Path(name).stem: part.to_dict() for name, part in self.files.items()},
            "confusion": self.confusion.tolist(),
            "other": self.other.to_dict(),
            "other, most readers": self.other_labelled.to_dict(),
            "calibration error": {name: rounded(value) for name, value in self.calibration.items()},
            "reliability": self.curve,
            "accepted": {"share": rounded(self.accepted_share), **self.accepted.to_dict()},
            "agreement with a reader": rounded(self.as_reader),
            "agreement with a reader, either": rounded(self.as_reader_either),
            "no answer": self.no_answer,
            "no answer, five": self.no_answer_five,
        }
