"""Record of a call of a command as JSON: versions, processor, time, memory, result of each file."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from insar_runtime._engine.hardware import describe_hardware
from insar_runtime._engine.software import installed_version
from insar_runtime._output.atomic import write_file
from insar_runtime._pipeline.many import Outcome, first_failure
from insar_runtime._pipeline.memory import peak_memory_mb
from insar_runtime._version import __version__


def describe_run(outcomes: Sequence[Outcome], started: datetime, seconds: float) -> dict[str, Any]:
    """Return the record of a call as plain values.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Outcome of each input.
    started : datetime
        Begin of the call, with time zone.
    seconds : float
        Duration of the call, without start-up.
    """
    return {
        **describe_environment(started, seconds),
        "exit_code": first_failure(outcomes),
        "files": [outcome.to_dict() for outcome in outcomes],
    }


def describe_environment(started: datetime, seconds: float) -> dict[str, Any]:
    """Return versions, processor, time and memory of a call of any command as plain values; see ``describe_run``."""
    return {
        "package": "insar-runtime",
        "package_version": __version__,
        "python": platform.python_version(),
        "versions": {name: installed_version(name) for name in ("numpy", "onnxruntime", "pyarrow")},
        "processor": describe_hardware(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "peak_memory_mb": peak_memory_mb(),
    }


def write_run_report(facts: dict[str, Any], path: Path, *, overwrite: bool) -> None:
    """Write a record as JSON; the file appears whole or not at all.

    Raises
    ------
    OutputExistsError
        If it is there and must not be replaced.
    InputOutputError
        If the file cannot be written.
    """
    write_file(path, [(json.dumps(facts, indent=1) + "\n").encode()], overwrite=overwrite)
