"""What a call of ``classify`` did, for archives and for programs."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from insar_runtime._engine.hardware import describe_hardware
from insar_runtime._engine.software import installed_version
from insar_runtime._output.atomic_text import replace_text
from insar_runtime._pipeline.many import Outcome, first_failure
from insar_runtime._pipeline.memory import peak_memory_mb
from insar_runtime._version import __version__


def describe_run(outcomes: Sequence[Outcome], started: datetime, seconds: float) -> dict[str, Any]:
    """Gather what was done, by what, and what came of it, as plain values.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One an input.
    started : datetime
        With its time zone.
    seconds : float
        That the call took, without start-up.
    """
    return {
        "package": "insar-runtime",
        "package_version": __version__,
        "python": platform.python_version(),
        "versions": {name: installed_version(name) for name in ("numpy", "onnxruntime", "pyarrow")},
        "processor": describe_hardware(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "peak_memory_mb": peak_memory_mb(),
        "exit_code": first_failure(outcomes),
        "files": [outcome.to_dict() for outcome in outcomes],
    }


def write_report(facts: dict[str, Any], path: Path) -> None:
    """Write the facts as JSON; the file appears whole.

    Raises
    ------
    InputOutputError
        If it cannot be written.
    """
    replace_text(path, json.dumps(facts, indent=1) + "\n")
