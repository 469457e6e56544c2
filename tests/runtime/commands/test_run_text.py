"""What ``classify`` says to a person: rows, classes, what was assumed, where the output is, what comes next."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from insar_runtime._input.opening import open_source
from insar_runtime._terminal.texts import next_step
from tests.runtime.run_command import refused, run


def test_a_run_names_rows_classes_and_output_and_nothing_of_the_machine(source: Path, tmp_path: Path) -> None:
    text = run("classify", source).stderr.decode()
    output = source.with_name("in.classified.parquet")
    counts = pq.read_table(output)["class_name"].to_pylist()
    assert text.startswith(f"{source}: 200 points, 60 epochs, ")
    lines = text.splitlines()
    for name in ("Stable", "PUE"):
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert line.split() == [name, str(counts.count(name)), f"{counts.count(name) / 2:.1f}", "%"]
    assert lines[-2].startswith(f"{output}: written by model ")
    assert lines[-1] == f"next: insar-rt report {output} writes a page with a map of the classes"
    for word in ("Provider", "provider", "thread", "dot product", "cpu", "CPU", "points/s"):
        assert word not in text


def test_rows_without_a_class_are_counted_by_their_reason(source: Path, tmp_path: Path) -> None:
    table = pq.read_table(source)
    column = [float("inf"), *table.columns[3].to_pylist()[1:]]
    pq.write_table(table.set_column(3, table.schema.names[3], [column]), tmp_path / "odd.parquet")
    text = run("classify", tmp_path / "odd.parquet").stderr.decode()
    (line,) = [line for line in text.splitlines() if "no class: infinite values" in line]
    assert line.split()[-3:] == ["1", "0.5", "%"]


def test_the_next_step_of_many_inputs_is_said_once(source: Path, tmp_path: Path) -> None:
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    for name in ("a.parquet", "b.parquet"):
        (tiles / name).write_bytes(source.read_bytes())
    text = run("classify", tiles).stderr.decode()
    assert text.count("next: ") == 1
    assert text.splitlines()[-1].startswith(f"next: insar-rt report {tiles / 'b.classified.parquet'} ")
    assert "next: " not in run("classify", tiles, "--skip-existing").stderr.decode()
    assert "next: " not in run("classify", tiles, "--overwrite", "--log-format", "json").stderr.decode()


@pytest.mark.parametrize(
    ("output", "step"),
    [
        ("o.parquet", "next: insar-rt report o.parquet writes a page with a map of the classes"),
        ("my o.csv", "next: insar-rt report 'my o.csv' writes a page with a map of the classes"),
        ("o.gpkg", "next: open o.gpkg in QGIS; the style is in it"),
        ("-", None),
    ],
)
def test_the_next_step_fits_the_output(output: str, step: str | None) -> None:
    assert next_step(output) == step


def test_the_demo_ends_with_what_to_do_next(tmp_path: Path) -> None:
    text = run("demo", cwd=tmp_path).stderr.decode()
    assert text.splitlines()[-1].startswith("next: insar-rt demo --save-input demo.zip ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", ["parquet", "gpkg", "csv", "arrow"])
def test_the_demo_keeps_its_classified_table_in_any_format(tmp_path: Path, extension: str) -> None:
    name = f"my demo.{extension}"
    done = run("demo", "-o", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines()[-1] == next_step(name)
    assert f"{name}: written by model ".encode() in done.stdout
    assert b"right: 9" in done.stdout
    with open_source(tmp_path / name) as kept:
        assert {"class_name", "true_class"} <= set(kept.schema.names)
        assert sum(batch.num_rows for batch in kept.batches()) == 500
    # Formats that take no metadata have it beside them.
    assert {path.name for path in tmp_path.iterdir()} <= {name, f"{name}.json"}
    refused(run("demo", "-o", name, cwd=tmp_path), 73, "exists", "--overwrite")


def test_the_demo_is_not_written_as_a_stream(tmp_path: Path) -> None:
    refused(run("demo", "-o", "-", cwd=tmp_path), 2, "written to a file", "-o demo.parquet")


def test_the_demo_saves_its_table_and_names_no_file_that_is_gone(tmp_path: Path) -> None:
    done = run("demo", "--save-input", "demo.zip", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"EGMS_L2b_")
    assert b"written" not in done.stdout
    (embedded,) = (files("insar_runtime") / "demo").iterdir()
    assert (tmp_path / "demo.zip").read_bytes() == embedded.read_bytes()
    assert b"next: insar-rt inspect demo.zip" in done.stderr
    refused(run("demo", "--save-input", "demo.zip", cwd=tmp_path), 73, "demo.zip exists", "--overwrite")
    refused(run("demo", "--save-input", "demo.csv", cwd=tmp_path), 2, "demo.csv", "name it .zip")
