"""Report of the benchmark: tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from evaluation.benchmark.contestants import BAYES
from evaluation.benchmark.goals import goals_of
from evaluation.benchmark.measure import ABSTAIN_BELOW, CONFIDENT, WANTED_RECALL
from evaluation.benchmark.record import error_ratio, to_dict, write_record
from evaluation.benchmark.results import Results
from evaluation.benchmark.sets import DECORRELATED, REALISTIC
from evaluation.benchmark.summary import readme_table
from evaluation.semireal import TEST_FILES, TRAINED_FILES
from insar_runtime.classes import SEED_CLASS_NAMES, TrendClass
from training.metrics import Metrics

_NONE: Final = "-"


def write_report(results: Results, folder: Path) -> None:
    """Write the record, ``README.md`` and ``summary.md`` (a table of ``docs/accuracy.md``) into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = to_dict(results)
    write_record(numbers, folder)
    (folder / "summary.md").write_text(readme_table(numbers) + "\n", encoding="utf-8")
    (folder / "README.md").write_text("\n".join(_markdown(results)) + "\n", encoding="utf-8")


def _markdown(results: Results) -> Iterator[str]:
    yield "# Benchmark\n"
    yield "Written by `python -m evaluation benchmark`. A *contestant* is a classifier that is compared: a released"
    yield "network, a baseline, or the Bayes classifier as the statistical limit. A *cell* is a set of test series of"
    yield "one kind, and all contestants classify the same series. Scores by contestant and cell are in"
    yield "`benchmark.csv`, accuracy by confidence in `calibration.csv`, all other numbers in `benchmark.json`."
    yield f"The reference model is **{results.reference}**, the default network. The seed of the series is"
    yield f"{results.facts['seed']}. Accuracies are in %."
    yield ""
    yield "![accuracy against noise](noise.png) ![accuracy against length](length.png)"
    yield "![accuracy against confidence](reliability.png) ![confusion matrices](confusion.png)"
    yield ""
    yield from _headline(results)
    yield from _goals(results)
    yield from _verdict(results)
    yield from _cells(results)
    yield from _classes(results)
    yield from _jumps(results)
    yield from _deployment(results)
    yield from _others(results)
    yield from _left_out(results)
    yield from _making(results)


def _headline(results: Results) -> Iterator[str]:
    yield "## Overview"
    yield ""
    yield from _row(
        "",
        REALISTIC,
        "grid",
        "real noise, training files",
        "real noise, test files",
        "the same, errors damped",
        "points below the limit",
        "ECE",
        "ECE, test files",
        "series/s/core",
        "false detections, %",
        "recall of moving points",
    )
    yield _line(12)
    for name, found in results.found.items():
        realistic, tested = found.cells.get(REALISTIC), found.groups.get("tested files")
        speed = results.speed.get(name)
        yield from _row(
            name,
            _short(realistic),
            _short(found.groups.get("grid")),
            _short(found.groups.get("trained files")),
            _short(tested),
            _short(found.groups.get("tested files, damped")),
            f"{100 * results.limit_gap(name):.2f}",
            _NONE if realistic is None else f"{realistic.expected_calibration_error:.3f}",
            _NONE if tested is None else f"{tested.expected_calibration_error:.3f}",
            _NONE if speed is None else f"{speed.series_per_second:.0f}",
            _NONE if found.usual is None else _number(100 * found.usual.false_share, 1),
            _NONE if found.usual is None else _number(found.usual.recall, 3),
        )
    yield ""
    yield "The probabilities of each contestant hold for the class mix of its training. No series in these columns is"
    yield "of class Other, so Other is always an error of networks with six classes."
    yield f"`{REALISTIC}`: default settings of the simulator, all calendars. ECE: expected calibration error on"
    yield f"`{REALISTIC}`. Points below the limit: accuracy of the Bayes classifier (`{BAYES}`) minus that of the"
    yield "contestant, in percentage points, on the series for which it can be computed. Last two columns: series of"
    yield "which 95 % are Stable, with probabilities for that mix; false detections are the Stable points among those"
    yield "that are classified as moving (any class but Stable)."
    yield f"Speed: CPU time of one process on {results.facts['processor']}, series of 139 epochs; released networks run"
    yield "in onnxruntime, networks that the benchmark trains in TensorFlow, which is slower for the same arithmetic."
    if not results.facts["real files"]:
        yield "The real files were not available: nothing was measured on real noise, and no baseline was trained on"
        yield "it."
    else:
        yield "Real noise: the baselines were trained on the noise of the training files and not on that of the test"
        yield f"files. Number of the {len(TRAINED_FILES)} training files, and of the {len(TEST_FILES)} test files, on"
        yield "whose noise each released network was trained:"
        for found in results.found.values():
            if found.role == "released":
                trained = " and ".join(found.noise_trained_on(files) for files in (TRAINED_FILES, TEST_FILES))
                yield f"- {found.name}: {trained}"
        yield ""
        yield "The accuracy of a network on a file on whose noise it was trained does not hold for new files. Results"
        yield "of networks that were trained without a file are in `artifacts/readings/left-out.json`"
        yield "(`python -m export left-out`). All files were used during development, so none of these tests is blind."
    yield ""


