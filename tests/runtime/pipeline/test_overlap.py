"""Several threads work on a file, and the output is that of one thread."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, DataError, classify_file
from insar_runtime._pipeline.parallel import THREAD_NAME
from tests.runtime.tables import series, wide

ROWS = 30_000


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ahead") / "table.parquet"
    pq.write_table(wide(*series(ROWS, 40)), path, row_group_size=10_000)
    return path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the threads that begin during a test."""
    names: list[str] = []
    start = threading.Thread.start

    def remember(thread: threading.Thread) -> None:
        names.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", remember)
    return names


def _working() -> int:
    return sum(thread.name == THREAD_NAME for thread in threading.enumerate())


@pytest.mark.parametrize(("threads", "expected"), [(1, 0), (2, 2), (3, 3)])
def test_as_many_threads_work_as_were_asked_for(
    table: Path, tmp_path: Path, started: list[str], threads: int, expected: int
) -> None:
    classifier = Classifier(device="cpu", threads=threads)
    summary = classify_file(table, tmp_path / "out.parquet", classifier=classifier)
    assert summary.rows == ROWS
    assert started.count(THREAD_NAME) == expected
    assert not _working()


def test_the_output_is_the_same(table: Path, tmp_path: Path) -> None:
    found = []
    for threads in (1, 2):
        out = tmp_path / f"{threads}.parquet"
        classify_file(table, out, classifier=Classifier(device="cpu", threads=threads))
        found.append(pq.read_table(out))
    assert found[0].equals(found[1])


def test_a_stream_is_read_when_its_rows_are_wanted(table: Path, started: list[str]) -> None:
    source, sink = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(source, pq.read_schema(table)) as writer:
        writer.write_table(pq.read_table(table))
    source.seek(0)
    classify_file(source, sink, classifier=Classifier(device="cpu", threads=2))
    assert THREAD_NAME not in started


def test_who_stops_in_the_middle_leaves_no_thread_and_no_output(table: Path, tmp_path: Path) -> None:
    def stop(done: int, rows: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classify_file(table, tmp_path / "out.parquet", classifier=Classifier(device="cpu", threads=2), progress=stop)
    assert not _working()
    assert not list(tmp_path.iterdir())


def test_damage_far_in_the_file_is_told_in_our_words(table: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.parquet"
    content = bytearray(table.read_bytes())
    place = len(content) * 2 // 3
    content[place : place + 64] = bytes(64)
    damaged.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        classify_file(damaged, tmp_path / "out.parquet", classifier=Classifier(device="cpu", threads=2))
    assert not _working()
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.parquet"]


def test_every_batch_keeps_its_place_and_its_number(table: Path, tmp_path: Path) -> None:
    """A list of wrong length is reported by its row in the file, whichever thread reads it."""
    rows = 25_000
    lists = [[float(i % 7)] * 40 for i in range(rows)]
    lists[20_123] = [0.0] * 39
    dates = pq.read_schema(table).names[-40:]
    listed = pa.table(
        {"id": [str(i) for i in range(rows)], "displacement": lists, "dates": [dates] * rows},
        schema=pa.schema(
            [("id", pa.string()), ("displacement", pa.list_(pa.float32())), ("dates", pa.list_(pa.string()))]
        ),
    )
    pq.write_table(listed, tmp_path / "lists.parquet")
    with pytest.raises(DataError, match="row 20123 "):
        classify_file(
            tmp_path / "lists.parquet",
            tmp_path / "out.parquet",
            units="mm",
            classifier=Classifier(device="cpu", threads=3),
        )


@pytest.mark.parametrize("container", ["wide", "lists", "csv"])
def test_the_fast_path_gives_the_bits_of_the_plain_one(tmp_path: Path, container: str) -> None:
    """All at once in one thread and one array, against batches, several threads and every shortcut of a file."""
    rows, dates = 20_000, np.datetime64("2019-01-05") + np.arange(70) * 12
    rng = np.random.default_rng(8)
    values = rng.normal(0, 4, (rows, 70)).round(1) + rng.normal(0, 8, (rows, 1)) * np.arange(70) / 30
    values = values.astype(np.float32)
    values[rng.random(values.shape) < 0.01] = np.nan
    values[7], values[11, 3], values[13, 10:] = np.nan, np.inf, np.nan
    names = [str(date).replace("-", "") for date in dates]
    columns = {"pid": [f"p{i}" for i in range(rows)]}
    if container == "lists":
        flat = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), from_pandas=True), 70)
        table = pa.table(columns | {"displacements": flat})
        table = table.replace_schema_metadata({"dates": json.dumps([str(date) for date in dates])})
    else:
        table = pa.table(columns | {n: pa.array(values[:, i], from_pandas=True) for i, n in enumerate(names)})
    source, out = tmp_path / "table", tmp_path / "out.parquet"
    if container == "csv":
        source = source.with_suffix(".csv")
        pacsv.write_csv(table, source)
    else:
        pq.write_table(table, source, row_group_size=7_000)
    classify_file(source, out, units="mm", classifier=Classifier(device="cpu", threads=3), priors="trained")
    found = pq.read_table(out)
    if container == "csv":
        # What stands in the text, which has more digits than float32.
        text = pacsv.read_csv(
            source, convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()))
        )
        values = np.stack([text.column(n).to_numpy() for n in names], axis=1).astype(np.float32)
    plain = Classifier(device="cpu", threads=1).classify(values, dates).to_arrow()
    assert found.column("pid").to_pylist() == columns["pid"]
    for name in plain.schema.names:
        assert found.column(name).combine_chunks().equals(plain.column(name)), name
    assert set(found.column("status").to_pylist()) >= {"ok", "abstained", "too_few_epochs", "non_finite"}
