"""QGIS style of the classes: embedded in a GeoPackage, or a ``.qml`` beside any output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from insar_runtime._output.field_texts import ALIASES, map_tip
from insar_runtime._output.palette import CLASS_COLOURS, NO_CLASS_COLOUR
from insar_runtime._output.qml import add_symbol_layer, qml_root, qml_text, rgba
from insar_runtime.classes import CLASS_NAMES

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

STYLE_NAME: Final = "Trend classes"
_MARKER_MM: Final = 1.8
_SMALL_MARKER_MM: Final = 1.2
_LEVELS: Final = {"Stable": 0, "Linear": 1, "Other": 2, "PUE": 3, "Quadratic": 4, "Bilinear": 5}
"""What is drawn above what: the less often a class occurs in real data, the higher."""
_LABELS: Final = {"PUE": "PUE (unwrapping error)"}


@dataclass(frozen=True, slots=True)
class Category:
    """How points with one value are drawn: a colour is "" for none, a higher level lies above a lower one."""

    value: str
    label: str
    fill: str
    outline: str
    size_mm: float
    opacity: float
    level: int


def make_style(id_column: str | None = None, velocity_column: str | None = None) -> str:
    """Make the style as QML, which QGIS 3.22 and later read.

    One category a class by ``class_name``, and one for all rows without. Stable points are small, pale and below all
    others, since most points are stable and the few others are what people look for. Columns get names in plain words,
    and a point a map tip.

    Parameters
    ----------
    id_column, velocity_column : str, optional
        Columns of the input that the map tip shows.
    """
    root = qml_root("Symbology|Fields|MapTips")
    add_categories(root, "class_name", _categories())
    return qml_text(root, ALIASES, map_tip(id_column, velocity_column))


def add_categories(root: ET.Element, attribute: str, categories: Sequence[Category]) -> None:
    """Draw points by a value, level by level, whatever the order of the rows.

    Parameters
    ----------
    root : Element
        Of the style.
    attribute : str
        Column, or an expression of QGIS.
    categories : sequence of Category
        The empty value stands for all others, so for NULL.
    """
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - most runs make no style

    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr=attribute, symbollevels="1")
    described, symbols = ET.SubElement(renderer, "categories"), ET.SubElement(renderer, "symbols")
    for number, category in enumerate(categories):
        attributes = {"value": category.value, "label": category.label, "symbol": str(number), "render": "true"}
        ET.SubElement(described, "category", attributes, type="string")
        symbols.append(_symbol(str(number), category))


def style_beside(path: Path) -> Path:
    """Return the name under which QGIS looks for the style of a file."""
    return path.with_suffix(".qml")


def _categories() -> list[Category]:
    categories = [
        Category(name, _LABELS.get(name, name), CLASS_COLOURS[name], "", _MARKER_MM, 1.0, _LEVELS[name])
        if _LEVELS[name]
        else Category(name, name, CLASS_COLOURS[name], "", _SMALL_MARKER_MM, 0.6, 0)
        for name in CLASS_NAMES
    ]
    return [*categories, Category("", "No class", "", NO_CLASS_COLOUR, _SMALL_MARKER_MM, 0.6, 0)]


def _symbol(name: str, category: Category) -> ET.Element:
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - as above

    symbol = ET.Element(
        "symbol", type="marker", name=name, alpha=str(category.opacity), clip_to_extent="1", force_rhr="0"
    )
    properties = {
        "name": "circle",
        "color": rgba(category.fill),
        "outline_style": "solid" if category.outline else "no",
        "outline_color": rgba(category.outline),
        "outline_width": "0.2",
        "outline_width_unit": "MM",
        "size": str(category.size_mm),
        "size_unit": "MM",
    }
    add_symbol_layer(symbol, "SimpleMarker", category.level, properties)
    return symbol
