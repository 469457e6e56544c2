"""QGIS style of a comparison of two releases: points in the colour of what has changed."""

from __future__ import annotations

from typing import Final

from insar_runtime._output.field_texts import CHANGE_ALIASES, change_map_tip
from insar_runtime._output.qml import qml_root, qml_text
from insar_runtime._output.style import Category, add_categories

CHANGE_STYLE_NAME: Final = "Changes between releases"
CHANGE_COLOURS: Final = {
    "break": "#d55e00",
    "jump": "#cc79a7",
    "rate": "#0072b2",
    "recent": "#e69f00",
    "class": "#009e73",
    "new": "#56b4e9",
}
"""``#rrggbb`` by what has changed: vermilion, reddish purple, blue, orange, bluish green and sky blue of Okabe and Ito,
"Color Universal Design", 2008."""
_LABELS: Final = {
    "break": "New break",
    "jump": "New jump",
    "rate": "Change of rate",
    "recent": "Recent change of rate",
    "class": "Another class",
    "new": "New point",
}
_GONE_COLOUR: Final = "#4d4d4d"
_SAME_COLOUR: Final = "#c8c8c8"
_MARKER_MM: Final = 2.0
_SMALL_MARKER_MM: Final = 1.2
_FIRST_REASON: Final = 'coalesce(array_first(string_to_array("reasons", \';\')), "match")'
"""What a point is drawn by: the first rule that it meets, otherwise whether it is gone, new or in both."""


def change_style() -> str:
    """Return the style as QML, which QGIS 3.22 and later read.

    One category for each rule, for new points and for gone ones; points without a change over a threshold are small,
    pale and below all others. Columns get names in plain words, and a point a map tip.
    """
    root = qml_root("Symbology|Fields|MapTips")
    levels = {name: level for level, name in enumerate(reversed(CHANGE_COLOURS), 2)}
    changed = [
        Category(name, _LABELS[name], colour, "", _MARKER_MM, 1.0, levels[name])
        for name, colour in CHANGE_COLOURS.items()
    ]
    gone = Category("gone", "Gone point", "", _GONE_COLOUR, _MARKER_MM, 1.0, 1)
    same = Category("", "No change over a threshold", _SAME_COLOUR, "", _SMALL_MARKER_MM, 0.6, 0)
    add_categories(root, _FIRST_REASON, [*changed, gone, same])
    return qml_text(root, CHANGE_ALIASES, change_map_tip())
