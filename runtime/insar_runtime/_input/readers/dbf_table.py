"""dBASE tables as a stream of record batches, in bounded memory: records of a fixed width, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.column_roles import NUMERIC_NAMES
from insar_runtime._input.dates.date_columns import ID_ALIASES
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.readers.dbf_cells import read_binary, read_dates, read_texts, read_truths
from insar_runtime._input.readers.dbf_encoding import Utf8Check
from insar_runtime._input.readers.dbf_header import MOST_HEADER, DbfField, DbfHeader, name_cells, read_dbf_header
from insar_runtime._input.readers.dbf_numbers import NumberParser, is_number_text
from insar_runtime.errors import DataError

_BLOCK: Final = 4 << 20
_DELETED: Final = 0x2A
_MOST_WHOLE: Final = 18
"""Digits of whole numbers that fit 64 bits."""
_BINARY_WIDTHS: Final = {"I": 4, "+": 4, "O": 8, "B": 8, "Y": 8, "T": 8, "@": 8}
_BINARY_TYPES: Final = {"I": pa.int32(), "+": pa.int32(), "T": pa.timestamp("ms"), "@": pa.timestamp("ms")}
_LOOK: Final = 8192
"""Records by which it is decided whether a field of text holds numbers."""
HELD_BYTES: Final = 12 * _BLOCK
"""A block as bytes, as text, and as doubles, with what pyarrow's reader of CSV takes."""

Block = tuple[int, NDArray[np.uint8], NDArray[np.bool_]]
"""Number of the first record, records [N, width], and which of them are not deleted [N]."""


@dataclass(frozen=True, slots=True)
class DbfTable:
    """An open dBASE table.

    Attributes
    ----------
    name : str
    header : DbfHeader
    schema : pyarrow.Schema
        Dates are float32, other numbers int64 or float64, texts string.
    search : DateSearch
        What was found among the names of the fields.
    deleted : int
        Records that are marked as deleted, which are no rows.
    notes : tuple of str
        What a person should know about the reading.
    """

    name: str
    header: DbfHeader
    schema: pa.Schema
    search: DateSearch
    deleted: int
    notes: tuple[str, ...]
    _fields: dict[str, DbfField]
    _reopen: Callable[[], Any]

    @property
    def rows(self) -> int:
        """Records that are not deleted."""
        return self.header.records - self.deleted

    def blocks(self, first: int = 0, count: int | None = None) -> Iterator[Block]:
        """Return the records in file order, those that are deleted as well, in blocks.

        Parameters
        ----------
        first : int
            Record to begin with; only a file can begin with another one than the first.
        count : int, optional
            Most records.

        Raises
        ------
        DataError
            While iterating: the end of the file is missing.
        """
        left = self.header.records - first if count is None else min(count, self.header.records - first)
        with ExitStack() as closing:
            stream = closing.enter_context(self._reopen())
            yield from _blocks(stream, self.header, self.name, first, left)

    def columns(self, records: NDArray[np.uint8], names: Sequence[str]) -> list[pa.Array]:
        """Return the columns of records [N, width] that are not deleted.

        Raises
        ------
        DataError
            A cell is not of its type, or not in the encoding of the table.
        """
        numbers = [name for name in names if self._is_text_number(name)]
        fields = [self._fields[name] for name in numbers]
        types = [pa.int64() if pa.types.is_int64(self.schema.field(n).type) else pa.float64() for n in numbers]
        arrays = dict(zip(numbers, NumberParser(fields, types, self.name).parse(records), strict=True))
        for name in names:
            if name not in arrays:
                arrays[name] = self._read_field(records, self._fields[name])
        # Read as double and then rounded, as in a CSV: the same bits from both.
        return [
            arrays[name] if arrays[name].type == data_type else arrays[name].cast(data_type, safe=False)
            for name, data_type in ((name, self.schema.field(name).type) for name in names)
        ]

    def _is_text_number(self, name: str) -> bool:
        data_type = self.schema.field(name).type
        is_number = pa.types.is_integer(data_type) or pa.types.is_floating(data_type)
        return is_number and self._fields[name].kind in "NFC"

    def _read_field(self, records: NDArray[np.uint8], field: DbfField) -> pa.Array:
        cells = records[:, field.offset : field.offset + field.width]
        if field.kind == "D":
            return read_dates(cells)
        if field.kind == "L":
            return read_truths(cells)
        if field.kind in _BINARY_WIDTHS:
            return read_binary(cells, field.kind)
        return read_texts(cells, self.header.encoding, self.name, field.name)


