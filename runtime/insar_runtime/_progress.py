"""Callback for the progress of reading and writing rows."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with the rows done and the rows in all: estimated for text, None if it is unknown."""
