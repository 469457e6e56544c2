"""Numbers of a dBASE table, which are text of a fixed width: parsed by the CSV reader of pyarrow, many at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from insar_runtime._input.readers.dbf_encoding import blank_behind_zero
from insar_runtime._input.readers.dbf_header import DbfField
from insar_runtime.errors import DataError

_BLANK: Final = 0x20
_STAR: Final = 0x2A
"""A number that did not fit its field, or none: GDAL and ESRI write stars for both."""
_SEPARATOR: Final = "\x1f"
_INVALID: Final = re.compile(r"In CSV column #(\d+): .*invalid value '(.*)'", re.DOTALL)
_MOST_SHOWN: Final = 40


class NumberParser:
    """Parse some fields of records.

    Parameters
    ----------
    fields : sequence of DbfField
        Whose bytes are text.
    types : sequence of pyarrow.DataType
        int64 or float64, one for each.
    name : str
        Of the file, for messages.
    """

    def __init__(self, fields: Sequence[DbfField], types: Sequence[pa.DataType], name: str) -> None:
        self._fields = tuple(fields)
        self._types = {str(number): data_type for number, data_type in enumerate(types)}
        self._name = name
        self._runs = _runs(self._fields)
        self._line = sum(field.width + 1 for field in self._fields)
        widths = {field.width for field in self._fields}
        self._nulls = ["", *(" " * width for width in sorted(widths))]

    def parse(self, records: NDArray[np.uint8]) -> list[pa.Array]:
        """Return the values of the fields; null where a field is blank or holds stars.

        Parameters
        ----------
        records : ndarray of uint8, shape [N, width]
            Whole records, N > 0.

        Raises
        ------
        DataError
            A field holds no number.
        """
        if not self._fields:
            return []
        data = self._as_text(records)
        try:
            return self._read(data, self._types)
        except pa.ArrowInvalid as error:
            return self._read_leniently(data, error)

    def _as_text(self, records: NDArray[np.uint8]) -> bytes:
        """Return the fields as lines with separators."""
        rows = len(records)
        text = np.empty((rows, self._line), np.uint8)
        place, blocks = 0, []
        for offset, width, count in self._runs:
            block = text[:, place : place + count * (width + 1)].reshape(rows, count, width + 1)
            block[:, :, :width] = records[:, offset : offset + count * width].reshape(rows, count, width)
            block[:, :, width] = ord(_SEPARATOR)
            blocks.append(block[:, :, :width])
            place += count * (width + 1)
        text[:, -1] = ord("\n")
        data = text.tobytes()
        if b"\0" in data:
            for block in blocks:
                block[:] = blank_behind_zero(block)
            data = text.tobytes()
        if b"*" in data:
            for block in blocks:
                block[(block == _STAR).any(axis=2)] = _BLANK
            data = text.tobytes()
        marks = data.count(_SEPARATOR.encode()), data.count(b"\n"), data.count(b"\r")
        if marks != (rows * (len(self._fields) - 1), rows, 0):
            raise DataError(f"{self._name}: a number holds a control character: it is damaged: fetch or write it again")
        return data

    def _read(self, data: bytes, types: dict[str, pa.DataType]) -> list[pa.Array]:
        table = pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(column_names=list(types), use_threads=False, block_size=len(data) + 1),
            pacsv.ParseOptions(delimiter=_SEPARATOR, quote_char=False, ignore_empty_lines=False),
            pacsv.ConvertOptions(column_types=types, null_values=self._nulls),
        )
        return [column.combine_chunks() for column in table.columns]

    def _read_leniently(self, data: bytes, error: pa.ArrowInvalid) -> list[pa.Array]:
        """Read whole numbers that are written with decimals (``12.`` or ``1e3``); DataError for others."""
        whole = {name for name, data_type in self._types.items() if pa.types.is_integer(data_type)}
        try:
            if not whole:
                raise error
            arrays = self._read(data, dict.fromkeys(self._types, pa.float64()))
            return [
                array.cast(pa.int64()) if name in whole else array
                for name, array in zip(self._types, arrays, strict=True)
            ]
        except pa.ArrowInvalid as wrong:
            found = _INVALID.search(str(wrong)) or _INVALID.search(str(error))
            if found is None:
                raise DataError(f"{self._name}: {' '.join(str(wrong).split())}: correct the cell") from wrong
            name, value = self._fields[int(found[1])].name, found[2].strip()[:_MOST_SHOWN]
            raise DataError(
                f"{self._name}: field '{name}' holds '{value}', which is no number of its type: correct the cell or "
                "leave it empty"
            ) from wrong


def is_number_text(records: NDArray[np.uint8], field: DbfField) -> bool:
    """Return whether a field of text holds numbers, and at least one, in these records."""
    try:
        (array,) = NumberParser([field], [pa.float64()], "").parse(records) if len(records) else [pa.nulls(0)]
    except DataError:
        return False
    return bool(array.null_count < len(array))


def _runs(fields: Sequence[DbfField]) -> list[tuple[int, int, int]]:
    """Return the offset, width and number of fields that follow one another and are as wide."""
    runs: list[tuple[int, int, int]] = []
    for field in fields:
        if runs:
            offset, width, count = runs[-1]
            if field.width == width and field.offset == offset + width * count:
                runs[-1] = (offset, width, count + 1)
                continue
        runs.append((field.offset, field.width, 1))
    return runs
