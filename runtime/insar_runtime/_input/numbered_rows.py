"""A sample of a file's series by the numbers of its rows: the same rows of a table, whatever container it lies in.

Rows are drawn at random from the first ``WITHIN``, by keys that depend on the number of a row alone. So a sample costs
a bounded part of a large file, and no more than one reading of the series of a small one; of a text, lines are counted
and only those of the sample are parsed.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from insar_runtime._input.error_translation import translate_errors
from insar_runtime._input.layout import Layout
from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.plain_types import as_plain
from insar_runtime._input.random_rows import RandomRows, row_keys
from insar_runtime._input.readers.csv_dialect import HEADER_LIMIT
from insar_runtime._input.sampling import open_text, separator_of
from insar_runtime._input.source import Source
from insar_runtime.errors import DataError

WITHIN: Final = 1 << 17
"""Rows that a sample is drawn from. Reading as many of 243 epochs again takes one core 0.1 s (Parquet), 0.3 s (CSV) or
1.6 s (zip)."""
_TEXTS: Final = frozenset({"csv", "zip", "csv.gz", "csv.zst"})
"""Texts that are read again at little cost beside classification; bzip2 is not."""
_BATCH_ROWS: Final = 2048
_ROWS_AT_ONCE: Final = 8192
_COLUMNS: Final = 32
"""Rows and columns of a Parquet file that are read at a time: each column keeps a page and a dictionary decoded."""
_BUFFER: Final = 1 << 16


def numbered_series(source: Source, layout: Layout, rows: int) -> NDArray[np.float32]:
    """Return the series of some rows of a file that may be read again.

    Parameters
    ----------
    source : Source
        An open table.
    layout : Layout
        Of its columns.
    rows : int
        Most rows.

    Returns
    -------
    ndarray of float32, shape [N, T]
        In the file's unit, NaN = missing, in the order of the rows. None of a stream, an object of a store, a long
        table, a bzip2 file, a folder of wide tables, and a text that is not one line a row.

    Raises
    ------
    InputOutputError
        If reading failed.
    """
    none = np.empty((0, len(layout.dates)), dtype=np.float32)
    columns = [*layout.columns, *filter(None, [layout.dates_column])]
    path = Path(source.name)
    # A name with a dot may be that of a part of another column.
    if source.name == "-" or not path.exists() or any("." in name for name in columns):
        return none
    # Damage is reported by its row when the table is classified.
    with suppress(DataError), translate_errors(source.name):
        return np.concatenate([none, *(to_matrix(as_plain(part), layout) for part in _sample(source, columns, rows))])
    return none


def numbered_series_of(table: pa.Table, layout: Layout, rows: int) -> NDArray[np.float32]:
    """Return the series [N, T] of the same rows of a table in memory; see ``numbered_series``."""
    columns = [*layout.columns, *filter(None, [layout.dates_column])]
    numbers = _numbers(len(table), rows)
    if not len(numbers):
        return np.empty((0, len(layout.dates)), dtype=np.float32)
    return to_matrix(_taken(map(as_plain, table.select(columns).to_batches()), numbers), layout)


def _sample(source: Source, columns: Sequence[str], rows: int) -> list[pa.RecordBatch]:
    path = Path(source.name)
    if source.pick is not None:
        count = source.rows if source.rows is not None else source.rows_estimate
        return list(source.pick(columns, _numbers(count or 0, rows)))
    if source.kind == "parquet":
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
            # Otherwise a table that is not read as it stands.
            return _of_parquet(file, columns, rows) if file.schema_arrow.names == source.schema.names else []
    if source.kind == "ipc" or (source.kind == "folder" and len(columns) < _COLUMNS):
        return [] if source.read_again is None else [_drawn(map(as_plain, source.read_again(columns)), rows)]
    return _of_text(source, rows) if source.kind in _TEXTS else []


def _numbers(count: int, rows: int) -> NDArray[np.intp]:
    """Return the numbers of the rows that are drawn of a table with so many, in order."""
    keys = row_keys(0, min(count, WITHIN))
    return np.sort(np.argpartition(keys, rows)[:rows]) if len(keys) > rows else np.arange(len(keys))


def _drawn(batches: Iterable[pa.RecordBatch], rows: int) -> pa.RecordBatch:
    """Return the rows that are drawn of batches from the beginning of a table; they are read no further than needed."""
    sample: RandomRows[pa.RecordBatch] = RandomRows(rows)
    first = 0
    for batch in batches:
        part = batch.slice(0, WITHIN - first)
        sample.add(part, row_keys(first, part.num_rows))
        first += part.num_rows
        if first == WITHIN:
            break
    return pa.concat_batches(sample.parts())


def _of_parquet(file: pq.ParquetFile, columns: Sequence[str], rows: int) -> list[pa.RecordBatch]:
    numbers = _numbers(file.metadata.num_rows, rows)
    if not len(numbers):
        return []
    arrays: list[pa.Array] = []
    for first in range(0, len(columns), _COLUMNS):
        some = list(columns[first : first + _COLUMNS])
        batch = _taken(file.iter_batches(_ROWS_AT_ONCE, columns=some, use_threads=False), numbers)
        arrays += [batch.column(batch.schema.get_field_index(name)) for name in some]
    return [pa.RecordBatch.from_arrays(arrays, names=list(columns))]


def _taken(batches: Iterable[pa.RecordBatch], numbers: NDArray[np.intp]) -> pa.RecordBatch:
    """Return the rows with these numbers, in order; batches are read no further than needed."""
    parts, first = [], 0
    for batch in batches:
        begin, end = np.searchsorted(numbers, (first, first + batch.num_rows))
        parts.append(batch.take(pa.array(numbers[begin:end] - first)))
        first += batch.num_rows
        if end == len(numbers):
            break
    return pa.concat_batches(parts)


def _of_text(source: Source, rows: int) -> list[pa.RecordBatch]:
    """Draw lines of a text, and parse them alone."""
    from insar_runtime._input.readers.csv_table import open_csv  # noqa: PLC0415 - of texts alone

    with ExitStack() as closing:
        stream, _ = open_text(source, closing)
        header = stream.readline(HEADER_LIMIT)
        if separator_of(header, source.schema.names) is None:
            return []
        drawn = _drawn(_lines(stream), rows).column(0)
        text = b"".join([header, *drawn.to_pylist()])
        table = open_csv(lambda: io.BytesIO(text), io.BytesIO(text), closing, {})
        found = list(table.batches())
        # Cells with line ends are no lines.
        return found if sum(batch.num_rows for batch in found) == len(drawn) else []


def _lines(stream: Any) -> Iterator[pa.RecordBatch]:
    """Return the lines of a text as batches of one column."""
    whole = iter(lambda: stream.readline(HEADER_LIMIT), b"")
    lines = (line for line in whole if len(line) > 2 or line.strip())
    while some := list(islice(lines, _BATCH_ROWS)):
        if not some[-1].endswith(b"\n"):
            some[-1] += b"\n"
        yield pa.RecordBatch.from_arrays([pa.array(some, pa.large_binary())], names=["line"])
