"""Files are worked on by several threads where there are some, and nothing else changes."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, DataError, classify_file
from insar_runtime._parallel import THREAD_NAME
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
def test_threads_decide(table: Path, tmp_path: Path, started: list[str], threads: int, expected: int) -> None:
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
    """A list of wrong length is reported by its row in the file, whichever thread meets it."""
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
