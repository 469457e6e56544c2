"""Two releases are compared point by point: what is known to have changed is found, and nothing else."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import (
    Classifier,
    Comparison,
    UsageError,
    classify_file,
    compare_files,
)
from tests.runtime.outputs import query
from tests.runtime.releases.conftest import (
    DATES,
    Releases,
    changed,
    with_break,
    with_class,
    with_jumps,
)
from tests.runtime.run_command import run


def rows_of(path: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in pq.read_table(path).to_pylist()}


def compared(old: Path, new: Path, path: Path, **options: Any) -> tuple[Comparison, dict[str, dict[str, Any]]]:
    done = compare_files(old, new, path, overwrite=True, **options)
    return done, rows_of(path)


def test_a_release_has_not_changed_against_itself(releases: Releases, tmp_path: Path, classifier: Classifier) -> None:
    """Also if the same data are classified once more, and whatever the order of the files is."""
    again = classify_file(
        releases.raw_new, tmp_path / "again.parquet", classifier=classifier, diagnose=True, units="mm"
    )
    done, rows = compared(releases.new, Path(again.output), tmp_path / "changes.parquet", alert=["rate", "class"])
    assert (done.rows, rows, done.alerts) == (0, {}, 0)
    done, rows = compared(releases.new, Path(again.output), tmp_path / "changes.parquet")
    assert done.points == {"both": 290, "gone": 0, "new": 0}
    assert done.class_changes == {"all": 0, "sure": 0}
    assert done.rate_offset_mm_yr == 0
    assert set(done.reasons.values()) == {0}
    for row in rows.values():
        assert row["class_before"] == row["class_after"]
        assert row["confidence_before"] == row["confidence_after"]
        assert row["class_changed"] is False
        zero = ("class_change_prob", "rate_change_mm_yr", "rate_change_std", "rate_change_prob", "distance_m")
        assert [row[name] for name in zero] == [0.0] * 5
        assert row["new_break"] is False
        assert row["reasons"] is None
    first = (tmp_path / "changes.parquet").read_bytes()
    compare_files(releases.new, Path(again.output), tmp_path / "changes.parquet", overwrite=True)
    assert (tmp_path / "changes.parquet").read_bytes() == first


def test_all_points_are_there_in_the_order_of_the_new_release(releases: Releases, tmp_path: Path) -> None:
    done, rows = compared(releases.old, releases.new, tmp_path / "changes.parquet")
    assert done.points == {"both": 270, "gone": 10, "new": 20}
    assert done.matched_by == {"id": 270, "position": 0}
    new_ids = pq.read_table(releases.new)["pid"].to_pylist()
    assert list(rows) == [*new_ids, *(f"p{i:04d}" for i in range(10))]
    matches = {row["id"]: row["match"] for row in rows.values()}
    assert {name for name, match in matches.items() if match == "gone"} == {f"p{i:04d}" for i in range(10)}
    assert {name for name, match in matches.items() if match == "new"} == {f"p{i:04d}" for i in range(280, 300)}
    gone, new = rows["p0003"], rows["p0290"]
    assert (gone["class_after"], gone["rate_after_mm_yr"], gone["rate_change_mm_yr"]) == (None, None, None)
    assert (new["class_before"], new["id_before"], new["class_changed"]) == (None, None, None)
    # Gone points have the position of the old release.
    assert (gone["latitude"], gone["longitude"]) == (45.003, 7.003)
    old, after = rows_of_input(releases.old), rows_of_input(releases.new)
    for row in rows.values():
        if row["match"] == "both":
            before, now = old[row["id"]], after[row["id"]]
            assert row["class_before"] == before["class_name"]
            assert row["class_after"] == now["class_name"]
            change = now["velocity_mm_yr"] - before["velocity_mm_yr"] - done.rate_offset_mm_yr
            assert row["rate_change_mm_yr"] == pytest.approx(change, abs=1e-4)


def rows_of_input(path: Path) -> dict[str, dict[str, Any]]:
    return {row["pid"]: row for row in pq.read_table(path).to_pylist()}


def test_the_matrix_counts_each_point_once(releases: Releases) -> None:
    done = compare_files(releases.old, releases.new)
    assert done.output is None
    assert done.rows == sum(sum(row.values()) for row in done.classes.values()) == 300
    after = {name: sum(row[name] for row in done.classes.values()) for name in done.classes["Stable"]}
    assert after["gone"] == 10
    assert sum(done.classes["new"].values()) == 20
    names = pq.read_table(releases.new)["class_name"].to_pylist()
    assert {name: after[name] for name in set(names) - {None}} == {
        name: names.count(name) for name in set(names) - {None}
    }


def test_changes_that_were_made_are_found(releases: Releases, tmp_path: Path) -> None:
    last = date.fromisoformat(str(DATES[-3]))
    early = date.fromisoformat(str(DATES[60]))
    near = date.fromisoformat(str(DATES[62]))
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    changed(releases.old, old, "p0021", **with_class("Bilinear"), **with_break(early))
    changed(old, old, "p0022", **with_class("PUE"), **with_jumps((early, 27.7)))
    changed(old, old, "p0025", **with_class("Linear", 0.501))
    changed(releases.new, new, "p0020", **with_class("Bilinear"), **with_break(last))
    changed(new, new, "p0021", **with_class("Bilinear"), **with_break(near))
    changed(new, new, "p0022", **with_class("PUE"), **with_jumps((near, 27.7), (last, -14.0)))
    changed(new, new, "p0023", **with_class("PUE"), **with_jumps((last, 27.7)))
    changed(new, new, "p0024", velocity_mm_yr=9.0)
    changed(new, new, "p0025", **with_class("Linear", 0.499))
    changed(new, new, "p0025", class_id=0, class_name="Stable", class_top=0, confidence=0.501)
    done, rows = compared(old, new, tmp_path / "changes.parquet")
    assert {name: row["reasons"] for name, row in rows.items() if row["reasons"]} == {
        "p0020": "break;class",
        "p0022": "jump",
        "p0023": "jump;class",
        "p0024": "rate",
    }
    assert done.reasons == {"break": 1, "jump": 2, "rate": 1, "recent": 0, "class": 2}
    # The same break, and the same jump, found two epochs apart are not new.
    assert rows["p0021"]["new_break"] is False
    assert (rows["p0021"]["break_before"], rows["p0021"]["break_after"]) == (early, near)
    assert rows["p0022"]["n_new_jumps"] == 1
    assert rows["p0022"]["new_jump_dates"] == [last]
    assert rows["p0022"]["new_jump_mm"] == pytest.approx([-14.0])
    assert rows["p0023"]["new_jump_dates"] == [last]
    assert rows["p0020"]["n_new_jumps"] is None
    assert rows["p0024"]["rate_change_prob"] > 0.999
    # A change between Stable and Linear at the same rate is churn, and so are almost equal probabilities.
    assert rows["p0025"]["class_changed"] is True
    assert rows["p0025"]["class_change_prob"] == 0
    assert done.class_changes == {"all": 3, "sure": 2}
    assert rows["p0023"]["class_change_prob"] == pytest.approx(0.9, abs=0.01)


def test_recent_changes_of_the_new_release_are_reported(releases: Releases, tmp_path: Path) -> None:
    table = pq.read_table(releases.new)
    count, row = len(table), table["pid"].to_pylist().index("p0050")
    columns = {"v_recent_mm_yr": np.zeros(count), "v_recent_std": np.ones(count), "recent_change_prob": np.zeros(count)}
    columns["v_recent_mm_yr"][row], columns["recent_change_prob"][row] = 30.0, 0.995
    for name, values in columns.items():
        if name in table.schema.names:
            table = table.drop_columns([name])
        table = table.append_column(name, pa.array(values.astype(np.float32)))
    pq.write_table(table, tmp_path / "new.parquet")
    done, rows = compared(releases.old, tmp_path / "new.parquet", tmp_path / "changes.parquet", alert=["recent"])
    assert (done.alerts, done.rows, list(rows)) == (1, 1, ["p0050"])
    assert rows["p0050"]["v_recent_mm_yr"] == 30
    assert rows["p0050"]["reasons"] == "recent"
    assert compare_files(releases.old, tmp_path / "new.parquet", alert="jump, recent").alerts == 1
    assert compare_files(releases.old, tmp_path / "new.parquet", alert=["recent"], probability=0.999).alerts == 0
    # What the old release has shown already is no news.
    assert compare_files(tmp_path / "new.parquet", tmp_path / "new.parquet", alert=["recent"]).alerts == 0
    assert compare_files(releases.old, tmp_path / "new.parquet", alert=["recent"], recent_change_mm_yr=40).alerts == 0


def test_another_reference_is_subtracted_unless_it_is_asked_for(releases: Releases, tmp_path: Path) -> None:
    table = pq.read_table(releases.new)
    moved = pa.array(table["velocity_mm_yr"].to_numpy() + np.float32(3))
    table = table.set_column(table.schema.names.index("velocity_mm_yr"), "velocity_mm_yr", moved)
    pq.write_table(table, tmp_path / "new.parquet")
    done, rows = compared(releases.old, tmp_path / "new.parquet", tmp_path / "changes.parquet")
    assert done.rate_offset_mm_yr == pytest.approx(3, abs=0.05)
    assert done.offset_subtracted
    assert done.reasons["rate"] == 0
    kept, of_kept = compared(releases.old, tmp_path / "new.parquet", tmp_path / "kept.parquet", keep_offset=True)
    assert not kept.offset_subtracted
    for name in ("p0100", "p0101"):
        apart = of_kept[name]["rate_change_mm_yr"] - rows[name]["rate_change_mm_yr"]
        assert apart == pytest.approx(done.rate_offset_mm_yr, abs=1e-3)
        assert of_kept[name]["rate_change_prob"] == rows[name]["rate_change_prob"]


def test_releases_that_are_not_classified_are_classified_first(
    releases: Releases, tmp_path: Path, classifier: Classifier
) -> None:
    options: dict[str, Any] = {"classifier": classifier, "units": "mm"}
    raw, of_raw = compared(releases.raw_old, releases.raw_new, tmp_path / "raw.parquet", **options)
    done, rows = compared(releases.old, releases.new, tmp_path / "changes.parquet")
    assert of_raw == rows
    assert (raw.old, raw.classes) == (str(releases.raw_old), done.classes)
    half, _ = compared(releases.old, releases.raw_new, tmp_path / "half.parquet", **options)
    assert half.classes == done.classes
    assert raw.notes == done.notes


def test_options_of_a_classification_hold_for_the_release_that_has_no_classes_and_a_note_says_so(
    releases: Releases, tmp_path: Path, classifier: Classifier
) -> None:
    done, _ = compared(releases.raw_old, releases.new, tmp_path / "c.parquet", classifier=classifier, units="mm")
    words = f"classified already, so classifier, units hold for {releases.raw_old} alone"
    assert f"{releases.new} is {words}" in done.notes
    stored = json.loads(pq.read_metadata(tmp_path / "c.parquet").metadata[b"insar_runtime"])["comparison"]
    note = "new.parquet is classified already, so classifier, units hold for raw_old.parquet alone"
    assert note in stored["notes"]
    shown = run("compare", releases.old, releases.raw_new, "--units", "mm").stderr.decode()
    assert f"note: {releases.old} is classified already, so --units holds for {releases.raw_new} alone" in shown


def test_a_release_in_many_files_is_one_table(releases: Releases, tmp_path: Path, classifier: Classifier) -> None:
    """Classified or not, and beside a release in one file."""
    done, rows = compared(releases.old, releases.new, tmp_path / "changes.parquet")
    for name, source, options in (
        ("classified", releases.new, {}),
        ("raw", releases.raw_new, {"classifier": classifier, "units": "mm"}),
    ):
        folder, table = tmp_path / name, pq.read_table(source)
        folder.mkdir()
        for begin in (0, 100):
            pq.write_table(table.slice(begin, 100 if begin == 0 else None), folder / f"part-{begin:05d}.parquet")
        found, of_folder = compared(releases.old, folder, tmp_path / "folder.parquet", as_table=True, **options)
        assert of_folder == rows
        assert (found.new, found.classes) == (str(folder), done.classes)


@pytest.mark.parametrize(
    "option", [{"units": "m"}, {"priors": "trained"}, {"date_format": "DDMMYYYY"}, {"half_wavelength_mm": 15.6}]
)
def test_options_of_a_classification_are_refused_where_both_have_classes(
    releases: Releases, tmp_path: Path, option: dict[str, Any]
) -> None:
    (name,) = option
    with pytest.raises(UsageError, match=f"are classified already, so {name} would do nothing"):
        compare_files(releases.old, releases.new, tmp_path / "changes.parquet", **option)
    assert not (tmp_path / "changes.parquet").exists()


def test_releases_without_a_diagnosis_have_the_rates_of_the_file(
    releases: Releases, tmp_path: Path, classifier: Classifier
) -> None:
    table = pq.read_table(releases.raw_new)
    velocity = np.zeros(len(table))
    paths = []
    for name, shift in (("old", 0.0), ("new", 7.0)):
        velocity[5] = shift
        raw = tmp_path / f"raw_{name}.parquet"
        pq.write_table(table.append_column("mean_velocity", pa.array(velocity)), raw)
        summary = classify_file(raw, tmp_path / f"{name}.parquet", classifier=classifier, units="mm")
        paths.append(Path(summary.output))
    done, rows = compared(paths[0], paths[1], tmp_path / "changes.parquet")
    row = rows[table["pid"][5].as_py()]
    assert row["rate_change_mm_yr"] == 7
    assert row["new_break"] is None
    assert row["n_new_jumps"] is None
    assert any("has no breaks and jumps; classify it with --diagnose" in note for note in done.notes)
    stored = json.loads(pq.read_metadata(tmp_path / "changes.parquet").metadata[b"insar_runtime"])["comparison"]
    assert stored["notes"]
    assert str(tmp_path) not in json.dumps(stored)


@pytest.mark.usefixtures("scipy")
def test_another_model_is_noted(releases: Releases, tmp_path: Path) -> None:
    table = pq.read_table(releases.old)
    block = json.loads(table.schema.metadata[b"insar_runtime"])
    block["model_version"], block["parameters"]["stable_rate_mm_yr"] = "0.9.0", 1.0
    metadata = {**table.schema.metadata, b"insar_runtime": json.dumps(block).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "old.parquet")
    notes = compare_files(tmp_path / "old.parquet", releases.new).notes
    assert any("two models have classified them" in note and "0.9.0" in note for note in notes)
    assert any("Stable ends at 1.0 and at 2.0 mm/yr" in note for note in notes)
    swapped = compare_files(releases.new, releases.old).notes
    assert any("which is new?" in note for note in swapped)
    assert compare_files(releases.old, releases.new).notes == ()


def test_points_are_matched_by_position_without_ids(releases: Releases, tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="extra spatial is not installed")
    paths = []
    for source in (releases.old, releases.new):
        table = pq.read_table(source)
        paths.append(tmp_path / source.name)
        pq.write_table(table.rename_columns(["old name" if n == "pid" else n for n in table.schema.names]), paths[-1])
    by_position = compare_files(paths[0], paths[1], tmp_path / "changes.parquet")
    assert by_position.points == {"both": 270, "gone": 10, "new": 20}
    assert by_position.matched_by == {"id": 0, "position": 270}
    assert by_position.distance_m is not None
    assert by_position.classes == compare_files(releases.old, releases.new).classes


@pytest.mark.parametrize("extension", ["csv", "gpkg", "arrow"])
def test_all_formats_hold_the_same(releases: Releases, tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"changes.{extension}"
    done, rows = compared(releases.old, releases.new, tmp_path / "changes.parquet")
    assert compare_files(releases.old, releases.new, path).rows == done.rows
    if extension == "gpkg":
        found = query(path, "SELECT id, match, class_after FROM changes")
        assert query(path, "SELECT count(*) FROM rtree_changes_geom") == [(300,)]
    elif extension == "csv":
        table = pacsv.read_csv(path, convert_options=pacsv.ConvertOptions(strings_can_be_null=True, null_values=[""]))
        assert "geometry" not in table.schema.names
        found = [tuple(row.values()) for row in table.select(["id", "match", "class_after"]).to_pylist()]
        assert json.loads((tmp_path / "changes.csv.json").read_text())["insar_runtime"]["comparison"]["rows"] == 300
    else:
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
        found = [tuple(row.values()) for row in table.select(["id", "match", "class_after"]).to_pylist()]
    assert found == [(row["id"], row["match"], row["class_after"]) for row in rows.values()]


@pytest.mark.usefixtures("scipy")
@pytest.mark.parametrize("extension", ["csv", "gpkg", "arrow"])
def test_releases_are_read_in_any_format(
    releases: Releases, tmp_path: Path, classifier: Classifier, extension: str
) -> None:
    made = classify_file(
        releases.raw_new, tmp_path / f"new.{extension}", classifier=classifier, diagnose=True, units="mm"
    )
    _, of_parquet = compared(releases.old, releases.new, tmp_path / "parquet.parquet")
    done, rows = compared(releases.old, Path(made.output), tmp_path / "other.parquet")
    assert done.notes == ()
    assert list(rows) == list(of_parquet)
    # Text gives numbers back to the last bit.
    assert rows == of_parquet


def test_the_file_is_geoparquet_with_what_is_known_of_the_run(releases: Releases, tmp_path: Path) -> None:
    compare_files(releases.old, releases.new, tmp_path / "changes.parquet")
    metadata = pq.read_metadata(tmp_path / "changes.parquet").metadata
    facts = json.loads(metadata[b"insar_runtime"])["comparison"]
    assert (facts["old"], facts["new"]) == ("old.parquet", "new.parquet")
    assert facts["old_release"]["last_date"] == str(DATES[124])
    assert facts["new_release"]["last_date"] == str(DATES[-1])
    assert facts["thresholds"]["rate_change_mm_yr"] == 2
    geo = json.loads(metadata[b"geo"])["columns"]["geometry"]
    assert geo["bbox"] == pytest.approx([7.0, 45.0, 7.299, 45.299])


# The command.
