"""QGIS style of moving areas: outlines in the colour of their class, with the rate as a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from insar_runtime._output.field_texts import AREA_ALIASES, area_label, area_map_tip
from insar_runtime._output.palette import CLASS_COLOURS, NO_CLASS_COLOUR
from insar_runtime._output.qml import add_symbol_layer, qml_root, qml_text, rgba

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

AREA_STYLE_NAME: Final = "Moving areas"
_FILL_OPACITY: Final = 0.18
_LINE_MM: Final = 0.6
_HALO_MM: Final = 1.4
_LABEL_POINTS: Final = 8
_TEXT: Final = "#1c2126"
_HALO: Final = "#ffffff"


def area_style() -> str:
    """Return the style of an areas file as QML, which QGIS 3.22 and later read.

    One category a class by ``class_name``, and one for all other areas: a faint fill, and an outline in the colour of
    the class on a white halo. The label is the rate; columns get names in plain words, and an area a map tip.
    """
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - most runs make no style

    root = qml_root("Symbology|Labeling|Fields|MapTips")
    root.set("labelsEnabled", "1")
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr="class_name", symbollevels="1")
    categories, symbols = ET.SubElement(renderer, "categories"), ET.SubElement(renderer, "symbols")
    # The empty value stands for all others.
    classes = [*((name, name, CLASS_COLOURS[name]) for name in CLASS_COLOURS), ("", "Other areas", NO_CLASS_COLOUR)]
    for number, (value, label, colour) in enumerate(classes):
        attributes = {"value": value, "label": label, "symbol": str(number), "render": "true"}
        ET.SubElement(categories, "category", attributes, type="string")
        symbols.append(_symbol(str(number), colour))
    root.append(_labels())
    return qml_text(root, AREA_ALIASES, area_map_tip())


def _symbol(name: str, colour: str) -> ET.Element:
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - as above

    symbol = ET.Element("symbol", type="fill", name=name, alpha="1", clip_to_extent="1", force_rhr="0")
    units = {"outline_width_unit": "MM", "joinstyle": "round"}
    halo = {"style": "no", "outline_style": "solid", "outline_color": rgba(_HALO, 0.8), "outline_width": str(_HALO_MM)}
    # The colour of a symbol in QGIS, as for the legend, is that of its first layer.
    add_symbol_layer(symbol, "SimpleFill", 0, {"color": rgba(colour), **halo, **units})
    line = {"style": "solid", "outline_style": "solid", "outline_color": rgba(colour), "outline_width": str(_LINE_MM)}
    add_symbol_layer(symbol, "SimpleFill", 1, {"color": rgba(colour, _FILL_OPACITY), **line, **units})
    return symbol


def _labels() -> ET.Element:
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - as above

    labeling = ET.Element("labeling", type="simple")
    settings = ET.SubElement(labeling, "settings", calloutType="simple")
    style = ET.SubElement(
        settings,
        "text-style",
        fieldName=area_label(),
        isExpression="1",
        fontSize=str(_LABEL_POINTS),
        fontSizeUnit="Point",
        textColor=rgba(_TEXT),
        textOpacity="1",
    )
    buffer = {"bufferDraw": "1", "bufferSize": "0.8", "bufferSizeUnits": "MM", "bufferOpacity": "0.9"}
    ET.SubElement(style, "text-buffer", {**buffer, "bufferColor": rgba(_HALO), "bufferNoFill": "1"})
    # Around the middle of an area, not within it: points lie there.
    ET.SubElement(settings, "placement", placement="8", dist="1", distUnits="MM", priority="5", overrunDistance="0")
    ET.SubElement(settings, "rendering", obstacle="1", drawLabels="1", scaleVisibility="0", fitInPolygonOnly="0")
    return labeling
