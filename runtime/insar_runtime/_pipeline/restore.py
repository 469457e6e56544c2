"""Restore a corrected table: the input as it was, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from insar_runtime._input.column_types import is_list, is_text
from insar_runtime._input.error_translation import translate_errors
from insar_runtime._input.locations import locate, refuse_irregular
from insar_runtime._input.readers.ipc_table import open_ipc_path
from insar_runtime._input.store_path import StorePath
from insar_runtime._log import logger
from insar_runtime._output.output_checks import check_output, refuse_input
from insar_runtime._output.run_metadata import block_beside, read_block
from insar_runtime._output.sinks import format_of, open_table
from insar_runtime._pipeline.corrected import ORIGINAL, check_csv, read_schema
from insar_runtime._pipeline.series_columns import with_rows
from insar_runtime._printable import printable
from insar_runtime.errors import DataError, InsarRuntimeError, UsageError

_BATCH_ROWS: Final = 8192
_SEPARATOR: Final = ";"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Attributes
    ----------
    input, output : str
    rows : int
        Rows of the table.
    restored : int
        Those of them whose series were changed back.
    """

    input: str
    output: str
    rows: int
    restored: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def restore(source: str | Path, output: str | Path, *, overwrite: bool = False) -> Restored:
    """Undo a correction.

    Parameters
    ----------
    source : str or Path
        Corrected table, as ``insar-rt classify --corrected-out`` has written it: Parquet, Arrow, or CSV with its
        ``.json`` beside it. Its rows may have been filtered or put into another order, its columns may not.
    output : str or Path
        File to write: Parquet, CSV or Arrow IPC by its extension. Parquet and Arrow hold the table that was corrected
        to the last bit: columns, types, nulls, metadata.
    overwrite : bool
        Whether a file of this name may be replaced.

    Returns
    -------
    Restored

    Raises
    ------
    DataError
        If the file is no corrected table, or was changed by others such that its metadata are lost.
    InsarRuntimeError
        Another one of its family; the output is then what it was before.
    """
    source, output = locate(source), locate(output, output=True)
    if isinstance(source, StorePath):
        raise UsageError(f"{source} is in a store, and restore reads files of this machine; fetch it first")
    magic = _first_bytes(source)
    if format_of(output) == "gpkg":
        raise UsageError(f"output {output} is a GeoPackage; name a .parquet, .csv or .arrow file")
    refuse_input(output, [source])
    check_output(output, overwrite=overwrite)
    if block_beside(source).exists():
        _first_bytes(block_beside(source))
    try:
        schema, series = read_schema(read_block(source) or {})
    except (KeyError, ValueError, pa.ArrowException) as error:
        raise DataError(
            f"{source} does not say what was corrected in it: give a file that classify --corrected-out has written, "
            "a CSV together with its .json"
        ) from error
    if format_of(output) == "csv":
        check_csv(schema)
    rows = restored = 0
    with ExitStack() as closing:
        sink = closing.enter_context(open_table(output, schema, dict, overwrite=overwrite, block=False))
        with translate_errors(str(source)):
            batches = _open(source, magic, schema, series, closing)
        for batch in _guarded(batches, str(source)):
            with _not_as_stated(source):
                back, changed = _undo(batch, schema, series)
            sink.write(back)
            rows, restored = rows + back.num_rows, restored + changed
    done = (printable(str(source)), rows, restored, printable(str(output)))
    logger().info("%s: %d rows, %d of them restored; written to %s", *done)
    return Restored(str(source), str(output), rows, restored)


def _guarded(batches: Iterator[pa.RecordBatch], name: str) -> Iterator[pa.RecordBatch]:
    with translate_errors(name, is_open=True):
        yield from batches


@contextmanager
def _not_as_stated(source: Path) -> Iterator[None]:
    """Translate errors of columns that are not what the metadata say of them."""
    try:
        yield
    except (pa.ArrowException, IndexError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, InsarRuntimeError):
            raise
        raise DataError(
            f"{source}: its columns are not those that its metadata describe ({' '.join(str(error).split())}): give "
            "the file as classify --corrected-out has written it"
        ) from error


