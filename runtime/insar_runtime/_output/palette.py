"""Colours of the classes, the same in maps, plots and reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from insar_runtime.classes import CLASS_NAMES

CLASS_COLOURS: Final[Mapping[str, str]] = dict(
    zip(CLASS_NAMES, ("#c8c8c8", "#0072b2", "#e69f00", "#d55e00", "#cc79a7", "#009e73"), strict=True)
)
"""``#rrggbb`` by class name. Most points are Stable, which is to recede; the other five are blue, orange, vermilion,
reddish purple and bluish green of Okabe and Ito, "Color Universal Design", 2008, distinguishable by the colour-blind as
well."""

NO_CLASS_COLOUR: Final = "#4d4d4d"
"""Outline of a point without a class, drawn hollow."""
