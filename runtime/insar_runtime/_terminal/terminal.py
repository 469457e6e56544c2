"""What a text stream can show: its width, its characters, colours, a line that is drawn again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, TextIO

_USUAL_WIDTH: Final = 80
_LEAST_WIDTH: Final = 20


def width_of(stream: TextIO, environment: Mapping[str, str] = os.environ) -> int:
    """Return the columns of the terminal that shows the stream: COLUMNS if it is set, 80 where there is no terminal."""
    columns = environment.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns):
        return max(int(columns), _LEAST_WIDTH)
    try:
        # Of this very stream: standard output may be a file while standard error is watched.
        return max(os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH, _LEAST_WIDTH)
    except (OSError, ValueError, AttributeError):
        return _USUAL_WIDTH


def can_show(stream: TextIO, characters: str) -> bool:
    """Whether the encoding of the stream has these characters."""
    try:
        characters.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def is_redrawable(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a person watches the stream on a terminal that can go back to the beginning of a line."""
    return stream.isatty() and environment.get("TERM") != "dumb"


def shows_colours(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether colours are welcome: on a terminal, unless NO_COLOR (no-color.org) says that they are not."""
    return is_redrawable(stream, environment) and not environment.get("NO_COLOR")
