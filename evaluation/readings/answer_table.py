"""Tables of the results of any classifier, the input of ``python -m evaluation readings --answers``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.readings.scoring_rules import NO_ANSWER, SEED_CLASSES
from insar_runtime.errors import DataError, InputNotFoundError
from training.labelled_rows.codes import CLASSES
from training.labelled_rows.labels import Readings

COLUMNS: Final = tuple(f"p_{name.lower()}" for name in CLASSES)
"""Columns of probabilities; the last may be absent."""
CLASS_COLUMNS: Final = ("class", "class_name")
"""Column of the class after abstention, sufficient for a classifier without probabilities."""
_SUM_TOLERANCE: Final = 0.01


@dataclass(frozen=True)
class Answers:
    """Results of a classifier for N labelled rows.

    Attributes
    ----------
    probabilities : ndarray of float64, shape [N, 5] or [N, 6]
        NaN for rows without a result; 0 and 1 if only classes are known.
    class_id : ndarray of int64, shape [N], optional
        Classes after abstention, -1 = none; None if the table has only probabilities.
    """

    probabilities: NDArray[np.float64]
    class_id: NDArray[np.int64] | None


def read_answers(path: Path, readings: Readings) -> Answers:
    """Read the results of a classifier.

    Parameters
    ----------
    path : Path
        CSV with the columns ``file`` (path or stem of the file) and ``row`` as in ``readings.csv``, and either
        ``p_stable`` to ``p_pue`` (and ``p_other``), or ``class`` (or ``class_name``), or both. An empty class means no
        class, an empty probability no result. The table may contain rows without labels.
    readings : Readings
        Labels of the N rows.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    DataError
        If columns are missing, a class is none of the six, probabilities are invalid, or a row occurs twice.
    """
    if not path.is_file():
        raise InputNotFoundError(f"{path} is not there; give a CSV with the results of a classifier")
    with path.open(newline="", encoding="utf-8") as stream:
        table = csv.DictReader(stream)
        names = tuple(table.fieldnames or ())
        columns = _columns(path, names)
        class_column = next((name for name in CLASS_COLUMNS if name in names), None)
        if not {"file", "row"} <= set(names) or not (columns or class_column):
            raise DataError(
                f"{path} has the columns {', '.join(names) or 'none'}; needed are file, row, "
                f"and {COLUMNS[0]} to {COLUMNS[-1]} or {CLASS_COLUMNS[0]}"
            )
        rows = list(table)
    place_of = _places(readings)
    probabilities = np.full((len(readings), len(columns or CLASSES)), np.nan)
    class_id = np.full(len(readings), NO_ANSWER)
    answered: set[int] = set()
    for line, row in enumerate(rows, start=2):
        place = place_of.get((row["file"], row["row"]))
        if place is None:
            continue
        if place in answered:
            raise DataError(f"{path}, line {line}: row {row['row']} of {row['file']} occurs twice; leave one")
        answered.add(place)
        if class_column:
            class_id[place] = _class_id(path, line, row[class_column])
        if columns:
            probabilities[place] = _probabilities(path, line, [row[name] for name in columns])
        elif class_id[place] != NO_ANSWER:
            probabilities[place] = np.eye(len(CLASSES))[class_id[place]]
    if not answered:
        raise DataError(f"{path} has no labelled row; file and row must be as in readings.csv")
    return Answers(probabilities, class_id if class_column else None)


def write_answers(
    path: Path,
    readings: Readings,
    probabilities: NDArray[np.floating[Any]],
    class_id: NDArray[np.integer[Any]] | None = None,
) -> None:
    """Write the results of a classifier for labelled rows.

    Parameters
    ----------
    path : Path
        Path of the table.
    readings : Readings
        Labels of N rows.
    probabilities : ndarray of float, shape [N, 5] or [N, 6]
        NaN = no result.
    class_id : ndarray of int, shape [N], optional
        Classes after abstention, -1 = none.
    """
    columns = COLUMNS[: probabilities.shape[1]]
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["file", "row", *columns, *(CLASS_COLUMNS[:1] if class_id is not None else ())])
        for place, (file, row) in enumerate(zip(readings.file.tolist(), readings.row.tolist(), strict=True)):
            values = ["" if np.isnan(value) else f"{value:.5g}" for value in probabilities[place].tolist()]
            chosen = [] if class_id is None else ["" if class_id[place] < 0 else CLASSES[class_id[place]]]
            table.writerow([file, row, *values, *chosen])


def _columns(path: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of probabilities of the table: none, five or six."""
    there = tuple(name for name in COLUMNS if name in names)
    if there and there[: len(SEED_CLASSES)] != COLUMNS[: len(SEED_CLASSES)]:
        missing = ", ".join(name for name in COLUMNS[: len(SEED_CLASSES)] if name not in there)
        raise DataError(f"{path} has no column {missing}; give the probabilities of all five classes")
    return there


def _places(readings: Readings) -> dict[tuple[str, str], int]:
    """Return the index of each row, by path and by stem of its file."""
    found = {}
    for place, (file, row) in enumerate(zip(readings.file.tolist(), readings.row.tolist(), strict=True)):
        found[file, str(row)] = found[Path(file).stem, str(row)] = place
    return found


def _class_id(path: Path, line: int, text: str) -> int:
    if text in {"", "None"}:
        return NO_ANSWER
    if text not in CLASSES:
        raise DataError(f"{path}, line {line}: class {text!r}; classes are {', '.join(CLASSES)}, or nothing")
    return CLASSES.index(text)


def _probabilities(path: Path, line: int, texts: list[str]) -> NDArray[np.float64]:
    # With a classifier of five classes, the sixth column may be empty.
    try:
        values = np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        raise DataError(f"{path}, line {line}: {', '.join(texts)} are no probabilities; give numbers") from None
    known = values[np.isfinite(values)]
    if len(known) and (known.min() < 0 or abs(known.sum() - 1) > _SUM_TOLERANCE):
        raise DataError(f"{path}, line {line}: probabilities {', '.join(texts)} do not sum to 1; normalise them")
    return values
