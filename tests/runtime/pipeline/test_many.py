"""Many inputs in one call: folders, patterns, a failed file among others, second runs."""

from __future__ import annotations

import errno
import json
import pickle
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from insar_runtime import BadRowsError, Classifier, OutputExistsError, classify_file
from insar_runtime._pipeline.many import OutputNaming, each, expand_inputs
from insar_runtime.errors import MemoryLimitError
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    """Three tiles with dates of their own, one of them broken."""
    folder = tmp_path / "tiles"
    folder.mkdir()
    write(wide(*series(40, 60, seed=1)), folder / "a.parquet")
    write(wide(*series(50, 45, seed=2)), folder / "c.csv")
    (folder / "b.zip").write_bytes(b"PK\x03\x04 nothing")
    (folder / "notes.txt").write_text("no table")
    (folder / ".hidden.csv").write_text("no table")
    return folder


def _states(report: Path) -> list[tuple[str, str, int]]:
    facts = json.loads(report.read_text())
    return [(Path(file["input"]).name, file["state"], file["exit_code"]) for file in facts["files"]]


def test_a_broken_file_does_not_stop_the_others(tiles: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    done = run("classify", tiles, "--output-dir", out, "--run-report", report, "-q")
    assert done.returncode == 65
    assert done.stderr.decode().count("insar-rt: error: ") == len(done.stderr.decode().splitlines()) == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.classified.parquet", "c.classified.parquet"]
    assert _states(report) == [("a.parquet", "done", 0), ("b.zip", "failed", 65), ("c.csv", "done", 0)]
    # Each on its own dates.
    axes = [
        len(json.loads(pq.read_metadata(path).metadata[b"insar_runtime"])["input"]["dates"])
        for path in sorted(out.iterdir())
    ]
    assert axes == [60, 45]


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("can't start new thread"), OSError(errno.ENOMEM, "none")]
)
def test_a_file_that_there_is_no_memory_for_does_not_stop_the_others(error: Exception) -> None:
    tried: list[Path] = []

    def work(source: Path) -> Any:
        tried.append(source)
        held = np.ones(1000)
        references.append(weakref.ref(held))
        raise error if source.name == "a" else MemoryLimitError("the run holds too much; raise it")

    references: list[weakref.ref[Any]] = []
    outcomes = each([Path("a"), Path("b")], work)
    first = next(outcomes)
    assert (first.exit_code, type(first.error)) == (71, MemoryLimitError)
    assert "no more memory" in str(first.error)
    assert next(outcomes).exit_code == 71
    assert tried == [Path("a"), Path("b")]
    # What the failed run held is free for the next one, though its error is kept.
    assert references[1]() is None


def test_a_defect_is_no_outcome() -> None:
    def work(source: Path) -> Any:
        raise RuntimeError(f"a defect at {source}")

    with pytest.raises(RuntimeError, match="a defect"):
        next(each([Path("a")], work))


def test_a_second_run_does_what_is_left(tiles: Path, tmp_path: Path) -> None:
    (tiles / "b.zip").unlink()
    out, report = tmp_path / "out", tmp_path / "report.json"
    command = ["classify", tiles, "--output-dir", out, "--run-report", report, "--skip-existing"]
    assert run(*command).returncode == 0
    times = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    again = run(*command)
    assert again.returncode == 0
    assert again.stderr.decode().count("skipped") == 2
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == times
    assert [state for _, state, _ in _states(report)] == ["skipped", "skipped"]
    write(wide(*series(41, 60, seed=3)), tiles / "a.parquet")
    assert run(*command).returncode == 0
    assert [state for _, state, _ in _states(report)] == ["done", "skipped"]
    assert pq.read_metadata(out / "a.classified.parquet").num_rows == 41
    assert [*map(Path.exists, [out / "a.classified.parquet", tiles / "a.classified.parquet"])] == [True, False]


