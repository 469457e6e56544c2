"""QGIS lists the algorithms, runs them, and shows their results coloured; bad input is a sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import insar_runtime
from insar_runtime import classify_file
from insar_runtime._qgis.install import install_scripts
from tests.conftest import lack
from tests.runtime.areas.conftest import DATES, draw
from tests.runtime.outputs import query
from tests.runtime.report.pages import read_page
from tests.runtime.tables import series, wide, write

pytestmark = pytest.mark.qgis

PLUGINS = Path("/usr/share/qgis/python/plugins")
CLASSIFY, REPORT = "script:classifyinsartimeseries", "script:reportinsartimeseries"
AREAS, COMPARE = "script:findmovingareas", "script:comparereleases"


def install(folder: Path) -> dict[str, str]:
    """Make a profile of QGIS with the algorithms, and return the environment of a QGIS with this profile."""
    # The package of this test, wherever Python has another one.
    program = folder / "python"
    package = Path(insar_runtime.__file__).parents[1]
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{package}" exec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    install_scripts([folder / "profile" / "profiles" / "default" / "processing" / "scripts"], str(program))
    folder.chmod(0o700)
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "QGIS_CUSTOM_CONFIG_PATH": str(folder / "profile"),
        "QT_QPA_PLATFORM": "offscreen",
        "LC_ALL": "C.UTF-8",
        # As bundles of QGIS set them; the command must not inherit them.
        "PYTHONWARNINGS": "ignore",
        "PYTHONNOUSERSITE": "1",
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (archive,) = (files("insar_runtime") / "demo").iterdir()
    path = tmp_path_factory.mktemp("demo") / "demo.zip"
    path.write_bytes(archive.read_bytes())
    return path


@pytest.fixture(scope="module")
def ran(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What happens in one QGIS: its start takes longer than the steps."""
    python = shutil.which("python3", path=os.defpath)
    if python is None or not PLUGINS.is_dir():
        lack("QGIS with its Python (Debian: qgis, python3-qgis)")
    folder = tmp_path_factory.mktemp("ran")
    environment = install(folder)
    wide_table = wide(*series(60, 45, seed=1), pid=np.arange(60))
    write(wide_table, folder / "points.csv")
    many = wide(*series(200, 300))
    pq.write_table(many.take(np.arange(60_000) % 200), folder / "many.parquet")
    pq.write_table(many.take(np.arange(20_000) % 200), folder / "some.parquet")
    (folder / "broken.csv").write_text("a,b\n1,2\n")
    (folder / "cancelled.gpkg").write_bytes(b"precious")
    places, _, displacement = draw()
    moving = wide(displacement, DATES).drop_columns(["latitude", "longitude"])
    for column, name in enumerate(("easting", "northing")):
        moving = moving.append_column(name, pa.array(places[:, column]))
    write(moving, folder / "moving.parquet")
    shutil.copy(demo, folder / "newer.zip")
    output = {name: str(folder / f"{name}.gpkg") for name in ("a", "b", "c", "d", "areas", "changes", "cancelled")}
    of_csv = f"delimitedtext file://{folder}/points.csv?type=csv&xField=longitude&yField=latitude&crs=EPSG:4326"
    steps: dict[str, dict[str, Any]] = {
        "demo": {"parameters": {"FILE": str(demo), "OUTPUT": output["a"], "STABLE_RATE": 3}},
        "layer": {"parameters": {"OUTPUT": output["b"], "UNITS": 1, "KEEP_SERIES": True}, "layer": of_csv},
        "report": {"algorithm": REPORT, "parameters": {"FILE": output["a"], "OUTPUT": str(folder / "a.html")}},
        "diagnosed": {
            "algorithm": REPORT,
            "parameters": {"FILE": str(demo), "OUTPUT": str(folder / "d.html"), "DIAGNOSE": True},
        },
        "classified": {"algorithm": REPORT, "parameters": {"FILE": output["a"], "OUTPUT": "c.html", "DIAGNOSE": True}},
        "steps": {
            "parameters": {
                "FILE": str(folder / "some.parquet"),
                "OUTPUT": output["d"],
                "DIAGNOSE": False,
                "EXTRA": "--log-every 0",
            }
        },
        "steps of a report": {
            "algorithm": REPORT,
            "parameters": {
                "FILE": str(folder / "some.parquet"),
                "OUTPUT": str(folder / "s.html"),
                "EXTRA": "--log-every 0",
            },
        },
        "areas": {
            "algorithm": AREAS,
            "parameters": {
                "FILE": str(folder / "moving.parquet"),
                "OUTPUT": output["areas"],
                "MIN_POINTS": 4,
                "UNITS": 1,
                "EXTRA": "--crs EPSG:32633",
            },
        },
        "compare": {
            "algorithm": COMPARE,
            "parameters": {"OLD": str(demo), "NEW": str(folder / "newer.zip"), "OUTPUT": output["changes"]},
        },
        "memory": {"parameters": {"OUTPUT": output["c"]}, "layer": "memory Point?field=pid:string"},
        "nothing": {"parameters": {"OUTPUT": output["c"]}},
        "broken": {"parameters": {"FILE": str(folder / "broken.csv"), "OUTPUT": output["c"]}},
        "shape": {"parameters": {"FILE": str(demo), "OUTPUT": str(folder / "c.shp")}},
        "mix": {"parameters": {"FILE": str(demo), "OUTPUT": output["c"], "CLASS_MIX": "half"}},
        "gone": {"parameters": {"FILE": str(demo), "OUTPUT": output["c"], "PROGRAM": str(folder / "gone")}},
        "cancelled": {
            "parameters": {"FILE": str(folder / "many.parquet"), "OUTPUT": output["cancelled"], "UNITS": 1},
            "cancelled": output["cancelled"],
        },
    }
    listed = json.dumps([{"algorithm": CLASSIFY, **step} for step in steps.values()])
    script, found = Path(__file__).with_name("in_qgis.py"), folder / "found.json"
    done = subprocess.run(
        [python, str(script), str(PLUGINS), listed, str(found)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=300,
    )
    assert found.exists(), done.stderr
    facts = json.loads(found.read_text(encoding="utf-8"))
    return {**dict(zip(steps, facts["steps"], strict=True)), "algorithms": facts["algorithms"], "folder": folder}


def test_all_algorithms_are_listed(ran: dict[str, Any]) -> None:
    assert sorted(ran["algorithms"]) == sorted([CLASSIFY, REPORT, AREAS, COMPARE])


def test_a_file_is_classified_as_by_the_command_and_comes_coloured(
    ran: dict[str, Any], demo: Path, tmp_path: Path
) -> None:
    classify_file(demo, tmp_path / "a.parquet", stable_rate=3.0)
    wanted = pq.read_table(tmp_path / "a.parquet")["class_name"].to_pylist()
    step = ran["demo"]
    (layer,) = step["layers"]
    assert layer["classes"] == wanted
    assert step["results"]["POINTS"] == len(wanted)
    assert step["results"]["WITHOUT_CLASS"] == wanted.count(None)
    assert layer["renderer"] == "categorizedSymbol"
    assert layer["aliases"]["velocity_mm_yr"] == "Velocity (mm/yr)"
    assert layer["aliases"]["pid"] == ""
    assert step["percents"][-1] == 100
    assert any(line.startswith("500 points: Stable ") for line in step["log"])
    assert any(line.startswith("warning: Doubt: no epoch for 120 days") for line in step["log"])


def test_map_tips_show_what_is_known_of_a_point(ran: dict[str, Any]) -> None:
    tips = ran["demo"]["layers"][0]["tips"]
    columns = "pid, class_name, confidence, velocity_mm_yr, velocity_std, break_date, n_jumps, jump_dates"
    rows = query(ran["folder"] / "a.gpkg", f"SELECT {columns} FROM a")
    assert {bool(row[5]) for row in rows} == {bool(row[6]) for row in rows} == {True, False}
    for pid, name, confidence, rate, deviation, break_date, jumps, dates in rows:
        tip = tips[pid]
        assert "[%" not in tip
        shown = f"<b>{name}</b> (confidence {confidence * 100:.0f} %)" if name else "<b>No class</b> (most probable: "
        assert tip.startswith(shown)
        assert f"<br>Id: {pid}<br>Rate: " in tip
        assert f" ± {deviation:.1f} mm/yr" in tip
        assert abs(float(tip.split("Rate: ")[1].split(" ")[0]) - rate) <= 0.051
        assert ("<br>Break: " in tip) == (break_date is not None)
        assert f"<br>Break: {break_date} (" in tip or not break_date
        assert ("<br>Jumps: " in tip) == bool(jumps)
        assert not jumps or f"<br>Jumps: {jumps} ({dates.split(';')[0]} " in tip


def test_the_file_of_a_layer_is_classified(ran: dict[str, Any]) -> None:
    (layer,) = ran["layer"]["layers"]
    assert len(layer["classes"]) == 60
    assert sum(name.lstrip("D").isdigit() for name in layer["aliases"]) == 45


def test_a_report_is_a_page(ran: dict[str, Any]) -> None:
    page = Path(ran["report"]["results"]["OUTPUT"])
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert f"Open it in a browser: {page.as_uri()}" in ran["report"]["log"]
    assert any(line.startswith("500 of 500 points, 0 with their series, ") for line in ran["report"]["log"])
    assert read_page(page).facts["diagnosis"] is not None


def test_a_report_of_a_raw_file_has_a_diagnosis_if_that_is_wanted(ran: dict[str, Any]) -> None:
    assert read_page(Path(ran["diagnosed"]["results"]["OUTPUT"])).facts["diagnosis"] is not None
    assert read_page(Path(ran["steps of a report"]["results"]["OUTPUT"])).facts["diagnosis"] is None


def test_progress_is_a_part_of_the_whole_work(ran: dict[str, Any]) -> None:
    """The report classifies 20,000 points in three batches first, and then reads them."""
    for step, least in (("steps", 3), ("steps of a report", 5)):
        percents = ran[step]["percents"]
        assert percents == sorted(percents)
        assert percents[-1] == 100
        assert len(set(percents)) >= least
    assert any(line == "8,192 of 20,000 points" for line in ran["steps"]["log"])
    assert [percent for percent in ran["steps of a report"]["percents"] if percent < 89]


def test_moving_areas_come_with_outlines_and_style(ran: dict[str, Any]) -> None:
    for package in ("scipy", "shapely", "pyproj"):
        pytest.importorskip(package)
    (layer,) = ran["areas"]["layers"]
    assert layer["renderer"] == "categorizedSymbol"
    assert layer["aliases"]["rate_mm_yr"] == "Rate, median (mm/yr)"
    assert len(layer["classes"]) >= 2
    assert {tip.split(":")[0] for tip in layer["tips"].values()} >= {"<b>Area 1"}


def test_the_same_release_twice_is_compared(ran: dict[str, Any]) -> None:
    pytest.importorskip("scipy")
    (layer,) = ran["compare"]["layers"]
    assert len(layer["tips"]) == 500
    assert any("500" in line for line in ran["compare"]["log"])


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("memory", "The layer given lies in no file (it is of memory). Save it as a GeoPackage first"),
        ("classified", "'Estimate rates, breaks and jumps' here"),
        ("nothing", "Give a file with time series, or a layer of the project"),
        ("broken", "no date columns among 2 columns"),
        ("shape", "save to a file that ends with .gpkg"),
        ("mix", "priors is 'Mix of classes' here"),
        ("gone", "insar-rt is not where it was installed: there is no "),
        ("cancelled", "Cancelled: nothing was written."),
    ],
)
def test_what_goes_wrong_is_a_sentence(ran: dict[str, Any], step: str, words: str) -> None:
    assert words in ran[step]["error"]
    assert "Traceback" not in ran[step]["error"]


def test_nothing_is_left_of_what_went_wrong(ran: dict[str, Any]) -> None:
    assert (ran["folder"] / "cancelled.gpkg").read_bytes() == b"precious"
    assert not list(ran["folder"].glob("c.*"))
    assert not list(ran["folder"].glob(".*partial*"))


def test_qgis_process_runs_it(demo: Path, tmp_path: Path) -> None:
    # The wrapper of Debian adds an option that QGIS 3.22 does not know.
    program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    if program is None:
        lack("qgis_process (Debian: qgis)")
    environment = install(tmp_path)
    command = [program, "run", CLASSIFY, "--", f"FILE={demo}", f"OUTPUT={tmp_path / 'out.gpkg'}", "DIAGNOSE=0"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert query(tmp_path / "out.gpkg", "SELECT count(*) FROM out") == [(500,)]
    assert f"OUTPUT:\t{tmp_path / 'out.gpkg'}" in done.stdout
