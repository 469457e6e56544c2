"""``classify --diagnose``: all inputs and outputs, many files, second runs, messages."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, Diagnose, classify_file
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._input.units.sensors import SENTINEL1_MM
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.diagnoses import DATES, moving
from tests.runtime.run_command import refused, run
from tests.runtime.tables import as_lists, series, wide, write

NAMES = DIAGNOSIS_SCHEMA.names


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(wide(moving(), DATES), tmp_path / "in.parquet")


def as_long(table: pa.Table) -> pa.Table:
    names = [name for name in table.schema.names if name.isdigit()]
    matrix = np.stack([table[name].to_numpy() for name in names], axis=1)
    days = [f"{name[:4]}-{name[4:6]}-{name[6:]}" for name in names]
    return pa.table(
        {
            "pid": np.repeat(table["pid"].to_numpy(zero_copy_only=False), len(names)),
            "date": days * len(table),
            "displacement_mm": matrix.ravel(),
        }
    )


def diagnosed(source: Path, tmp_path: Path, classifier: Classifier, **options: Any) -> pa.Table:
    out = tmp_path / "diagnosed.parquet"
    classify_file(source, out, classifier=classifier, diagnose=True, overwrite=True, **options)
    return pq.read_table(out)


def test_all_inputs_give_the_same_bits(tmp_path: Path, classifier: Classifier, source: Path) -> None:
    table = wide(moving(), DATES)
    wanted = diagnosed(source, tmp_path, classifier).select(NAMES).to_pylist()
    assert any(row["n_jumps"] for row in wanted)
    inputs = {
        "in.csv": table,
        "in.arrows": table,
        "list.parquet": as_lists(table, "list"),
        "fixed.parquet": as_lists(table, "fixed_size_list"),
        "long.csv": as_long(table),
    }
    for name, variant in inputs.items():
        path = write(variant, tmp_path / name)
        assert diagnosed(path, tmp_path, classifier).select(NAMES).to_pylist() == wanted, name
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(tmp_path / "in.csv", "in.csv")
    assert diagnosed(tmp_path / "in.zip", tmp_path, classifier).select(NAMES).to_pylist() == wanted
    out = io.BytesIO()
    classify_file(io.BytesIO((tmp_path / "in.arrows").read_bytes()), out, classifier=classifier, diagnose=True)
    assert pa.ipc.open_stream(out.getvalue()).read_all().select(NAMES).to_pylist() == wanted
    one = Classifier(device="cpu", threads=1)
    assert diagnosed(source, tmp_path, one, memory_limit=1 << 40).select(NAMES).to_pylist() == wanted


def test_threads_and_batches_do_not_change_a_bit(tmp_path: Path, classifier: Classifier) -> None:
    """Also where the noise comes from rows all over a file of several batches and row groups."""
    displacement = np.concatenate([moving(seed=seed) for seed in range(170)])
    source = tmp_path / "in.parquet"
    pq.write_table(wide(displacement, DATES), source, row_group_size=3000)
    tables = []
    for threads in (1, 3):
        chosen = classifier.with_threads(threads)
        tables.append(diagnosed(source, tmp_path, chosen, corrected=tmp_path / f"{threads}.parquet"))
    assert tables[0].equals(tables[1])
    assert pq.read_table(tmp_path / "1.parquet").equals(pq.read_table(tmp_path / "3.parquet"))
    small = diagnosed(source, tmp_path, classifier.with_threads(1), memory_limit=_limit())
    assert small.equals(tables[0])


def _limit() -> int:
    from insar_runtime._pipeline.memory import resident_bytes

    return (resident_bytes() or 0) + (400 << 20)


def test_the_diagnosis_has_its_columns_and_metadata(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out.parquet"
    done = run("classify", source, "-o", out, "--diagnose", "--json")
    assert done.returncode == 0, done.stderr
    table = pq.read_table(out)
    kept = ["pid", "latitude", "longitude"]
    assert table.schema.names == [*kept, *RESULT_SCHEMA.names, *NAMES, "velocity", "geometry", "bbox"]
    block = json.loads(pq.read_metadata(out).metadata[b"insar_runtime"])
    told = block["diagnosis"]
    assert (told["jumps"], told["repair_above"], told["repair_damped"]) == ("flagged", 0.6, False)
    assert told["recent_days"] == 180
    assert 0.8 <= told["noise"]["recent_spread"] <= 2
    assert all(0 <= value <= 1 for value in table["recent_change_prob"].to_pylist())
    assert told["half_wavelength_mm"] == SENTINEL1_MM
    assert told["half_wavelength_evidence"] == "producer"
    assert (block["input"]["half_wavelength_mm"], block["input"]["half_wavelength_evidence"]) == (
        SENTINEL1_MM,
        "producer",
    )
    assert told["noise"]["kinds"]
    counts = told["counts"]
    assert (counts["rows"], counts["fitted"], counts["jumps"]) == (60, 60, 45)
    assert json.loads(done.stdout)["diagnosis"] == counts
    said = done.stderr.decode()
    assert f"{counts['with_break']} with a break" in said
    assert "30 repaired" in said


def test_without_diagnose_there_are_no_columns_of_it(tmp_path: Path, source: Path, classifier: Classifier) -> None:
    summary = classify_file(source, tmp_path / "out.parquet", classifier=classifier)
    assert summary.diagnosis is None
    table = pq.read_table(tmp_path / "out.parquet")
    assert not set(NAMES) & set(table.schema.names)
    assert "velocity" not in table.schema.names
    block = json.loads(table.schema.metadata[b"insar_runtime"])
    assert "diagnosis" not in block
    assert "diagnose" not in block["parameters"]


@pytest.mark.parametrize(
    "option", [["--jumps", "all"], ["--repair-above", "0.5"], ["--repair-damped"], ["--recent-days", "365"]]
)
def test_an_option_of_the_diagnosis_switches_it_on(tmp_path: Path, source: Path, option: list[str]) -> None:
    out = tmp_path / "out.parquet"
    done = run("classify", source, "-o", out, *option)
    assert done.returncode == 0, done.stderr
    block = json.loads(pq.read_metadata(out).metadata[b"insar_runtime"])
    changed = {
        "--jumps": ("jumps", "all"),
        "--repair-above": ("repair_above", 0.5),
        "--repair-damped": ("repair_damped", True),
        "--recent-days": ("recent_days", 365),
    }
    name, value = changed[option[0]]
    assert block["diagnosis"][name] == value
    counts = block["diagnosis"]["counts"]
    assert counts["searched_for_jumps"] == 60 or option[0] != "--jumps"


def test_wrong_options_are_refused(tmp_path: Path, source: Path) -> None:
    refused(run("classify", source, "--jumps", "some"), 2, "jumps")
    refused(run("classify", source, "--repair-above", "2"), 2, "repair-above")
    refused(run("classify", source, "--corrected-out", source, "--overwrite"), 2, "is the input")
    refused(run("classify", source, "--corrected-out", tmp_path / "c.xlsx"), 2, "extension")
    (tmp_path / "c.parquet").write_bytes(b"mine")
    refused(run("classify", source, "--corrected-out", tmp_path / "c.parquet"), 73, "c.parquet exists")
    assert (tmp_path / "c.parquet").read_bytes() == b"mine"


def test_flat_formats_hold_the_diagnosis_of_the_parquet_file(
    tmp_path: Path, source: Path, classifier: Classifier
) -> None:
    gpkg, csv = tmp_path / "out.gpkg", tmp_path / "out.csv"
    classify_file(source, tmp_path / "out.parquet", also=[gpkg, csv], classifier=classifier, diagnose=True)
    wanted = pq.read_table(tmp_path / "out.parquet").to_pylist()
    with sqlite3.connect(gpkg) as database:
        database.row_factory = sqlite3.Row
        points = [dict(row) for row in database.execute('SELECT * FROM "out" ORDER BY fid')]
    texts = pacsv.read_csv(csv, convert_options=pacsv.ConvertOptions(strings_can_be_null=True)).to_pylist()
    for rows in (points, texts):
        for row, known in zip(rows, wanted, strict=True):
            dates = known["jump_dates"]
            joined = None if dates is None else ";".join(map(str, dates))
            assert (row["jump_dates"] or None) == (joined or None)
            cycles = known["jump_cycles"]
            if cycles:
                assert str(row["jump_cycles"]) == ";".join(map(str, cycles))
                # A hundredth of a millimetre is more than anybody knows.
                assert all(len(one.partition(".")[2]) <= 3 for one in str(row["jump_mm"]).split(";"))
            if known["break_date"] is None:
                assert row["break_date"] is None
            else:
                assert str(row["break_date"]) == str(known["break_date"])
            assert row["velocity_mm_yr"] == pytest.approx(known["velocity_mm_yr"], rel=1e-5)


def test_a_second_run_diagnoses_only_what_changed(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    write(wide(moving(), DATES), folder / "a.parquet")
    write(wide(*series(40, 60, seed=1)), folder / "b.csv")
    fixed, report = tmp_path / "corrected", tmp_path / "report.json"
    command = [
        "classify",
        folder,
        "--output-dir",
        tmp_path / "out",
        "--corrected-out",
        fixed,
        "--skip-existing",
        "--run-report",
        report,
    ]
    assert run(*command).returncode == 0
    assert sorted(path.name for path in fixed.iterdir()) == ["a.corrected.parquet", "b.corrected.parquet"]

    def states() -> list[str]:
        return [file["state"] for file in json.loads(report.read_text())["files"]]

    assert states() == ["done", "done"]
    assert run(*command).returncode == 0
    assert states() == ["skipped", "skipped"]
    assert run(*command, "--repair-above", "0.8").returncode == 0
    assert states() == ["done", "done"]
    (fixed / "a.corrected.parquet").unlink()
    assert run(*command, "--repair-above", "0.8").returncode == 0
    assert states() == ["done", "skipped"]
    # A second run over a folder takes no corrected table for an input.
    assert run("classify", folder, "--corrected-out", folder, "--skip-existing", "--run-report", report).returncode == 0
    assert run("classify", folder, "--skip-existing", "--run-report", report).returncode == 0
    assert len(states()) == 2


def test_a_file_is_diagnosed_again_if_an_option_differs(tmp_path: Path, source: Path, classifier: Classifier) -> None:
    def skipped(**options: Any) -> bool:
        return classify_file(
            source, tmp_path / "out.parquet", classifier=classifier, skip_existing=True, **options
        ).skipped

    assert not skipped()
    assert skipped()
    assert not skipped(diagnose=True)
    assert skipped(diagnose=True)
    assert skipped(diagnose=Diagnose())
    half = classifier.model.half_wavelength_mm
    for change in ({"diagnose": Diagnose("all")}, {"diagnose": True, "half_wavelength_mm": half}, {}):
        assert not skipped(**change), change
        assert skipped(**change), change
    first = classify_file(source, tmp_path / "out.parquet", classifier=classifier, diagnose=True, overwrite=True)
    again = classify_file(source, tmp_path / "out.parquet", classifier=classifier, diagnose=True, skip_existing=True)
    assert again.diagnosis == first.diagnosis


def test_a_file_of_a_run_is_not_taken_for_another_one_of_it(
    tmp_path: Path, source: Path, classifier: Classifier
) -> None:
    files = {name: tmp_path / f"{name}.parquet" for name in ("out", "corrected", "quarantine")}

    def skipped(output: str, **others: str) -> bool:
        rest: dict[str, Any] = {name: files[file] for name, file in others.items()}
        return classify_file(
            source, files[output], classifier=classifier, diagnose=True, skip_existing=True, **rest
        ).skipped

    assert not skipped("out", corrected="corrected", quarantine="quarantine")
    assert skipped("out", corrected="corrected", quarantine="quarantine")
    assert skipped("out")
    for other in ("corrected", "quarantine"):
        assert not skipped(other)
        assert skipped(other)
        assert not skipped("out", **{other: other})


def test_priors_and_quarantine_go_with_it(tmp_path: Path, classifier: Classifier) -> None:
    displacement = np.concatenate([moving(), moving(seed=3), moving(seed=4)])
    displacement[7, 20:] = np.nan
    displacement[9] = np.inf
    source = write(wide(displacement, DATES), tmp_path / "in.parquet")
    summary = classify_file(
        source,
        tmp_path / "out.parquet",
        classifier=classifier,
        diagnose=True,
        priors="auto",
        quarantine=tmp_path / "bad.parquet",
    )
    assert summary.priors.origin == "estimated"
    assert pq.read_table(tmp_path / "bad.parquet")["pid"].to_pylist() == ["p0007", "p0009"]
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [rows[i]["diagnosis_status"] for i in (7, 9)] != ["ok", "ok"]
    assert rows[9]["velocity_mm_yr"] is None
    assert len(rows) == 180


def test_series_that_are_kept_are_found_again(tmp_path: Path, classifier: Classifier) -> None:
    """The lists of a diagnosis are no series, also where the column of the series has an unusual name."""
    table = as_lists(wide(moving(), DATES), "list").rename_columns(["pid", "latitude", "longitude", "dates", "defo"])
    source = write(table, tmp_path / "in.parquet")
    out = diagnosed(source, tmp_path, classifier, keep_series=True)
    again = tmp_path / "again.parquet"
    pq.write_table(out.drop_columns([*RESULT_SCHEMA.names, *(n for n in NAMES if not n.startswith("jump_"))]), again)
    classify_file(again, tmp_path / "twice.parquet", classifier=classifier)
    done = run("show", tmp_path / "diagnosed.parquet", "--row", 20)
    assert done.returncode == 0, done.stderr


def test_cycles_are_counted_only_if_the_wavelength_is_known(tmp_path: Path) -> None:
    eleven = np.datetime64("2019-01-04") + 11 * np.arange(150)
    source = write(wide(moving(), eleven), tmp_path / "in.parquet")
    unknown = run("classify", source, "-o", tmp_path / "a.parquet", "--diagnose")
    assert unknown.returncode == 0
    assert "--sensor" in unknown.stderr.decode()
    known = run("classify", source, "-o", tmp_path / "b.parquet", "--diagnose", "--sensor", "s1")
    assert "--sensor" not in known.stderr.decode()
    cycles = [
        [row for row in pq.read_table(tmp_path / name)["jump_cycles"].to_pylist() if row]
        for name in ("a.parquet", "b.parquet")
    ]
    assert all(one is None for row in cycles[0] for one in row)
    assert [1] in cycles[1]
    assert "--sensor" not in run("classify", source, "-o", tmp_path / "c.parquet").stderr.decode()


def test_a_table_without_rows_has_an_empty_diagnosis(tmp_path: Path, classifier: Classifier) -> None:
    source = write(wide(moving(), DATES).slice(0, 0), tmp_path / "in.parquet")
    path = tmp_path / "c.parquet"
    summary = classify_file(source, tmp_path / "out.parquet", classifier=classifier, corrected=path)
    assert summary.diagnosis is not None
    assert set(summary.diagnosis.values()) == {0}
    assert pq.read_metadata(path).num_rows == 0


def test_columns_of_the_input_with_names_of_ours_are_kept_under_others(tmp_path: Path, classifier: Classifier) -> None:
    table = wide(moving(), DATES)
    theirs = pa.array(np.arange(table.num_rows) / 8, pa.float64())
    source = write(table.append_column("velocity_std", theirs), tmp_path / "in.parquet")
    found = diagnosed(source, tmp_path, classifier)
    assert found["velocity_std_input"].combine_chunks().equals(theirs)
    assert found["velocity_std"].type == pa.float32()
    plain = tmp_path / "plain.parquet"
    classify_file(source, plain, classifier=classifier)
    assert pq.read_table(plain)["velocity_std"].combine_chunks().equals(theirs)
    both = table.append_column("V_AFTER", theirs).append_column("v_after_input", theirs)
    found = diagnosed(write(both, tmp_path / "both.parquet"), tmp_path, classifier)
    names = [name for name in found.column_names if name.lower().startswith("v_after")]
    assert names == ["V_AFTER_input_input", "v_after_input", "v_after", "v_after_std"]
    assert found["V_AFTER_input_input"].combine_chunks().equals(theirs)


def test_diagnosed_rates_of_real_files_are_near_those_of_egms(
    tmp_path: Path, real: Callable[[str], Path], classifier: Classifier
) -> None:
    """EGMS states rates of its own; ours stand beside them, and the file that was corrected comes back."""
    source = real("egms_l2_wroclaw/175_0304_IW1_VV.csv")
    path = tmp_path / "corrected.parquet"
    summary = classify_file(source, tmp_path / "out.parquet", classifier=classifier, diagnose=True, corrected=path)
    assert summary.rows == 146
    from insar_runtime import restore

    restore(path, tmp_path / "back.csv")
    back, wanted = pacsv.read_csv(tmp_path / "back.csv"), pacsv.read_csv(source)
    assert back.schema.names == wanted.schema.names
    for name in wanted.schema.names[4:]:
        one, other = (table[name].cast(pa.float64()).to_numpy() for table in (back, wanted))
        np.testing.assert_array_equal(one, other)
    egms = real("egms_l2_carpathians/102_100.csv")
    table = diagnosed(egms, tmp_path, classifier)
    theirs, ours = (table[name].to_numpy() for name in ("acceleration_std_input", "acceleration_std"))
    assert np.quantile(np.abs(theirs - ours), 0.98) < 0.0055
    notes = json.loads(table.schema.metadata[b"insar_runtime"])["notes"]
    assert any("acceleration_std_input" in note for note in notes)
    difference = np.abs(table["velocity_mm_yr"].to_numpy() - table["mean_velocity"].to_numpy())
    assert np.quantile(difference, 0.99) < 0.11
