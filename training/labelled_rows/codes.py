"""Codes of the classes in the table of labels."""

from __future__ import annotations

from typing import Final

from insar_runtime import classes

OTHER: Final = int(classes.TrendClass.OTHER)
"""Id of ``Other``: a motion that none of the other five classes describes."""
CLASSES: Final = classes.CLASS_NAMES
"""Classes that a reader could choose from, in the order of their ids."""
SPLIT: Final = -1
"""Label of a row on which no two readers agree."""
NO_READING: Final = -1
"""Code of the third label of a row that only two readers labelled."""
