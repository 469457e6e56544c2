"""Progress messages of long runs."""

from __future__ import annotations

from collections.abc import Callable

Announce = Callable[[str], None]
"""Function that receives one line of progress at a time."""
