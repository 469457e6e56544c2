"""Parquet files as a stream of record batches, in memory that does not grow with the file or its row groups."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from insar_runtime._input.column_types import is_numeric, refuse_too_many
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.matrix import as_floats
from insar_runtime._input.plain_types import as_plain
from insar_runtime._input.store_path import StorePath, open_ranges

_ALL_BUFFERS: Final = 16 << 20
_MOST_BUFFER: Final = 1 << 20
_LEAST_BUFFER: Final = 1 << 14
"""Every column that is read has a buffer of its own, so wide files get small ones."""

_STREAMED_BYTES: Final = 48 << 20
"""Decoded pages up to which a file is read in batches, which is the faster way."""
_STREAMED_COLUMN_BYTES: Final = 2 << 20
"""What a column that is read in batches keeps at most: a page and a dictionary, decoded, of a megabyte each."""
_STREAMING_BYTES: Final = 16 << 20
"""What reading in batches takes beside that: pages as they are stored, and batches that are being made."""
_GROUP_BYTES: Final = 96 << 20
"""Series of a row group that are held at a time otherwise: 100,000 rows of 250 epochs. Longer ones are read in two or
three passes; files with row groups that would take more are read in batches all the same."""
_MOST_PASSES: Final = 3
_DECODED_BYTES: Final = 2 << 20
"""Columns that are decoded at a time then."""
_WIDTHS: Final = {"FLOAT": 4, "INT32": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12, "BOOLEAN": 1}
"""Bytes of a value by its physical type."""
_GUESSED_TEXT_BYTES: Final = 24
_FEW_ROWS: Final = 32
"""Rows that the length of lists is taken from."""
_SOME_ROWS: Final = 1 << 16
"""Rows of a batch of a few columns."""
_NO_BUFFER: Final = np.empty((0, 0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """An open Parquet file.

    Attributes
    ----------
    schema : pyarrow.Schema
        Of the batches: that of the file, with series as float32 (NaN = missing) unless they are wanted as they are.
    rows : int
    row_bytes : float
        Size of a row of a batch, from the file's own counts.
    held_bytes : int
        What is held at a time, whatever the batches are.
    search : DateSearch
        What was found among the names of the columns.
    """

    schema: pa.Schema
    rows: int
    row_bytes: float
    held_bytes: int
    search: DateSearch
    _file: pq.ParquetFile
    _series: dict[str, int]
    """Numbers of the columns that are narrowed; empty if none is."""
    _by_ranges: bool
    """Whether what a call reads is fetched at once, in large ranges, as from a store."""

    def batches(self, batch_rows: int, threads: int = 1) -> Iterator[pa.RecordBatch]:
        """Rows in file order, in batches of at most so many.

        Read in batches, every column keeps a page and a dictionary decoded. In a file with one column per date that may
        be much: values that hardly repeat, in row groups of 100,000 rows, make a gigabyte. Such a file is read a row
        group at a time and a few columns at a time, to float32. Arrow's threads decode these at once, where they are no
        more than the threads asked for: others soon wait for the rows.
        """
        if not self._series:
            for groups in self._at_once():
                some = self._file.iter_batches(batch_rows, row_groups=groups, use_threads=False)
                yield from map(_with_valid_text, some)
            return
        buffer = _NO_BUFFER
        for number in range(self._file.num_row_groups):
            rows = self._file.metadata.row_group(number).num_rows
            step = max(-(-rows // _passes(rows, len(self._series))), 1)
            if buffer.shape[1] < step:
                buffer = _NO_BUFFER  # before the larger one is made
                buffer = np.empty((len(self._series), step), dtype=np.float32)
            for start in range(0, rows, step):
                count = min(step, rows - start)
                others = self._read_part(number, start, count, buffer, use_threads=1 < pa.cpu_count() <= threads)
                yield from self._cut(others, buffer[:, :count], batch_rows)
                del others

    def some_columns(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows of some columns, in file order, whatever else was read before."""
        for groups in self._at_once():
            some = self._file.iter_batches(_SOME_ROWS, row_groups=groups, columns=list(columns), use_threads=False)
            yield from map(_with_valid_text, some)

    def _at_once(self) -> list[list[int] | None]:
        """Return the row groups that are read by one call: all, or each alone where they are fetched before."""
        return [[number] for number in range(self._file.num_row_groups)] if self._by_ranges else [None]

    def _read_part(
        self, number: int, start: int, count: int, buffer: NDArray[np.float32], *, use_threads: bool
    ) -> dict[str, pa.Array]:
        """Read some rows of a row group, a few columns at a time: series into the buffer; gives the other columns."""
        rows = self._file.metadata.row_group(number).num_rows
        at_once = max(_DECODED_BYTES // (8 * max(rows, 1)), 1)
        names = self.schema.names
        others: dict[str, pa.Array] = {}
        for first in range(0, len(names), at_once):
            some = names[first : first + at_once]
            table = self._file.read_row_group(number, columns=some, use_threads=use_threads)
            for name in some:
                column = table.column(name).slice(start, count).combine_chunks()
                if name in self._series:
                    buffer[self._series[name], :count] = as_floats(column)
                else:
                    others[name] = column
        return others

    def _cut(
        self, others: dict[str, pa.Array], series: NDArray[np.float32], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Return the rows that were read in batches."""
        count = series.shape[1]
        for begin in range(0, count, batch_rows):
            size = min(batch_rows, count - begin)
            # A copy, so that the buffer is free for the next rows while these are still worked on.
            block = series[:, begin : begin + size].copy()
            columns = [
                pa.array(block[self._series[name]]) if name in self._series else others[name].slice(begin, size)
                for name in self.schema.names
            ]
            yield _with_valid_text(pa.RecordBatch.from_arrays(columns, schema=self.schema))


def _with_valid_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose texts are UTF-8, which pyarrow does not check in Parquet; ArrowInvalid if one is not."""
    for column in batch.columns:
        if not pa.types.is_primitive(column.type):
            column.validate(full=True)
    return batch


def open_parquet(path: Path, closing: ExitStack, *, exact: bool, date_format: str | None = None) -> ParquetTable:
    """Open a file.

    Parameters
    ----------
    path : Path
        Of the file.
    closing : ExitStack
        Closes it.
    exact : bool
        Whether the series keep their type, because they are to be kept; as float32 otherwise.
    date_format : str, optional
        Spelling of dates that the user named.
    """
    # Without pre-buffering and threads, memory does not grow with the size of the row groups.
    source = open_ranges(path, closing)
    metadata = pq.read_metadata(source)
    refuse_too_many(metadata.num_columns, str(path))
    by_ranges = isinstance(path, StorePath)
    buffer_size = max(_LEAST_BUFFER, min(_MOST_BUFFER, _ALL_BUFFERS // max(metadata.num_columns, 1)))
    file = closing.enter_context(
        pq.ParquetFile(
            source, metadata=metadata, pre_buffer=by_ranges, buffer_size=buffer_size, page_checksum_verification=True
        )
    )
    schema = file.schema_arrow
    search = DateSearch.among(schema.names, date_format)
    series = {} if exact else {name: i for i, name in enumerate(_series_columns(schema, search))}
    # Of each column a page and a dictionary, no more than its largest chunk. Row groups state the size of all their
    # columns; pyarrow aborts the process where the statistics of a single one are damaged.
    group_bytes = max((metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)), default=0)
    columns = max(metadata.num_columns, 1)
    streamed = columns * min(2 * group_bytes // columns, _STREAMED_COLUMN_BYTES)
    largest = max((metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)), default=0)
    passes = _passes(largest, len(series))
    if streamed <= _STREAMED_BYTES or passes > _MOST_PASSES:
        series = {}
    if series:
        fields = [field.with_type(pa.float32()) if field.name in series else field for field in schema]
        schema = pa.schema(fields, metadata=schema.metadata)
    row_bytes = _row_bytes(file, series)
    held = (
        round(largest / passes * (row_bytes - 4 * len(series))) + 2 * _DECODED_BYTES
        if series
        else streamed + _STREAMING_BYTES
    )
    held += 2 * group_bytes * by_ranges
    return ParquetTable(schema, metadata.num_rows, row_bytes, held, search, file, series, by_ranges)


def _passes(rows: int, series: int) -> int:
    """Return the number of times that a row group is gone through, so that the part that is held stays bounded."""
    return max(-(-4 * rows * series // _GROUP_BYTES), 1)


def _series_columns(schema: pa.Schema, search: DateSearch) -> list[str]:
    """Return the numeric columns of dates; none if the table is not one with a column a date."""
    # Columns are read by name, and a name with a dot may be that of a part of another column.
    nested = any(pa.types.is_nested(data_type) for data_type in schema.types)
    if len(set(schema.names)) < len(schema.names) or (nested and any("." in name for name in schema.names)):
        return []
    return [name for name in search.names if is_numeric(schema.field(name).type)]


def _row_bytes(file: pq.ParquetFile, narrowed: Container[str]) -> float:
    """Estimate the size of a row in memory: flat columns at the width of their type, lists as in the first rows."""
    metadata = file.metadata
    leaves = [metadata.schema.column(i) for i in range(metadata.num_columns)]
    flat = [leaf for leaf in leaves if not leaf.max_repetition_level]
    # A narrowed value is copied once more.
    widths = [8 if leaf.path in narrowed else _WIDTHS.get(leaf.physical_type, _GUESSED_TEXT_BYTES) for leaf in flat]
    nested = [field.name for field in file.schema_arrow if pa.types.is_nested(field.type)]
    if len(flat) == len(leaves) or not metadata.num_rows:
        return float(sum(widths))
    first = next(file.iter_batches(_FEW_ROWS, columns=nested, use_threads=False), None)
    lists = 0.0 if first is None else as_plain(first).nbytes / max(first.num_rows, 1)
    return sum(widths) + lists
