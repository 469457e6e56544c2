"""Text of others on a terminal or in a log: control characters are shown escaped, and lines have an end."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

Value = TypeVar("Value")

LONGEST_MESSAGE: Final = 480
"""Characters of an error message: with what the command line puts before it, a line has at most 500."""
_ELLIPSIS: Final = " ... "

# Control characters of ASCII and Latin-1, which move the cursor, colour or clear a terminal; separators of lines and
# paragraphs; marks that turn the direction of the text around them; bytes of names that are not UTF-8.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(value: Value) -> Value:
    """Return a text with its control characters escaped, as Python spells them; texts within a structure likewise.

    Parameters
    ----------
    value : str, or a dataclass, mapping, list or tuple of them
        All else is returned unchanged.
    """
    return _printable(value)  # type: ignore[no-any-return]


def one_line(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Return a text as one line of at most so many characters: escaped, and shortened in the middle."""
    text = printable(text)
    if len(text) <= longest:
        return text
    # The end has the remedy.
    kept = longest - len(_ELLIPSIS)
    return text[: kept - kept // 2] + _ELLIPSIS + text[len(text) - kept // 2 :]


def printable_lines(text: str) -> str:
    """Return a text of several lines, with all control characters but the ends of its lines escaped."""
    return "\n".join(map(printable, text.split("\n")))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return _CONTROLS.sub(_escaped, value)
    if hasattr(type(value), "__dataclass_fields__"):
        from dataclasses import fields  # noqa: PLC0415 - errors are imported without it

        changed = {field.name: _printable(getattr(value, field.name)) for field in fields(value) if field.init}
        return type(value)(**changed)
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_printable, value))
    return value


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name, as Python holds it
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
