"""A folder of files with one schema as one table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, classify_file
from insar_runtime._input.opening import open_source
from insar_runtime._input.readers import parquet_table
from insar_runtime._input.sampling import spread_batches
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError, InputNotFoundError, InputOutputError
from tests.runtime.run_command import refused, run
from tests.runtime.tables import as_lists, as_long, series, wide, write

WIDE = wide(*series(100))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(threads=1)


def write_parts(
    folder: Path, table: pa.Table, extension: str = ".parquet", sizes: tuple[int, ...] = (40, 0, 60)
) -> Path:
    """Write a table as Spark does: numbered parts, some without rows, a mark that all is there, checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    begin = 0
    for number, size in enumerate(sizes):
        write(table.slice(begin, size), folder / f"part-{number:05d}-0f{extension}")
        (folder / f".part-{number:05d}-0f{extension}.crc").write_bytes(b"crc")
        begin += size
    assert begin == len(table)
    (folder / "_SUCCESS").write_bytes(b"")
    (folder / "_metadata").write_bytes(b"PAR1 not for us PAR1")
    return folder


@pytest.mark.parametrize("extension", [".parquet", ".csv", ".arrows"])
@pytest.mark.parametrize("sizes", [(100,), (0, 30, 0, 70), (1,) * 20 + (80, 0)])
def test_a_folder_is_classified_as_one_file_is(
    tmp_path: Path, classifier: Classifier, extension: str, sizes: tuple[int, ...]
) -> None:
    folder = write_parts(tmp_path / "table", WIDE, extension, sizes)
    one = write(WIDE, tmp_path / f"whole{extension}")
    found = classify_file(folder, tmp_path / "folder.parquet", classifier=classifier, as_table=True)
    whole = classify_file(one, tmp_path / "one.parquet", classifier=classifier)
    assert pq.read_table(tmp_path / "folder.parquet").equals(pq.read_table(tmp_path / "one.parquet"))
    assert (found.rows, found.layout, found.classes) == (whole.rows, whole.layout, whole.classes)
    block = json.loads(pq.read_metadata(tmp_path / "folder.parquet").metadata[b"insar_runtime"])
    assert (block["input"]["kind"], block["input"]["name"]) == ("folder", "table")


@pytest.mark.parametrize("layout", ["fixed_size_list", "list", "long"])
def test_every_layout(tmp_path: Path, classifier: Classifier, layout: str) -> None:
    """In a long table, the rows of a point may go on in the next file."""
    table = as_long(WIDE) if layout == "long" else as_lists(WIDE, layout)
    sizes = (1030, len(table) - 1030) if layout == "long" else (33, 67)
    folder = write_parts(tmp_path / "table", table, sizes=sizes)
    classify_file(folder, tmp_path / "a.parquet", classifier=classifier, as_table=True)
    classify_file(write(table, tmp_path / "one.parquet"), tmp_path / "b.parquet", classifier=classifier)
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))


def test_keys_of_folders_become_columns_of_text(tmp_path: Path, classifier: Classifier) -> None:
    root = tmp_path / "table"
    for number, (track, year) in enumerate([("044", "2020"), ("044", "2021"), ("a%20b", "__HIVE_DEFAULT_PARTITION__")]):
        folder = root / f"track={track}" / f"year={year}"
        folder.mkdir(parents=True)
        write(WIDE.slice(10 * number, 10), folder / "part-0.parquet")
    classify_file(root, tmp_path / "out.parquet", classifier=classifier, as_table=True)
    found = pq.read_table(tmp_path / "out.parquet")
    assert found["track"].to_pylist() == ["044"] * 20 + ["a b"] * 10
    assert found["year"].to_pylist() == ["2020"] * 10 + ["2021"] * 10 + [None] * 10
    assert found["pid"].to_pylist() == WIDE["pid"].to_pylist()[:30]
    with open_source(root, as_table=True) as source:
        assert source.rows == 30
        column = source.column("track")
        assert column is not None
        assert pa.chunked_array(list(column)).to_pylist() == found["track"].to_pylist()


