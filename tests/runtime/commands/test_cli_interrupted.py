"""Runs that are interrupted: the old output stays whole, and what can be cleaned up is."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pytest

from tests.runtime.run_command import COMMAND, run
from tests.runtime.tables import series, wide, write


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_killed_while_native_code_makes_another_error_of_it(tmp_path: Path, number: signal.Signals) -> None:
    """As onnxruntime does while it is imported, and threads while Python takes itself down."""
    (tmp_path / "onnxruntime.py").write_text(
        "import atexit\nimport os\natexit.register(os.abort)\n"
        f"try:\n    os.kill(os.getpid(), {int(number)})\n"
        "except SystemExit as error:\n    raise ImportError('initialization failed') from error\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    write(wide(*series(10)), tmp_path / "in.parquet")
    done = run("classify", tmp_path / "in.parquet", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, b"", b"")
