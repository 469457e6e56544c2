"""What the proof of int8 costs, and what it says on a processor without VNNI, which is emulated.

    python -m benchmarks.int8_proof
    python -m benchmarks.int8_proof --qemu qemu-x86_64-static --processor Haswell

The second needs Debian's qemu-user-static on x86-64. QEMU emulates processors up to AVX2, without VNNI, and computes
their saturating sums; it says nothing of time. It emulates neither AVX-512 nor AMX.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from insar_runtime import Classifier, UnavailableError, list_models, load_model
from insar_runtime._engine.golden import golden_vectors
from insar_runtime._engine.hardware import describe_hardware
from insar_runtime._engine.proof import prove
from insar_runtime._engine.session import open_session

_TIMES: Final = 41


def main() -> None:
    """Print a line for each model: seconds of processor time of its proof, or what an emulated processor gives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qemu", help="Program that emulates x86-64.")
    parser.add_argument("--processor", default="Haswell", help="One that it knows by name.")
    parser.add_argument("--model", action="append", help="Name or folder; all shipped ones if not given.")
    parser.add_argument("--outcome", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    models = given.model or list_models()
    if given.qemu:
        folders = [option for model in models for option in ("--model", model)]
        command = [
            given.qemu,
            "-cpu",
            given.processor,
            sys.executable,
            "-m",
            "benchmarks.int8_proof",
            "--outcome",
            *folders,
        ]
        _print(f"emulated {given.processor}:")
        raise SystemExit(subprocess.run(command, check=False, cwd=Path(__file__).parents[1]).returncode)
    if not given.outcome:
        _print(f"{describe_hardware()}:")
    for model in models:
        _print(f"{model}: {_outcome(model) if given.outcome else _cost(model)}")


def _outcome(model: str) -> str:
    """Return which precision runs by default where int8 would be taken, and what happens if int8 is asked for."""
    try:
        Classifier(model, device="cpu", precision="int8")
    except UnavailableError as error:
        return str(error)
    return "int8 is proven"


def _cost(name: str) -> str:
    """Return milliseconds of processor time: the first proof of an open session, and the median of many sessions."""
    model, spent = load_model(name), []
    if golden_vectors(model, "int8") is None:
        return "no golden vectors"
    for i in range(_TIMES):
        opened = open_session(model, device="cpu", precision="int8")
        # Another name of the provider, as a proof is kept for each.
        start = time.thread_time()
        prove(opened.session, model, "int8", f"proof {i}")
        spent.append((time.thread_time() - start) * 1000)
    return f"{np.median(spent):.1f} ms (median of {_TIMES} sessions), at most {max(spent):.1f} ms"


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    main()
