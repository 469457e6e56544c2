"""Groups in which the help of a command lists its options, in this order."""

from __future__ import annotations

from typing import Final

POINT: Final = "Which point"
TABLE: Final = "What the table means, where it does not say so itself"
MAPS: Final = "Maps"
OUTPUT: Final = "Output"
PAGE: Final = "Page"
QGIS: Final = "Where QGIS is"
MATCHING: Final = "Which points and epochs of two releases are the same"
ALERTS: Final = "What is reported"
PLOT: Final = "Plot"
AREAS: Final = "Areas"
CLASSES: Final = "Classes"
DIAGNOSIS: Final = "Diagnosis"
CHAINS: Final = "Many files and chains"
MACHINE: Final = "Model and machine"
MESSAGES: Final = "Messages and help"

GROUPS: Final = (
    POINT,
    OUTPUT,
    PAGE,
    QGIS,
    PLOT,
    MAPS,
    AREAS,
    MATCHING,
    ALERTS,
    TABLE,
    CLASSES,
    DIAGNOSIS,
    CHAINS,
    MACHINE,
    MESSAGES,
)
