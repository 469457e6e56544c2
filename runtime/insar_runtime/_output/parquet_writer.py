"""Parquet files, GeoParquet 1.1 where the schema has geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from insar_runtime._input.column_types import is_list
from insar_runtime._input.dates.date_columns import find_date_columns
from insar_runtime._output.atomic import check_count, flush_and_close, let_go
from insar_runtime.errors import DataError

_ROW_GROUP_ROWS: Final = 65_536
WAITING_SERIES_BYTES: Final = 64 << 20
"""A row group is written when it has this many rows, or holds this much in memory (kept series)."""


class ParquetWriter:
    """Gathers batches into row groups, because each write call makes one."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        # Probabilities hardly repeat: a dictionary makes them slower and larger. Series of one decimal do.
        dictionaries = [field.name for field in schema if not pa.types.is_floating(field.type)]
        dictionaries += [f"{field.name}.list.element" for field in schema if is_list(field.type)]
        dictionaries += _dates(schema)
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(
            self._file, schema, compression="zstd", use_dictionary=dictionaries, write_page_checksum=True
        )
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = self._waiting_bytes = self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        self._rows += batch.num_rows
        if self._waiting_rows >= _ROW_GROUP_ROWS or self._waiting_bytes >= WAITING_SERIES_BYTES:
            self._write_group()

    def close(self, metadata: Mapping[str, str]) -> None:
        """Write the last group and the footer."""
        self._write_group()
        self._writer.add_key_value_metadata(dict(metadata))
        self._writer.close()
        flush_and_close(self._file)
        # By an open file, as names need not be UTF-8.
        with self._path.open("rb") as written:
            check_count(pq.read_metadata(written).num_rows, self._rows)

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        let_go(self._writer, self._file)

    def _write_group(self) -> None:
        if self._waiting_rows:
            batches = [_with_empty_nulls(batch) for batch in self._waiting]
            for batch in batches:
                _refuse_far_times(batch)
            table = pa.Table.from_batches(batches, schema=self._schema)
            self._writer.write_table(table, row_group_size=self._waiting_rows)
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0


def _with_empty_nulls(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch in which no list that is null has values behind it: pyarrow 22 refuses to write them."""
    for place, column in enumerate(batch.columns):
        if not isinstance(column, (pa.ListArray, pa.LargeListArray)) or not column.null_count:
            continue
        lengths = np.diff(column.offsets.to_numpy())
        if lengths[column.is_null().to_numpy(zero_copy_only=False)].any():
            batch = batch.set_column(place, batch.schema.field(place), column.take(pa.array(np.arange(len(column)))))
    return batch


def _refuse_far_times(batch: pa.RecordBatch) -> None:
    """Raise ``pyarrow.ArrowInvalid`` for seconds that are no milliseconds, as which Parquet has them.

    pyarrow 22 writes another time in their place.
    """
    for column in batch.columns:
        if pa.types.is_timestamp(column.type) and column.type.unit == "s":
            column.cast(pa.timestamp("ms", column.type.tz))


def _dates(schema: pa.Schema) -> Sequence[str]:
    """Return the columns of series with one column per date."""
    try:
        return find_date_columns(schema.names).names
    except DataError:
        return ()
