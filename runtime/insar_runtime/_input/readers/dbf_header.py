"""Header of a dBASE table: fields, counts, encoding (dBASE III to V, FoxPro)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.readers.dbf_encoding import named_encoding
from insar_runtime.errors import DataError

_VERSIONS: Final = frozenset({0x02, 0x03, 0x05, 0x30, 0x31, 0x32, 0x83, 0x8B, 0xCB, 0xF5, 0xFB})
"""First bytes of dBASE II+ to V and FoxPro; bit 7 says that there is a memo file."""
_FOXPRO: Final = frozenset({0x30, 0x31, 0x32})
_KNOWN_TYPES: Final = frozenset(b"CNFDLMIBOGPYT@+0VQW")
_FIELD: Final = 32
_END: Final = 0x0D
_MOST_NAME: Final = 10
MOST_HEADER: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class DbfField:
    """A field of a record.

    Attributes
    ----------
    name : str
    kind : str
        Letter of its type.
    offset : int
        Of its first byte in the record, whose byte 0 says whether the record is deleted.
    width, decimals : int
    """

    name: str
    kind: str
    offset: int
    width: int
    decimals: int


@dataclass(frozen=True, slots=True)
class DbfHeader:
    """What the header of a dBASE table says.

    Attributes
    ----------
    records : int
        With those that are deleted.
    begin : int
        Place of the first record.
    width : int
        Bytes of a record.
    fields : tuple of DbfField
    encoding : str
        Of texts, as Python names it.
    is_encoding_named : bool
        Whether the table or its ``.cpg`` file names it.
    is_foxpro : bool
        Whether type B is a number.
    """

    records: int
    begin: int
    width: int
    fields: tuple[DbfField, ...]
    encoding: str
    is_encoding_named: bool
    is_foxpro: bool


def is_dbf(magic: bytes) -> bool:
    """Return whether a file begins like a dBASE table: version, sizes, and a first field of a known type."""
    # Text that begins with 0, 1 or 2 has no zero bytes, which stand in these reserved places.
    if len(magic) < 2 * _FIELD + 1 or magic[0] not in _VERSIONS or any(magic[12:14]) or any(magic[30:32]):
        return False
    begin, width = struct.unpack("<HH", magic[8:12])
    name = magic[_FIELD : _FIELD + 11].partition(b"\0")[0]
    is_named = bool(name) and not any(byte < 0x20 for byte in name)
    return begin > 2 * _FIELD and width > 1 and is_named and magic[_FIELD + 11] in _KNOWN_TYPES


def read_dbf_header(content: bytes, name: str, code_page: str | None, *, unnamed: str = "iso-8859-1") -> DbfHeader:
    """Read the header of a dBASE table.

    Parameters
    ----------
    content : bytes
        The first 64 KiB of the file, or all of it.
    name : str
        Of the file.
    code_page : str or None
        Content of the ``.cpg`` file beside it.
    unnamed : str
        Encoding where none is named; what GDAL takes by default.

    Raises
    ------
    DataError
        It is damaged, or names an encoding that is not known.
    """
    if not is_dbf(content):
        raise DataError(f"{name} is no dBASE table (III to V) by its content: fetch or write it again")
    records, begin, width = struct.unpack("<IHH", content[4:12])
    named = named_encoding(content[29], name, code_page)
    encoding = named or unnamed
    fields, offset, place = list[DbfField](), 1, _FIELD
    while place + _FIELD <= min(begin, len(content)) and content[place] != _END:
        raw = content[place : place + _FIELD]
        text = raw[:11].partition(b"\0")[0].decode(encoding, "replace").strip()
        fields.append(DbfField(text, chr(raw[11]), offset, raw[16], raw[17]))
        offset, place = offset + raw[16], place + _FIELD
    if place >= min(begin, len(content)) or content[place] != _END or offset > width or begin > len(content):
        raise DataError(f"{name}: its header does not hold together: it is damaged or incomplete: fetch it again")
    names = [field.name for field in fields]
    twice = next((text for text in names if not text or names.count(text) > 1), None)
    if twice is not None:
        raise DataError(f"{name}: field '{twice}' occurs twice or has no name: rename or drop one of them")
    return DbfHeader(records, begin, width, tuple(fields), encoding, named is not None, content[0] in _FOXPRO)


def name_cells(content: bytes, count: int) -> NDArray[np.uint8]:
    """Return the bytes of the names of so many fields [count, 10]; the eleventh is the zero that ends a name."""
    fields = np.frombuffer(content, np.uint8, count * _FIELD, _FIELD).reshape(count, _FIELD)
    return fields[:, :_MOST_NAME]