def test_a_file_is_classified_again_if_anything_that_its_result_depends_on_differs(
    tmp_path: Path, classifier: Classifier
) -> None:
    source, output = write(wide(*series(60)), tmp_path / "in.parquet"), tmp_path / "out.parquet"

    def skipped(chosen: Classifier = classifier, **options: Any) -> bool:
        return classify_file(source, output, classifier=chosen, skip_existing=True, **options).skipped

    assert not skipped()
    assert skipped()
    for change in (
        {"keep_series": True},
        {"units": "mm"},
        {"priors": "auto"},
        {"half_wavelength_mm": 15.5},
        {"priors": [9, 1, 1, 1, 1]},
    ):
        assert not skipped(**change), change
        assert skipped(**change), change
    assert not skipped(Classifier(device="cpu", abstain_below=0.9))
    assert skipped(Classifier(device="cpu", abstain_below=0.9, threads=1))
    # Neither a table of others nor a torn file is taken for our work.
    for spoil in (lambda: write(wide(*series(60)), output), lambda: output.write_bytes(output.read_bytes()[:-9])):
        spoil()
        assert not skipped()
    # Further outputs must be there, and of the same run.
    assert not skipped(also=[tmp_path / "more.parquet"])
    assert skipped(also=[tmp_path / "more.parquet"])
    with pytest.raises(OutputExistsError):
        classify_file(source, output, classifier=classifier)
    first = classify_file(source, output, classifier=classifier, overwrite=True)
    second = classify_file(source, output, classifier=classifier, skip_existing=True)
    assert second.skipped
    assert {**second.to_dict(), "seconds": 0, "skipped": False} == {**first.to_dict(), "seconds": 0}


def test_rows_that_cannot_be_classified_are_copied_and_counted(tmp_path: Path, classifier: Classifier) -> None:
    displacement, dates = series(200)
    displacement[10::50, 20:] = np.nan
    displacement[7] = np.inf
    table = wide(displacement, dates)
    source, bad = write(table, tmp_path / "in.parquet"), tmp_path / "bad.parquet"
    options: dict[str, Any] = {"classifier": classifier, "quarantine": bad, "overwrite": True}
    summary = classify_file(source, tmp_path / "out.parquet", **options)
    apart, out = pq.read_table(bad), pq.read_table(tmp_path / "out.parquet")
    rows = sorted([7, *range(10, 200, 50)])
    assert summary.bad_rows == len(rows)
    assert apart["pid"].to_pylist() == [f"p{i:04d}" for i in rows]
    assert apart.select(table.schema.names).equals(table.take(rows))
    assert apart["status"].to_pylist() == ["non_finite", *["too_few_epochs"] * 4]
    assert out.num_rows == 200
    assert out.take(rows).select(RESULT_SCHEMA.names).equals(apart.select(RESULT_SCHEMA.names))
    classify_file(source, tmp_path / "out.parquet", max_bad_fraction=5 / 200, **options)
    with pytest.raises(BadRowsError, match="5 of 200 rows") as raised:
        classify_file(source, tmp_path / "new.parquet", max_bad_fraction=4.9 / 200, **options)
    assert raised.value.summary.rows == pq.read_metadata(tmp_path / "new.parquet").num_rows == 200
    # As from a worker of a pool of processes.
    assert pickle.loads(pickle.dumps(raised.value)).summary == raised.value.summary
    write(wide(*series(30)), source)
    classify_file(source, tmp_path / "out.parquet", **options)
    assert pq.read_table(bad).num_rows == 0


def test_too_many_bad_rows_show_in_the_exit_code(tmp_path: Path) -> None:
    displacement, dates = series(20)
    displacement[3] = np.nan
    source, out = write(wide(displacement, dates), tmp_path / "in.csv"), tmp_path / "o.parquet"
    refused(run("classify", source, "-o", out, "--max-bad-fraction", "0.01", "-q"), 65, "1 of 20 rows", "is written")
    assert pq.read_metadata(out).num_rows == 20
    # Also when there is nothing left to do.
    refused(
        run("classify", source, "-o", out, "--max-bad-fraction", "0.01", "-q", "--skip-existing"), 65, "1 of 20 rows"
    )


