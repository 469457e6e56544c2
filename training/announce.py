"""How long work tells people where it is."""

from __future__ import annotations

from collections.abc import Callable

Announce = Callable[[str], None]
"""Receives a line for people now and then."""