def test_a_folder_that_dask_or_pyarrow_writes(tmp_path: Path, classifier: Classifier) -> None:
    table = WIDE.append_column("track", pa.array(["a", "b"] * 50))
    pq.write_to_dataset(table, tmp_path / "table", partition_cols=["track"])
    classify_file(tmp_path / "table", tmp_path / "out.parquet", classifier=classifier, as_table=True)
    found = pq.read_table(tmp_path / "out.parquet", columns=["pid", "track", "confidence"])
    classify_file(write(table, tmp_path / "one.parquet"), tmp_path / "one-out.parquet", classifier=classifier)
    one = pq.read_table(tmp_path / "one-out.parquet", columns=["pid", "track", "confidence"])
    assert found.equals(one.sort_by([("track", "ascending"), ("pid", "ascending")]))


def test_types_of_a_text_are_those_of_its_first_rows(tmp_path: Path) -> None:
    """A code that begins with letters in the first file stays text in all."""
    rows = [("part-0.csv", "track,pid", ""), ("part-1.csv", "T1,a", "1.50"), ("part-2.csv", "2.50,b", "")]
    folder = tmp_path / "table"
    folder.mkdir()
    dates = "20200103,20200115"
    for name, cells, height in rows:
        line = "" if name == "part-0.csv" else f"{cells},{height},1.5,2.5\n"
        (folder / name).write_text(f"track,pid,height,{dates}\n{line}")
    with open_source(folder, as_table=True) as source:
        found = pa.Table.from_batches(source.batches())
    assert found["track"].to_pylist() == ["T1", "2.50"]
    assert found["height"].to_pylist() == [1.5, None]
    assert found["20200103"].type == pa.float32()


