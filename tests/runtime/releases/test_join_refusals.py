"""What ``join`` refuses, in one line and with nothing written, and what it says of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from insar_runtime import DataError, OutputExistsError, UsageError, join_files
from tests.runtime.releases.releases import cut
from tests.runtime.run_command import refused, run
from tests.runtime.tables import wide, write


def test_what_keeps_points_from_being_matched_is_named(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    made = cut(40, lost=0.0)
    new = made.new()
    new = new.set_column(0, "pid", pa.array([f"q{name[1:]}" for name in new["pid"].to_pylist()]))
    _refused(made.old(), new.drop_columns(["latitude", "longitude"]), tmp_path, 65, "share 0 of 40 ids",
             "new.parquet has no coordinates", "--lon-column")  # fmt: skip


def _refused(old: pa.Table, new: pa.Table, folder: Path, code: int, *words: str) -> None:
    paths = [write(table, folder / f"{name}.parquet") for name, table in (("old", old), ("new", new))]
    refused(run("join", *paths, "-o", folder / "joined.parquet", "--quiet"), code, *words)
    assert not (folder / "joined.parquet").exists()
    assert {path.name for path in folder.iterdir()} == {"old.parquet", "new.parquet"}


@pytest.mark.usefixtures("scipy")
def test_releases_that_cannot_be_joined_are_refused_in_one_line(tmp_path: Path) -> None:
    made = cut(60, new_begin=25, old_end=70)
    first, second = made.old(), made.new()
    later = cut(60, new_begin=80, old_end=70).new()
    _refused(first, later, tmp_path, 65, "no common epoch", str(made.dates[69]), str(made.dates[80]))
    few = cut(60, new_begin=66, old_end=70).new()
    _refused(first, few, tmp_path, 65, "4 common epochs, fewer than --min-epochs 10")
    _refused(first, second.slice(0, 0), tmp_path, 65, "has no points")
    _refused(first.slice(0, 1), second.slice(0, 1), tmp_path, 65, "share 0 of 1 points")
    shifted = wide(made.displacement, made.dates + 1)
    _refused(first, shifted, tmp_path, 65, "most dates lie a day apart")
    other = second.set_column(0, "pid", pa.array([f"q{i}" for i in range(len(second))]))
    other = other.set_column(1, "latitude", pa.array(np.full(len(second), 10.0) + np.arange(len(second)) / 100))
    _refused(first, other, tmp_path, 65, "share 0 of")
    twice = second.set_column(0, "pid", pa.array(["p0001"] * len(second)))
    _refused(first, twice, tmp_path, 65, "have the id of another row")
    left, right = [table.append_column("track_angle", pa.array(np.full(len(table), angle)))
              for table, angle in ((first, 190.0), (second, 349.0))]  # fmt: skip
    _refused(left, right, tmp_path, 65, "track_angle is 190 degrees in OLD and 349 in NEW")
    names = [name for name in second.schema.names if name.isdigit()]
    negative = pa.table({name: pa.array(-second[name].to_numpy()) if name in names else second[name]
                         for name in second.schema.names})  # fmt: skip
    _refused(first, negative, tmp_path, 65, "opposite signs")


@pytest.mark.usefixtures("scipy")
def test_products_and_tracks_that_differ_are_refused(tmp_path: Path) -> None:
    made = cut(40)
    old = made.old().append_column("gnss_velocity", pa.array(np.zeros(len(made.old_rows))))
    new = made.new().append_column("gnss_velocity", pa.array(np.zeros(len(made.new_rows))))
    paths = {
        name: write(table, tmp_path / name)
        for name, table in (
            ("EGMS_L2b_022_0845_IW2_VV_2018_2022_1.parquet", old),
            ("EGMS_L2b_095_0211_IW1_VV_2019_2023_1.parquet", new),
            ("EGMS_L2b_022_0845_IW2_VV_2019_2023_1.parquet", new),
            ("EGMS_L2a_022_0845_IW2_VV_2019_2023_1.parquet", new),
        )
    }
    first, track, same, level = paths.values()
    with pytest.raises(DataError, match="OLD is of track 022, NEW of track 095"):
        join_files(first, track, tmp_path / "joined.parquet")
    assert join_files(first, same, tmp_path / "joined.parquet").notes == ()
    notes = join_files(first, level, tmp_path / "joined.parquet", overwrite=True).notes
    assert any("EGMS L2b, NEW EGMS L2a" in note for note in notes)
    metres = made.new().rename_columns(["pid", "northing", "easting", *made.new().schema.names[3:]])
    with pytest.raises(DataError, match="along the line of sight, NEW along the vertical"):
        join_files(first, write(metres, tmp_path / "EGMS_L3_E45N17_100km_U.parquet"), tmp_path / "new.parquet")


def test_outputs_are_exclusive_and_inputs_are_safe(tmp_path: Path) -> None:
    made = cut(30)
    old, new = made.write(tmp_path)
    output = tmp_path / "joined.parquet"
    join_files(old, new, output)
    before = output.read_bytes()
    with pytest.raises(OutputExistsError):
        join_files(old, new, output)
    join_files(old, new, output, overwrite=True)
    assert output.read_bytes() == before, "equal runs make equal files"
    with pytest.raises(UsageError, match="is the input"):
        join_files(old, new, new, overwrite=True)
    with pytest.raises(UsageError, match="the same file"):
        join_files(old, old, tmp_path / "other.parquet")
    with pytest.raises(UsageError, match="name two files"):
        join_files("-", new, tmp_path / "other.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["joined.parquet", "new.parquet", "old.parquet"]


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    made = cut(60)
    old, new = made.write(tmp_path)
    done = run("join", old, new, "-o", tmp_path / "joined.parquet", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["statuses"] == {"joined": 54, "only_old": 3, "only_new": 3}
    assert facts["reference"]["offset_mm"] == pytest.approx(np.median(made.offsets[made.both]), abs=0.1)
    text = done.stderr.decode()
    assert "54 points matched by id; 45 common epochs" in text
    assert f"joined at {made.dates[25]}" in text
    assert "of OLD alone: 3" in text
