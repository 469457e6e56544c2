"""The command as a user or a chain meets it: real processes, their streams and exit codes."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.tables import as_lists, series, wide, write

COMMAND = [sys.executable, "-m", "insar_runtime"]


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, timeout=120, check=False, **options)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(wide(*series(200)), tmp_path / "in.parquet")


def refused(done: subprocess.CompletedProcess[bytes], code: int, *words: str) -> None:
    """One line on stderr that says what and how to mend it; nothing on stdout."""
    text = done.stderr.decode()
    assert done.returncode == code, text
    assert done.stdout == b""
    assert text.startswith("insar-rt: error: ")
    assert len(text.strip().splitlines()) == 1, text
    for word in words:
        assert word in text


def test_classify_writes_beside_the_input(source: Path) -> None:
    done = run("classify", source)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert b"200 points, 60 epochs" in done.stderr
    assert pq.read_metadata(source.with_name("in.classified.parquet")).num_rows == 200


def test_json_summary_on_stdout(source: Path, tmp_path: Path) -> None:
    done = run("classify", source, "-o", tmp_path / "o.parquet", "--json", "-q")
    summary = json.loads(done.stdout)
    assert done.stderr == b""
    assert summary["rows"] == 200
    assert sum(summary["statuses"].values()) == 200
    assert summary["peak_memory_mb"] > 20


def test_pipe_in_pipe_out(source: Path, tmp_path: Path) -> None:
    stream = write(pq.read_table(source), tmp_path / "in.arrows").read_bytes()
    done = run("classify", "-", input=stream)
    assert done.returncode == 0, done.stderr
    table = pa.ipc.open_stream(done.stdout).read_all()
    assert table.schema.names[-len(RESULT_SCHEMA.names) :] == RESULT_SCHEMA.names
    run("classify", source, "-o", tmp_path / "o.parquet")
    wanted = pq.read_table(tmp_path / "o.parquet")
    for name in ("pid", *RESULT_SCHEMA.names):
        assert table[name].to_pylist() == wanted[name].to_pylist()


def test_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    path = write(wide(*series(20_000, 40)), tmp_path / "in.parquet")
    with subprocess.Popen(
        [*COMMAND, "classify", str(path), "-o", "-", "-q"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(100)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_inspect_shows_what_classify_would_understand(source: Path, tmp_path: Path) -> None:
    facts = json.loads(run("inspect", source, "--json").stdout)
    assert (facts["points"], facts["epochs"], facts["layout"], facts["unit"]) == (200, 60, "wide", "mm")
    assert facts["columns"]["id"] == "pid"
    assert b"epochs: 60" in run("inspect", source).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_demo_is_mostly_right(tmp_path: Path) -> None:
    done = run("demo", "--json", "-o", tmp_path / "demo.parquet")
    facts = json.loads(done.stdout)
    assert done.returncode == 0
    assert facts["accuracy"] > 0.8
    table = pq.read_table(tmp_path / "demo.parquet")
    right = np.mean(
        [t == f for t, f in zip(table["true_class"].to_pylist(), table["class_name"].to_pylist(), strict=True) if f]
    )
    assert facts["accuracy"] == pytest.approx(right)
    assert set(facts["table"]) == set(CLASS_NAMES)
    text = run("demo").stdout.decode()
    assert "true class" in text
    assert "right: " in text


def test_models_and_doctor() -> None:
    facts = json.loads(run("models", "--json").stdout)
    assert facts["paper-cnn"]["classes"] == list(CLASS_NAMES)
    done = run("doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["onnxruntime telemetry"] == "off"
    assert set(report["models"].values()) == {"works"}


def test_doctor_tells_of_a_damaged_model(tmp_path: Path) -> None:
    site = Path(shutil.copytree(Path(str(files("insar_runtime"))), tmp_path / "insar_runtime"))
    victim = next((site / "models").glob("*/*int8.onnx"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 4
    victim.write_bytes(data)
    done = run("doctor", env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path)
    assert done.returncode == 77
    assert b"SHA-256" in done.stderr


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    # The smaller one already fills a row group of the output, which is what is held back.
    for points in (70_000, 210_000):
        path = tmp_path / f"{points}.parquet"
        pq.write_table(wide(*series(points, 40)), path, row_group_size=35_000)
        done = run("classify", path, "--json", "-q", "--threads", 2)
        peaks.append(json.loads(done.stdout)["peak_memory_mb"])
    assert peaks[1] < 1.15 * peaks[0]
    assert peaks[1] < 500


def test_version_and_help_need_nothing_heavy() -> None:
    code = (
        "import sys; from insar_runtime import cli; sys.argv = ['insar-rt', sys.argv[1]]\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('numpy', 'pyarrow', 'onnxruntime') if m in sys.modules])"
    )
    for flag in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-c", code, flag], capture_output=True, check=True)
        assert done.stdout.decode().splitlines()[-1] == "[]"


# --- what bad input gets -----------------------------------------------------------------------------------


def test_missing_input(tmp_path: Path) -> None:
    refused(run("classify", tmp_path / "none.parquet"), 66, "none.parquet")


def test_not_parquet(tmp_path: Path) -> None:
    (tmp_path / "in.parquet").write_text("hello")
    refused(run("classify", tmp_path / "in.parquet"), 65, "in.parquet", "Parquet".lower())


def test_truncated_parquet(source: Path) -> None:
    source.write_bytes(source.read_bytes()[:-200])
    refused(run("classify", source), 65, "in.parquet")


def test_truncated_stream(source: Path, tmp_path: Path) -> None:
    stream = write(pq.read_table(source), tmp_path / "in.arrows").read_bytes()
    refused(run("classify", "-", "-o", tmp_path / "o.parquet", input=stream[: len(stream) // 2 + 5]), 65)
    assert not (tmp_path / "o.parquet").exists()


def _rename(old: str, new: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.rename_columns([new if name == old else name for name in table.schema.names])


FIRST_DATE = wide(*series(1)).schema.names[3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.select(["pid", "latitude"]), ["date"]),
        (lambda t: t.append_column("D20300101", t[FIRST_DATE]).append_column("D20300113", t[FIRST_DATE]), ["D2030"]),
        (lambda t: t.append_column(FIRST_DATE, t[FIRST_DATE]), [FIRST_DATE, "twice"]),
        (
            lambda t: t.set_column(3, FIRST_DATE, pa.array(["x"] * len(t))),
            [FIRST_DATE, "string"],
        ),
        (lambda t: t.select([*t.schema.names[:3], *t.schema.names[3:20]]), ["17 epochs", "30"]),
        (lambda t: t.append_column("class_id", t["pid"]), ["class_id"]),
    ],
    ids=["no dates", "two families", "duplicate", "strings", "too short", "classified before"],
)
def test_refused_tables(source: Path, tmp_path: Path, change: Callable[[pa.Table], pa.Table], words: list[str]) -> None:
    path = write(change(pq.read_table(source)), tmp_path / "bad.parquet")
    refused(run("classify", path), 65, *words)
    assert not (tmp_path / "bad.classified.parquet").exists()


def test_duplicate_dates_in_lists(source: Path, tmp_path: Path) -> None:
    table = as_lists(pq.read_table(source), "list")
    axis = table["dates"][0].as_py()
    axis[4] = axis[3]
    broken = table.set_column(
        table.schema.names.index("dates"), "dates", pa.array([axis] * len(table), pa.list_(pa.date32()))
    )
    refused(run("classify", write(broken, tmp_path / "bad.parquet")), 65, str(axis[3]))


def test_strings_in_a_csv_date_column(source: Path, tmp_path: Path) -> None:
    path = write(pq.read_table(source), tmp_path / "bad.csv")
    text = path.read_text().splitlines()
    cells = text[7].split(",")
    cells[5] = "cloudy"
    text[7] = ",".join(cells)
    path.write_text("\n".join(text))
    refused(run("classify", path), 65, "cloudy", text[0].split(",")[5].strip('"'))


def test_infinite_and_empty_rows_are_results(source: Path, tmp_path: Path) -> None:
    table = pq.read_table(source)
    column = table[FIRST_DATE].to_pylist()
    column[3] = float("inf")
    table = table.set_column(3, FIRST_DATE, pa.array(column))
    for name in table.schema.names[3:]:
        values = table[name].to_pylist()
        values[8] = None
        table = table.set_column(table.schema.names.index(name), name, pa.array(values, pa.float64()))
    path = write(table, tmp_path / "odd.parquet")
    assert run("classify", path, "-o", tmp_path / "o.parquet").returncode == 0
    status = pq.read_table(tmp_path / "o.parquet")["status"].to_pylist()
    assert (status[3], status[8]) == ("non_finite", "too_few_epochs")
    assert len(status) == 200


def test_output_equal_to_input(source: Path) -> None:
    refused(run("classify", source, "-o", source, "--overwrite"), 2, "is the input")


def test_output_exists(source: Path, tmp_path: Path) -> None:
    (tmp_path / "o.parquet").write_text("x")
    refused(run("classify", source, "-o", tmp_path / "o.parquet"), 73, "--overwrite")


def test_folder_that_is_not_there(source: Path, tmp_path: Path) -> None:
    refused(run("classify", source, "-o", tmp_path / "no" / "o.parquet"), 74, "does not exist")


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="no /sys: nothing that even root may not write to")
def test_unwritable_folder(source: Path) -> None:
    refused(run("classify", source, "-o", "/sys/o.parquet"), 74, "may write")


def test_file_size_limit(source: Path, tmp_path: Path) -> None:
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # noqa: E731
    refused(run("classify", source, "-o", tmp_path / "o.parquet", preexec_fn=limit), 74, "cannot be written")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_full_disk(source: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    small = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=8k tmpfs {disk}"
    if shutil.which("unshare") is None or subprocess.run([*small, mount], capture_output=True, check=False).returncode:
        pytest.skip("no disk of 8 kB can be mounted here")
    command = " ".join([*COMMAND, "classify", str(source), "-o", str(disk / "o.parquet")])
    done = subprocess.run(
        [*small, f"{mount} && {command}; code=$?; ls -A {disk}; exit $code"], capture_output=True, check=False
    )
    refused(done, 74, "No space left", "free some space")


@pytest.mark.parametrize("flag", ["--device=cuda", "--model=no-such-model"])
def test_unavailable(source: Path, flag: str) -> None:
    refused(run("classify", source, flag), 69)


def test_model_with_a_flipped_byte(source: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(Path(str(files("insar_runtime"))) / "models" / "paper-cnn", tmp_path / "model"))
    victim = next(copy.glob("*int8.onnx"))
    data = bytearray(victim.read_bytes())
    data[5000] ^= 1
    victim.write_bytes(data)
    refused(run("classify", source, "--model", copy), 77, "SHA-256")


@pytest.mark.parametrize(
    "arguments",
    [["classify"], ["classify", "a", "--device", "abacus"], ["klassify"], ["classify", "a", "--threads", "0"]],
)
def test_wrong_usage(arguments: list[str]) -> None:
    refused(run(*arguments), 2, "See insar-rt --help")


@pytest.mark.parametrize("source_", [".", "", "/"])
def test_input_that_is_no_file(source_: str, tmp_path: Path) -> None:
    refused(run("classify", source_, cwd=tmp_path), 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [["classify", "SOURCE", "-q", "-o", "-"], ["models", "--json"]])
def test_full_disk_behind_standard_output(source: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, *(str(source) if word == "SOURCE" else word for word in arguments)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=120, check=False)
    assert done.returncode == 74, done.stderr
    assert len(done.stderr.decode().strip().splitlines()) == 1


@pytest.mark.parametrize("side", ["input", "output"])
def test_name_too_long(source: Path, tmp_path: Path, side: str) -> None:
    long = tmp_path / ("x" * 300 + ".parquet")
    arguments = [long] if side == "input" else [source, "-o", long]
    refused(run("classify", *arguments), 74, "name too long")


@pytest.mark.parametrize("option", [["--model", ""], ["-o", ""]])
def test_empty_option_is_no_default(source: Path, option: list[str]) -> None:
    """As an unset variable of a shell script gives it."""
    assert run("classify", source, *option).returncode in {2, 69}
    assert [path.name for path in source.parent.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(source: Path, tmp_path: Path, closed: str) -> None:
    """Under some daemons; the file is written all the same."""
    command = " ".join([*COMMAND, "classify", str(source), "-o", str(tmp_path / "o.parquet"), closed])
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert pq.read_metadata(tmp_path / "o.parquet").num_rows == 200


def test_pipes_are_no_files(source: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused(run("classify", pipe), 2, "no regular file")
    refused(run("classify", source, "-o", pipe, "--overwrite"), 2, "no regular file")
    assert pipe.is_fifo()


def test_link_stays_a_link(source: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, target = tmp_path / "o.parquet", tmp_path / "elsewhere" / "real.parquet"
    link.symlink_to(target)
    refused(run("classify", source, "-o", link), 73)
    assert run("classify", source, "-o", link, "--overwrite").returncode == 0
    assert link.is_symlink()
    assert pq.read_metadata(target).num_rows == 200


def test_two_series_in_one_table(source: Path, tmp_path: Path) -> None:
    table = pq.read_table(source)
    both = as_lists(table, "list")
    for name in table.schema.names[3:]:
        both = both.append_column(name, table[name])
    refused(run("classify", write(both, tmp_path / "both.parquet")), 65, "displacements", "drop one")


def test_codes_stay_text_in_csv(source: Path, tmp_path: Path) -> None:
    """Whatever comes late in the file: a leading zero, more digits than a double holds, a letter."""
    table = pq.read_table(source)
    table = pa.concat_tables([table] * 60)
    codes = [str(10_000 + i) for i in range(len(table))]
    codes[-3:] = ["01067", "12345678901234567890", "A12"]
    path = write(table.append_column("zone", pa.array(codes)), tmp_path / "long.csv")
    assert path.stat().st_size > 3 << 20
    assert run("classify", path, "-o", tmp_path / "o.parquet").returncode == 0
    out = pq.read_table(tmp_path / "o.parquet")
    assert out["zone"].to_pylist() == codes


# --- runs that are interrupted -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "left"),
    [
        (signal.SIGTERM, 143, 0),
        (signal.SIGINT, 130, 0),
        (signal.SIGHUP, 129, 0),
        (signal.SIGKILL, -signal.SIGKILL, 1),
    ],
)
def test_killed_while_writing(tmp_path: Path, number: signal.Signals, code: int, left: int) -> None:
    """The old output stays whole; a signal that can be caught leaves nothing else."""
    output = tmp_path / "out" / "o.parquet"
    output.parent.mkdir()
    output.write_text("precious")
    table = wide(*series(30_000, 40))
    with subprocess.Popen(
        [*COMMAND, "classify", "-", "-o", str(output), "--overwrite"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        writer = pa.ipc.new_stream(process.stdin, table.schema)
        writer.write_table(table, max_chunksize=10_000)
        process.stdin.flush()
        # The stream has not ended, so the run cannot: it waits with its partial file open.
        for _ in range(600):
            if len(list(output.parent.iterdir())) == 2:
                break
            time.sleep(0.05)
        else:
            pytest.fail("no partial file appeared")
        process.send_signal(number)
        assert process.wait(60) == code
    assert output.read_text() == "precious"
    rest = [path for path in output.parent.iterdir() if path != output]
    assert len(rest) == left
    assert all(path.name.startswith(".") for path in rest)
