"""Header of a dBASE table: fields, counts, encoding (dBASE III to V, FoxPro)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

from insar_runtime.errors import DataError

_VERSIONS: Final = frozenset({0x02, 0x03, 0x05, 0x30, 0x31, 0x32, 0x83, 0x8B, 0xCB, 0xF5, 0xFB})
"""First bytes of dBASE II+ to V and FoxPro; bit 7 says that there is a memo file."""
_FOXPRO: Final = frozenset({0x30, 0x31, 0x32})
_KNOWN_TYPES: Final = frozenset(b"CNFDLMIBOGPYT@+0VQW")
_FIELD: Final = 32
_END: Final = 0x0D
MOST_HEADER: Final = 1 << 16
_LANGUAGES: Final = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x04: "mac-roman", 0x08: "cp865", 0x09: "cp437", 0x0A: "cp850",
    0x0B: "cp437", 0x0D: "cp437", 0x0E: "cp850", 0x0F: "cp437", 0x10: "cp850", 0x11: "cp437", 0x12: "cp850",
    0x13: "cp932", 0x14: "cp850", 0x15: "cp437", 0x16: "cp850", 0x17: "cp865", 0x18: "cp437", 0x19: "cp437",
    0x1A: "cp850", 0x1B: "cp437", 0x1C: "cp863", 0x1D: "cp850", 0x1F: "cp852", 0x22: "cp852", 0x23: "cp852",
    0x24: "cp860", 0x25: "cp850", 0x26: "cp866", 0x37: "cp850", 0x40: "cp852", 0x4D: "cp936", 0x4E: "cp949",
    0x4F: "cp950", 0x50: "cp874", 0x57: "cp1252", 0x58: "cp1252", 0x59: "cp1252", 0x64: "cp852", 0x65: "cp866",
    0x66: "cp865", 0x67: "cp861", 0x6A: "cp737", 0x6B: "cp857", 0x6C: "cp863", 0x78: "cp950", 0x79: "cp949",
    0x7A: "cp936", 0x7B: "cp932", 0x7C: "cp874", 0x86: "cp737", 0x87: "cp852", 0x88: "cp857", 0xC8: "cp1250",
    0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253", 0xCC: "cp1257",
}  # fmt: skip
"""Code pages by the byte of the language driver (GDAL, ``DBFGetCodePage``)."""
_DEFAULT: Final = "iso-8859-1"
"""What GDAL takes where nothing names an encoding."""
_CODE_PAGE: Final = re.compile(r"(?:cp|ansi|oem|windows|win)?[ _-]*(\d{3,5})")
_DRIVER: Final = re.compile(r"ldid[/ _-]*(\d{1,3})")
_ISO: Final = re.compile(r"(?:iso)?[ _-]*8859[ _-]?(\d{1,2})")
_NAMED: Final = frozenset({"big5", "gbk", "gb2312", "gb18030", "shift_jis", "euc_jp", "euc_kr", "koi8_r"})


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
    is_foxpro : bool
        Whether type B is a number.
    """

    records: int
    begin: int
    width: int
    fields: tuple[DbfField, ...]
    encoding: str
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


def read_dbf_header(content: bytes, name: str, code_page: str | None) -> DbfHeader:
    """Read the header of a dBASE table.

    Parameters
    ----------
    content : bytes
        The first 64 KiB of the file, or all of it.
    name : str
        Of the file.
    code_page : str or None
        Content of the ``.cpg`` file beside it.

    Raises
    ------
    DataError
        It is damaged, or names an encoding that is not known.
    """
    if not is_dbf(content):
        raise DataError(f"{name} is no dBASE table (III to V) by its content: fetch or write it again")
    records, begin, width = struct.unpack("<IHH", content[4:12])
    encoding = _encoding(content[29], name, code_page)
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
    return DbfHeader(records, begin, width, tuple(fields), encoding, content[0] in _FOXPRO)


def _encoding(language: int, name: str, code_page: str | None) -> str:
    if code_page is None or not code_page.strip():
        return _LANGUAGES.get(language, _DEFAULT)
    text = code_page.strip().lower()
    if text.replace("-", "").replace("_", "") in {"utf8", "65001", "cp65001"}:
        return "utf-8"
    driver = _DRIVER.fullmatch(text)
    if driver:
        return _LANGUAGES.get(int(driver[1]), _DEFAULT)
    iso, page = _ISO.fullmatch(text), _CODE_PAGE.fullmatch(text)
    wanted = f"iso-8859-{iso[1]}" if iso else f"cp{page[1]}" if page else text.replace("-", "_")
    if iso or page or wanted in _NAMED:
        try:
            "a".encode(wanted)
        except LookupError:
            pass
        else:
            return wanted
    raise DataError(f"{name}: its .cpg names the encoding '{code_page.strip()[:40]}', which is not known: write UTF-8")