def _first_bytes(path: Path) -> bytes:
    """Return the first bytes of a file, by which its container is known; an error if it cannot be read."""
    refuse_irregular(path)
    with translate_errors(str(path)), path.open("rb") as file:
        return file.read(8)


def _open(
    path: Path, magic: bytes, schema: pa.Schema, series: Sequence[str], closing: ExitStack
) -> Iterator[pa.RecordBatch]:
    if magic.startswith(b"PAR1"):
        parquet = closing.enter_context(pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True))
        return iter(parquet.iter_batches(_BATCH_ROWS, use_threads=False))
    if magic.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return open_ipc_path(path, closing).batches()
    types = {field.name: _text_type(field, series) for field in schema} | {ORIGINAL: pa.string()}
    reader = pacsv.open_csv(
        str(path),
        pacsv.ReadOptions(use_threads=False),
        pacsv.ParseOptions(newlines_in_values=True),
        pacsv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return iter(closing.enter_context(reader))


def _text_type(field: pa.Field, series: Sequence[str]) -> pa.DataType:
    """Return the type that a column of a corrected CSV has."""
    if field.name in series and pa.types.is_integer(field.type):
        return pa.float64()
    return field.type.value_type if pa.types.is_dictionary(field.type) else field.type


def _undo(batch: pa.RecordBatch, schema: pa.Schema, series: Sequence[str]) -> tuple[pa.RecordBatch, int]:
    missing = [name for name in (*schema.names, ORIGINAL) if name not in batch.schema.names]
    if missing:
        raise DataError(f"the corrected table lacks column '{missing[0]}': give it with all columns that it had")
    kept = batch.column(batch.schema.get_field_index(ORIGINAL))
    if is_text(kept.type):
        kept = _parsed(kept, schema.field(series[0]).type, {schema.field(name).type for name in series})
    if not is_list(kept.type):
        raise TypeError(f"{ORIGINAL} is of type {kept.type}")
    rows = np.flatnonzero(kept.is_valid().to_numpy(zero_copy_only=False))
    kept = kept.take(pa.array(rows))
    values, lengths = kept.flatten(), pc.list_value_length(kept)
    columns = []
    for field in schema:
        column = batch.column(batch.schema.get_field_index(field.name))
        if column.type != field.type:
            # Whole numbers that were corrected are no whole numbers until the values before are back.
            column = column.cast(field.type, safe=field.name not in series)
        if field.name in series:
            _refuse_other_lengths(lengths, field, column, rows, len(series))
        if field.name in series and not pa.types.is_null(field.type):
            mine = values
            if not is_list(field.type):
                mine = values.take(pa.array(np.arange(len(rows)) * len(series) + series.index(field.name)))
            items = field.type.value_type if is_list(field.type) else field.type
            column = with_rows(column, rows, mine.cast(items))
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema), len(rows)


def _refuse_other_lengths(
    lengths: pa.Array, field: pa.Field, column: pa.Array, rows: npt.NDArray[np.intp], series: int
) -> None:
    """Refuse rows that keep another number of values than they have."""
    wanted = pc.list_value_length(column.take(pa.array(rows))) if is_list(field.type) else series
    same = pc.fill_null(pc.equal(lengths, pc.cast(wanted, lengths.type)), False)
    if not pc.all(same, min_count=0).as_py():
        raise ValueError(f"{ORIGINAL} keeps another number of values than a row has")


def _parsed(texts: pa.Array, first: pa.DataType, types: set[pa.DataType]) -> pa.Array:
    """Read numbers that are joined in text."""
    item = first if len(types) == 1 else pa.float64()
    lists = pc.split_pattern(texts, _SEPARATOR)
    items = pc.if_else(pc.equal(lists.values, ""), pa.scalar(None, pa.string()), lists.values).cast(item)
    offsets = lists.offsets
    return pa.ListArray.from_arrays(offsets, items, mask=texts.is_null())
