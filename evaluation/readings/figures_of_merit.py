"""Figures of merit of a classifier on labelled rows, and their form in JSON."""

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
    """Right and wrong answers on some rows.

    Attributes
    ----------
    names : tuple of str
        The C classes.
    rows, right : int
        Number of rows, and of those answered right.
    recall : tuple of float
        Share of right answers for each class; NaN for a class that no row was read as.
    counts : tuple of int
        Number of rows for each class.
    mean_recall_95 : tuple of float
        95 % interval of the mean recall, from rows drawn with replacement.
    """

    names: tuple[str, ...]
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
                for name, count, value in zip(self.names, self.counts, self.recall, strict=True)
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


@dataclass(frozen=True)
class Scores:
    """Scores of a classifier on labelled rows; unless stated otherwise, on rows on which all readers agree.

    Attributes
    ----------
    five, five_strict : Part
        Rows of the five classes. In ``five``, Stable and Linear both count between ``EITHER_RATE_MM_YR``; in
        ``five_strict`` they do not.
    six : Part
        The same as ``five`` with the rows read as Other, for which Other alone is right.
    five_without_other : Part
        The same as ``five`` for the most probable of the five classes, as if there were no Other: what a classifier of
        five classes is asked.
    coarse : Part
        The same as ``five`` with Quadratic and Bilinear taken for one class, for classifiers that do not tell the two
        apart.
    files : dict of str to Part
        ``five`` for each file.
    confusion : ndarray of int64, shape [6, 7]
        Rows by reading and most probable class, before abstention; the last column counts rows without an answer.
    other, other_labelled : OtherScores
        Of the rows that all readers read as Other, and of those that most did.
    calibration : dict of str to float
        Expected calibration errors, ``CALIBRATION_BINS`` bins: of the most probable class on the rows of ``five``
        (``five``), the same strictly (``five, strict``), of ``six`` (``six``), and on all rows that have a label
        (``labelled``); NaN where every answer is sure.
    curve : list of dict
        Mean confidence, share right and number of rows of ``six`` for each bin that is not empty.
    accepted : Part
        Rows of ``six`` that get a class after abstention.
    as_reader, as_reader_either : float
        Mean share of the readings of a row, over all rows, that the most probable class equals; and the same where
        Stable and Linear both count between ``EITHER_RATE_MM_YR``.
    no_answer, no_answer_five : int
        Rows without an answer, among all and among those of ``five``; they count as wrong.
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
            "five alone": self.five_without_other.to_dict(),
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
