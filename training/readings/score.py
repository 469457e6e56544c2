"""Figures of merit on read rows, from probabilities of five or six classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.errors import DataError
from training.metrics import expected_calibration_error, rounded
from training.readings.definitions import (
    ABSTAIN_BELOW,
    CALIBRATION_BINS,
    CLASSES,
    EITHER_RATE_MM_YR,
    NO_ANSWER,
    NO_READING,
    OTHER,
    SEED_CLASSES,
)
from training.readings.figures_of_merit import (
    Floats,
    Interval,
    OtherScores,
    Part,
    auroc,
    auroc_interval,
    mean_recall_interval,
)
from training.readings.labels import Readings

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """How a classifier does on read rows; the rows are those of one mind unless something else is said.

    Attributes
    ----------
    five, five_strict : Part
        Rows of the five classes. In ``five``, Stable and Linear both count between ``EITHER_RATE_MM_YR``; in
        ``five_strict`` they do not.
    six : Part
        The same as ``five`` with the rows read as Other, for which Other alone is right.
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


def score(
    readings: Readings,
    probabilities: NDArray[np.floating[Any]],
    *,
    class_id: NDArray[np.integer[Any]] | None = None,
    abstain_below: float = ABSTAIN_BELOW,
) -> Scores:
    """Compare a classifier's probabilities with what readers said.

    Parameters
    ----------
    readings : Readings
        N rows with their rates, such as ``all_readings(load_read_files(real))``.
    probabilities : ndarray of float, shape [N, 5] or [N, 6]
        In the order of ``CLASSES``, row by row those of ``readings``. A row with NaN among its first five has no
        answer; a sixth column that is NaN throughout is that of a classifier of five classes.
    class_id : ndarray of int, shape [N], optional
        Class after abstention, -1 = none. By default the most probable class where its probability is
        ``abstain_below`` or more.
    abstain_below : float
        Confidence below which a row gets no class, where ``class_id`` is not given.

    Raises
    ------
    DataError
        If the shapes do not fit, or the readings have no rates.
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
            raise DataError("the readings have no rates; take them from load_read_files, which reads the series")
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
        """Probabilities, 0 where there is no answer."""
        return np.where(self.answered[:, None], self.probabilities, 0.0)

    @cached_property
    def top(self) -> NDArray[np.int64]:
        return np.where(self.answered, self.filled.argmax(axis=1), NO_ANSWER)

    @cached_property
    def confidence(self) -> Floats:
        return np.asarray(self.filled.max(axis=1))

    @cached_property
    def graded(self) -> bool:
        """Whether any probability is neither 0 nor 1: calibration and ROC curves of sure answers mean nothing."""
        return bool(((self.filled > 0) & (self.filled < 1)).any())

    def is_right(self, said: NDArray[Any], *, either: bool) -> Flags:
        """Tell which rows have the class ``said`` [N] as their most probable one."""
        right = np.asarray(self.top == said)
        return right | (self._either & np.isin(said, (TrendClass.STABLE, TrendClass.LINEAR))) if either else right

    @cached_property
    def _either(self) -> Flags:
        """Rows whose rate lies where Stable and Linear both count, and that are called one of the two."""
        low, high = EITHER_RATE_MM_YR
        rate = np.abs(self.readings.rate)
        return (rate >= low) & (rate <= high) & np.isin(self.top, (TrendClass.STABLE, TrendClass.LINEAR))

    def scores(self) -> Scores:
        readings, label = self.readings, self.readings.label
        right, strict = self.is_right(label, either=True), self.is_right(label, either=False)
        six = readings.one_mind
        five = six & (label < OTHER)
        accepted = six & (self.class_id != NO_ANSWER)
        paths = dict.fromkeys(readings.file.tolist())
        return Scores(
            five=self._part(five, right, len(SEED_CLASSES)),
            five_strict=self._part(five, strict, len(SEED_CLASSES)),
            six=self._part(six, right, len(CLASSES)),
            files={path: self._part(five & (readings.file == path), right, len(SEED_CLASSES)) for path in paths},
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
            accepted=self._part(accepted, right, len(CLASSES)),
            as_reader=self._as_reader(either=False),
            as_reader_either=self._as_reader(either=True),
            no_answer=int((~self.answered).sum()),
            no_answer_five=int((five & ~self.answered).sum()),
        )

    def _part(self, rows: Flags, right: Flags, classes: int) -> Part:
        label = self.readings.label[rows]
        counts = np.bincount(label, minlength=classes)
        found = np.bincount(label, weights=right[rows], minlength=classes)
        recall = np.full(classes, np.nan)
        np.divide(found, counts, out=recall, where=counts > 0)
        return Part(
            rows=len(label),
            right=int(found.sum()),
            recall=tuple(recall.tolist()),
            counts=tuple(counts.tolist()),
            mean_recall_95=mean_recall_interval(recall, counts),
        )

    def _confusion(self, rows: Flags) -> NDArray[np.int64]:
        columns = len(CLASSES) + 1
        # -1 becomes the last column.
        place = self.readings.label[rows].astype(np.int64) * columns + self.top[rows] % columns
        return np.bincount(place, minlength=len(CLASSES) * columns).reshape(len(CLASSES), columns)

    def _other(self, clear: Flags, other: Flags) -> OtherScores:
        given = self.class_id[other & (self.class_id >= 0) & (self.class_id < OTHER)]
        best = self.filled[:, :OTHER].max(axis=1)
        area = area_of_other = float("nan")
        bounds: Interval = (area, area)
        if self.graded:
            area, bounds = auroc(best[clear], best[other]), auroc_interval(best[clear], best[other])
            if self.filled.shape[1] > OTHER:
                # A row without an answer is no sure one.
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
