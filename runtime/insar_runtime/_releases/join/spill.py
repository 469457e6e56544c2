"""A release in temporary files, from which rows are read in any order: its series in mm, and its other columns.

The files have no names, or lose them when they are opened, so the system removes them however the process ends.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.table import TableDescription
from insar_runtime._output.output_checks import disk_errors

Rows = NDArray[np.intp]


class SpilledRelease:
    """Rows of a release in two temporary files.

    Parameters
    ----------
    description : TableDescription
        Of the release.
    folder : Path
        Folder of the files.
    closing : ExitStack
        Closes them.

    Attributes
    ----------
    rows : int
        Number of rows.
    fields : list of pyarrow.Field
        Its columns beside the series; dictionaries become what they hold, as batches may differ in them.
    """

    def __init__(self, description: TableDescription, folder: Path, closing: ExitStack) -> None:
        self.rows = 0
        self._folder = folder
        self._width = len(description.layout.dates)
        self.fields = [_stored(description.schema.field(name)) for name in description.layout.attributes]
        with disk_errors(folder):
            self._series = closing.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
            self._columns = closing.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
        self._writer: Any = pa.ipc.new_file(self._columns, pa.schema(self.fields))
        self._begins = [0]
        self._file: Any = None

    def add(self, batch: pa.RecordBatch, series: NDArray[np.float32]) -> None:
        """Store the next rows.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Of the schema of the release.
        series : ndarray of float32, shape [n, T]
            mm; NaN = missing.
        """
        if not batch.num_rows:
            return
        columns = [_plain(batch.column(field.name)) for field in self.fields]
        with disk_errors(self._folder):
            self._series.write(np.ascontiguousarray(series, dtype=np.float32).data)
            if columns:
                self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=pa.schema(self.fields)))
        self.rows += batch.num_rows
        self._begins.append(self.rows)

    def complete(self) -> None:
        """End the writing; rows can be read from now on."""
        with disk_errors(self._folder):
            self._writer.close()
            self._columns.flush()
            self._series.flush()
        if self.fields and self.rows:
            # Mapped, so that a batch takes no memory of the process that the system could not take back.
            content = mmap.mmap(self._columns.fileno(), 0, access=mmap.ACCESS_READ)
            self._file = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(content)))

    def series(self, rows: Rows) -> NDArray[np.float32]:
        """Return the series of rows [n], in any order, as [n, T] in mm."""
        found = np.empty((len(rows), self._width), dtype=np.float32)
        if not self._width:
            return found
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        # Neighbouring rows are read at once.
        begins = np.flatnonzero(np.diff(ordered, prepend=-2) != 1)
        for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(rows)], strict=True):
            part = np.empty((end - begin, self._width), dtype=np.float32)
            with disk_errors(self._folder):
                self._series.seek(int(ordered[begin]) * self._width * part.itemsize)
                if self._series.readinto(part.data.cast("B")) != part.nbytes:
                    raise OSError("a temporary file is shorter than what was written to it")
            found[order[begin:end]] = part
        return found

    def columns(self, names: Sequence[str], rows: Rows) -> list[pa.Array]:
        """Return columns of rows [n], in any order."""
        places = [next(i for i, field in enumerate(self.fields) if field.name == name) for name in names]
        if not len(rows) or not names:
            return [pa.nulls(0, self.fields[place].type) for place in places]
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        batch_of = np.searchsorted(self._begins, ordered, side="right") - 1
        parts: list[list[pa.Array]] = [[] for _ in names]
        for number in np.unique(batch_of).tolist():
            batch = self._file.get_batch(number)
            taken = pa.array(ordered[batch_of == number] - self._begins[number])
            for part, place in zip(parts, places, strict=True):
                part.append(batch.column(place).take(taken))
        back = np.empty(len(rows), dtype=np.intp)
        back[order] = np.arange(len(rows))
        arrays = [pa.concat_arrays(part) for part in parts]
        return arrays if np.array_equal(back, order) else [array.take(pa.array(back)) for array in arrays]


def _stored(field: pa.Field) -> pa.Field:
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
