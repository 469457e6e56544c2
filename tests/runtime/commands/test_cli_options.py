"""Options of ``classify`` for what a file does not contain: sensor, format of dates, output formats, styles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime._output.run_metadata import read_block
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write


def test_radians_are_converted_by_the_wavelength_of_the_sensor(tmp_path: Path) -> None:
    displacement, dates = series(50)
    half_wavelength = 299.792458 / 9.65 / 2  # TerraSAR-X
    radians = displacement * 2 * np.pi / half_wavelength
    write(wide(displacement, dates), tmp_path / "mm.parquet")
    write(wide(radians, dates), tmp_path / "rad.parquet")
    run("classify", tmp_path / "mm.parquet", "-o", tmp_path / "a.parquet", "--precision", "fp32")
    options = ["--units", "rad", "--precision", "fp32", "--sensor", "TerraSAR-X"]
    done = run("classify", tmp_path / "rad.parquet", "-o", tmp_path / "b.parquet", *options)
    assert b"half a wavelength is 15.5 mm here" in done.stderr
    a, b = (pq.read_table(tmp_path / name) for name in ("a.parquet", "b.parquet"))
    np.testing.assert_allclose(b["p_stable"], a["p_stable"], atol=2e-3)
    block = read_block(tmp_path / "b.parquet")
    assert block is not None
    assert block["parameters"]["half_wavelength_mm"] == pytest.approx(half_wavelength)


def test_sensors_that_are_unknown_or_named_twice_are_refused(source: Path) -> None:
    refused(run("classify", source, "--sensor", "sputnik"), 2, "sputnik", "terrasar-x")
    refused(run("classify", source, "--sensor", "ers", "--half-wavelength", "28.3"), 2, "give one of them")
    refused(run("classify", source, "--half-wavelength", "0"), 2, "0")
    refused(run("classify", source, "--half-wavelength", "nan"), 2, "nan")
    for command in (["inspect", source], ["show", source, "--row", "0"], ["convert", source, "-o", "o.parquet"]):
        refused(run(*command, "--half-wavelength", "0"), 2, "half wavelength of 0")


def test_dates_that_start_with_the_day_need_their_format(tmp_path: Path) -> None:
    table = wide(*series(30))
    names = [f"D{n[6:]}{n[4:6]}{n[:4]}" if n.isdigit() else n for n in table.schema.names]
    path = write(table.rename_columns(names), tmp_path / "in.csv")
    refused(run("classify", path), 65, "--date-format")
    for command in (["classify"], ["inspect"], ["show", "--row", "3"]):
        done = run(*command, path, "--date-format", "DDMMYYYY", "--json")
        assert done.returncode == 0, done.stderr
    assert json.loads(run("inspect", path, "--date-format", "DDMMYYYY", "--json").stdout)["first_date"] > "2019-01"


@pytest.mark.parametrize("extension", ["parquet", "csv", "gpkg", "arrow", "arrows", "feather"])
def test_every_format_is_the_same_table(source: Path, tmp_path: Path, extension: str) -> None:
    out = tmp_path / f"out.{extension}"
    done = run("classify", source, "-o", out, "--qml", "--keep-series")
    assert done.returncode == 0, done.stderr
    block = read_block(out)
    assert block is not None
    assert block["rows"] == 200
    assert out.with_suffix(".qml").read_text().startswith("<qgis")
    again = run("classify", source, "-o", out, "--qml", "--keep-series", "--skip-existing")
    assert b"skipped" in again.stderr
    out.with_suffix(".qml").unlink()
    assert b"skipped" not in run("classify", source, "-o", out, "--qml", "--keep-series", "--skip-existing").stderr


def test_one_run_writes_two_formats(source: Path, tmp_path: Path) -> None:
    out, csv = tmp_path / "out", tmp_path / "out" / "in.classified.csv"
    done = run("classify", source, source.parent, "--output-dir", out, "--format", "csv", "--gpkg", tmp_path / "maps")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in sorted(out.iterdir())] == ["in.classified.csv", "in.classified.csv.json"]
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["in.classified.gpkg"]
    assert set(RESULT_SCHEMA.names) <= set(pacsv.read_csv(csv).schema.names)
    refused(run("classify", source, "-o", tmp_path / "out.txt"), 2, ".parquet", ".gpkg")
