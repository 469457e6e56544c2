"""QGIS opens the style, and its colours differ for the colour-blind."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import xml.etree.ElementTree as ET
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, OutputExistsError, classify_file
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._output.field_texts import ALIASES
from insar_runtime._output.palette import CLASS_COLOURS, NO_CLASS_COLOUR
from insar_runtime._output.style import make_style, style_beside
from insar_runtime._pipeline.output_columns import VELOCITY
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.result import RESULT_SCHEMA
from tests.conftest import lack
from tests.runtime.outputs import query
from tests.runtime.tables import series, wide, write

# Machado, Oliveira and Fernandes, IEEE TVCG 2009, severity 1; applied to linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def _lab(colour: str, deficiency: str) -> np.ndarray:
    """CIELAB (D65) of a colour as it is seen."""
    value = np.array(list(bytes.fromhex(colour[1:]))) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(DEFICIENCIES[deficiency]) @ linear, 0, 1)
    x, y, z = np.cbrt(XYZ @ seen / (0.95047, 1, 1.08883))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_are_told_apart(deficiency: str) -> None:
    """A difference of 2 is just seen side by side; 15 is one between points that lie apart."""
    assert tuple(CLASS_COLOURS) == CLASS_NAMES
    colours = {name: _lab(colour, deficiency) for name, colour in CLASS_COLOURS.items()}
    for one, other in itertools.combinations(colours, 2):
        assert np.linalg.norm(colours[one] - colours[other]) > 15, (one, other)


def test_stable_has_the_lightest_colour() -> None:
    lightness = {name: _lab(colour, "none")[0] for name, colour in CLASS_COLOURS.items()}
    assert max(lightness, key=lambda name: lightness[name]) == "Stable"
    style = ET.fromstring(make_style())
    assert len(style.findall("renderer-v2/categories/category")) == len(CLASS_NAMES) + 1


def test_every_column_that_is_added_has_a_name_in_plain_words() -> None:
    assert ALIASES.keys() == {*RESULT_SCHEMA.names, *DIAGNOSIS_SCHEMA.names, VELOCITY}
    style = ET.fromstring(make_style())
    assert {alias.get("field"): alias.get("name") for alias in style.iter("alias")} == ALIASES


@pytest.mark.qgis
def test_ids_of_a_stranger_are_text_in_map_tips(tmp_path: Path) -> None:
    displacement, dates = series(40, 40)
    name, ids = "id's %] [% 1 \\", [f"<img src='x'> & {i}" for i in range(40)]
    for column, shown in (("point's \\ id", "<br>Id: &lt;img src='x'> &amp; 0<br>Rate"), (name, "")):
        output = tmp_path / f"{len(shown)}.gpkg"
        table = wide(displacement, dates).drop_columns(["pid"]).append_column(column, pa.array(ids))
        source = write(table, tmp_path / "in.parquet")
        classify_file(source, output, units="mm", columns={"id": column}, diagnose=True)
        (seen,) = in_qgis(tmp_path, ("look", str(output), "ogr"))
        assert shown in seen["tip"]
        assert "<img" not in seen["tip"]
        assert "[%" not in seen["tip"]


def test_style_beside_an_output(source: Path, tmp_path: Path) -> None:
    output, other, beside = (tmp_path / f"a.classified.{extension}" for extension in ("parquet", "csv", "qml"))
    classifier = Classifier(device="cpu")
    classify_file(source, output, classifier=classifier, style=True)
    assert style_beside(output) == beside
    assert beside.read_text() == make_style("pid")
    beside.write_text("precious")
    with pytest.raises(OutputExistsError, match=r"a\.classified\.qml"):
        classify_file(source, other, classifier=classifier, style=True)
    assert (beside.read_text(), other.exists()) == ("precious", False)
    classify_file(source, other, classifier=classifier, style=True, overwrite=True)
    assert beside.read_text() == make_style("pid")


def _qgis_python() -> str:
    """The system's Python: that of a virtual environment does not see Debian's packages."""
    python = shutil.which("python3", path=os.defpath)
    if (
        python is None
        or subprocess.run([python, "-c", "import qgis.core"], capture_output=True, check=False).returncode
    ):
        lack("QGIS with its Python (Debian: qgis, python3-qgis)")
    return python


def in_qgis(folder: Path, *steps: tuple[str, ...]) -> list[dict[str, Any]]:
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "QT_QPA_PLATFORM": "offscreen",
        "LC_ALL": "C.UTF-8",
    }
    folder.chmod(0o700)
    script = Path(__file__).with_name("qgis_look.py")
    command = [_qgis_python(), str(script), json.dumps(steps), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The classified demo as GeoPackage, CSV and Parquet, with its series."""
    folder = tmp_path_factory.mktemp("demo")
    (archive,) = (entry for entry in (files("insar_runtime") / "demo").iterdir() if entry.name.endswith(".zip"))
    with as_file(archive) as path:
        for extension in ("gpkg", "csv", "parquet"):
            classify_file(path, folder / f"demo.{extension}", keep_series=True)
    return folder


