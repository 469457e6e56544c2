"""``insar-rt demo``: classification of the embedded example, an EGMS-like file with known classes.

The file is made by ``python -m training demo``.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

import pyarrow.parquet as pq

from insar_runtime._output.atomic import write_file
from insar_runtime._output.output_checks import check_output
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.classifier import Classifier
from insar_runtime.errors import UsageError
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
        File to write, of any format of ``classify_file``.
    classifier : Classifier, optional
        By default one with default settings.
    overwrite : bool
        Whether ``output`` may be replaced.

    Raises
    ------
    UsageError
        If ``output`` is a stream.
    InsarRuntimeError
        As ``classify_file``.
    """
    if str(output) == "-":
        raise UsageError("the demo is written to a file, as its result is printed; name one, such as -o demo.parquet")
    classifier = classifier or Classifier()
    with as_file(_archive()) as path, tempfile.TemporaryDirectory() as folder:
        summary = classify_file(path, output, classifier=classifier, keep_series=True, overwrite=overwrite)
        compared = output
        if output.suffix.lower() != ".parquet":
            # Quicker than a reader of each format.
            compared = Path(folder) / "demo.parquet"
            classify_file(path, compared, classifier=classifier)
        columns = pq.read_table(compared, columns=[TRUTH_COLUMN, "class_name"])
    assigned = columns["class_name"].to_pylist()
    truth = columns[TRUTH_COLUMN].to_pylist()
    table = {name: dict.fromkeys((*CLASS_NAMES, NO_ANSWER), 0) for name in CLASS_NAMES}
    for true, found in zip(truth, assigned, strict=True):
        table[true][found or NO_ANSWER] += 1
    answered = sum(found is not None for found in assigned)
    right = sum(table[name][name] for name in CLASS_NAMES)
    return DemoOutcome(summary, table, right / max(answered, 1), answered)


def save_table(path: Path, *, overwrite: bool) -> None:
    """Write the embedded file to ``path``; it appears whole or not at all.

    Raises
    ------
    UsageError
        If ``path`` is not named as a zip.
    OutputExistsError
        If it is there and must not be replaced.
    InputOutputError
        If it cannot be written.
    """
    if path.suffix.lower() != ".zip":
        raise UsageError(f"{path} is for a zip; name it .zip")
    check_output(path, overwrite=overwrite)
    write_file(path, [_archive().read_bytes()], overwrite=overwrite)


def _archive() -> Traversable:
    folder = files("insar_runtime") / "demo"
    (archive,) = (entry for entry in folder.iterdir() if entry.name.endswith(".zip"))
    return archive


def describe_demo(truth: dict[str, dict[str, int]], accuracy: float, answered: int, rows: int) -> str:
    """Return the confusion matrix of the demo as a table, and the accuracy."""
    names = list(next(iter(truth.values())))
    width = max(len(name) for name in (*truth, *names)) + 2
    lines = ["true class".ljust(width) + "".join(name.rjust(width) for name in names)]
    for name, counts in truth.items():
        lines.append(name.ljust(width) + "".join(str(count).rjust(width) for count in counts.values()))
    lines.append(f"right: {100 * accuracy:.1f} % of the {answered} points that got a class ({rows} in all)")
    return "\n".join(lines)
