"""Labels that readers gave to real rows, and the series of these rows.

The table is ``artifacts/readings/readings.csv``; ``artifacts/readings/README.md`` says how it was made. The series are
not in the repository and are read from a folder of the public files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import DataError, InputNotFoundError
from training.labelled_rows.codes import CLASSES, NO_READING, SPLIT
from training.labelled_rows.rates import least_squares_rates
from training.real_files import REAL_FILES, STAMPS_FILE, RealFile, read_real

READINGS_CSV: Final = Path(__file__).resolve().parents[2] / "artifacts" / "readings" / "readings.csv"

READ_FILES: Final = {file.path: file for file in (*REAL_FILES, STAMPS_FILE)}
"""Files with labelled rows, by their path."""

_MOST_READERS: Final = 3


@dataclass(frozen=True)
class Readings:
    """Labels that two or three readers gave to each of N rows.

    Attributes
    ----------
    file : ndarray of str, shape [N]
        Path below the folder of real files.
    row : ndarray of int64, shape [N]
        0-based row of data in the file; in the transposed file, the column.
    id : ndarray of str, shape [N]
        Identifier in the file; the row number if the file has none.
    label : ndarray of int8, shape [N]
        Class that most readers gave; ``SPLIT`` (-1) if no two agree.
    readings : ndarray of int8, shape [N, 3]
        Class that each reader gave; ``NO_READING`` (-1) for the third of a row with two readers.
    sure : ndarray of int8, shape [N, 3]
        Confidence of each reader: 3 clear, 2 likely, 1 a guess; 0 without a reading.
    rate : ndarray of float64, shape [N]
        Least-squares rate, fitted together with an annual cycle, mm/yr; NaN until the series are loaded.
    """

    file: NDArray[np.str_]
    row: NDArray[np.int64]
    id: NDArray[np.str_]
    label: NDArray[np.int8]
    readings: NDArray[np.int8]
    sure: NDArray[np.int8]
    rate: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def votes(self) -> NDArray[np.int64]:
        """Number of readers [N, 6] for each class."""
        return np.stack([(self.readings == place).sum(axis=1) for place in range(len(CLASSES))], axis=1)

    @property
    def readers(self) -> NDArray[np.int64]:
        """Number of readers [N]: two or three."""
        return (self.readings != NO_READING).sum(axis=1)

    @property
    def soft_labels(self) -> NDArray[np.float32]:
        """Share of the readers [N, 6] for each class; each row sums to 1."""
        return np.asarray(self.votes / self.readers[:, None], dtype=np.float32)

    @property
    def unanimous(self) -> NDArray[np.bool_]:
        """Mask [N] of the rows on which all readers agree; scores use these rows."""
        return np.asarray(self.votes.max(axis=1) == self.readers)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Readings:
        """Return some of the rows, in the order of ``rows``."""
        return Readings(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True)
class LabelledFile:
    """Labelled rows of one file with their series.

    Attributes
    ----------
    name : str
        Path of the file below the folder of real files.
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float32, shape [T]
        Days since the first acquisition of the file, strictly increasing.
    readings : Readings
        Labels of the N rows, with their rates.
    """

    name: str
    displacement: NDArray[np.float32]
    days: NDArray[np.float32]
    readings: Readings

    @property
    def label(self) -> NDArray[np.int8]:
        """Class ids [N]; ``SPLIT`` (-1) if no two readers agree."""
        return self.readings.label

    @property
    def soft_labels(self) -> NDArray[np.float32]:
        """Share of the readers [N, 6] for each class."""
        return self.readings.soft_labels


def read_labels(path: Path = READINGS_CSV) -> Readings:
    """Read the table of labels, without the series.

    Parameters
    ----------
    path : Path
        Table with the columns of ``readings.csv``.

    Raises
    ------
    InputNotFoundError
        If the table does not exist.
    DataError
        If a class is none of the six, or the label of a row is not the class that most of its readers gave.
    """
    if not path.is_file():
        raise InputNotFoundError(f"{path} is not there; give the table of readings of artifacts/readings")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    number = {**{name: place for place, name in enumerate(CLASSES)}, "split": SPLIT, "": NO_READING}
    columns = [f"reading_{place + 1}" for place in range(_MOST_READERS)]
    unknown = {row[column] for row in rows for column in ("label", *columns)} - set(number)
    if unknown:
        raise DataError(f"{path} holds the class {min(unknown)!r}; classes are {', '.join(CLASSES)}, or split")
    readings = Readings(
        file=np.array([row["file"] for row in rows], dtype=np.str_),
        row=np.array([row["row"] for row in rows], dtype=np.int64),
        id=np.array([row["id"] for row in rows], dtype=np.str_),
        label=np.array([number[row["label"]] for row in rows], dtype=np.int8),
        readings=np.array([[number[row[column]] for column in columns] for row in rows], dtype=np.int8),
        sure=np.array([[row[f"sure_{place + 1}"] or 0 for place in range(_MOST_READERS)] for row in rows], np.int8),
        rate=np.full(len(rows), np.nan),
    )
    votes = readings.votes
    majority = np.where(votes.max(axis=1) > 1, votes.argmax(axis=1), SPLIT)
    wrong = np.flatnonzero(majority != readings.label)
    if len(wrong):
        raise DataError(f"{path}, line {wrong[0] + 2}: the label is not what most readers gave; correct the line")
    return readings


def load_labelled_files(
    real: Path,
    *,
    files: Sequence[str] | None = None,
    leave_out: Iterable[str] = (),
    readings: Readings | None = None,
) -> tuple[LabelledFile, ...]:
    """Load the series of the labelled rows, each file on its own dates.

    To test on a file that is left out of the training, train on ``load_labelled_files(real, leave_out=[name])`` and
    test on ``load_labelled_files(real, files=[name])``.

    Parameters
    ----------
    real : Path
        Folder of the public files.
    files : sequence of str, optional
        Paths or stems of the files to load; by default all.
    leave_out : iterable of str
        Paths or stems of the files to leave out.
    readings : Readings, optional
        Rows to load, for example of files of your own; by default those of ``READINGS_CSV``.

    Returns
    -------
    tuple of LabelledFile
        In the order of the table, with rows on which no two readers agree (label -1, soft labels from the votes).

    Raises
    ------
    InputNotFoundError
        If a file is not below ``real``.
    DataError
        If a name is not that of a file with labelled rows, or the id of a row differs from that in the file.
    """
    table = read_labels() if readings is None else readings
    paths = list(dict.fromkeys(table.file.tolist()))
    wanted = paths if files is None else [_path_of(name, paths) for name in files]
    dropped = {_path_of(name, paths) for name in leave_out}
    return tuple(_read_file(real, path, table) for path in wanted if path not in dropped)


def all_readings(files: Iterable[LabelledFile]) -> Readings:
    """Return the concatenated labels of several files, with the rates."""
    parts = [file.readings for file in files]
    return Readings(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Readings)}
    )


def _path_of(name: str, paths: Sequence[str]) -> str:
    for path in paths:
        if name in {path, Path(path).stem}:
            return path
    raise DataError(f"{name!r} has no labelled rows; files with labelled rows are {', '.join(paths)}")


def _read_file(real: Path, path: str, table: Readings) -> LabelledFile:
    file = READ_FILES.get(path, RealFile(path))
    displacement, days = read_real(real, file)
    part = table.take(np.flatnonzero(table.file == path))
    ids = _ids(real, file, len(displacement))
    for row, wanted in zip(part.row.tolist(), part.id.tolist(), strict=True):
        if not 0 <= row < len(ids) or ids[row] != wanted:
            found = ids[row] if 0 <= row < len(ids) else "absent"
            raise DataError(f"{path}, row {row}: id {found}, but {wanted} was read; give the file of the README")
    series = np.ascontiguousarray(displacement[part.row])
    return LabelledFile(path, series, days, replace(part, rate=least_squares_rates(series, days)))


def _ids(real: Path, file: RealFile, count: int) -> list[str]:
    """Return the ids of all rows of a file, in the order of ``read_real``."""
    with (real / file.path).open(newline="", encoding="utf-8") as stream:
        lines = csv.reader(stream)
        header = next(lines)
        if file.transposed:
            return header[1:]
        if "pid" not in header:
            return [str(row) for row in range(count)]
        place = header.index("pid")
        return [line[place] for line in lines if line]
