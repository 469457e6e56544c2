"""No output is written over an input, over another output, or beside a stale journal."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, InputOutputError, UsageError, classify_file
from insar_runtime._output.atomic import write_file
from insar_runtime._pipeline.many import OutputNaming
from tests.runtime.run_command import refused, run, run_process
from tests.runtime.tables import series, wide, write


@pytest.mark.parametrize("leave", ["--overwrite", "--skip-existing"])
@pytest.mark.parametrize("taken", ["in.parquet", "o/in.classified.csv", "o/in.classified.csv.json", "bad.parquet"])
def test_a_report_is_no_input_and_no_output(source: Path, tmp_path: Path, taken: str, leave: str) -> None:
    before = source.read_bytes()
    options = ["--output-dir", tmp_path / "o", "--format", "csv", "--quarantine", tmp_path / "bad.parquet"]
    assert run("classify", source, "-q", *options).returncode == 0
    report = tmp_path / "o" / ".." / taken
    refused(run("classify", source, "-q", *options, leave, "--run-report", report), 2, "report", taken)
    assert source.read_bytes() == before


def test_one_input_into_a_folder_keeps_the_names_of_its_other_outputs(source: Path, tmp_path: Path) -> None:
    gpkg, bad = tmp_path / "map.gpkg", tmp_path / "bad.parquet"
    done = run("classify", source, "-q", "--output-dir", tmp_path / "o", "--gpkg", gpkg, "--quarantine", bad)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o" / "in.classified.parquet").is_file()
    assert gpkg.is_file()
    assert bad.is_file()


def test_two_inputs_never_share_a_quarantine(tmp_path: Path) -> None:
    places = OutputNaming(quarantine=tmp_path / "bad")
    with pytest.raises(UsageError, match="both be written"):
        places.prepare([tmp_path / "a" / "x.csv", tmp_path / "b" / "x.csv"])


@pytest.mark.parametrize("output", ["table.csv", "table.arrow", "style.gpkg"])
def test_what_is_written_beside_an_output_is_no_input(source: Path, tmp_path: Path, output: str) -> None:
    taken = source.rename(tmp_path / {"style.gpkg": "style.qml"}.get(output, f"{output}.json"))
    before = taken.read_bytes()
    options = ["--qml"] if output == "style.gpkg" else []
    done = run("classify", taken, "-o", tmp_path / output, "--overwrite", *options)
    refused(done, 2, taken.name, "is the input")
    assert taken.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [taken.name]


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_two_names_that_lead_to_one_file_are_one_output(source: Path, tmp_path: Path, overwrite: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "link.parquet").symlink_to("o.parquet")
    for first, second in (
        ("o.parquet", "folder/../o.parquet"),
        ("link/o.parquet", "folder/o.parquet"),
        ("o.parquet", "link.parquet"),
    ):
        done = run("classify", source, "-o", first, "--quarantine", second, *overwrite, cwd=tmp_path)
        refused(done, 2, second, "named twice")


def test_an_output_of_many_inputs_is_none_of_them(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "in.classified.parquet"
    other.write_bytes(source.read_bytes())
    refused(run("classify", source, other, "--overwrite"), 2, other.name, "is an input")
    assert other.read_bytes() == source.read_bytes()


def test_an_input_that_the_system_refuses_is_named(tmp_path: Path) -> None:
    name = "x" * 300 + ".csv"
    refused(run("classify", name, "-o", tmp_path / "o.parquet"), 74, name, "too long")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    refused(run("classify", folder), 74, str(folder))


def test_a_small_file_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputOutputError, match="choose a shorter name"):
        write_file(tmp_path / ("x" * 300), [b"text"], overwrite=False)


def test_a_date_of_the_build_that_is_none_is_refused(source: Path, tmp_path: Path) -> None:
    env = {**os.environ, "SOURCE_DATE_EPOCH": "today"}
    refused(run_process("classify", source, "-q", "-o", tmp_path / "o.gpkg", env=env), 2, "SOURCE_DATE_EPOCH", "today")


def test_a_geopackage_that_is_open_elsewhere_is_replaced_whole(tmp_path: Path) -> None:
    """Pages of the old file in a log beside it, as QGIS leaves them, must not be laid over the new one."""
    old, new = write(wide(*series(40)), tmp_path / "old.parquet"), write(wide(*series(900)), tmp_path / "new.parquet")
    output, classifier = tmp_path / "o.gpkg", Classifier(device="cpu")
    classify_file(old, output, classifier=classifier)
    with closing(sqlite3.connect(output)) as reader:
        reader.execute("PRAGMA journal_mode = WAL")
        reader.execute("CREATE TABLE more AS SELECT * FROM o")
        reader.commit()
        assert output.with_name("o.gpkg-wal").stat().st_size
        classify_file(new, output, classifier=classifier, overwrite=True)
        with closing(sqlite3.connect(output)) as fresh:
            assert fresh.execute("SELECT count(*) FROM o").fetchone() == (900,)
            assert fresh.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("extension", ["parquet", "gpkg", "csv"])
def test_runs_at_once_in_one_process_do_not_mix(tmp_path: Path, extension: str) -> None:
    rows, classifier = (3000, 2000, 1000), Classifier(device="cpu", threads=1)
    sources = [write(wide(*series(n, seed=n)), tmp_path / f"{n}.parquet") for n in rows]
    output, start = tmp_path / f"o.{extension}", threading.Barrier(len(rows))
    failed: list[Exception] = []

    def work(source: Path) -> None:
        start.wait()
        try:
            classify_file(source, output, classifier=classifier, overwrite=True)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert _rows(output) in rows
    assert not list(tmp_path.glob(".*"))


def _rows(output: Path) -> int:
    if output.suffix == ".parquet":
        return pq.read_metadata(output).num_rows
    if output.suffix == ".csv":
        return len(output.read_text().splitlines()) - 1
    with closing(sqlite3.connect(output)) as database:
        (count,) = database.execute("SELECT count(*) FROM o").fetchone()
        return int(count)


@pytest.mark.parametrize("lost", [1, 200, 20_000])
def test_a_geopackage_without_its_end_is_made_anew(tmp_path: Path, lost: int) -> None:
    source, output = write(wide(*series(300)), tmp_path / "in.parquet"), tmp_path / "o.gpkg"
    classifier = Classifier(device="cpu")
    classify_file(source, output, classifier=classifier)
    assert classify_file(source, output, classifier=classifier, skip_existing=True).skipped
    whole = output.read_bytes()
    output.write_bytes(whole[:-lost])
    assert not classify_file(source, output, classifier=classifier, skip_existing=True).skipped
    assert output.stat().st_size == len(whole)


def test_further_outputs_are_a_list(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"one name, .*map\.gpkg; give a list"):
        classify_file(source, tmp_path / "o.parquet", also=str(tmp_path / "map.gpkg"))