def test_folders_and_patterns_become_their_files_in_order(tiles: Path) -> None:
    a, b, c = (tiles / name for name in ("a.parquet", "b.zip", "c.csv"))
    (tiles / "a.classified.parquet").write_bytes(b"ours")
    (tiles / "within").mkdir()
    assert expand_inputs([str(tiles)]) == [a, b, c]
    assert expand_inputs([str(tiles / "*.[cp]*"), str(a), str(b)]) == [a, c, b]
    assert expand_inputs([str(c), str(tiles)]) == [c, a, b]
    odd = tiles / "[a].csv"
    odd.write_bytes(b"")
    assert expand_inputs([str(odd)]) == [odd]


def test_two_inputs_never_share_an_output(tiles: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "a.csv"
    other.parent.mkdir()
    write(wide(*series(5)), other)
    done = run("classify", tiles / "a.parquet", other, "--output-dir", tmp_path / "out")
    refused(done, 2, "would both be written to", "rename one")
    assert not (tmp_path / "out").exists()
    OutputNaming().prepare([tiles / "a.parquet", other])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.parquet", "c.csv", "-o", "x.parquet"], "--output-dir"),
        (["a.parquet", "-o", "x.parquet", "--output-dir", "y"], "give one of them"),
        (["a.parquet", "-"], "standard input is one input"),
        (["-", "--output-dir", "y"], "name it with -o"),
        (["a.parquet", "-o", "-", "--qml"], "a style lies beside a file"),
        (["a.parquet", "-o", "-", "--quarantine", "bad.parquet", "--skip-existing"], "a stream is none"),
        (["a.parquet", "-o", "-", "--gpkg", "x.gpkg"], "a stream is the only output"),
        (["a.parquet", "-o", "x.parquet", "--quarantine", "./x.parquet"], "named twice"),
        (["a.parquet", "--max-bad-fraction", "2"], "--max-bad-fraction"),
    ],
)
def test_options_that_exclude_each_other_are_refused(tiles: Path, arguments: list[str], words: str) -> None:
    before = sorted(tiles.iterdir())
    refused(run("classify", *arguments, cwd=tiles), 2, words)
    assert sorted(tiles.iterdir()) == before


def test_the_report_of_a_run_holds_its_summary_and_provenance(source: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = run("classify", source, "--run-report", report, "--json", "-q")
    facts, said = json.loads(report.read_text()), json.loads(done.stdout)
    (file,) = facts["files"]
    assert said == {**file, "peak_memory_mb": facts["peak_memory_mb"]}
    assert (file["rows"], file["state"], facts["exit_code"]) == (200, "done", 0)
    assert len(file["input_sha256"]) == len(file["model_sha256"]) == 64
    assert file["parameters"]["half_wavelength_mm"] == pytest.approx(27.73, abs=0.01)
    assert set(facts) >= {"package_version", "versions", "processor", "started", "seconds", "peak_memory_mb"}
    refused(run("classify", source, "--overwrite", "--run-report", tmp_path), 2, "is a folder")
    refused(run("classify", tmp_path / "none.csv", "--overwrite", "--run-report", report, "-q"), 66, "no such input")
    assert _states(report) == [("none.csv", "failed", 66)]


def test_the_log_is_one_json_object_a_line(tiles: Path, tmp_path: Path) -> None:
    done = run("classify", tiles, "--output-dir", tmp_path / "out", "--log-format", "json")
    events = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert [event["event"] for event in events] == ["start", "done", "start", "error", "start", "done"]
    assert events[3]["exit_code"] == done.returncode == 65
    done = run("classify", "--nonsense", "--log-format", "json")
    (event,) = map(json.loads, done.stderr.decode().splitlines())
    assert (event["event"], event["exit_code"], done.returncode) == ("error", 2, 2)
