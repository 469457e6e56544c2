"""Parts of a QGIS style (QML) that the styles of points and of areas share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

_OLDEST_QGIS: Final = "3.22.0"


def qml_root(categories: str) -> ET.Element:
    """Return the root of a style.

    Parameters
    ----------
    categories : str
        What the style says, by the names of QGIS, joined by ``|``.
    """
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - most runs make no style

    return ET.Element("qgis", version=_OLDEST_QGIS, styleCategories=categories)


def add_symbol_layer(symbol: ET.Element, kind: str, level: int, properties: Mapping[str, str]) -> None:
    """Add a layer to a symbol.

    Parameters
    ----------
    symbol : Element
    kind : str
        Class of the layer in QGIS.
    level : int
        Symbol level: what has a higher one lies above.
    properties : mapping of str to str
    """
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - as above

    layer = ET.SubElement(symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": str(level)})
    options = ET.SubElement(layer, "Option", type="Map")
    for key, value in properties.items():
        ET.SubElement(options, "Option", name=key, value=value, type="QString")


def qml_text(root: ET.Element, aliases: Mapping[str, str], tip: str) -> str:
    """Return a style as text, with names of the columns and the map tip of a feature.

    Parameters
    ----------
    root : Element
        The style so far.
    aliases : mapping of str to str
        Names in plain words by column.
    tip : str
        HTML with expressions.
    """
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - as above

    names = ET.SubElement(root, "aliases")
    for index, (field, alias) in enumerate(aliases.items()):
        ET.SubElement(names, "alias", field=field, index=str(index), name=alias)
    ET.indent(root)
    # After the indentation, which is no part of its text.
    ET.SubElement(root, "mapTip").text = tip
    return ET.tostring(root, encoding="unicode") + "\n"


def rgba(colour: str, opacity: float = 1.0) -> str:
    """Spell ``#rrggbb`` as QGIS does; no colour is transparent."""
    if not colour:
        return "0,0,0,0"
    red, green, blue = bytes.fromhex(colour[1:])
    return f"{red},{green},{blue},{round(255 * opacity)}"
