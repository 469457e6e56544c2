"""Origin of a table: its files, the level of the product, and how it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table comes from: file names, level of the product, and notes on the reading.

    Attributes
    ----------
    file_names : tuple of str
        Name of the file and, in a zip, of its member: producers put the level of a product into them.
    product_level : str or None
        As the XML beside an EGMS table states it.
    form : {"long", "visualizer"} or None
        What was brought to another layout on reading: one row per point and date to lists, a table of StaMPS Visualizer
        to date columns; None if nothing was.
    notes : tuple of str
        What a person should know about the reading.
    """

    file_names: tuple[str, ...] = ()
    product_level: str | None = None
    form: Literal["long", "visualizer"] | None = None
    notes: tuple[str, ...] = ()