def _goals(results: Results) -> Iterator[str]:
    yield f"## Goals of {results.reference}"
    yield ""
    yield from _row("", "goal", "measured", "reached")
    yield _line(4)
    for goal in goals_of(results):
        yield from _row(goal.what, goal.wanted, goal.in_words, "yes" if goal.reached else "**no**")
    yield ""


def _verdict(results: Results) -> Iterator[str]:
    not_best, cells = results.not_best(), results.compared()
    yield f"**Cells in which {results.reference} does not have the fewest errors: {len(not_best)} of {len(cells)}.**"
    yield "A tie counts as such a cell, unless no errors are made in it. Errors in these cells:"
    yield ""
    for cell, names in not_best.items():
        own = results.found[results.reference].errors()[cell]
        others = ", ".join(f"{name} {results.found[name].errors()[cell]}" for name in names)
        yield f"- {cell}: {own} errors; {others}"
    yield ""


def _cells(results: Results) -> Iterator[str]:
    names = list(results.found)
    yield "## Accuracy by cell (95 % interval), and ratio of errors to those of the reference model"
    yield ""
    yield from _row("cell", "series", *names)
    yield _line(len(names) + 2)
    reference = results.found[results.reference].errors()
    for cell in results.compared():
        values = []
        for name in names:
            metrics = results.found[name].cells.get(cell.name)
            own = results.found[name].errors().get(cell.name, 0)
            ratio = error_ratio(own, reference[cell.name])
            times = "" if metrics is None or ratio is None or name == results.reference else f" x{ratio:.1f}"
            values.append(_interval(metrics) + times)
        yield from _row(cell.name, str(len(cell.series)), *values)
    yield ""


def _classes(results: Results) -> Iterator[str]:
    yield "## Classes: precision / recall / F1\n"
    tables = {
        REALISTIC: {name: found.cells.get(REALISTIC) for name, found in results.found.items()},
        "real noise, test files": {name: found.groups.get("tested files") for name, found in results.found.items()},
        "the same, errors damped": {
            name: found.groups.get("tested files, damped") for name, found in results.found.items()
        },
    }
    for title, rows in tables.items():
        if not any(rows.values()):
            continue
        yield from _row(title, *SEED_CLASS_NAMES, "classified as Other, %")
        yield _line(len(SEED_CLASS_NAMES) + 2)
        for name, metrics in rows.items():
            if metrics is not None:
                figures = list(zip(metrics.precision, metrics.recall, metrics.f1, strict=True))[: len(SEED_CLASS_NAMES)]
                shown = (" / ".join(_number(value, 3) for value in figure) for figure in figures)
                yield from _row(name, *shown, _called_other(metrics))
        yield ""


