"""The first rows of a table, by which its columns, dates and units are described, and the stream of all its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from insar_runtime._input.batches import chain_head
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.layout import Layout, resolve_layout
from insar_runtime._input.origin import Origin
from insar_runtime._input.plain_types import as_plain, plain_schema
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
    """

    schema: pa.Schema
    rows: pa.RecordBatch | None
    batches: Iterator[pa.RecordBatch]
    origin: Origin | None = None
    search: DateSearch | None = None

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
            self.schema, self.rows, declared, any_axis=any_axis, origin=self.origin, search=self.search
        )


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
