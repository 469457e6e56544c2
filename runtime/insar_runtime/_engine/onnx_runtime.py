"""Import of onnxruntime with its telemetry off, CPUs that the process may use, and options of a session."""

from __future__ import annotations

import os
from typing import Any, Final

_FATAL: Final = 4
"""Severity of onnxruntime's log above that of errors."""


def import_onnxruntime() -> Any:
    """Import onnxruntime with its telemetry off.

    onnxruntime 1.29 and later write a device id and try to upload from the moment of their import unless
    ``ORT_DISABLE_TELEMETRY`` is set before (microsoft/onnxruntime#27379).
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # noqa: PLC0415 - must follow the line above

    return onnxruntime


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use, at least 1.

    The CPU set counts, not the machine: containers and batch systems narrow it.
    """
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def cpu_session_options(onnxruntime: Any) -> Any:
    """Make session options for calls from several threads at once.

    One thread inside each call, because parallel calls on one session scale better than a parallel call
    (research: 80 k/s against 56-62 k/s for int8 on two cores); no spinning, which starves neighbours. The arena stays
    on: it keeps the memory of the largest call, but without it the system's allocator keeps more. Errors are raised and
    not logged as well: a log goes to standard error, and repeats names of the model file as they are.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _FATAL
    return options


def silence_default_logger(onnxruntime: Any) -> None:
    """Keep onnxruntime's logger of what belongs to no session from writing errors to standard error."""
    onnxruntime.set_default_logger_severity(_FATAL)