def _jumps(results: Results) -> Iterator[str]:
    yield "## Recall of PUE by the length of the longest unwrapping error, and precision of PUE"
    yield ""
    first = next(found for found in results.found.values() if found.jumps)
    columns = [(cell, length) for cell, lengths in first.jumps.items() for length in lengths]
    yield from _row("", *(f"{cell}, {length}" for cell, length in columns), *(f"{c}, precision" for c in first.jumps))
    yield _line(len(columns) + len(first.jumps) + 1)
    for name, found in results.found.items():
        if found.jumps:
            recalls = (found.jumps[cell][length]["recall"] for cell, length in columns)
            precisions = (found.cells[cell].precision[TrendClass.PUE] for cell in first.jumps)
            yield from _row(name, *(_number(value, 3) for value in (*recalls, *precisions)))
    yield ""


def _deployment(results: Results) -> Iterator[str]:
    yield "## Series of which 95 % are Stable"
    yield ""
    percent = f"{100 * WANTED_RECALL:.0f} %"
    yield from _row(
        "",
        "recall of Stable",
        "classified as moving",
        "false detections, %",
        "recall of moving points",
        f"false detections at {percent} recall, %",
    )
    yield _line(6)
    for name, found in results.found.items():
        if found.usual is not None and found.at_recall is not None:
            yield from _row(
                name,
                _number(found.stable_recall, 4),
                str(found.usual.called),
                _number(100 * found.usual.false_share, 1),
                _number(found.usual.recall, 3),
                _number(100 * found.at_recall.false_share, 1),
            )
    yield ""


def _others(results: Results) -> Iterator[str]:
    yield "## Series of none of the five classes"
    yield ""
    yield f"Share (%) of series that get one of the five classes with a confidence of {ABSTAIN_BELOW:g} or more / with"
    yield f"more than {CONFIDENT:g} / a class other than Stable with more than {CONFIDENT:g} / class Other."
    yield f"`{DECORRELATED}` has no coherence; the others are motions of class Other (`training/simulator/others.py`)."
    yield ""
    kinds = list(next(found.odd for found in results.found.values() if found.odd))
    yield from _row("", *kinds)
    yield _line(len(kinds) + 1)
    for name, found in results.found.items():
        if found.odd:
            keys = ("given", "confident", "confident_moving", "Other")
            shares = ([found.odd[kind][key] for key in keys] for kind in kinds)
            yield from _row(name, *(" / ".join(f"{100 * share:.1f}" for share in four) for four in shares))
    yield ""


def _left_out(results: Results) -> Iterator[str]:
    if results.left_out is None:
        return
    yield "## Calendars that were left out of the training"
    yield ""
    yield f"Networks trained on {results.left_out['series trained on']} simulated series, fewer than for a release."
    yield ""
    yield from _row("calendars", "trained on all", "trained without these")
    yield _line(3)
    for family, row in results.left_out["families"].items():
        yield from _row(family, *(_of_dict(row[key]) for key in ("seen", "unseen")))
    yield ""


def _making(results: Results) -> Iterator[str]:
    yield "## Training data and settings"
    yield ""
    for found in results.found.values():
        yield f"- {found.name}: {found.trained_on}"
    for name, value in results.facts.items():
        text = ", ".join(f"{key} {inner}" for key, inner in value.items()) if isinstance(value, Mapping) else value
        yield f"- {name}: {text}"


def _called_other(metrics: Metrics) -> str:
    if len(metrics.confusion) <= TrendClass.OTHER:
        return _NONE
    return f"{100 * metrics.confusion[:, TrendClass.OTHER].sum() / metrics.count:.1f}"


def _row(*values: str) -> Iterator[str]:
    yield f"| {' | '.join(values)} |"


def _line(columns: int) -> str:
    return "|---" * columns + "|"


def _short(metrics: Metrics | None) -> str:
    return _NONE if metrics is None else f"{100 * metrics.accuracy:.2f}"


def _interval(metrics: Metrics | None) -> str:
    return _NONE if metrics is None else _of_dict(metrics.to_dict())


def _of_dict(metrics: Mapping[str, Any]) -> str:
    low, high = metrics["accuracy_95"]
    return f"{100 * metrics['accuracy']:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def _number(value: float | None, digits: int) -> str:
    return _NONE if value is None or np.isnan(value) else f"{value:.{digits}f}"
