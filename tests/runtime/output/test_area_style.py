"""QGIS style of moving areas: QGIS draws, labels and explains outlines with it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from insar_runtime._areas.schema import area_schema
from insar_runtime._output.area_style import area_style
from insar_runtime._output.field_texts import AREA_ALIASES
from insar_runtime._output.palette import CLASS_COLOURS
from tests.runtime.output.test_style import in_qgis


def test_columns_have_names_in_plain_words() -> None:
    assert {*area_schema(series=True).names} == {*AREA_ALIASES}
    style = ET.fromstring(area_style())
    assert {alias.get("field"): alias.get("name") for alias in style.iter("alias")} == AREA_ALIASES
    assert {one.get("value") for one in style.iter("category")} == {*CLASS_COLOURS, ""}


@pytest.mark.qgis
def test_qgis_draws_labels_and_explains_areas(tmp_path: Path) -> None:
    corners = [[7.0, 45.0], [7.01, 45.0], [7.01, 45.01], [7.0, 45.01], [7.0, 45.0]]
    square = {"type": "Polygon", "coordinates": [corners]}
    properties = {
        "area_id": 7, "class_name": "Linear", "quality": 1, "moving_points": 30, "points": 40, "area_m2": 85_000.0,
        "rate_mm_yr": -8.24, "rate_spread_mm_yr": 1.04, "break_date": None, "displacement_mm": -40.5,
    }  # fmt: skip
    feature = {"type": "Feature", "geometry": square, "properties": properties}
    (tmp_path / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (tmp_path / "areas.qml").write_text(area_style())
    (seen,) = in_qgis(tmp_path, ("look", str(tmp_path / "areas.geojson"), "ogr"))
    assert seen["renderer"] == "categorizedSymbol"
    assert [category[2] for category in seen["categories"][:-1]] == list(CLASS_COLOURS.values())
    assert seen["pixels"][CLASS_COLOURS["Linear"]] > 1000
    assert seen["labels"]
    tip = seen["tip"]
    assert tip.startswith("<b>Area 7: Linear</b> (quality 1 of 1 to 4)<br>Rate: -8.2")
    assert " ± 1.0 mm/yr<br>Points: 30 moving of 40<br>Size: 8.50 ha<br>Largest displacement: -40.5 mm" in tip
    assert "Break" not in tip
