"""Read the fields of a ``model.json``, each with its type and range: it may come from anyone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from insar_runtime._engine import model_folder
from insar_runtime._engine.model_folder import is_plain_name, shown

MOST_BYTES: Final = 1_000_000
"""Of a ``model.json``; the shipped ones have six thousand."""
MOST_EPOCHS: Final = 100_000
_MOST_ROWS: Final = 512
_MOST_VALUES: Final = 1 << 16
"""Rows of golden vectors, and rows times epochs: all of them are one call. 48 rows of 60 epochs are shipped."""
_DEEPEST: Final = 16
_LONGEST: Final = 10_000
_MOST_WHOLE: Final = 1 << 53
"""Whole numbers that JSON carries exactly between all readers."""


def parse_card(data: bytes) -> dict[str, Any]:
    """Parse a ``model.json``.

    Raises
    ------
    ValueError
        If it is no object of JSON, nests deeper than 16 levels, or holds a number that is not finite or a text that is
        no Unicode or has more than 10,000 characters.
    """
    try:
        card = json.loads(data, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    if not isinstance(card, dict):
        raise ValueError(f"it is {shown(card)}, no object")
    waiting: list[tuple[Any, int]] = [(card, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, (dict, list)):
            if depth > _DEEPEST:
                raise ValueError(f"it nests deeper than {_DEEPEST} levels")
            inner = [*value, *value.values()] if isinstance(value, dict) else value
            waiting += [(item, depth + 1) for item in inner]
        else:
            _check_scalar(value)
    return card


class Fields:
    """An object of a ``model.json``, whose fields are read one by one.

    Each method raises ``ValueError`` with the field, its value and what it must be.

    Parameters
    ----------
    values : object
        What stands there.
    path : str
        Where that is.
    """

    def __init__(self, values: object, path: str = "") -> None:
        if not isinstance(values, Mapping):
            raise ValueError(f"{path} is {shown(values)}; it must be an object")
        self.values = values
        self._path = f"{path}." if path else ""

    def part(self, key: str, default: Mapping[str, Any] | None = None) -> Fields:
        """Return the object in a field; of the default if it is missing and there is one."""
        if key not in self.values and default is not None:
            return Fields(default, self._path + key)
        return Fields(self._get(key), self._path + key)

    def number(self, key: str, least: float, most: float, default: float | None = None) -> float:
        """Return a number within a range."""
        value = self._get(key, default)
        if not _is_number(value) or not least <= value <= most:
            self._fail(key, value, f"a number from {least:g} to {most:g}")
        return float(value)

    def whole(self, key: str, least: int, most: int) -> int:
        """Return a whole number within a range."""
        value = self._get(key)
        if not _is_number(value) or not least <= value <= most or value != int(value):
            self._fail(key, value, f"a whole number from {least} to {most}")
        return int(value)

    def text(self, key: str, longest: int = 100) -> str:
        """Return a text of printable characters."""
        value = self._get(key)
        if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
            self._fail(key, value, f"a text of 1 to {longest} printable characters")
        return str(value)

    def digest(self, key: str) -> str:
        """Return a SHA-256 in hexadecimal."""
        value = self._get(key)
        if not isinstance(value, str) or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
            self._fail(key, value, "a SHA-256 of 64 hexadecimal digits")
        return str(value)

    def numbers(self, key: str, default: Sequence[float]) -> list[float]:
        """Return a list of numbers."""
        value = self._get(key, default)
        if not isinstance(value, list) or len(value) > 100 or not all(_is_number(item) for item in value):
            self._fail(key, value, "a list of numbers")
        return [float(item) for item in value]

    def _get(self, key: str, default: Any = None) -> Any:
        if key in self.values:
            return self.values[key]
        if default is None:
            raise ValueError(f"{self._path}{key} is missing")
        return default

    def _fail(self, key: str, value: object, wanted: str) -> NoReturn:
        raise ValueError(f"{self._path}{key} is {shown(value)}; it must be {wanted}")


def check_files(card: Fields, precisions: Sequence[str]) -> None:
    """Check the entries of ONNX files and of golden vectors.

    Raises
    ------
    ValueError
        If there is no ONNX file, one of an unknown precision, or an entry that is not a plain file.
    """
    files, golden = card.part("files"), card.part("golden", {})
    if not files.values:
        raise ValueError("files is empty")
    for precision in files.values:
        if precision not in precisions:
            raise ValueError(f"files has {shown(precision)}, which is no precision")
        _check_file(files.part(precision))
    for precision in golden.values:
        if precision not in precisions:
            raise ValueError(f"golden has {shown(precision)}, which is no precision")
        entry = golden.part(precision)
        _check_file(entry)
        rows = entry.whole("rows", 1, _MOST_ROWS)
        entry.whole("epochs", 1, _MOST_VALUES // rows)
        entry.number("tolerance", 0, 1)


def _check_file(entry: Fields) -> None:
    entry.digest("sha256")
    entry.whole("bytes", 0, model_folder.MOST_BYTES)
    if not is_plain_name(name := entry.text("file", 200)):
        raise ValueError(f"file {shown(name)} is not named as a file of the model's folder")


def _is_number(value: object) -> bool:
    # True and False are numbers to Python.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check_scalar(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is not finite")
    if isinstance(value, int) and abs(value) > _MOST_WHOLE:
        raise ValueError(f"a number is {shown(value)}, beyond 2^53")
    if isinstance(value, str):
        if len(value) > _LONGEST:
            raise ValueError(f"a text has {len(value)} characters")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"the text {shown(value)} is not Unicode") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"a number is {name}")
