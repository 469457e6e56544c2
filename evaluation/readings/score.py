"""Scores on labelled rows, from probabilities of five or six classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.readings.figures_of_merit import OtherScores, Part, Scores
from evaluation.readings.intervals import NO_INTERVAL, Floats, auroc, auroc_interval, mean_recall_interval
from evaluation.readings.scoring_rules import (
    ABSTAIN_BELOW,
    CALIBRATION_BINS,
    COARSE_CLASSES,
    EITHER_RATE_MM_YR,
    NO_ANSWER,
    SEED_CLASSES,
)
from insar_runtime.classes import TrendClass
from insar_runtime.errors import DataError
from training.labelled_rows.codes import CLASSES, NO_READING, OTHER
from training.labelled_rows.labels import Readings
from training.metrics import expected_calibration_error

Flags = NDArray[np.bool_]


def score(
    readings: Readings,
    probabilities: NDArray[np.floating[Any]],
    *,
    class_id: NDArray[np.integer[Any]] | None = None,
    abstain_below: float = ABSTAIN_BELOW,
) -> Scores:
    """Return the scores of a classifier's probabilities on labelled rows.

    Parameters
    ----------
    readings : Readings
        Labels of N rows with their rates, such as ``all_readings(load_labelled_files(real))``.
    probabilities : ndarray of float, shape [N, 5] or [N, 6]
        Probabilities of ``CLASSES`` for the rows of ``readings``. A row with NaN among the first five has no result; a
        sixth column of NaN only is that of a classifier of five classes.
    class_id : ndarray of int, shape [N], optional
        Class after abstention, -1 = none. By default the most probable class if its probability is at least
        ``abstain_below``.
    abstain_below : float
        Confidence below which a row gets no class, if ``class_id`` is not given.

    Raises
    ------
    DataError
        If the shapes do not match, or the labels have no rates.
    """
    return _Scorer.of(readings, probabilities, class_id, abstain_below).scores()


@dataclass(frozen=True)
class _Scorer:
    readings: Readings
    probabilities: Floats
    class_id: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        readings: Readings,
        probabilities: NDArray[np.floating[Any]],
        class_id: NDArray[np.integer[Any]] | None,
        abstain_below: float,
    ) -> _Scorer:
        values = np.asarray(probabilities, dtype=np.float64)
        if values.ndim != 2 or len(values) != len(readings) or values.shape[1] not in {len(SEED_CLASSES), len(CLASSES)}:
            raise DataError(f"probabilities have the shape {values.shape}; give [{len(readings)}, 5 or 6]")
        if np.isnan(readings.rate).any():
            raise DataError("the labels have no rates; take them from load_labelled_files, which loads the series")
        if values.shape[1] == len(CLASSES) and np.isnan(values[:, OTHER]).all():
            values = values[:, :OTHER]
        answered = np.asarray(np.isfinite(values).all(axis=1))
        values = np.where(answered[:, None], values, np.nan)
        if class_id is None:
            filled = np.where(answered[:, None], values, 0.0)
            class_id = np.where(filled.max(axis=1) >= abstain_below, filled.argmax(axis=1), NO_ANSWER)
        return cls(readings, values, np.where(answered, class_id, NO_ANSWER).astype(np.int64))

    @cached_property
    def answered(self) -> Flags:
        return np.isfinite(self.probabilities[:, 0])

    @cached_property
    def filled(self) -> Floats:
        """Probabilities; 0 for rows without a result."""
        return np.where(self.answered[:, None], self.probabilities, 0.0)

    @cached_property
    def top(self) -> NDArray[np.int64]:
        return np.where(self.answered, self.filled.argmax(axis=1), NO_ANSWER)

    @cached_property
    def confidence(self) -> Floats:
        return np.asarray(self.filled.max(axis=1))

    @cached_property
    def graded(self) -> bool:
        """Whether any probability is neither 0 nor 1; otherwise calibration and ROC curves are undefined."""
        return bool(((self.filled > 0) & (self.filled < 1)).any())

    def is_right(self, said: NDArray[Any], *, either: bool) -> Flags:
        """Return which rows have ``said`` [N] as their most probable class."""
        right = np.asarray(self.top == said)
        return right | (self._either & np.isin(said, (TrendClass.STABLE, TrendClass.LINEAR))) if either else right

    @cached_property
    def _either(self) -> Flags:
        """Mask of the rows with a rate for which Stable and Linear are both correct and with one of these classes."""
        low, high = EITHER_RATE_MM_YR
        rate = np.abs(self.readings.rate)
        return (rate >= low) & (rate <= high) & np.isin(self.top, (TrendClass.STABLE, TrendClass.LINEAR))

    def scores(self) -> Scores:
        readings, label = self.readings, self.readings.label
        right, strict = self.is_right(label, either=True), self.is_right(label, either=False)
        six = readings.unanimous
        five = six & (label < OTHER)
        accepted = six & (self.class_id != NO_ANSWER)
        paths = dict.fromkeys(readings.file.tolist())
        return Scores(
            five=self._part(five, right),
            five_strict=self._part(five, strict),
            six=self._part(six, right, CLASSES),
            five_without_other=self._part(five, self._without_other().is_right(label, either=True)),
            coarse=self._coarse(five, right),
            files={path: self._part(five & (readings.file == path), right) for path in paths},
            confusion=self._confusion(six),
            other=self._other(five, six & (label == OTHER)),
            other_labelled=self._other(five, label == OTHER),
            calibration={
                "five": self._calibration(five, right),
                "five, strict": self._calibration(five, strict),
                "six": self._calibration(six, right),
                "labelled": self._calibration(label >= 0, right),
            },
            curve=self._curve(six, right),
            accepted=self._part(accepted, right, CLASSES),
            as_reader=self._as_reader(either=False),
            as_reader_either=self._as_reader(either=True),
            no_answer=int((~self.answered).sum()),
            no_answer_five=int((five & ~self.answered).sum()),
        )

    def _without_other(self) -> _Scorer:
        return replace(self, probabilities=self.probabilities[:, :OTHER])

    def _part(self, rows: Flags, right: Flags, names: tuple[str, ...] = SEED_CLASSES) -> Part:
        return _part_of(self.readings.label[rows].astype(np.int64), right[rows], names)

    def _coarse(self, rows: Flags, right: Flags) -> Part:
        label = _without_corner(self.readings.label[rows].astype(np.int64))
        return _part_of(label, right[rows] | (_without_corner(self.top[rows]) == label), COARSE_CLASSES)

    def _confusion(self, rows: Flags) -> NDArray[np.int64]:
        columns = len(CLASSES) + 1
        # -1 becomes the last column.
        place = self.readings.label[rows].astype(np.int64) * columns + self.top[rows] % columns
        return np.bincount(place, minlength=len(CLASSES) * columns).reshape(len(CLASSES), columns)

    def _other(self, clear: Flags, other: Flags) -> OtherScores:
        given = self.class_id[other & (self.class_id >= 0) & (self.class_id < OTHER)]
        best = self.filled[:, :OTHER].max(axis=1)
        area = area_of_other = float("nan")
        bounds = NO_INTERVAL
        if self.graded:
            area, bounds = auroc(best[clear], best[other]), auroc_interval(best[clear], best[other])
            if self.filled.shape[1] > OTHER:
                # A row without a result has a confidence of 0.
                is_none = np.where(self.answered, 1 - self.filled[:, -1], 0.0)
                area_of_other = auroc(is_none[clear], is_none[other])
        counts = np.bincount(given, minlength=OTHER)
        return OtherScores(int(other.sum()), len(given), tuple(counts.tolist()), area, bounds, area_of_other)

    def _calibration(self, rows: Flags, right: Flags) -> float:
        rows = rows & self.answered
        if not self.graded or not rows.any():
            return float("nan")
        return expected_calibration_error(right[rows], self.confidence[rows], CALIBRATION_BINS)

    def _curve(self, rows: Flags, right: Flags) -> list[dict[str, float | int]]:
        if not self.graded:
            return []
        rows = rows & self.answered
        confidence, found = self.confidence[rows], right[rows]
        bin_of = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
        return [
            {
                "confidence": round(float(confidence[bin_of == place].mean()), 5),
                "right": round(float(found[bin_of == place].mean()), 5),
                "rows": int((bin_of == place).sum()),
            }
            for place in np.unique(bin_of).tolist()
        ]

    def _as_reader(self, *, either: bool) -> float:
        readings = self.readings.readings
        same = np.stack([self.is_right(column, either=either) for column in readings.T], axis=1)
        there = readings != NO_READING
        return float(((same & there).sum(axis=1) / there.sum(axis=1)).mean())


def _part_of(label: NDArray[np.int64], right: Flags, names: tuple[str, ...]) -> Part:
    """Return the accuracy for rows with ``label`` [N]."""
    counts = np.bincount(label, minlength=len(names))
    found = np.bincount(label, weights=right, minlength=len(names))
    recall = np.full(len(names), np.nan)
    np.divide(found, counts, out=recall, where=counts > 0)
    return Part(
        names=names,
        rows=len(label),
        right=int(found.sum()),
        recall=tuple(recall.tolist()),
        counts=tuple(counts.tolist()),
        mean_recall_95=mean_recall_interval(recall, counts),
    )


def _without_corner(class_id: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ids of ``COARSE_CLASSES``: from Bilinear on, ids decrease by one."""
    return np.where(class_id >= TrendClass.BILINEAR, class_id - 1, class_id)
