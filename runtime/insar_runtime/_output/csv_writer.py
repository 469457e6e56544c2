"""CSV (RFC 4180, UTF-8), with the metadata of the run in a ``.json`` beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from insar_runtime._output.atomic import check_count, flush_and_close, let_go
from insar_runtime._output.flatten import flatten, without_nan
from insar_runtime._output.geometry import Geometry, points_of
from insar_runtime._output.run_metadata import METADATA_KEY

_FORMULA: Final = "^[=+@\t\r-]"
_NUMBER: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBERS: Final = f"^{_NUMBER}(?:;(?:{_NUMBER})?)*$"
"""A number, or the numbers of a list, as text."""


class CsvWriter:
    """Writes text as rows come: numbers in the fewest digits that give them back, nothing for a missing value.

    A position that stands in the table's own columns is not repeated; a geometry of the input's becomes well-known
    text. Lists are joined by ``;``, kept series in lists become a column a date.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
        Of the batches.
    safe : bool
        Whether text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return, and is not a number, gets
        an apostrophe in front, names of columns too: spreadsheets take it for a formula (CWE-1236).
    """

    def __init__(self, path: Path, schema: pa.Schema, *, safe: bool = False) -> None:
        self._path = path
        self._safe = safe
        self._plan = flatten(schema, plotted_names=False)
        self._geometry = self._plan.geometry if not _has_position(schema) else None
        fields = [(field.name, _text_type(field.type)) for field in self._plan.fields]
        if self._geometry:
            fields.append((self._geometry.column, pa.string()))
        if safe:
            names = _without_formulas(pa.array([name for name, _ in fields], pa.string())).to_pylist()
            fields = [(name, kind) for name, (_, kind) in zip(names, fields, strict=True)]
        self._schema = pa.schema(fields)
        self._file = path.open("wb")
        self._writer = pacsv.CSVWriter(self._file, self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        columns = [_text(without_nan(field.read(batch))) for field in self._plan.fields]
        if self._geometry:
            columns.append(_well_known_text(batch, self._geometry))
        if self._safe:
            columns = [_without_formulas(column) for column in columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self, metadata: Mapping[str, str]) -> None:  # noqa: ARG002  # they go beside the file
        """End the file."""
        self._writer.close()
        written = self._file.tell()
        flush_and_close(self._file)
        check_count(self._path.stat().st_size, written, "bytes")

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        let_go(self._writer, self._file)


def _has_position(schema: pa.Schema) -> bool:
    try:
        return bool(json.loads(schema.metadata[METADATA_KEY.encode()])["input"]["position"])
    except (KeyError, ValueError, TypeError, RecursionError):
        return False


def _text_type(data_type: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_binary(data_type) else data_type


def _text(column: pa.Array) -> pa.Array:
    if not pa.types.is_binary(column.type):
        return column
    return pa.array([None if value is None else value.hex() for value in column.to_pylist()], pa.string())


def _without_formulas(column: pa.Array) -> pa.Array:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    if not pa.types.is_string(column.type):
        return column
    formula = pc.and_not(pc.match_substring_regex(column, _FORMULA), pc.match_substring_regex(column, _NUMBERS))
    return pc.if_else(formula, pc.binary_join_element_wise("'", column, ""), column)


def _well_known_text(batch: pa.RecordBatch, geometry: Geometry) -> pa.Array:
    points = points_of(batch, geometry).tolist()
    return pa.array([None if np.isnan(x) or np.isnan(y) else f"POINT ({x!r} {y!r})" for x, y in points], pa.string())
