"""The command as a process: its streams, exit codes, memory and imports."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES, list_models, load_model
from insar_runtime._engine.priors import ESTIMATE_WEIGHT
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.run_command import COMMAND, refused, run_process
from tests.runtime.tables import series, wide, write


def test_classify_writes_beside_the_input(source: Path) -> None:
    done = run_process("classify", source)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    # Lines are broken between words.
    assert b"200 points, 60 epochs" in b" ".join(done.stderr.split())
    assert pq.read_metadata(source.with_name("in.classified.parquet")).num_rows == 200


def test_json_summary_on_stdout(source: Path, tmp_path: Path) -> None:
    done = run_process("classify", source, "-o", tmp_path / "o.parquet", "--json", "-q")
    summary = json.loads(done.stdout)
    assert done.stderr == b""
    assert summary["rows"] == 200
    assert sum(summary["statuses"].values()) == 200
    assert summary["peak_memory_mb"] > 20


def test_priors_are_reported_and_recorded(source: Path, tmp_path: Path) -> None:
    done = run_process(
        "classify", source, "-o", tmp_path / "given.parquet", "--priors", "95,2,1,1,1", "--model", "paper-cnn"
    )
    # Lines are broken between words.
    said = b" ".join(done.stderr.split())
    assert b"class mix assumed: Stable 95 %, Linear 2 %, Quadratic 1 %, Bilinear 1 %, PUE 1 % (as given)" in said
    done = run_process("classify", source, "-o", tmp_path / "auto.parquet", "--json")
    # The text names the weight.
    assert ESTIMATE_WEIGHT == 0.25
    assert re.search(
        rb"class mix assumed: Stable [\d.]+ %, .*, Other [\d.]+ % \(a quarter of the way from the training to 200 of "
        rb"the first points\); --priors changes it",
        b" ".join(done.stderr.split()),
    )
    priors = json.loads(done.stdout)["priors"]
    assert (priors["origin"], priors["rows"]) == ("estimated", 200)
    block = json.loads(pq.read_metadata(tmp_path / "auto.parquet").metadata[b"insar_runtime"])
    assert block["priors"] == priors


def test_a_stream_in_and_out_gives_the_classes_of_the_file(source: Path, tmp_path: Path) -> None:
    stream = write(pq.read_table(source), tmp_path / "in.arrows").read_bytes()
    done = run_process("classify", "-", input=stream)
    assert done.returncode == 0, done.stderr
    table = pa.ipc.open_stream(done.stdout).read_all()
    assert table.schema.names[-len(RESULT_SCHEMA.names) :] == RESULT_SCHEMA.names
    run_process("classify", source, "-o", tmp_path / "o.parquet")
    wanted = pq.read_table(tmp_path / "o.parquet")
    for name in ("pid", *RESULT_SCHEMA.names):
        assert table[name].to_pylist() == wanted[name].to_pylist()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["classify"], 2),
        (["classify", "text.parquet"], 65),
        (["classify", "none.parquet"], 66),
        (["classify", "in.parquet", "--device", "cuda"], 69),
        (["classify", "in.parquet", "-o", "text.parquet"], 73),
        (["classify", "in.parquet", "-o", "none/o.parquet"], 74),
    ],
)
def test_a_process_that_is_refused_ends_with_the_exit_code_of_its_error(
    source: Path, arguments: list[str], code: int
) -> None:
    """Further codes: 71 of the memory limit, 77 of a damaged model, 128 + n of a signal, each where it is tested."""
    source.with_name("text.parquet").write_text("hello")
    refused(run_process(*arguments, cwd=source.parent), code)


def test_a_reader_that_closes_the_pipe_is_no_error(tmp_path: Path) -> None:
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
    facts = json.loads(run_process("inspect", source, "--json").stdout)
    assert (facts["points"], facts["epochs"], facts["layout"], facts["unit"]) == (200, 60, "wide", "mm")
    assert facts["columns"]["id"] == "pid"
    assert b"60 epochs" in run_process("inspect", source).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_demo_classifies_most_of_its_series_right(tmp_path: Path) -> None:
    done = run_process("demo", "--json", "-o", tmp_path / "demo.parquet")
    facts = json.loads(done.stdout)
    assert done.returncode == 0
    assert facts["accuracy"] > 0.8
    table = pq.read_table(tmp_path / "demo.parquet")
    right = np.mean(
        [t == f for t, f in zip(table["true_class"].to_pylist(), table["class_name"].to_pylist(), strict=True) if f]
    )
    assert facts["accuracy"] == pytest.approx(right)
    assert set(facts["table"]) == set(CLASS_NAMES)
    text = run_process("demo").stdout.decode()
    assert "true class" in text
    assert "right: " in text


def test_models_are_listed_and_doctor_finds_them_working() -> None:
    facts = json.loads(run_process("models", "--json").stdout)
    assert tuple(facts) == list_models()
    assert all(model["classes"] == list(load_model(name).classes) for name, model in facts.items())
    assert [name for name, model in facts.items() if model["default"]] == [load_model().name]
    done = run_process("doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["onnxruntime telemetry"] == "off"
    assert report["int8 dot products"] in {"the processor has them", "none known"}
    assert set(report["models"].values()) == {"works"}


def test_doctor_reports_a_damaged_model(tmp_path: Path) -> None:
    site = Path(shutil.copytree(Path(str(files("insar_runtime"))), tmp_path / "insar_runtime"))
    victim = next((site / "models").glob("*/*int8.onnx"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 4
    victim.write_bytes(data)
    done = run_process("doctor", env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path)
    assert done.returncode == 77
    assert b"SHA-256" in done.stderr


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    # The smaller one already fills three row groups of the output, after which all threads have held what they need.
    few, many, epochs = 210_000, 840_000, 40
    for points in (few, many):
        path = tmp_path / f"{points}.parquet"
        pq.write_table(wide(*series(points, epochs)), path, row_group_size=35_000)
        done = run_process("classify", path, "--json", "-q", "--threads", 2)
        peaks.append(json.loads(done.stdout)["peak_memory_mb"])
    # Batches that wait for each other take some memory on a busy machine, and far less than the rows themselves.
    more_rows_mb = (many - few) * epochs * 4 / 2**20
    assert peaks[1] < peaks[0] + more_rows_mb / 2
    assert peaks[1] < 400


def test_pandas_is_not_imported_where_it_is_installed(tmp_path: Path) -> None:
    package, marker = tmp_path / "pandas", tmp_path / "imported"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(marker)!r}, 'w').close()\n__version__ = '2.2.0'\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    table = tmp_path / "table.parquet"
    pq.write_table(wide(*series(50, 40)), table)
    command = [sys.executable, "-m", "insar_runtime", "classify", str(table), "-q"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert not marker.exists()
    # What the command keeps from happening.
    subprocess.run([sys.executable, "-c", "import pyarrow; pyarrow.array([1])"], env=environment, check=False)
    assert marker.exists()


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


@pytest.mark.skipif(sys.platform != "linux", reason="sets a limit of Linux")
def test_an_address_space_that_is_too_small_is_refused_before_a_library_is_loaded(tmp_path: Path) -> None:
    command = ["bash", "-c", 'ulimit -v "$0" && exec "$@"']
    for kib in (133_000, 280_000, 500_000):
        done = subprocess.run(
            [*command, str(kib), sys.executable, "-m", "insar_runtime", "classify", "in.parquet"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            timeout=60,
        )
        refused(done, 71, "address space", "ulimit -v")
    done = subprocess.run(
        [*command, "280000", sys.executable, "-m", "insar_runtime", "--version"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="sets a limit of Linux")
@pytest.mark.parametrize("arguments", [["show", "in.csv", "--row", "3"], ["classify", "in.csv", "-o", "o.csv"]])
def test_libraries_do_not_use_up_a_small_address_space(arguments: list[str], tmp_path: Path) -> None:
    """pyarrow's allocator would reserve 1 GB here, and then there would be no room for its threads."""
    write(wide(*series(50, 40)), tmp_path / "in.csv")
    command = ["bash", "-c", 'ulimit -v "$0" && exec "$@"', "1382400", sys.executable, "-m", "insar_runtime"]
    done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
