"""Cold start: time of a short run from start to exit, by step."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.speed.files import ROOT, ours
from benchmarks.speed.tables import make_table

_PROBE: Final = """
import json, sys, time
marks = [("interpreter", time.time())]
def mark(name): marks.append((name, time.time()))
import insar_runtime.cli, insar_runtime._commands.app; mark("command line (typer)")
import typer.main; typer.main.get_command(insar_runtime._commands.app.app); mark("its commands and options")
import importlib, importlib.util
if importlib.util.find_spec("typer._adapters"): importlib.import_module("typer._adapters")
mark("typer's reading of options (pydantic)")
sys.meta_path.insert(0, insar_runtime.cli._WithoutPandas())
import numpy; mark("numpy")
import pyarrow, pyarrow.compute, pyarrow.csv, pyarrow.parquet; mark("pyarrow")
from insar_runtime._engine.onnx_runtime import import_onnxruntime; import_onnxruntime(); mark("onnxruntime")
import insar_runtime.files, insar_runtime._terminal.texts; mark("the rest of the package")
classifier = insar_runtime.classifier.Classifier(); mark("session")
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._pipeline.prepare import open_described
with open_described(sys.argv[1], UserDeclarations("mm")) as table:
    matrix = table.description.matrix(next(table.batches))
mark("reading")
classifier.classify_matrix(matrix, table.description.layout.days); mark("inference")
summary = insar_runtime.files.classify_file(sys.argv[1], sys.argv[2], classifier=classifier, units="mm", overwrite=True)
mark("all of it again, with writing")
print(json.dumps(marks))
"""


def cold_start(folder: Path, *, rows: int, epochs: int, turns: int) -> dict[str, float]:
    """Return the time of each step of a run with few series.

    Returns
    -------
    dict of str to float
        Milliseconds, medians over new processes with a warm file cache: of each step, of ``--version``, of ``--help``,
        and of the whole command.
    """
    source = make_table(folder, "wide Parquet", rows, epochs)
    output = folder / "out.parquet"
    taken: dict[str, list[float]] = {}
    for _ in range(turns):
        begin = time.time()
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, source, output], check=True, capture_output=True, text=True, cwd=ROOT
        )
        end = time.time()
        before = begin
        for name, moment in json.loads(done.stdout.splitlines()[-1]):
            taken.setdefault(name, []).append(moment - before)
            before = moment
        taken.setdefault("exit", []).append(end - before)
        for option in ("--version", "--help"):
            taken.setdefault(f"insar-rt {option}", []).append(_seconds([sys.executable, "-m", "insar_runtime", option]))
        taken.setdefault("insar-rt classify", []).append(_seconds(ours(source, output)))
    steps = {name: 1000 * median(times) for name, times in taken.items()}
    # The last step repeats reading and inference; its remaining time is that of writing.
    steps["writing"] = max(steps.pop("all of it again, with writing") - steps["reading"] - steps["inference"], 0.0)
    return {
        name: steps[name] for name in (*_in_order(steps), "insar-rt classify", "insar-rt --version", "insar-rt --help")
    }


def _seconds(command: Sequence[str | Path]) -> float:
    """Run a command like the probe, and return the time until it ends."""
    begin = time.time()
    subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd=ROOT)
    return time.time() - begin


def _in_order(steps: dict[str, float]) -> list[str]:
    names = [name for name in steps if not name.startswith("insar-rt") and name != "exit"]
    return [*names, "exit"]
