"""QGIS draws a comparison by what has changed, with the style in the GeoPackage."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path

import pytest

from insar_runtime import compare_files
from insar_runtime._output.change_style import CHANGE_COLOURS, CHANGE_STYLE_NAME, change_style
from insar_runtime._output.field_texts import CHANGE_ALIASES
from insar_runtime._releases.alert_rules import RULES
from insar_runtime._releases.change_table import CHANGE_FIELDS
from tests.runtime.output.test_style import in_qgis
from tests.runtime.outputs import query
from tests.runtime.releases.conftest import DATES, Releases, changed, with_break, with_class, with_jumps


def test_columns_have_names_and_rules_have_colours() -> None:
    style = ET.fromstring(change_style())
    assert {alias.get("field"): alias.get("name") for alias in style.iter("alias")} == CHANGE_ALIASES
    assert set(CHANGE_ALIASES) == {field.name for field in CHANGE_FIELDS} | {"id_before"}
    assert set(CHANGE_COLOURS) == {*RULES, "new"}


def test_a_geopackage_has_the_style(releases: Releases, tmp_path: Path) -> None:
    compare_files(releases.old, releases.new, tmp_path / "changes.gpkg")
    found = query(tmp_path / "changes.gpkg", "SELECT styleName, styleQML FROM layer_styles")
    assert found == [(CHANGE_STYLE_NAME, change_style())]


@pytest.mark.qgis
def test_qgis_draws_and_explains_changes(releases: Releases, tmp_path: Path) -> None:
    first = "p0010"  # its row is made the first one, which the test of QGIS asks for its map tip
    last, early = (date.fromisoformat(str(DATES[i])) for i in (-3, 60))
    new = changed(releases.new, tmp_path / "new.parquet", first, **with_class("Bilinear"), **with_break(last))
    changed(new, new, first, **with_jumps((last, 27.7)))
    changed(new, new, "p0024", velocity_mm_yr=9.0)
    changed(new, new, "p0023", **with_class("PUE"), **with_jumps((early, 20.0), (last, 27.7)))
    compare_files(releases.old, new, tmp_path / "changes.gpkg", alert=["break"])
    (seen,) = in_qgis(tmp_path, ("look", str(tmp_path / "changes.gpkg"), "ogr"))
    assert seen["tip"].startswith(
        "<b>Linear → Bilinear</b><br>Id: p0010<br>Over the thresholds: break, jump, class<br>"
    )
    assert f"<br>New break: {last}<br>New jumps: 1 ({last} 27.7 mm)" in seen["tip"]
    compare_files(releases.old, new, tmp_path / "changes.gpkg", overwrite=True)
    (seen,) = in_qgis(tmp_path, ("look", str(tmp_path / "changes.gpkg"), "ogr"))
    assert seen["renderer"] == "categorizedSymbol"
    assert [category[2] for category in seen["categories"][:6]] == list(CHANGE_COLOURS.values())
    for name in ("break", "jump", "rate", "new"):
        assert seen["pixels"][CHANGE_COLOURS[name]] > 5, name
