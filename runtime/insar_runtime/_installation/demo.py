"""``insar-rt demo``: classification of the embedded example, an EGMS-like file with known classes.

The file is made by ``python -m training demo``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import pyarrow.parquet as pq

from insar_runtime.classes import CLASS_NAMES
from insar_runtime.classifier import Classifier
from insar_runtime.files import classify_file
from insar_runtime.summary import Summary

TRUTH_COLUMN = "true_class"
NO_ANSWER = "no class"


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """Result of the demo.

    Attributes
    ----------
    summary : Summary
        Of the run.
    table : dict of str to dict of str to int
        Number of points by true class and assigned class.
    accuracy : float
        Share of correct classes among the points with a class.
    answered : int
        Number of points with a class.
    """

    summary: Summary
    table: dict[str, dict[str, int]]
    accuracy: float
    answered: int


def run_demo(output: Path, *, classifier: Classifier | None = None, overwrite: bool = False) -> DemoOutcome:
    """Classify the embedded file and compare the classes with the true ones.

    Parameters
    ----------
    output : Path
        Parquet file to write.
    classifier : Classifier, optional
        By default one with default settings.
    overwrite : bool
        Whether ``output`` may be replaced.

    Raises
    ------
    InsarRuntimeError
        As ``classify_file``.
    """
    folder = files("insar_runtime") / "demo"
    (archive,) = (entry for entry in folder.iterdir() if entry.name.endswith(".zip"))
    with as_file(archive) as path:
        summary = classify_file(path, output, classifier=classifier, keep_series=True, overwrite=overwrite)
    columns = pq.read_table(output, columns=[TRUTH_COLUMN, "class_name"])
    assigned = columns["class_name"].to_pylist()
    truth = columns[TRUTH_COLUMN].to_pylist()
    table = {name: dict.fromkeys((*CLASS_NAMES, NO_ANSWER), 0) for name in CLASS_NAMES}
    for true, found in zip(truth, assigned, strict=True):
        table[true][found or NO_ANSWER] += 1
    answered = sum(found is not None for found in assigned)
    right = sum(table[name][name] for name in CLASS_NAMES)
    return DemoOutcome(summary, table, right / max(answered, 1), answered)


def describe_demo(truth: dict[str, dict[str, int]], accuracy: float, answered: int, rows: int) -> str:
    """Return the confusion matrix of the demo as a table, and the accuracy."""
    names = list(next(iter(truth.values())))
    width = max(len(name) for name in (*truth, *names)) + 2
    lines = ["true class".ljust(width) + "".join(name.rjust(width) for name in names)]
    for name, counts in truth.items():
        lines.append(name.ljust(width) + "".join(str(count).rjust(width) for count in counts.values()))
    lines.append(f"right: {100 * accuracy:.1f} % of the {answered} points that got a class ({rows} in all)")
    return "\n".join(lines)
