"""An interrupted run keeps the old output and removes its partial one."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.runtime.run_command import COMMAND, run_process
from tests.runtime.tables import series, wide, write

ROWS = 30_000


def react_to_signals() -> None:
    """Let a child react to signals that its parents ignore, as under nohup or in the background of a script."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def writing(output: Path, prepare: Callable[[], object]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a run that has read all rows and waits with its partial file open, as the stream has not ended."""
    command = [*COMMAND, "classify", "-", "-o", str(output), "--overwrite", "-q"]
    before = len(list(output.parent.iterdir()))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=prepare) as process:  # noqa: PLW1509 - sets signals only
        assert process.stdin is not None
        table = wide(*series(ROWS, 40))
        writer = pa.ipc.new_stream(process.stdin, table.schema)
        writer.write_table(table, max_chunksize=10_000)
        process.stdin.flush()
        for _ in range(600):
            if len(list(output.parent.iterdir())) > before:
                break
            time.sleep(0.05)
        else:
            pytest.fail("no partial file appeared")
        yield process


@pytest.mark.parametrize(
    ("number", "code", "left"),
    [
        (signal.SIGTERM, 143, 0),
        (signal.SIGINT, 130, 0),
        (signal.SIGHUP, 129, 0),
        (signal.SIGKILL, -signal.SIGKILL, 1),
    ],
)
def test_a_run_that_is_killed_keeps_the_old_output_and_leaves_nothing_else_if_it_can(
    tmp_path: Path, number: signal.Signals, code: int, left: int
) -> None:
    output = tmp_path / "out" / "o.parquet"
    output.parent.mkdir()
    output.write_text("precious")
    with writing(output, react_to_signals) as process:
        process.send_signal(number)
        assert process.wait(60) == code
    assert output.read_text() == "precious"
    rest = [path for path in output.parent.iterdir() if path != output]
    assert len(rest) == left
    assert all(path.name.startswith(".") for path in rest)


def test_a_run_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    output = tmp_path / "o.parquet"
    with writing(output, lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
        process.send_signal(signal.SIGHUP)
        # A marker of the end of the stream.
        _, errors = process.communicate(b"\xff\xff\xff\xff\x00\x00\x00\x00", timeout=60)
    assert (process.returncode, errors) == (0, b"")
    assert pq.read_metadata(output).num_rows == ROWS


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_exit_code_although_native_code_makes_another_error_of_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    """As onnxruntime does while it is imported, and threads while Python takes itself down."""
    (tmp_path / "onnxruntime.py").write_text(
        "import atexit\nimport os\natexit.register(os.abort)\n"
        f"try:\n    os.kill(os.getpid(), {int(number)})\n"
        "except SystemExit as error:\n    raise ImportError('initialization failed') from error\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    write(wide(*series(10)), tmp_path / "in.parquet")
    done = run_process("classify", tmp_path / "in.parquet", env=env, preexec_fn=react_to_signals)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, b"", b"")


SIGNALS_AT_ONCE = """
import os, signal
from insar_runtime import cli
from insar_runtime._commands import app as commands

def app(*_, **__):
    numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for number in numbers:
        os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    for _ in range(1000):
        pass

commands.app = app
cli.main()
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be held back")
def test_signals_that_arrive_together_end_a_run_in_silence() -> None:
    """As systemd sends SIGTERM and SIGHUP: Python reports those that are ignored from the first one on."""
    done = subprocess.run(
        [COMMAND[0], "-c", SIGNALS_AT_ONCE], capture_output=True, check=False, preexec_fn=react_to_signals
    )
    assert done.returncode in {129, 130, 143}
    assert (done.stdout, done.stderr) == (b"", b"")
