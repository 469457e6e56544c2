"""Texts, dates, truth values and binary numbers of a dBASE table, a field at a time."""

from __future__ import annotations

import codecs
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._input.readers.dbf_encoding import FIRST_HIGH, as_binary, blank_behind_zero
from insar_runtime.errors import DataError

_TRUE: Final = np.frombuffer(b"TtYy", np.uint8)
_FALSE: Final = np.frombuffer(b"FfNn", np.uint8)
_JULIAN_1970: Final = 2_440_588
"""Julian day number of 1970-01-01."""


def read_texts(cells: NDArray[np.uint8], encoding: str, name: str, field: str) -> pa.Array:
    """Return texts without the blanks around them; null where nothing else is there.

    Parameters
    ----------
    cells : ndarray of uint8, shape [N, width]
        The bytes of a field.
    encoding : str
        As Python names it.
    name, field : str
        Of the file and of the field, for messages.

    Raises
    ------
    DataError
        A text is not in this encoding.
    """
    cells = blank_behind_zero(cells)
    if encoding == "utf-8" or not (cells >= FIRST_HIGH).any():
        try:
            array = as_binary(cells).cast(pa.string())
        except pa.ArrowInvalid:
            array = _decoded(cells, encoding, name, field)
    else:
        array = _decoded(cells, encoding, name, field)
    array = pc.ascii_trim(array, " ")
    return pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)


def _decoded(cells: NDArray[np.uint8], encoding: str, name: str, field: str) -> pa.Array:
    decoder = codecs.getincrementaldecoder(encoding)
    texts = []
    for cell in as_binary(cells).to_pylist():
        try:
            # What is not final may end within a character: a text that was cut to the width of its field.
            texts.append(decoder().decode(cell.rstrip(b" "), final=False))
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name}: field '{field}' holds {cell.rstrip()[:40]!r}, which is no {encoding}: write the encoding of "
                "the texts into a .cpg file beside it, e.g. ISO-8859-1"
            ) from error
    return pa.array(texts, pa.string())


def read_dates(cells: NDArray[np.uint8]) -> pa.Array:
    """Return dates, written YYYYMMDD; null where a field is blank, zero or no date of the calendar."""
    digits = cells.astype(np.int64) - ord("0")
    good = ((digits >= 0) & (digits <= 9)).all(axis=1)
    year, month, day = digits[:, :4] @ [1000, 100, 10, 1], digits[:, 4:6] @ [10, 1], digits[:, 6:8] @ [10, 1]
    good &= (year > 0) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    days = months.astype("M8[D]") + np.where(good, day - 1, 0)
    good &= days.astype("M8[M]") == months
    return pa.array(days.astype("M8[D]"), mask=~good)


def read_truths(cells: NDArray[np.uint8]) -> pa.Array:
    """Return truth values, T or Y and F or N in either case; null for anything else."""
    true, false = np.isin(cells[:, 0], _TRUE), np.isin(cells[:, 0], _FALSE)
    return pa.array(true, mask=~(true | false))


def read_binary(cells: NDArray[np.uint8], kind: str) -> pa.Array:
    """Return binary numbers: I, + int32; O, B float64; Y int64 in ten-thousandths; T, @ day and milliseconds."""
    content = np.ascontiguousarray(cells)
    if kind in "I+":
        return pa.array(content.view("<i4")[:, 0])
    if kind == "Y":
        return pa.array(content.view("<i8")[:, 0] / 10_000)
    if kind in "T@":
        parts = content.view("<i4").astype(np.int64)
        milliseconds = (parts[:, 0] - _JULIAN_1970) * 86_400_000 + parts[:, 1]
        return pa.array(milliseconds, pa.timestamp("ms"), mask=parts[:, 0] == 0)
    return pa.array(content.view("<f8")[:, 0])
