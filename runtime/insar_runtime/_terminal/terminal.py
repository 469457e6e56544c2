"""Capabilities of a terminal: width, characters, colours, and lines that can be redrawn."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from typing import Final, TextIO

_USUAL_WIDTH: Final = 80
_LEAST_WIDTH: Final = 20


def width_of(stream: TextIO, environment: Mapping[str, str] = os.environ) -> int:
    """Return the number of columns of the terminal of a stream: COLUMNS if it is set, and 80 without a terminal."""
    columns = environment.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns):
        return max(int(columns), _LEAST_WIDTH)
    try:
        # Of this stream: standard output may be a file while standard error is a terminal.
        return max(os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH, _LEAST_WIDTH)
    except (OSError, ValueError, AttributeError):
        return _USUAL_WIDTH


def can_show(stream: TextIO, characters: str) -> bool:
    """Return whether the encoding of the stream has these characters."""
    try:
        characters.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def is_redrawable(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the stream is a terminal that can return to the beginning of a line."""
    return stream.isatty() and environment.get("TERM") != "dumb"


def shows_colours(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether to use colours: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return is_redrawable(stream, environment) and not environment.get("NO_COLOR")


def wrapped(text: str, width: int, indent: str = "  ") -> str:
    """Return text with its lines broken between words to fit a width in characters; continuations are indented."""
    return "\n".join(
        line
        if len(line) <= width
        else textwrap.fill(
            line,
            width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace=True,
        )
        for line in text.split("\n")
    )
