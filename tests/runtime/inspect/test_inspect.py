"""``insar-rt inspect``: what is reported about a file before it is classified."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, classify_file
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._inspect.forecast import RowTime
from insar_runtime._inspect.inspection import inspect_file
from insar_runtime._inspect.inspection_text import describe_inspection
from insar_runtime._inspect.planned_run import InspectOptions
from tests.runtime.run_command import refused, run, run_process
from tests.runtime.tables import as_lists, series, wide, write


def inspect(path: Path, **options: Any) -> dict[str, Any]:
    """Look at a file, and make sure that JSON and words both take what was found."""
    facts = inspect_file(path, InspectOptions(**options))
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    text = describe_inspection(facts)
    assert all(len(line) <= 100 or str(path.parent) in line for line in text.splitlines())
    for heading in ("Read as", "Evidence", "Doubts"):
        assert heading in text.splitlines()
    return facts


def doubts(facts: dict[str, Any]) -> dict[str, str]:
    return {finding["code"]: finding["sentence"] for finding in facts["findings"]}


def test_what_classify_does_is_what_was_said(tmp_path: Path, source: Path) -> None:
    facts = inspect(source)
    out = tmp_path / "out.parquet"
    summary = classify_file(source, out)
    said = facts["classify"]
    assert said["refused"] is None
    for name in ("model", "model_version", "precision", "device", "provider", "device_reason"):
        assert said[name] == getattr(summary, name)
    assert said["columns_kept"] + said["columns_added"] == pq.read_schema(out).names
    assert said["geometry"] == "points"
    assert facts["points"] == summary.rows == 200
    assert (facts["unit"], facts["unit_evidence"]) == (summary.unit, summary.unit_evidence)
    assert facts["statuses"] == {"ok": 200}
    assert said["seconds"] > 0
    assert said["measured_points"] == 200


def test_the_text_says_it_in_four_groups(source: Path) -> None:
    done = run("inspect", source)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert done.stderr == b""
    assert [line for line in text.splitlines() if line and not line.startswith(" ")] == [
        str(source),
        "Read as",
        "Evidence",
        "Doubts",
        "Classify will",
    ]
    assert f"  write        {source.with_name('in.classified.parquet')}" in text
    assert "about" in next(line for line in text.splitlines() if line.startswith("  time    "))
    assert [path.name for path in source.parent.iterdir()] == ["in.parquet"]


def test_the_keys_that_programs_read(source: Path) -> None:
    facts = json.loads(run("inspect", source, "--json").stdout)
    assert set(facts) == {
        *("name", "container", "bytes", "points", "points_counted", "layout", "date_columns", "producer", "domain"),
        *("epochs", "first_date", "last_date", "sampling_days", "geometry", "columns", "attributes"),
        *("unit", "unit_evidence", "unit_ratio", "sign", "half_wavelength_mm", "half_wavelength_evidence", "notes"),
        *("sample", "ids", "time_axis", "missing", "values", "scatter", "noise", "level_changes", "statuses"),
        *("findings", "classify"),
    }
    assert set(facts["classify"]) == {
        *("refused", "output", "output_exists", "geometry", "geometry_columns", "crs", "columns_kept", "columns_added"),
        *("model", "model_version", "precision", "device", "provider", "device_reason"),
        *("priors", "abstain_below", "threads", "batch_rows", "memory_mb"),
        *("seconds", "points_per_second", "measured_points"),
    }


def test_the_slowest_part_sets_the_pace() -> None:
    pace = RowTime(rows=2048, threads=2, work=10e-6, write=4e-6)
    assert pace.seconds(1_000_000, read=2e-6) == pytest.approx(13)  # the threads share reading and writing
    assert pace.seconds(1_000_000, read=50e-6) == pytest.approx(50)  # one reads at a time


def test_odd_ids_rows_and_values_are_named(tmp_path: Path) -> None:
    displacement, dates = series(300)
    displacement[5], displacement[6], displacement[7] = 0, np.nan, displacement[8]
    displacement[9, :4] = -9999
    pid = [f"p{i}" for i in range(300)]
    pid[200], pid[100] = "p50", ""
    facts = inspect(write(wide(displacement, dates, pid=pid), tmp_path / "in.parquet"))
    found = doubts(facts)
    assert "'p50' in rows 51 and 201" in found["duplicate_ids"]
    assert {"missing_ids", "zero_rows", "empty_rows", "repeated_series", "filler"} <= set(found)
    assert facts["statuses"] == {"ok": 298, "too_few_epochs": 1, "out_of_domain": 1}


@pytest.mark.parametrize("kind", ["csv", "zip", "fixed_size_list", "list", "arrows"])
def test_every_container_and_layout(tmp_path: Path, kind: str) -> None:
    table = wide(*series(300))
    path = tmp_path / f"in.{kind if kind in {'csv', 'arrows'} else 'parquet'}"
    if kind == "zip":
        path = tmp_path / "in.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(write(table, tmp_path / "in.csv"), "in.csv")
    else:
        write(as_lists(table, kind) if kind.endswith("list") else table, path)
    facts = inspect(path)
    assert (facts["points"], facts["points_counted"], facts["epochs"]) == (300, True, 60)
    assert facts["ids"]["repeated"] == 0
    assert facts["sample"] == {"rows": 300, "where": "all"}
    assert facts["classify"]["seconds"] is not None


def test_a_stream_is_looked_at_as_far_as_it_is_needed(tmp_path: Path) -> None:
    path = write(wide(*series(300)), tmp_path / "in.arrows")
    with path.open("rb") as stream:
        done = run_process("inspect", "-", "--json", stdin=stream)
    facts = json.loads(done.stdout)
    assert (facts["name"], facts["points"], facts["ids"]) == ("-", 300, None)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_rows_come_from_all_over_a_large_file(tmp_path: Path, kind: str) -> None:
    displacement, dates = series(25_000, 40)
    displacement[24_000:, :] += 1000  # only the end is off, so only a look at the end finds it
    table = wide(displacement, dates, pid=[f"p{i}" for i in range(25_000)])
    path = tmp_path / f"in.{kind}"
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=1000)
    else:
        write(table, path)
    facts = inspect(path)
    assert facts["sample"]["where"] == "spread"
    assert facts["sample"]["rows"] <= 20_000
    assert facts["values"]["high"] > 900
    assert facts["points"] == 25_000


def test_a_glance_estimates_the_points_of_a_text(tmp_path: Path) -> None:
    path = write(wide(*series(30_000, 40), pid=[f"p{i}" for i in range(30_000)]), tmp_path / "in.csv")
    facts = inspect(path, quick=True)
    assert facts["points"] == pytest.approx(30_000, rel=0.02)
    assert facts["ids"] is None
    assert facts["classify"]["seconds"] is None
    classifier = Classifier()
    for name in ("device", "precision", "device_reason"):
        assert facts["classify"][name] == getattr(classifier, name)


class TestRefused:
    """What classify refuses is said first; the look itself has worked."""

    def test_too_few_epochs(self, tmp_path: Path) -> None:
        path = write(wide(*series(50, 12)), tmp_path / "in.parquet")
        done = run("inspect", path)
        assert done.returncode == 0
        assert done.stdout.decode().splitlines()[2].startswith("classify refuses it: 12 epochs")
        assert inspect(path)["statuses"] == {"too_few_epochs": 50}

    def test_a_unit_that_nothing_proves(self, tmp_path: Path) -> None:
        displacement, dates = series(300)
        path = write(wide(displacement / 1000, dates, prefix="D_"), tmp_path / "in.parquet")
        facts = inspect(path)
        assert "--units m" in facts["classify"]["refused"]
        assert facts["unit"] is None
        assert inspect(path, declared=UserDeclarations("m"))["classify"]["refused"] is None

    def test_classified_before(self, tmp_path: Path, source: Path) -> None:
        path = tmp_path / "again.parquet"
        classify_file(source, path, keep_series=True)
        assert "class_id" in inspect(path)["classify"]["refused"]

    def test_damaged_after_the_first_rows(self, tmp_path: Path) -> None:
        path = write(wide(*series(30_000, 40), pid=[f"p{i}" for i in range(30_000)]), tmp_path / "in.csv")
        with path.open("ab") as file:
            file.write(b"p1,1,2\n")
        facts = inspect(path)
        assert "ended early" in facts["classify"]["refused"]
        assert facts["sample"]["where"] == "spread"

    def test_what_cannot_be_understood_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "in.parquet"
        pq.write_table(pa.table({"pid": ["a"], "value": [1.0]}), path)
        refused(run("inspect", path), 65, "date")
        refused(run("inspect", tmp_path / "none.parquet"), 66)


def test_an_empty_file(tmp_path: Path) -> None:
    facts = inspect(write(wide(*series(1)).slice(0, 0), tmp_path / "in.parquet"))
    assert (facts["points"], facts["statuses"], facts["classify"]["seconds"]) == (0, {}, None)


def test_an_output_that_exists(source: Path) -> None:
    source.with_name("in.classified.parquet").touch()
    assert "--overwrite" in run("inspect", source).stdout.decode()


def test_real_files(real: Callable[[str], Path]) -> None:
    facts = inspect(real("egms_l2_wroclaw/124_0770_IW3_VV.csv"))
    assert set(doubts(facts)) == {"joined_releases", "level_change"}
    facts = inspect(real("egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv"))
    assert doubts(facts) == {}
    assert [switch["date"] for switch in facts["time_axis"]["switches"]] == ["2021-12-29"]
    assert facts["unit_evidence"] == "velocity"
    facts = inspect(real("depsi_amsterdam/example.csv"))
    assert "--units m" in facts["classify"]["refused"]


def test_the_noise_of_a_file_is_told(tmp_path: Path) -> None:
    displacement, dates = series(300, 200)
    rng = np.random.default_rng(3)
    displacement = rng.normal(0, 2, displacement.shape).round(1)
    displacement[:, 150:] += rng.normal(0, 15, (300, 1)) * (np.arange(300)[:, None] % 3 == 0)
    displacement[:, 40] += rng.normal(0, 8, 300)
    path = write(wide(displacement.astype(np.float32), dates), tmp_path / "in.parquet")
    facts = inspect(path)
    noise = facts["noise"]
    assert noise["rows"] > 250
    assert noise["scatter_mm"][1] == pytest.approx(2, rel=0.1)
    assert noise["white_mm"] > 1.8
    assert [step["date"] for step in noise["steps"]] == [str(dates[150])]
    assert [epoch["date"] for epoch in noise["noisy_epochs"]] == [str(dates[40])]
    text = " ".join(describe_inspection(facts).split())
    assert "noise 2 mm (1." in text
    assert f"many rows change level at {dates[150]}" in text
    assert f"noisier at {dates[40]}" in text


def test_noise_of_few_rows_is_said_to_be_typical(tmp_path: Path) -> None:
    displacement, dates = series(20)
    facts = inspect(write(wide(displacement, dates), tmp_path / "in.parquet"))
    assert facts["noise"]["rows"] == 0
    assert "too few rows or epochs for an estimate" in " ".join(describe_inspection(facts).split())


def test_no_noise_in_a_unit_that_nobody_knows(tmp_path: Path) -> None:
    displacement, dates = series(100)
    facts = inspect(write(wide(displacement * 0.001, dates), tmp_path / "in.parquet"))
    assert facts["unit"] is None
    assert facts["noise"] is None
