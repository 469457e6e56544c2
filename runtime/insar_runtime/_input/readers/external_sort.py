"""External merge sort of a table by one column, in bounded memory: sorted runs in a temporary file, which are merged.

Knuth, The Art of Computer Programming, volume 3, section 5.4. The file has no name, or loses it when it is closed, so
the system removes it however the process ends.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime.errors import DataError, InputOutputError

_RUN_BYTES: Final = 16 << 20
"""Rows that are sorted in memory at a time."""
_BLOCK_BYTES: Final = 64 << 10
"""Rows of a run that are in memory while runs are merged."""
_MOST_RUNS: Final = 256
"""Runs that are merged at once; of more, runs are merged to longer runs first."""
HELD_BYTES: Final = 4 * _RUN_BYTES
"""What sorting holds: a run, its order, a sorted copy; then a block of each run, and what is merged of them."""
_ROW: Final = "insar_runtime:row"
_RESERVE: Final = 1.1


@dataclass(frozen=True, slots=True)
class _Block:
    """Place of a block in the temporary file."""

    offset: int
    size: int


_Run = list[_Block]


class ExternalSort:
    """Sort rows by a column, those of one value in the order in which they came.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the batches, of plain types.
    column : str
        Column to sort by: numbers by value, texts by their bytes.
    """

    def __init__(self, schema: pa.Schema, column: str) -> None:
        self._schema = schema
        self._column = column
        self._stored = pa.schema([*(field.with_type(_stored_type(field.type)) for field in schema), (_ROW, pa.int64())])
        self._rows = 0

    def sorted(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Return the rows in order, after all of them have been read.

        Raises
        ------
        DataError
            A row has no value in the column.
        InputOutputError
            The folder for temporary files is full, or cannot be written to.
        """
        with ExitStack() as closing:
            with _temporary_errors():
                file: IO[Any] = closing.enter_context(tempfile.TemporaryFile(prefix="insar-rt-"))
            runs = list(self._runs(batches, file))
            while len(runs) > _MOST_RUNS:
                with _temporary_errors():
                    longer: IO[Any] = closing.enter_context(tempfile.TemporaryFile(prefix="insar-rt-"))
                parts = [runs[start : start + _MOST_RUNS] for start in range(0, len(runs), _MOST_RUNS)]
                runs = [self._write(self._merged(part, file), longer) for part in parts]
                file.close()
                file = longer
            for batch in self._merged(runs, file):
                yield self._restored(batch)

    def _runs(self, batches: Iterable[pa.RecordBatch], file: IO[Any]) -> Iterator[_Run]:
        """Gather rows, sort them, and write each run."""
        waiting: list[pa.RecordBatch] = []
        size = 0
        for batch in batches:
            for part in _slices(batch, _RUN_BYTES):
                waiting.append(self._numbered(part))
                size += waiting[-1].nbytes
                if size >= _RUN_BYTES:
                    yield self._write([self._in_order(waiting)], file)
                    waiting, size = [], 0
        if waiting:
            yield self._write([self._in_order(waiting)], file)

    def _numbered(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch of the types that are stored, with the numbers of its rows."""
        if batch.column(self._column).null_count:
            raise DataError(f"a row has no identifier in '{self._column}': fill or drop it")
        if (
            pa.types.is_floating(batch.column(self._column).type)
            and pc.any(pc.is_nan(batch.column(self._column))).as_py()
        ):
            raise DataError(f"an identifier in '{self._column}' is no number: fill or drop it")
        numbers = pa.array(np.arange(self._rows, self._rows + batch.num_rows))
        self._rows += batch.num_rows
        columns = [c if c.type == t else c.cast(t) for c, t in zip(batch.columns, self._stored.types[:-1], strict=True)]
        return pa.RecordBatch.from_arrays([*columns, numbers], schema=self._stored)

    def _in_order(self, batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
        rows = pa.concat_batches(batches)
        keys = [(self._column, "ascending"), (_ROW, "ascending")]
        return rows.take(pc.sort_indices(rows, sort_keys=keys))

    def _write(self, batches: Iterable[pa.RecordBatch], file: IO[Any]) -> _Run:
        """Append sorted rows to a file, in blocks."""
        run: _Run = []
        for batch in batches:
            for block in _slices(batch, _BLOCK_BYTES):
                message = block.serialize()
                with _temporary_errors():
                    run.append(_Block(file.seek(0, 2), message.size))
                    file.write(message)
        return run

    def _read(self, run: _Run, file: IO[Any]) -> Iterator[pa.RecordBatch]:
        for block in run:
            with _temporary_errors():
                file.seek(block.offset)
                content = file.read(block.size)
            yield pa.ipc.read_record_batch(pa.py_buffer(content), self._stored)

    def _merged(self, runs: Sequence[_Run], file: IO[Any]) -> Iterator[pa.RecordBatch]:
        """Merge runs: of each a block is in memory, and all rows up to the least of their last values are in order."""
        readers = [self._read(run, file) for run in runs]
        blocks = [next(reader) for reader in readers]
        while blocks:
            last = [block.column(self._column).slice(block.num_rows - 1) for block in blocks]
            bound = pc.min(pa.concat_arrays(last))
            taken: list[pa.RecordBatch] = []
            left: list[tuple[Iterator[pa.RecordBatch], pa.RecordBatch]] = []
            for reader, block in zip(readers, blocks, strict=True):
                count = int(pc.sum(pc.less_equal(block.column(self._column), bound)).as_py())
                taken.append(block.slice(0, count))
                rest: pa.RecordBatch | None = block.slice(count)
                if count == block.num_rows:
                    rest = next(reader, None)
                if rest is not None:
                    left.append((reader, rest))
            readers, blocks = [reader for reader, _ in left], [block for _, block in left]
            yield self._in_order(taken)

    def _restored(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch of the schema that came."""
        columns = [_restored(batch.column(field.name), field.type) for field in self._schema]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)


def check_room(need: float) -> str:
    """Check that there is room for temporary files, and return their folder.

    Parameters
    ----------
    need : float
        Bytes that are to be written.

    Raises
    ------
    InputOutputError
        If there is less.
    """
    with _temporary_errors():
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
    if need * _RESERVE > free:
        raise InputOutputError(
            f"to bring the rows of a point together takes {need / 1e9:.1f} GB of temporary files, {folder} has "
            f"{free / 1e9:.1f} GB: set TMPDIR to a folder with more room, or sort the table by point"
        )
    return folder


def _slices(batch: pa.RecordBatch, size: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch into parts of about so many bytes."""
    rows = max(int(size * batch.num_rows / max(batch.nbytes, 1)), 1)
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _stored_type(kind: pa.DataType) -> pa.DataType:
    """Return the type in which a column is stored: a block by itself has no dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _restored(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(kind):
        return column
    encoded = column.dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        encoded.indices.cast(kind.index_type), encoded.dictionary, ordered=kind.ordered
    )


@contextmanager
def _temporary_errors() -> Iterator[None]:
    """Translate errors of the folder for temporary files."""
    try:
        yield
    except InputOutputError:
        raise
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        remedy = "set TMPDIR to a folder with more room" if full else "set TMPDIR to a folder that you may write to"
        raise InputOutputError(f"temporary files cannot be written ({error.strerror or error}): {remedy}") from error