def test_files_of_one_table_that_are_narrowed_differently(
    tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether series are read as float32 depends on the size of a file."""
    folder = write_parts(tmp_path / "table", WIDE, sizes=(5, 90, 5))
    classify_file(folder, tmp_path / "a.parquet", classifier=classifier, as_table=True)
    monkeypatch.setattr(parquet_table, "_STREAMED_BYTES", 50_000)
    classify_file(folder, tmp_path / "b.parquet", classifier=classifier, as_table=True)
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (WIDE.rename_columns([*WIDE.column_names[:-1], "20301231"]), "is in one of them only"),
        (WIDE.set_column(0, "pid", pa.array(range(100))), "'pid' is string and int64"),
        (WIDE.select([WIDE.column_names[1], WIDE.column_names[0], *WIDE.column_names[2:]]), "another order"),
    ],
)
def test_a_folder_of_two_schemas_is_refused(tmp_path: Path, other: pa.Table, message: str) -> None:
    folder = write_parts(tmp_path / "table", WIDE)
    write(other, folder / "z.parquet")
    done = run("classify", folder, "--as-table", "-o", tmp_path / "out.parquet")
    refused(done, 65, "part-00000-0f.parquet", "z.parquet", message)
    assert not (tmp_path / "out.parquet").exists()


def test_lists_with_other_dates_are_refused(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "table", as_lists(WIDE, "fixed_size_list"))
    other = as_lists(wide(*series(3, seed=5)), "fixed_size_list")
    write(other, folder / "z.parquet")
    with (
        pytest.raises(DataError, match=r"part-00000-0f\.parquet and .*z\.parquet have other dates"),
        open_source(folder, as_table=True),
    ):
        pass


def test_other_keys_are_refused(tmp_path: Path) -> None:
    write_parts(tmp_path / "table" / "a=1", WIDE)
    write_parts(tmp_path / "table" / "b=1", WIDE)
    with pytest.raises(DataError, match="folders with other keys"), open_source(tmp_path / "table", as_table=True):
        pass


def test_inspect_report_and_show(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "table", WIDE)
    facts = json.loads(run("inspect", folder, "--as-table", "--json").stdout)
    assert (facts["points"], facts["container"], facts["ids"]["repeated"]) == (100, "folder", 0)
    assert json.loads(run("show", folder, "--as-table", "--id", "p0070", "--json").stdout)["row"] == 70
    done = run("report", folder, "--as-table", "-q", "-o", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "page.html").stat().st_size > 50_000
    refused(run("inspect", folder), 74, "--as-table")


def test_a_report_of_parts_that_are_classified(tmp_path: Path, classifier: Classifier) -> None:
    classify_file(write(WIDE, tmp_path / "a.parquet"), tmp_path / "done.parquet", classifier=classifier)
    folder = tmp_path / "done"
    folder.mkdir()
    for number in range(2):
        shutil.copy(tmp_path / "done.parquet", folder / f"{number}.parquet")
    done = run("report", folder, "--as-table", "--json", "-q", "-o", tmp_path / "page.html")
    assert json.loads(done.stdout)["rows"] == 200


def test_skip_existing_looks_at_all_files(tmp_path: Path, classifier: Classifier) -> None:
    folder = write_parts(tmp_path / "table", WIDE)
    arguments = ["classify", folder, "--as-table", "-o", tmp_path / "out.parquet", "--skip-existing", "--json", "-q"]
    assert json.loads(run(*arguments).stdout)["state"] == "done"
    assert json.loads(run(*arguments).stdout)["state"] == "skipped"
    (folder / "part-00002-0f.parquet").rename(folder / "part-00003-0f.parquet")
    assert json.loads(run(*arguments).stdout)["state"] == "done"


def test_what_cannot_be_one_table(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "table", WIDE)
    refused(run("classify", folder, folder, "--as-table", "--output-dir", tmp_path / "out"), 2, "--as-table takes one")
    refused(run("classify", folder, "--as-table", "-o", folder / "out.parquet"), 2, "lies in the folder")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "_SUCCESS").write_bytes(b"")
    with pytest.raises(InputNotFoundError, match="holds no table"), open_source(tmp_path / "empty", as_table=True):
        pass
    (folder / "part-00001-0f.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(DataError, match=r"part-00001-0f\.parquet.*damaged"), open_source(folder, as_table=True):
        pass
    with pytest.raises(InputOutputError, match="--as-table"), open_described(folder):
        pass


def test_all_parts_without_rows(tmp_path: Path, classifier: Classifier) -> None:
    folder = write_parts(tmp_path / "table", WIDE.slice(0, 0), sizes=(0, 0))
    assert classify_file(folder, tmp_path / "out.parquet", classifier=classifier, as_table=True).rows == 0


def test_a_sample_comes_from_all_over_the_folder(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "table" / "a=1", WIDE, sizes=(20,) * 5).parent
    with open_source(folder, as_table=True) as source:
        found = pa.Table.from_batches(spread_batches(source, ["a", "pid"], 10))
    assert found["pid"].to_pylist() == [f"p{20 * part + row:04d}" for part in range(5) for row in range(2)]
    assert found["a"].to_pylist() == ["1"] * 10
    assert run("classify", folder, "--as-table", "--diagnose", "-o", tmp_path / "out.parquet", "-q").returncode == 0


def test_a_long_folder_is_diagnosed(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "table", as_long(WIDE), sizes=(2000, 4000))
    done = run("classify", folder, "--as-table", "--diagnose", "-o", tmp_path / "out.parquet", "-q")
    assert done.returncode == 0, done.stderr


def test_one_file_is_open_at_a_time(tmp_path: Path) -> None:
    """What is held does not grow with the number of files."""
    few = write_parts(tmp_path / "few", WIDE, sizes=(50, 50))
    many = write_parts(tmp_path / "many", WIDE, sizes=(50,) + (1,) * 50)
    held = []
    for folder in (few, many):
        with open_source(folder, as_table=True) as source:
            held.append((source.held_bytes, source.row_bytes))
            matrix = np.concatenate([batch.column(3).to_numpy() for batch in source.batches(7)])
            assert len(matrix) == 100
    assert held[0] == held[1]
