"""What a caller is told while rows are read or written."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with the rows done and the rows in all: estimated for text, None if nothing tells them."""
