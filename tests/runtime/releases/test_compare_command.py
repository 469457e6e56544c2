"""The command that compares two releases: what it says, its exit codes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import (
    DataError,
    InputNotFoundError,
    OutputExistsError,
    UsageError,
    compare_files,
)
from insar_runtime.errors import ALERT_EXIT_CODE
from tests.runtime.releases.conftest import (
    Releases,
    changed,
)
from tests.runtime.run_command import refused, run


def test_the_command_says_what_has_changed_and_ends_with_0(releases: Releases, tmp_path: Path) -> None:
    done = run("compare", releases.old, releases.new, "-o", tmp_path / "changes.parquet")
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert "270 points in both, 10 gone, 20 new" in lines[0]
    table = [line.split() for line in lines[4 : lines.index("", 4)]]
    assert table[0][0] == "before"
    assert table[0][-2:] == ["gone", "points"]
    assert [row[0] for row in table[1:]][-1] == "new"
    assert sum(int(row[-1].replace(",", "")) for row in table[1:]) == 300
    assert len({len(line) for line in lines[4 : lines.index("", 4)]}) == 1
    assert any("the others are within the churn" in line for line in lines)
    assert lines[-1].endswith("changes.parquet: 300 rows")
    assert run("compare", releases.old, releases.new, "-q").stderr == b""


def test_one_point_is_no_points(releases: Releases, tmp_path: Path) -> None:
    pq.write_table(pq.read_table(releases.new).slice(0, 1), tmp_path / "one.parquet")
    done = run("compare", tmp_path / "one.parquet", tmp_path / "one.parquet", "-o", tmp_path / "changes.parquet")
    text = done.stderr.decode()
    assert "one.parquet: 1 point in both, 0 gone, 0 new" in text
    assert "classes: 0 of 1 point (0 %)" in text
    assert text.strip().endswith("changes.parquet: 1 row")


def test_changes_in_place_of_a_release_are_named(releases: Releases, tmp_path: Path) -> None:
    changes = tmp_path / "changes.parquet"
    compare_files(releases.old, releases.new, changes)
    words = "holds changes between two releases, which insar-rt compare has written: give one of the releases"
    refused(run("compare", releases.old, changes), 65, words)
    refused(run("classify", changes, "-o", tmp_path / "out.parquet"), 65, words)


def test_an_alert_has_an_exit_code_of_its_own(releases: Releases, tmp_path: Path) -> None:
    new = changed(releases.new, tmp_path / "new.parquet", "p0024", velocity_mm_yr=9.0)
    changes, report = tmp_path / "alerts.csv", tmp_path / "report.json"
    done = run("compare", releases.old, new, "-o", changes, "--alert", "rate,break", "--json", "--run-report", report)
    assert done.returncode == ALERT_EXIT_CODE == 10
    facts = json.loads(done.stdout)
    assert (facts["alerts"], facts["rows"]) == (1, 1)
    assert "alert: 1 point" in done.stderr.decode()
    assert len(changes.read_text().splitlines()) == 2
    record = json.loads(report.read_text())
    assert record["exit_code"] == 10
    assert record["comparison"] == facts
    quiet = run("compare", releases.old, new, "--alert", "break", "-o", tmp_path / "none.csv")
    assert quiet.returncode == 0
    assert len((tmp_path / "none.csv").read_text().splitlines()) == 1
    assert run("compare", releases.old, new, "--alert", "any", "--rate-change", 12).returncode == 0
    # Without --alert, changes are no event.
    assert run("compare", releases.old, new).returncode == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--alert", "breaks"], "there is no rule 'breaks'; give some of break, jump, rate, recent, class, or any"),
        (["--units", "mm"], "are classified already, so --units would do nothing"),
        (["--within", "-3"], "the distance is -3.0 m; give a positive one"),
        (["--crs", "nowhere"], "'nowhere' is no coordinate reference system"),
    ],
)
def test_options_that_make_no_sense_are_refused(releases: Releases, options: list[str], words: str) -> None:
    refused(run("compare", releases.old, releases.new, *options), 2, words)


def test_names_that_cannot_be_are_refused(releases: Releases, tmp_path: Path) -> None:
    old = tmp_path / "old.parquet"
    old.write_bytes(releases.old.read_bytes())
    refused(run("compare", old, releases.new, "-o", old, "--overwrite"), 2, "is the input")
    refused(run("compare", "-", releases.new), 2, "not a stream")
    refused(run("compare", old, releases.new, "--run-report", old, "--overwrite"), 2, "is an input or the output")
    refused(run("compare", old, tmp_path / "none.parquet"), 66, "none.parquet")
    refused(run("compare", old, releases.new, "-o", tmp_path / "changes.txt"), 2, "known extension")
    with pytest.raises(OutputExistsError):
        compare_files(old, releases.new, old.with_name("old.parquet"))
    with pytest.raises(InputNotFoundError):
        compare_files(tmp_path / "none.parquet", releases.new)
    with pytest.raises(UsageError, match="no rule 'everything'"):
        compare_files(old, releases.new, alert=["everything"])  # type: ignore[list-item]
    with pytest.raises(UsageError, match=r"the probability is 1\.5"):
        compare_files(old, releases.new, probability=1.5)


def test_releases_of_other_places_leave_no_file(releases: Releases, tmp_path: Path) -> None:
    table = pq.read_table(releases.new)
    ids = pa.array([f"q{name}" for name in table["pid"].to_pylist()])
    table = table.set_column(0, "pid", ids).set_column(1, "latitude", pa.array(table["latitude"].to_numpy() + 5))
    pq.write_table(table.drop_columns(["geometry", "bbox"]), tmp_path / "new.parquet")
    with pytest.raises(DataError, match="share 0 of 280 points"):
        compare_files(releases.old, tmp_path / "new.parquet", tmp_path / "changes.parquet", match="id")
    assert not (tmp_path / "changes.parquet").exists()


def test_a_release_without_points_is_refused(releases: Releases, tmp_path: Path) -> None:
    """Whatever it has columns of: a diagnosis, velocities of its own, or series that are classified first."""
    raw = pq.read_table(releases.raw_new)
    tables = {
        "diagnosed": pq.read_table(releases.new),
        "rates": pq.read_table(releases.new).rename_columns({"velocity_mm_yr": "mean_velocity"}),
        "raw": raw.append_column("mean_velocity", pa.nulls(len(raw), pa.float32())),
    }
    for name, table in tables.items():
        pq.write_table(table.slice(0, 0), tmp_path / f"{name}.parquet")
        units: Any = "mm" if name == "raw" else None
        with pytest.raises(DataError, match=rf"{name}\.parquet has no points, so there is nothing to match"):
            compare_files(releases.old, tmp_path / f"{name}.parquet", tmp_path / "changes.parquet", units=units)
    assert not (tmp_path / "changes.parquet").exists()