@pytest.mark.qgis
def test_a_geopackage_opens_coloured(demo: Path, tmp_path: Path) -> None:
    table = pq.read_table(demo / "demo.parquet", columns=["class_name", "longitude", "latitude"])
    (seen,) = in_qgis(tmp_path, ("look", str(demo / "demo.gpkg"), "ogr"))
    assert (seen["valid"], seen["features"], seen["crs"]) == (True, len(table), "EPSG:4326")
    assert (seen["renderer"], seen["attribute"], seen["levels"]) == ("categorizedSymbol", "class_name", True)
    assert [(value, colour) for value, _, colour, _ in seen["categories"][:-1]] == list(CLASS_COLOURS.items())
    assert seen["categories"][-1][:2] == ["", "No class"]
    passes = {value: rank for value, _, _, rank in seen["categories"]}
    assert passes["Stable"] == passes[""] == 0
    assert min(passes[name] for name in CLASS_NAMES if name != "Stable") > 0
    assert seen["indexed"]
    x, y = (table[name].to_numpy() for name in ("longitude", "latitude"))
    np.testing.assert_allclose(seen["extent"], [x.min(), y.min(), x.max(), y.max()], atol=1e-9)
    middle = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    assert seen["part"] == ((x <= middle[0]) & (y <= middle[1])).sum()
    _check_pixels(seen["pixels"], table["class_name"].to_pylist())


def _check_pixels(pixels: dict[str, int], classes: list[str | None]) -> None:
    """Each class that occurs is really seen, and no other colour but grey and white."""
    for name, colour in CLASS_COLOURS.items():
        if name != "Stable" and name in classes:
            assert pixels.get(colour, 0) > 20, (name, pixels)
    greys = {colour for colour in pixels if colour[1:3] == colour[3:5] == colour[5:7]}
    assert pixels["#ffffff"] > sum(pixels.values()) / 2
    assert sum(pixels[colour] for colour in greys - {"#ffffff"}) > 100, "stable points"
    assert any(int(colour[1:3], 16) < 0xC0 for colour in greys), "outlines of points without a class"
    assert int(NO_CLASS_COLOUR[1:3], 16) < 0x80


@pytest.mark.qgis
def test_style_beside_applies(demo: Path, tmp_path: Path) -> None:
    """To a CSV, and to a GeoPackage that has none of its own."""
    shutil.copy(demo / "demo.csv", tmp_path / "a.csv")
    shutil.copy(demo / "demo.gpkg", tmp_path / "b.gpkg")
    with closing(sqlite3.connect(tmp_path / "b.gpkg", isolation_level=None)) as database:
        database.execute("DROP TABLE layer_styles")
        database.execute("DELETE FROM gpkg_contents WHERE data_type = 'attributes'")
    style_beside(tmp_path / "a.csv").write_text(make_style())
    uri = f"{(tmp_path / 'a.csv').as_uri()}?type=csv&xField=longitude&yField=latitude&crs=EPSG:4326"
    steps = [("look", uri, "delimitedtext"), ("look", str(tmp_path / "b.gpkg"), "ogr")]
    csv, bare = in_qgis(tmp_path, *steps)
    assert csv["renderer"] == "categorizedSymbol"
    assert [category[2] for category in csv["categories"][:-1]] == list(CLASS_COLOURS.values())
    _check_pixels(csv["pixels"], pq.read_table(demo / "demo.parquet")["class_name"].to_pylist())
    assert csv["fields"]["confidence"], "numbers, in spite of rows without a class"
    assert bare["renderer"] == "singleSymbol"
    style_beside(tmp_path / "b.gpkg").write_text(make_style())
    styled = in_qgis(tmp_path, steps[1])[0]
    assert styled["renderer"] == "categorizedSymbol"


@pytest.mark.qgis
def test_series_are_fields_that_insar_explorer_plots(tmp_path: Path) -> None:
    displacement, dates = series(40, 40)
    table = wide(displacement, dates, "d", mean_velocity=np.zeros(40))
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "o.gpkg", units="mm", keep_series=True)
    (seen,) = in_qgis(tmp_path, ("look", str(tmp_path / "o.gpkg"), "ogr"))
    dated = {f"D{day}".replace("-", "") for day in dates}
    assert {name for name, is_number in seen["fields"].items() if is_number} >= dated | {"mean_velocity"}


@pytest.mark.qgis
def test_edits_in_qgis_keep_the_index_in_step(demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "demo.gpkg"
    shutil.copy(demo / "demo.gpkg", path)
    (done,) = in_qgis(tmp_path, ("edit", str(path), "demo"))
    assert done == {"committed": True, "errors": done["errors"]}
    assert query(path, "SELECT rtreecheck('rtree_demo_geom')") == [("ok",)]
    assert query(path, "SELECT count(*) FROM rtree_demo_geom") == query(path, "SELECT count(*) FROM demo")


@pytest.mark.qgis
def test_metres_of_laea_europe_in_qgis(tmp_path: Path) -> None:
    displacement, dates = series(40, 40)
    place: dict[str, Any] = {"easting": 4_596_850 + 100 * np.arange(40), "northing": 1_739_750 + 100 * np.arange(40)}
    table = wide(displacement, dates, gnss_velocity_u=np.zeros(40), **place).drop_columns(["longitude", "latitude"])
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "o.gpkg", units="mm")
    (seen,) = in_qgis(tmp_path, ("look", str(tmp_path / "o.gpkg"), "ogr"))
    assert (seen["crs"], seen["features"]) == ("EPSG:3035", 40)
    assert seen["extent"] == [4_596_850, 1_739_750, 4_600_750, 1_743_650]
