"""The first rows of a table, by which its columns, dates and units are described, and the stream of all its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.batches import chain_head
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.layout import Layout, resolve_layout
from insar_runtime._input.numbered_rows import numbered_series
from insar_runtime._input.origin import Origin
from insar_runtime._input.plain_types import as_plain, plain_schema
from insar_runtime._input.source import BATCH_ROWS, Source
from insar_runtime._input.table import TableDescription, as_first, describe_table

HEAD_ROWS: Final = 8192
"""Rows that are gathered before a table is described, so that the description does not depend on how the rows are cut
into batches."""


@dataclass(slots=True)
class TableHead:
    """The head of a table; everything that opens a table prepares it by one of these.

    Attributes
    ----------
    schema : pyarrow.Schema
        Of the table.
    rows : pyarrow.RecordBatch or None
        The first rows, no more than needed; None if there are none.
    batches : iterator of pyarrow.RecordBatch
        All rows, those of the head first.
    origin : Origin or None
        Where the table comes from.
    search : DateSearch or None
        What was found when the names of the columns were searched for dates; None if they were not.
    sample : callable or None
        Returns the series of so many rows of the whole table by its layout, or of none; None for a stream.
    """

    schema: pa.Schema
    rows: pa.RecordBatch | None
    batches: Iterator[pa.RecordBatch]
    origin: Origin | None = None
    search: DateSearch | None = None
    sample: Callable[[Layout, int], NDArray[np.float32]] | None = None

    def layout(self, declared: UserDeclarations) -> Layout:
        """Return the meaning of the columns.

        Raises
        ------
        DataError
            If the table has no series.
        """
        return resolve_layout(
            self.schema,
            self.rows,
            overrides=declared.columns,
            date_format=declared.date_format,
            origin=self.origin,
            search=self.search,
        )

    def describe(self, declared: UserDeclarations, *, any_axis: bool = False) -> TableDescription:
        """Return the description of the table; see ``describe_table``.

        Raises
        ------
        DataError
            If the table cannot be read as series.
        """
        return describe_table(
            self.schema,
            self.rows,
            declared,
            any_axis=any_axis,
            origin=self.origin,
            search=self.search,
            # Shorter ones are the whole table.
            sample=self.sample if self.rows is not None and self.rows.num_rows == HEAD_ROWS else None,
        )


def head_of(source: Source, rows: int = BATCH_ROWS, threads: int = 1) -> TableHead:
    """Read the head of an open table, in batches of at most so many rows that so many threads decode."""
    head = read_head(source.batches(rows, threads), source.schema, source.origin, source.search)
    head.sample = partial(numbered_series, source)
    return head


def read_head(
    stream: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    origin: Origin | None = None,
    search: DateSearch | None = None,
) -> TableHead:
    """Take batches from a stream until there are rows enough to describe the table.

    Parameters
    ----------
    stream : iterator of pyarrow.RecordBatch
        Is read further by ``TableHead.batches``.
    schema : pyarrow.Schema
        Of the table.
    origin : Origin, optional
        Where the table comes from.
    search : DateSearch, optional
        What was found when the names of the columns were searched for dates.
    """
    taken: list[pa.RecordBatch] = []
    count = 0
    stream = map(as_plain, stream)
    while count < HEAD_ROWS and (batch := next(stream, None)) is not None:
        taken.append(batch)
        count += batch.num_rows
    rows = None
    if count:
        rows = pa.concat_batches([as_first(batch, taken[0].schema) for batch in taken]).slice(0, HEAD_ROWS)
    return TableHead(plain_schema(schema), rows, chain_head(taken, stream), origin, search)
