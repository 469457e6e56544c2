"""QGIS style of areas, embedded in a GeoPackage: outlines by class, filled so that the map below stays readable."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Final

from insar_runtime._output.palette import CLASS_COLOURS, NO_CLASS_COLOUR
from insar_runtime.classes import CLASS_NAMES, TrendClass

AREA_STYLE_NAME: Final = "Moving areas"
_OLDEST_QGIS: Final = "3.22.0"
_FILL_ALPHA: Final = 64
_ALIASES: Final = {
    "area_id": "Area",
    "class_name": "Class of most moving points",
    "quality": "Quality (1 best, 4 worst)",
    "moving_points": "Moving points",
    "points": "Points",
    "moving_share": "Share of moving points",
    "area_m2": "Area (m²)",
    "rate_mm_yr": "Rate (mm/yr)",
    "rate_spread_mm_yr": "Spread of the rates (mm/yr)",
    "acceleration_mm_yr2": "Acceleration (mm/yr²)",
    "break_date": "Break: date",
    "break_spread_days": "Break: spread (days)",
    "displacement_mm": "Largest displacement (mm)",
    "noise_in_time": "Noise in time (0 to 1)",
    "coherence_in_space": "Coherence in space (0 to 1)",
}
_MAP_TIP: Final = (
    '<b>Area [% "area_id" %]</b> ([% "class_name" %], quality [% coalesce("quality", \'unknown\') %])'
    '<br>[% "moving_points" %] of [% "points" %] points move'
    "[% coalesce('<br>Rate: ' || format_number(\"rate_mm_yr\", 1) || ' mm/yr', '') %]"
    "[% coalesce('<br>Break: ' || to_string(\"break_date\"), '') %]"
)


def area_style() -> str:
    """Return the style as QML, which QGIS 3.22 and later read: one category a class, and one for all others."""
    root = ET.Element("qgis", version=_OLDEST_QGIS, styleCategories="Symbology|Fields|MapTips")
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr="class_name", symbollevels="0")
    categories, symbols = ET.SubElement(renderer, "categories"), ET.SubElement(renderer, "symbols")
    moving = [name for name in CLASS_NAMES if name != CLASS_NAMES[TrendClass.STABLE]]
    for number, name in enumerate([*moving, ""]):
        label = name or "Other areas"
        attributes = {"value": name, "label": label, "symbol": str(number), "render": "true"}
        ET.SubElement(categories, "category", attributes, type="string")
        symbols.append(_symbol(str(number), CLASS_COLOURS.get(name, NO_CLASS_COLOUR)))
    aliases = ET.SubElement(root, "aliases")
    for index, (field, alias) in enumerate(_ALIASES.items()):
        ET.SubElement(aliases, "alias", field=field, index=str(index), name=alias)
    ET.indent(root)
    ET.SubElement(root, "mapTip").text = _MAP_TIP
    return ET.tostring(root, encoding="unicode") + "\n"


def _symbol(name: str, colour: str) -> ET.Element:
    symbol = ET.Element("symbol", type="fill", name=name, alpha="1", clip_to_extent="1", force_rhr="0")
    layer = ET.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"})
    red, green, blue = bytes.fromhex(colour[1:])
    properties = {
        "style": "solid",
        "color": f"{red},{green},{blue},{_FILL_ALPHA}",
        "outline_style": "solid",
        "outline_color": f"{red},{green},{blue},255",
        "outline_width": "0.5",
        "outline_width_unit": "MM",
        "joinstyle": "round",
    }
    options = ET.SubElement(layer, "Option", type="Map")
    for key, value in properties.items():
        ET.SubElement(options, "Option", name=key, value=value, type="QString")
    return symbol
