"""Encoding of the texts of a dBASE table: the one that is named, or the one that its bytes show."""

from __future__ import annotations

import codecs
import re
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime.errors import DataError

FIRST_HIGH: Final = 0x80
"""Bytes from here on are not ASCII."""
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
_CODE_PAGE: Final = re.compile(r"(?:cp|ansi|oem|windows|win)?[ _-]*(\d{3,5})")
_DRIVER: Final = re.compile(r"ldid[/ _-]*(\d{1,3})")
_ISO: Final = re.compile(r"(?:iso)?[ _-]*8859[ _-]?(\d{1,2})")
_NAMED: Final = frozenset({"big5", "gbk", "gb2312", "gb18030", "shift_jis", "euc_jp", "euc_kr", "koi8_r"})


def named_encoding(language: int, name: str, code_page: str | None) -> str | None:
    """Return the encoding that a table or its ``.cpg`` file names, as Python names it; None if neither does.

    Parameters
    ----------
    language : int
        Byte 29 of the table.
    name : str
        Of the file, for messages.
    code_page : str or None
        Content of the ``.cpg`` file.

    Raises
    ------
    DataError
        The ``.cpg`` file names an encoding that is not known.
    """
    if code_page is None or not code_page.strip():
        return _LANGUAGES.get(language)
    text = code_page.strip().lower()
    if text.replace("-", "").replace("_", "") in {"utf8", "65001", "cp65001"}:
        return "utf-8"
    driver = _DRIVER.fullmatch(text)
    if driver:
        return _LANGUAGES.get(int(driver[1]))
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


class Utf8Check:
    """Finds whether texts are UTF-8: some have other characters than ASCII, and all of those are valid.

    Texts of another encoding hardly ever are: a letter with an accent is one byte there, and in UTF-8 such a byte never
    stands alone.
    """

    def __init__(self) -> None:
        self._has_others = False
        self._is_valid = True

    @property
    def is_utf8(self) -> bool:
        """Whether what was added is UTF-8, and not only ASCII."""
        return self._is_valid and self._has_others

    def add(self, cells: NDArray[np.uint8]) -> None:
        """Look at texts.

        Parameters
        ----------
        cells : ndarray of uint8, shape [N, width]
            Bytes of a field; a zero byte ends a text, and a text as wide as its field may be cut within a character.
        """
        if not self._is_valid:
            return
        high = (cells >= FIRST_HIGH).any(axis=1)
        if not high.any():
            return
        binary = as_binary(blank_behind_zero(cells[high]))
        try:
            texts = binary.cast(pa.string())
        except pa.ArrowInvalid:
            self._add_one_by_one(binary.to_pylist())
        else:
            # A text may have had such bytes behind its zero byte alone.
            self._has_others |= not all(text.isascii() for text in texts.to_pylist())

    def _add_one_by_one(self, cells: list[bytes]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")
        for cell in cells:
            try:
                text = decoder().decode(cell, final=cell[-1] < FIRST_HIGH)
            except UnicodeDecodeError:
                self._is_valid = False
                return
            self._has_others |= not text.isascii()


def blank_behind_zero(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return cells [..., width] with blanks from their first zero byte on, which ends a text; contiguous."""
    cells = np.ascontiguousarray(cells)
    if cells.all():
        return cells
    return np.where(np.logical_or.accumulate(cells == 0, axis=-1), np.uint8(ord(" ")), cells)


def as_binary(cells: NDArray[np.uint8]) -> pa.Array:
    """Return cells [N, width] as binary of this width each."""
    rows, width = cells.shape
    return pa.Array.from_buffers(pa.binary(width), rows, [None, pa.py_buffer(cells.tobytes())]).cast(pa.binary())
