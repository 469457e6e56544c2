"""Batches fit into the memory limit, and a run beyond it ends with an error."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime import Classifier, InsarRuntimeError, UsageError, classify_file
from insar_runtime._pipeline import memory
from insar_runtime._pipeline.memory import Load, MemoryGuard, parse_size, plan_batches, resident_bytes
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import MemoryLimitError
from tests.runtime.run_command import refused, run_process
from tests.runtime.tables import series, wide, write

MIB = 1 << 20
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.mark.parametrize(
    ("text", "size"), [("400M", 400 * MIB), ("1.5G", 1536 * MIB), ("512MiB", 512 * MIB), ("90 kb", 92160), ("7", 7)]
)
def test_sizes_of_memory_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-3M", "4T", "1,5G", "nan"])
def test_text_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="give one such as 400M"):
        parse_size(text)


@given(st.floats(0, 20_000), st.integers(1, 64))
def test_without_a_limit_all_threads_work_on_batches_of_a_bounded_size(row_bytes: float, threads: int) -> None:
    plan = plan_batches(Load(row_bytes), threads)
    assert plan.threads == threads
    assert 512 <= plan.batch_rows <= 8192
    assert plan.batch_rows == 512 or plan.batch_rows * row_bytes <= memory._BATCH_BYTES
    assert plan.batch_rows == 8192 or 2 * plan.batch_rows * row_bytes > memory._BATCH_BYTES


@given(st.floats(0, 20_000), st.integers(1, 64), st.integers(0, 200 * MIB), st.integers(-MIB, 3000 * MIB))
def test_a_plan_keeps_to_its_room_or_says_what_it_needs(
    row_bytes: float, threads: int, held_bytes: int, room: int
) -> None:
    load = Load(row_bytes, held_bytes)
    if memory.BatchPlan(1, 512).need(load) > room:
        with pytest.raises(MemoryLimitError, match=r"it needs \d+ MB; raise the limit by \d+ MB"):
            plan_batches(load, threads, room=room)
    else:
        plan = plan_batches(load, threads, room=room)
        assert plan.need(load) <= room
        assert 1 <= plan.threads <= threads


def test_less_room_never_means_larger_steps() -> None:
    load = Load(2000)
    least = memory.BatchPlan(1, 512).need(load)
    needs = [plan_batches(load, 8, room=least + room * MIB).need(load) for room in range(0, 610, 20)]
    assert needs == sorted(needs)
    assert needs[0] < needs[-1]


@linux
def test_the_guard_knows_how_much_the_process_holds() -> None:
    # In a process of its own: what other tests have freed would go back to the system meanwhile, or be taken again.
    code = (
        "import json, numpy; from insar_runtime._pipeline.memory import peak_memory_mb, resident_bytes\n"
        "held = resident_bytes(); block = numpy.ones(100 << 20, dtype='u1')\n"
        "print(json.dumps([held, resident_bytes(), peak_memory_mb()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    held, more, peak = json.loads(done.stdout)
    assert 90 * MIB < more - held < 130 * MIB
    # The kernel counts the peak in steps of its own.
    assert peak * MIB > more - 4 * MIB


@linux
def test_a_run_that_holds_too_much_is_ended() -> None:
    held = resident_bytes()
    assert held is not None
    MemoryGuard(held + 500 * MIB).check()
    with pytest.raises(MemoryLimitError, match=r"the run holds \d+ MB, the memory limit is \d+ MB; raise it"):
        MemoryGuard(held // 2).check()
    MemoryGuard(None).check()


def test_a_limit_needs_a_system_that_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident_bytes", lambda: None)
    with pytest.raises(UsageError, match="leave it out"):
        MemoryGuard(1)
    MemoryGuard(None)


@linux
def test_a_run_that_gets_beyond_its_limit_ends_with_an_error_and_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(wide(*series(9000, 40)), tmp_path / "t.parquet", row_group_size=3000)
    monkeypatch.setattr(memory, "_FIXED", -(1 << 40))  # a plan that is far too hopeful
    held = resident_bytes()
    assert held is not None
    with pytest.raises(MemoryLimitError, match="raise it"):
        classify_file(
            tmp_path / "t.parquet",
            tmp_path / "out.parquet",
            classifier=Classifier(device="cpu", threads=2),
            memory_limit=held // 2,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
    assert issubclass(MemoryLimitError, InsarRuntimeError)
    assert issubclass(MemoryLimitError, MemoryError)


def test_a_device_that_wants_many_rows_gets_them() -> None:
    assert plan_batches(Load(2000), 2).batch_rows == 4096
    assert plan_batches(Load(2000), 2, large=True).batch_rows == 8192
    assert plan_batches(Load(2000), 2, large=True, room=150 * MIB).batch_rows < 8192


_FEW = 150
"""MiB that are not enough for the file below, on any machine."""


def _next_limit(done: subprocess.CompletedProcess[bytes], limit: int) -> int:
    """Return the limit that a refused run asks for, MiB; a run may be beyond the one that it had by 5 %, not more."""
    text = done.stderr.decode()
    if more := re.search(r"raise the limit by (\d+) MB", text):
        return limit + int(more[1])
    held = re.search(r"the run holds (\d+) MB", text)
    assert held, text
    assert limit < int(held[1]) + 1 <= 1.05 * limit + 1, text
    return int(1.05 * limit) + 1


@linux
@pytest.mark.parametrize(
    ("options", "needed", "spare"),
    [((), 130, 42), (("--keep-series",), 440, 225), (("--threads", "1"), 130, 0)],
    ids=["by group", "kept series", "one thread"],
)
def test_the_command_keeps_to_its_limit_or_says_by_how_much_it_does_not(
    tmp_path: Path, options: tuple[str, ...], needed: int, spare: int
) -> None:
    """What the run needs is the same everywhere; what the process holds before it differs by machine and by process."""
    rng = np.random.default_rng(0)
    dates = np.datetime64("2018-01-03") + np.arange(243) * 6
    columns = {str(date).replace("-", ""): rng.normal(0, 3, 60_000) for date in dates}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=60_000)
    command = ["classify", str(tmp_path / "t.parquet"), "--units", "mm", "--json", "--overwrite", "-q", *options]
    done = run_process(*command, "--memory-limit", f"{_FEW}M")
    refused(done, 71, "raise the limit by")
    need = re.search(r"it needs (\d+) MB", done.stderr.decode())
    assert need, done.stderr
    assert int(need[1]) <= needed
    limit = _next_limit(done, _FEW) + spare
    done = run_process(*command, "--memory-limit", f"{limit}M")
    for _ in range(2):
        if done.returncode:
            refused(done, 71)
            limit = _next_limit(done, limit)
            done = run_process(*command, "--memory-limit", f"{limit}M")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["peak_memory_mb"] <= 1.05 * limit


_CALLS = """
import sys
import numpy as np
from insar_runtime import Classifier
from insar_runtime._pipeline.memory import resident_bytes
classifier = Classifier(device="cpu", precision=sys.argv[1], threads=1)
days = np.arange(int(sys.argv[2]), dtype=np.float32) * 6
rows = np.zeros((2048, len(days)), dtype=np.float32)
before = resident_bytes()
classifier.classify_matrix(rows, days)
print(resident_bytes() - before)
"""


@linux
@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("epochs", [30, 139, 512])
def test_a_call_holds_some_ten_megabytes(precision: str, epochs: int) -> None:
    """In a process that has made no call yet; what the session keeps between calls is in it."""
    command = [sys.executable, "-c", _CALLS, precision, str(epochs)]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=120)
    assert int(done.stdout) < 40 * MIB


def test_what_a_run_needs_counts_the_reader_and_the_matrices_of_its_first_rows() -> None:
    plan, load = memory.BatchPlan(1, 512), Load(2000)
    assert plan.need(Load(2000, read=50 * MIB)) == plan.need(load) + 50 * MIB
    # Where the number of dates is known, it is not guessed by the size of a row.
    known = Load(2000, columns=100, diagnosed=True)
    assert plan.need(known) < plan.need(Load(2000, diagnosed=True))
    assert plan.need(Load(2000, head=1000.0)) < plan.need(load)


@linux
def test_a_run_that_is_too_large_for_its_threads_is_tried_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pq.write_table(wide(*series(3000, 40)), tmp_path / "t.parquet", row_group_size=1000)
    tried: list[int] = []

    def counted(*args: Any, threads: int, **options: Any) -> Any:
        tried.append(threads)
        return open_described(*args, threads=threads, **options)

    def check(guard: MemoryGuard) -> None:
        if tried[-1] > 1:
            raise MemoryLimitError("the run holds too much; raise it")

    monkeypatch.setattr("insar_runtime._pipeline.file_run.open_described", counted)
    monkeypatch.setattr(MemoryGuard, "check", check)
    classifier = Classifier(device="cpu", threads=2)
    done: list[int] = []
    summary = classify_file(
        tmp_path / "t.parquet",
        tmp_path / "out.parquet",
        classifier=classifier,
        memory_limit=4 << 30,
        progress=lambda rows, _: done.append(rows),
    )
    assert tried == [2, 1]
    assert "2 threads take more memory than there is; tried again with one" in caplog.text
    assert summary.rows == 3000 == pq.read_metadata(tmp_path / "out.parquet").num_rows
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.parquet", "t.parquet"]
    # A stream is read once, and what was written to one cannot be taken back.
    tried.clear()
    with pytest.raises(MemoryLimitError):
        classify_file(tmp_path / "t.parquet", io.BytesIO(), classifier=classifier, memory_limit=4 << 30)
    assert tried == [2]


@linux
def test_each_attempt_has_the_room_that_there_is_then_and_no_plan_is_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(wide(*series(600, 40)), tmp_path / "t.parquet")
    rooms: list[int | None] = []

    def opened(*args: Any, room: int | None, **options: Any) -> Any:
        rooms.append(room)
        return open_described(*args, room=room, **options)

    def check(guard: MemoryGuard) -> None:
        if len(rooms) == 1:
            raise MemoryLimitError("the run holds too much; raise it")

    def classify(limit: int) -> None:
        rooms.clear()
        output = tmp_path / "out.parquet"
        classify_file(tmp_path / "t.parquet", output, classifier=classifier, memory_limit=limit, overwrite=True)

    classifier = Classifier(device="cpu", threads=2)
    held = iter([MIB, 2 * MIB])
    monkeypatch.setattr("insar_runtime._pipeline.file_run.open_described", opened)
    with monkeypatch.context() as patched:
        patched.setattr(MemoryGuard, "check", check)
        patched.setattr(memory, "resident_bytes", lambda: next(held, 3 * MIB))
        classify(4 << 30)
    # The guard asks for the first number to know whether the system reports any.
    assert rooms == [(4 << 30) - 2 * MIB, (4 << 30) - 3 * MIB]
    with pytest.raises(MemoryLimitError, match="raise the limit by"):
        classify(MIB)
    assert len(rooms) == 1


@linux
@pytest.mark.parametrize("megabytes", [150, 350, 450, 520])
def test_a_system_that_gives_no_memory_is_one_line(megabytes: int, tmp_path: Path) -> None:
    """As under ``ulimit -v``; how much is needed depends on the libraries, but never is it a traceback or a signal."""
    path = tmp_path / "t.parquet"
    pq.write_table(wide(*series(3000, 40)), path)
    code = (
        "import resource, sys; from insar_runtime.cli import main\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20},) * 2)\n"
        "main()"
    )
    command = [sys.executable, "-c", code, "classify", str(path), "-o", str(tmp_path / "out.parquet"), "-q"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    if done.returncode:
        refused(done, 71, "memory" if b"memory" in done.stderr else "address space")
        assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]


@linux
def test_the_address_space_counts_as_a_limit() -> None:
    code = (
        "import resource; from insar_runtime._pipeline.memory import MemoryGuard, address_room\n"
        "assert address_room() is None and MemoryGuard(None).room is None\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "room = MemoryGuard(None).room; assert 1 << 30 < room < 4 << 30, room\n"
        "assert MemoryGuard(1 << 30).room < 1 << 30\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_want_of_memory_is_an_error_of_the_family(tmp_path: Path) -> None:
    def fail(rows: int, total: int | None) -> None:
        del rows, total
        raise MemoryError("std::bad_alloc")

    source = write(wide(*series()), tmp_path / "in.parquet")
    with pytest.raises(MemoryLimitError, match="no more memory; raise its limit"):
        classify_file(source, tmp_path / "out.parquet", progress=fail)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet"]