def open_dbf_table(
    reopen: Callable[[], Any], size: int, name: str, code_page: str | None, date_format: str | None
) -> DbfTable:
    """Read the header of a table, look at its first records, and count those that are deleted.

    Parameters
    ----------
    reopen : callable
        Opens the bytes from their beginning.
    size : int
        Bytes in all.
    name : str
        Of the file.
    code_page : str or None
        Content of the ``.cpg`` file beside it.
    date_format : str, optional
        Spelling of dates that the user named.

    Raises
    ------
    DataError
        It is damaged or cut, or names an unknown encoding.
    """
    with reopen() as stream:
        beginning = stream.read(MOST_HEADER)
    header = read_dbf_header(beginning, name, code_page)
    if header.begin + header.records * header.width > size:
        has = max(size - header.begin, 0) // header.width
        raise DataError(f"{name} has {has} of its {header.records} records: its end is missing: fetch it again")
    look = _look_through(reopen, header, name, beginning)
    if look.is_utf8:
        header = read_dbf_header(beginning, name, code_page, unnamed="utf-8")
    known = {field.name: field for field in header.fields if _is_read(field, header)}
    search = DateSearch.among(known, date_format)
    _refuse_lost_dates(name, header, known, date_format)
    deleted, first = look.deleted, look.first
    types = {text: _type_of(field, frozenset(search.names), first) for text, field in known.items()}
    notes = []
    if deleted:
        notes.append(f"{deleted} of {header.records} records of {name} are marked as deleted and were left out")
    others = [field.name for field in header.fields if field.name not in known and field.kind != "0"]
    if others:
        notes.append(f"fields of {name} that are memos or of an unknown type were left out: {', '.join(others[:5])}")
    return DbfTable(name, header, pa.schema(list(types.items())), search, deleted, tuple(notes), known, reopen)


def _blocks(stream: Any, header: DbfHeader, name: str, first: int, left: int) -> Iterator[Block]:
    if first:
        stream.seek(header.begin + first * header.width)
    else:
        stream.read(header.begin)
    step = max(_BLOCK // header.width, 1)
    while left > 0:
        count = min(step, left)
        data = stream.read(count * header.width)
        if len(data) < count * header.width:
            raise DataError(f"{name}: its end is missing: fetch or write it again")
        records = np.frombuffer(data, np.uint8).reshape(count, header.width)
        yield first, records, records[:, 0] != _DELETED
        first, left = first + count, left - count


@dataclass(frozen=True, slots=True)
class _Look:
    """What one way through all records has found: deleted ones, the first that are not, and the encoding of texts."""

    deleted: int
    first: NDArray[np.uint8]
    is_utf8: bool


def _look_through(reopen: Callable[[], Any], header: DbfHeader, name: str, beginning: bytes) -> _Look:
    """Read all records once. The encoding is looked for only where none is named."""
    deleted, first, check = 0, np.empty((0, header.width), np.uint8), Utf8Check()
    texts = [] if header.is_encoding_named else [field for field in header.fields if field.kind == "C" and field.width]
    if not header.is_encoding_named:
        check.add(name_cells(beginning, len(header.fields)))
    with reopen() as stream:
        for _, records, alive in _blocks(stream, header, name, 0, header.records):
            deleted += len(alive) - int(np.count_nonzero(alive))
            if not len(first):
                first = records[alive][:_LOOK]
            for field in texts:
                check.add(records[:, field.offset : field.offset + field.width][alive])
    return _Look(deleted, first, check.is_utf8)


def _refuse_lost_dates(name: str, header: DbfHeader, known: Mapping[str, DbfField], date_format: str | None) -> None:
    """Refuse a table with a date of its series in a field that is not read: nobody would miss it in the output."""
    fields = {field.name: field for field in header.fields}
    if len(known) == len(fields):
        return
    lost = [text for text in DateSearch.among(fields, date_format).names if text not in known]
    if lost:
        field = fields[lost[0]]
        raise DataError(
            f"{name}: field '{field.name}' is a date of the series by its name, but of type {field.kind!a} with "
            f"{field.width} bytes, which holds no number: fetch or write it again, or drop the field"
        )


def _is_read(field: DbfField, header: DbfHeader) -> bool:
    if field.kind == "D":
        return field.width >= 8
    if field.kind == "B" and not header.is_foxpro:
        return False
    if field.kind in _BINARY_WIDTHS:
        return field.width == _BINARY_WIDTHS[field.kind]
    return field.kind in "CNFL" and field.width > 0


def _type_of(field: DbfField, dates: frozenset[str], first: NDArray[np.uint8]) -> pa.DataType:
    """Return the type of a field; a text is a number if its name says so and its first cells are."""
    if field.kind == "D":
        return pa.date32()
    if field.kind == "L":
        return pa.bool_()
    lower = field.name.lower()
    is_number = field.kind != "C"
    if field.kind == "C" and (field.name in dates or (lower in NUMERIC_NAMES and lower not in ID_ALIASES)):
        is_number = is_number_text(first, field)
    if not is_number:
        return pa.string()
    if field.name in dates and field.kind not in "T@":
        return pa.float32()
    if field.kind in _BINARY_WIDTHS:
        return _BINARY_TYPES.get(field.kind, pa.float64())
    if field.kind == "C" or field.decimals or lower in NUMERIC_NAMES:
        return pa.float64()
    if field.width <= _MOST_WHOLE:
        return pa.int64()
    return pa.string()
