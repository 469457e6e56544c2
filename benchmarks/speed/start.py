"""Cold start: time of a short run from start to exit, by step."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.speed.files import ROOT, ours
from benchmarks.speed.tables import make_table

_OF_TYPER: Final = {"typer", "click", "rich", "shellingham", "pygments", "markdown_it", "mdurl"} | {
    *("pydantic", "pydantic_core", "annotated_types", "annotated_doc", "typing_inspection", "typing_extensions"),
}
"""Packages that typer is made of or imports."""
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
    # Once before, so that modules are compiled and files are in the cache of the system.
    _seconds(ours(source, output))
    taken: dict[str, list[float]] = {}
    for _ in range(turns):
        begin = time.time()
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, source, output],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=_environment(),
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


def import_shares(folder: Path, *, rows: int, epochs: int, turns: int) -> dict[str, dict[str, float]]:
    """Return what a run with few series imports, by package.

    Returns
    -------
    dict of str to dict
        Number of ``modules`` and ``ms`` of their own, medians over new processes, from ``python -X importtime``; it
        takes some time itself, so shares say more than sums.
    """
    source = make_table(folder, "wide Parquet", rows, epochs)
    command = [str(part) for part in ours(source, folder / "out.parquet")]
    command[1:1] = ["-X", "importtime"]
    taken: dict[str, list[tuple[int, float]]] = {}
    for _ in range(turns):
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=_environment())
        found: dict[str, tuple[int, float]] = {}
        for own, module in re.findall(r"^import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)$", done.stderr, re.MULTILINE):
            package = _package_of(module)
            count, ms = found.get(package, (0, 0.0))
            found[package] = count + 1, ms + int(own) / 1000
        for package, both in found.items():
            taken.setdefault(package, []).append(both)
    shares = {
        package: {"modules": median(count for count, _ in runs), "ms": median(ms for _, ms in runs)}
        for package, runs in taken.items()
    }
    return dict(sorted(shares.items(), key=lambda item: -item[1]["ms"]))


def _package_of(module: str) -> str:
    """Return the group of a module in the table."""
    top = module.split(".", maxsplit=1)[0]
    if top in _OF_TYPER:
        return "typer, and what it imports"
    if top in {"insar_runtime", "numpy", "pyarrow", "onnxruntime"}:
        return top
    return "the standard library" if top in sys.stdlib_module_names else "others"


def _environment() -> dict[str, str]:
    """Return the environment of an installed package, whose modules are compiled once and not at each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _seconds(command: Sequence[str | Path]) -> float:
    """Run a command like the probe, and return the time until it ends."""
    begin = time.time()
    subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd=ROOT, env=_environment())
    return time.time() - begin


def _in_order(steps: dict[str, float]) -> list[str]:
    names = [name for name in steps if not name.startswith("insar-rt") and name != "exit"]
    return [*names, "exit"]
