"""Agreement of readers with each other: the ceiling of the accuracy on labelled rows."""

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
    """Agreement of readings with those of others of the same rows.

    Attributes
    ----------
    count, right : int
        Number of readings, and of those that are the same.
    counts : tuple of int
        Readings by the class that the others gave, in the order of ``CLASSES``.
    recall : tuple of float
        Share of readings that are the same for each of these; NaN for a class that the others never gave.
    """

    count: int
    right: int
    counts: tuple[int, ...]
    recall: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """Share of the readings that are the same; NaN without any."""
        return self.right / self.count if self.count else float("nan")

    @property
    def mean_recall_of_five(self) -> float:
        """Mean recall of the five classes, those never given left out; NaN without any."""
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
    """Agreement of the readers of some rows, ``Other`` among their answers.

    Attributes
    ----------
    rows, read_thrice, unanimous, split : int
        Number of rows; of those read three times; on which all readers agree; on which no two do.
    counts, unanimous_counts : tuple of int
        Rows by the label that most readers gave, in the order of ``CLASSES``; and of those of one mind.
    first_two : Against
        The second reading of each row against the first. A third one was asked for a sixth of the rows and where these
        two differ, so only these two are a fair sample of all rows.
    pairs : float
        Mean over rows of the share of pairs of readings that are the same.
    most : float
        Mean over rows of the share of the readings that are the label: no single answer agrees with more of them.
    third : Against
        Third readings against the first two, where these agree: what a further reader reaches on rows of one mind.
    left_out : Against
        Each reading against the others of its row, where those agree. Rows whose others differ drop out, so this looks
        better than readers are.
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
            "of one mind": self.unanimous,
            "split": self.split,
            "labels": dict(zip(CLASSES, self.counts, strict=True)),
            "labels of one mind": dict(zip(CLASSES, self.unanimous_counts, strict=True)),
            "pairs": rounded(self.pairs),
            "most": rounded(self.most),
            "second against first": self.first_two.to_dict(),
            "third against two of one mind": self.third.to_dict(),
            "each against the others": self.left_out.to_dict(),
        }


def agreement(readings: Readings, *, either: bool = False) -> Agreement:
    """Measure how far readers agree.

    Parameters
    ----------
    readings : Readings
        At least two readings of each row.
    either : bool
        Whether Stable and Linear agree with each other where the rate lies between ``EITHER_RATE_MM_YR``; needs rates.
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
    """Measure agreement for each file, by its path, in the order of the table."""
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
    """Return what the others gave [N], whether one reading is the same, and for which rows that can be asked."""
    one, two = (given[:, place] for place in range(3) if place != left)
    others = np.where(one == NO_READING, two, one)
    agreed = (one == two) | (one == NO_READING) | (two == NO_READING)
    return others, same(given[:, left], others), agreed & (given[:, left] != NO_READING) & (others != NO_READING)


def _against(parts: list[tuple[Ids, NDArray[np.bool_], NDArray[np.bool_]]]) -> Against:
    """Count equal readings by what the others gave; each part is that, equality, and the rows that count."""
    others = np.concatenate([said[rows] for said, _, rows in parts]).astype(np.int64)
    right = np.concatenate([equal[rows] for _, equal, rows in parts])
    counts = np.bincount(others, minlength=len(CLASSES))
    recall = np.full(len(CLASSES), np.nan)
    np.divide(np.bincount(others, weights=right, minlength=len(CLASSES)), counts, out=recall, where=counts > 0)
    return Against(len(others), int(right.sum()), tuple(counts.tolist()), tuple(recall.tolist()))


def _counts(label: Ids) -> tuple[int, ...]:
    return tuple(np.bincount(label, minlength=len(CLASSES)).tolist())
