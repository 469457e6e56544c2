"""A process that has imported the command once and forks for each case: ``python -m hostile.fork_host``.

Each case is the real command in a process of its own, without the half second that importing takes. The host has no
threads of its own, reads one JSON object a line from standard input, and answers each with one on standard output.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import insar_runtime
from hostile.files.independent import read_to
from insar_runtime.cli import main as command

_MIB = 1 << 20


def main() -> None:
    """Serve until standard input ends."""
    _import_everything()
    # Pages that the collector touches would be copied in each child.
    gc.collect()
    gc.freeze()
    # File descriptor 1 is for answers alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        task = json.loads(line)
        print(json.dumps(_in_child(task)), file=answers, flush=True)


def _import_everything() -> None:
    """Import what the command imports within its functions, and the independent readers."""
    for name in ("pyarrow.compute", "pyarrow.csv", "pyarrow.parquet"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(insar_runtime.__path__, "insar_runtime."):
        # Engines need packages that are not everywhere, and a cluster.
        if not module.name.startswith(("insar_runtime.engines", "insar_runtime.__main__")):
            importlib.import_module(module.name)
    importlib.import_module("insar_runtime._engine.onnx_runtime").import_onnxruntime()


def _in_child(task: dict[str, Any]) -> dict[str, Any]:
    """Do a task in a child, and return how that ended."""
    child = os.fork()
    if not child:
        _become(task)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return {
        "code": code,
        "hung": code in {-signal.SIGALRM, -signal.SIGXCPU},
        "peak_mb": usage.ru_maxrss * 1024 // _MIB,
    }


def _become(task: dict[str, Any]) -> None:
    """Do a task and end: what a new interpreter does, from its streams to its exit code."""
    code = 1
    try:
        os.chdir(task["folder"])
        for target, name in ((0, task["stdin"]), (1, task["stdout"]), (2, task["stderr"])):
            handle = os.open(name, os.O_RDONLY if target == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(handle, target)
            os.close(handle)
        sys.stdin, sys.stdout, sys.stderr = (open(n, "w" if n else "r", encoding="utf-8") for n in range(3))  # noqa: SIM115, PTH123
        signal.alarm(task["wall_s"])
        resource.setrlimit(resource.RLIMIT_CPU, (task["cpu_s"], task["cpu_s"] + 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for name, limit in task["limits"].items():
            resource.setrlimit(getattr(resource, name), (limit, limit))
        code = _exit_code(_work(task))
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _work(task: dict[str, Any]) -> Callable[[], object]:
    if task["what"] == "read":
        return lambda: read_to(Path(task["path"]), Path(task["result"]), by_arrow=task["by_arrow"])
    sys.argv = ["insar-rt", *task["arguments"]]
    return command


def _exit_code(work: Callable[[], object]) -> int:
    try:
        work()
    except SystemExit as end:
        if end.code is None:
            return 0
        return end.code & 255 if isinstance(end.code, int) else 1
    return 0


if __name__ == "__main__":
    main()
