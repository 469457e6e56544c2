"""Agreement of readers with each other, which bounds the accuracy on labelled rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.readings.scoring_rules import EITHER_RATE_MM_YR
from insar_runtime.classes import TrendClass
from training.labelled_rows.codes import CLASSES, NO_READING, OTHER, SPLIT
from training.labelled_rows.labels import Readings
from training.metrics import rounded, wilson_interval

Ids = NDArray[np.int8]
Same = Callable[[Ids, Ids], NDArray[np.bool_]]


@dataclass(frozen=True)
class Against:
    """Agreement of readings with those of other readers of the same rows.

    Attributes
    ----------
    count, right : int
        Number of readings, and of those that are equal.
    counts : tuple of int
        Number of readings by the class of the other readers, in the order of ``CLASSES``.
    recall : tuple of float
        Share of equal readings for each of these classes; NaN for a class that the other readers never gave.
    """

    count: int
    right: int
    counts: tuple[int, ...]
    recall: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """Share of equal readings; NaN without readings."""
        return self.right / self.count if self.count else float("nan")

    @property
    def mean_recall_of_five(self) -> float:
        """Mean recall of those of the five classes that the other readers gave; NaN without readings."""
        known = [value for value in self.recall[:OTHER] if not np.isnan(value)]
        return float(np.mean(known)) if known else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        return {
            "readings": self.count,
            "accuracy": rounded(self.accuracy),
            "accuracy_95": [rounded(bound) for bound in wilson_interval(self.right, self.count)],
            "mean_recall of the five": rounded(self.mean_recall_of_five),
            "recall": {
                name: {"readings": count, "recall": rounded(value)}
                for name, count, value in zip(CLASSES, self.counts, self.recall, strict=True)
            },
        }


@dataclass(frozen=True)
class Agreement:
    """Agreement of the readers of some rows, with all six classes.

    Attributes
    ----------
    rows, read_thrice, unanimous, split : int
        Number of all rows; of rows with three readings; of rows on which all readers agree; of rows on which no two
        readers agree.
    counts, unanimous_counts : tuple of int
        Number of rows by label, in the order of ``CLASSES``; and the same for unanimous rows.
    first_two : Against
        Second reading of each row against the first. One sixth of the rows, and the rows on which the first two
        readings differ, have a third reading, so only the first two are a representative sample.
    pairs : float
        Mean over rows of the share of pairs of readings that are equal.
    most : float
        Mean over rows of the share of the readings that equal the label, the largest value that a classifier can
        reach.
    third : Against
        Third readings against the first two, if these agree: the accuracy of a further reader on unanimous rows.
    left_out : Against
        Each reading against the others of its row, if these agree. Rows on which the others differ are left out, so
        this overestimates the agreement.
    """

    rows: int
    read_thrice: int
    unanimous: int
    split: int
    counts: tuple[int, ...]
    unanimous_counts: tuple[int, ...]
    first_two: Against
    pairs: float
    most: float
    third: Against
    left_out: Against

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        return {
            "rows": self.rows,
            "read three times": self.read_thrice,
            "unanimous": self.unanimous,
            "split": self.split,
            "labels": dict(zip(CLASSES, self.counts, strict=True)),
            "labels, unanimous": dict(zip(CLASSES, self.unanimous_counts, strict=True)),
            "pairs": rounded(self.pairs),
            "most": rounded(self.most),
            "second against first": self.first_two.to_dict(),
            "third against two that agree": self.third.to_dict(),
            "each against the others": self.left_out.to_dict(),
        }


def agreement(readings: Readings, *, either: bool = False) -> Agreement:
    """Return the agreement of readers.

    Parameters
    ----------
    readings : Readings
        At least two readings of each row.
    either : bool
        Whether Stable and Linear count as equal for rates within ``EITHER_RATE_MM_YR``; this needs the rates.
    """
    same = _comparison(readings, either=either)
    given = readings.readings
    first, second, third = given.T
    everywhere = np.ones(len(readings), dtype=bool)
    return Agreement(
        rows=len(readings),
        read_thrice=int((readings.readers == 3).sum()),
        unanimous=int(readings.unanimous.sum()),
        split=int((readings.label == SPLIT).sum()),
        counts=_counts(readings.label[readings.label != SPLIT]),
        unanimous_counts=_counts(readings.label[readings.unanimous]),
        first_two=_against([(first, same(first, second), everywhere)]),
        pairs=_agreeing_pairs(given, same),
        most=float(readings.soft_labels.max(axis=1).mean()) if len(readings) else float("nan"),
        third=_against([(first, same(first, third), (first == second) & (third != NO_READING))]),
        left_out=_against([_left_out(given, left, same) for left in range(3)]),
    )


def agreement_by_file(readings: Readings, *, either: bool = False) -> dict[str, Agreement]:
    """Return the agreement by path of the file, in the order of the table."""
    return {
        path: agreement(readings.take(readings.file == path), either=either)
        for path in dict.fromkeys(readings.file.tolist())
    }


def _comparison(readings: Readings, *, either: bool) -> Same:
    """Return the function that compares two readings [N] of all rows."""
    low, high = EITHER_RATE_MM_YR
    rate = np.abs(readings.rate)
    open_rows = (rate >= low) & (rate <= high) & either
    slow = (TrendClass.STABLE, TrendClass.LINEAR)

    def same(first: Ids, second: Ids) -> NDArray[np.bool_]:
        return np.asarray((first == second) | (open_rows & np.isin(first, slow) & np.isin(second, slow)))

    return same


def _agreeing_pairs(given: Ids, same: Same) -> float:
    agreeing, pairs = np.zeros(len(given)), np.zeros(len(given))
    for i, j in combinations(range(given.shape[1]), 2):
        there = (given[:, i] != NO_READING) & (given[:, j] != NO_READING)
        pairs += there
        agreeing += there & same(given[:, i], given[:, j])
    return float(np.mean(agreeing / pairs)) if len(given) else float("nan")


def _left_out(given: Ids, left: int, same: Same) -> tuple[Ids, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the class of the other readers [N], whether one reading equals it, and the mask of rows with one class."""
    one, two = (given[:, place] for place in range(3) if place != left)
    others = np.where(one == NO_READING, two, one)
    agreed = (one == two) | (one == NO_READING) | (two == NO_READING)
    return others, same(given[:, left], others), agreed & (given[:, left] != NO_READING) & (others != NO_READING)


def _against(parts: list[tuple[Ids, NDArray[np.bool_], NDArray[np.bool_]]]) -> Against:
    """Return the agreement from parts: class of the other readers, equality, and mask of the rows that count."""
    others = np.concatenate([said[rows] for said, _, rows in parts]).astype(np.int64)
    right = np.concatenate([equal[rows] for _, equal, rows in parts])
    counts = np.bincount(others, minlength=len(CLASSES))
    recall = np.full(len(CLASSES), np.nan)
    np.divide(np.bincount(others, weights=right, minlength=len(CLASSES)), counts, out=recall, where=counts > 0)
    return Against(len(others), int(right.sum()), tuple(counts.tolist()), tuple(recall.tolist()))


def _counts(label: Ids) -> tuple[int, ...]:
    return tuple(np.bincount(label, minlength=len(CLASSES)).tolist())
