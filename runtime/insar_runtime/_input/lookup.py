"""One row of a table, by its id or its number, in memory that does not grow with the table."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from insar_runtime._input.cells import as_texts
from insar_runtime._input.error_translation import translate_errors
from insar_runtime._input.locations import locate
from insar_runtime._input.plain_types import as_plain
from insar_runtime._input.source import Source
from insar_runtime._input.store_path import StorePath
from insar_runtime._progress import Progress
from insar_runtime.errors import DataError

_MOST_ROWS: Final = 10
"""Row numbers that are reported if an id occurs several times."""
_MOST_ALIKE: Final = 2000
"""Ids that are compared with one that was not found."""
_MOST_RANKED: Final = 50
_MOST_NAMED: Final = 3
_COLUMNS_AT_ONCE: Final = 16
"""Columns of Parquet that are read together: each holds a page and a dictionary."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was looked for.

    Attributes
    ----------
    record : pyarrow.RecordBatch
        The one row.
    row : int
        Its number in the file, from 0.
    same : tuple of int
        Numbers of all rows that have the same id, the first ten of them. Empty if the row was not looked for by its id.
    count : int
        How many these are in all.
    """

    record: pa.RecordBatch
    row: int
    same: tuple[int, ...]
    count: int


def find_id(
    source: Source, batches: Iterable[pa.RecordBatch], column: str, wanted: str, *, progress: Progress | None = None
) -> Hit:
    """Find the first row with an id, and count all of them: the whole table is read, of Parquet the ids only.

    Parameters
    ----------
    source : Source
        An open table.
    batches : iterable of pyarrow.RecordBatch
        All its rows; not touched for Parquet.
    column : str
        Of the ids, compared as text, with regard to case.
    wanted : str
        The id.
    progress : callable, optional
        Called with the rows read and the rows in all, if that is known.

    Raises
    ------
    DataError
        If no row has it; the message names ids that are alike.
    """
    alone = source.column(column) if _is_plain_parquet(source) else None
    record, same, count, done = None, list[int](), 0, 0
    alike = _Alike(wanted)
    for piece in alone or batches:
        ids = as_texts(piece if alone else piece.column(column))
        hits = np.flatnonzero(pc.fill_null(pc.equal(ids, wanted), False).to_numpy(zero_copy_only=False))
        if len(hits):
            if not count and not alone:
                record = piece.take(pa.array(hits[:1]))
            same += [done + int(hit) for hit in hits[: _MOST_ROWS - len(same)]]
            count += len(hits)
        elif not count:
            alike.add(ids)
        done += len(ids)
        if progress:
            progress(done, source.rows)
    if not count:
        raise DataError(f"id {wanted!r} is not in column '{column}' of {source.name} ({done} rows){alike.advice()}")
    if record is None:
        record = _parquet_row(source, same[0])
    return Hit(record, same[0], tuple(same), count)


def take_row(
    source: Source, batches: Iterable[pa.RecordBatch], number: int, *, progress: Progress | None = None
) -> Hit:
    """Take a row by its number, from 0; no more than what lies before it is read.

    Raises
    ------
    DataError
        If the table has fewer rows.
    """
    is_beyond = source.rows is not None and number >= source.rows
    done = source.rows if is_beyond and source.rows else 0
    if not is_beyond and _is_plain_parquet(source):
        return Hit(_parquet_row(source, number), number, (), 1)
    for batch in () if is_beyond else batches:
        if number < done + batch.num_rows:
            return Hit(batch.take(pa.array([number - done])), number, (), 1)
        done += batch.num_rows
        if progress:
            progress(done, source.rows)
    has = f"rows 0 to {done - 1}" if done else "no rows"
    raise DataError(f"row {number} is not there: {source.name} has {has}; rows count from 0")


class _Alike:
    """Ids that may be what was meant: the same but for case, or the same beginning, end or part; and the first ones."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._half = max((len(wanted) + 1) // 2, 1)
        self._found: list[str] = []

    def add(self, ids: pa.Array) -> None:
        """Take some of the ids of a batch."""
        room = _MOST_ALIKE - len(self._found)
        if room <= 0:
            return
        if not self._found:
            self._found += ids.slice(0, room // 10).drop_null().to_pylist()
        tests = [
            pc.starts_with(ids, self._wanted[: self._half], ignore_case=True),
            pc.ends_with(ids, self._wanted[-self._half :], ignore_case=True),
            pc.match_substring(ids, self._wanted, ignore_case=True),
        ]
        similar = ids.filter(pc.or_(pc.or_(*tests[:2]), tests[2])).drop_null()
        self._found += similar.slice(0, room).to_pylist()

    def advice(self) -> str:
        """Say what may have been meant."""
        # Case is no difference here: what differs in case only is the closest of all.
        by_fold = {text.casefold(): text for text in reversed(self._found)}
        wanted = self._wanted.casefold()

        def likeness(text: str) -> tuple[float, int]:
            # Of two that are as much alike, the one that begins as it should.
            begins = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, wanted, strict=False)))
            return difflib.SequenceMatcher(None, text, wanted).ratio(), begins

        close = sorted(difflib.get_close_matches(wanted, list(by_fold), n=_MOST_RANKED), key=likeness, reverse=True)
        if close:
            return ": did you mean " + " or ".join(repr(by_fold[text]) for text in close[:_MOST_NAMED]) + "?"
        example = f", such as {self._found[0]!r}" if self._found else ""
        return f": give one of its ids{example}, or --row"


def _parquet_row(source: Source, number: int) -> pa.RecordBatch:
    """Read one row of a Parquet file: its row group, a few columns at a time, in batches."""

    def read(rows: int, threads: int) -> Iterator[pa.RecordBatch]:
        del threads
        with pq.ParquetFile(source.name, pre_buffer=False, page_checksum_verification=True) as file:
            yield _row_of(file, number, rows)

    return next(replace(source, read=read).batches())


def _row_of(file: pq.ParquetFile, number: int, rows: int) -> pa.RecordBatch:
    group, offset = 0, number
    while offset >= (size := file.metadata.row_group(group).num_rows):
        group, offset = group + 1, offset - size
    names, columns = file.schema_arrow.names, list[pa.Array]()
    for first in range(0, len(names), _COLUMNS_AT_ONCE):
        some = names[first : first + _COLUMNS_AT_ONCE]
        done = 0
        for batch in file.iter_batches(rows, row_groups=[group], columns=some, use_threads=False):
            if offset < done + batch.num_rows:
                part = as_plain(batch)
                columns += [part.column(name).take(pa.array([offset - done])) for name in some]
                break
            done += batch.num_rows
    return pa.RecordBatch.from_arrays(columns, names)


def _is_plain_parquet(source: Source) -> bool:
    """Whether the rows of a table are those of a Parquet file, so that some columns, or one row, can be read alone."""
    if source.kind != "parquet" or isinstance(locate(source.name), StorePath):
        return False
    with translate_errors(source.name):
        return bool(pq.read_schema(source.name).names == source.schema.names)
