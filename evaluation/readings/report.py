"""Report of the scores on labelled rows: JSON and Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from evaluation.readings.readers import Agreement
from evaluation.readings.scoring_rules import BOOTSTRAPS, CALIBRATION_BINS, EITHER_RATE_MM_YR, SEED_CLASSES
from training.labelled_rows.codes import CLASSES

NONE: Final = "-"
_NO_CLASS: Final = "no class"


def write_report(numbers: Mapping[str, Any], folder: Path) -> None:
    """Write ``scores.json`` and ``scores.md``.

    Parameters
    ----------
    numbers : mapping
        ``readers`` and ``contestants`` from ``evaluation.readings.run``.
    folder : Path
        Created if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scores.json").write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "scores.md").write_text("\n".join(score_page(numbers)) + "\n", encoding="utf-8")


def score_page(numbers: Mapping[str, Any]) -> list[str]:
    """Return the lines of ``scores.md``, with the numbers of ``scores.json``."""
    return [
        "# Scores on the labelled rows",
        "",
        "Written by `python -m evaluation readings`; all numbers are in `scores.json`. `README.md` describes how rows",
        "were labelled, and defines the measures. A row is *unanimous* if all its readers agree. Shares are in %,",
        "intervals are of 95 %.",
        "",
        *_headline(numbers),
        *_other(numbers),
        *_files(numbers),
        *_ceiling(numbers),
        *_confusion(numbers),
        *_training_data(numbers),
    ]


def readers_table(files: Mapping[str, Agreement], total: Agreement) -> list[str]:
    """Return the table of README.md: rows and labels of each file, and agreement of the readers."""
    lines = [
        *_head("file", "rows", "three readers", *CLASSES, "split", "unanimous", "first two agree, %"),
    ]
    for path, one in [*files.items(), ("all", total)]:
        cells = [one.rows, one.read_thrice, *one.counts, one.split, one.unanimous]
        lines.append(_row(Path(path).stem, *map(str, cells), _percent(one.first_two.accuracy)))
    return lines


def _headline(numbers: Mapping[str, Any]) -> Iterator[str]:
    low, high = EITHER_RATE_MM_YR
    readers = numbers["readers"]["either"]["third against two that agree"]
    yield "## Unanimous rows"
    yield ""
    yield from _head(
        "",
        "accuracy",
        "strict",
        "mean recall",
        *SEED_CLASSES,
        "curved as one class",
        "accuracy with Other",
        "five-class accuracy",
        "five-class mean recall",
        _NO_CLASS,
    )
    for name, found in numbers["contestants"].items():
        five = found["five"]
        yield _row(
            name,
            _with_interval(five, "accuracy"),
            _percent(found["five, strict"]["accuracy"]),
            _with_interval(five, "mean_recall"),
            *(_percent(five["recall"][one]["recall"]) for one in SEED_CLASSES),
            _percent(found["coarse"]["accuracy"]),
            _percent(found["six"]["accuracy"]),
            _with_interval(found["five classes, Other excluded"], "accuracy"),
            _with_interval(found["five classes, Other excluded"], "mean_recall"),
            str(found["no answer, five"]),
        )
    yield _row(
        "a further reader",
        _with_interval(readers, "accuracy"),
        _percent(numbers["readers"]["strict"]["third against two that agree"]["accuracy"]),
        _percent(readers["mean_recall of the five"]),
        *(_percent(readers["recall"][one]["recall"]) for one in SEED_CLASSES),
        *[NONE] * 5,
    )
    yield ""
    rows = next(iter(numbers["contestants"].values()))["five"]["rows"] if numbers["contestants"] else 0
    yield f"{rows} unanimous rows of the five classes. If the least-squares rate, fitted together with an annual"
    yield f"cycle, is {low:g} to {high:g} mm/yr, both Stable and Linear count as correct, except in `strict`."
    yield "`Curved as one class`: accuracy with Quadratic and Bilinear as one class, because some classifiers do not"
    yield "distinguish them. `Five-class accuracy` and `five-class mean recall`: the most probable of the five classes"
    yield "counts, with Other excluded, for comparison with classifiers of five classes. `No class`: rows outside the"
    yield "limits of a classifier, or that it leaves unresolved; they count as errors. The last line is a reader:"
    yield f"third readings against the first two, if these agree ({readers['readings']} rows, with Other)."
    yield ""


def _other(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield "## Rows labelled Other, and confidence"
    yield ""
    yield from _head(
        "",
        "Other with a class",
        "the same, most readers",
        "AUROC",
        "AUROC of p_other",
        "accepted",
        "accuracy of accepted",
        "ECE, five",
        "ECE, with Other",
        "ECE, all with a label",
    )
    for name, found in numbers["contestants"].items():
        other, error = found["other"], found["calibration error"]
        low, high = other["get one of the five, 95"]
        yield _row(
            name,
            f"{_percent(other['get one of the five'])} ({_percent(low)}-{_percent(high)})",
            _percent(found["other, most readers"]["get one of the five"]),
            _with_interval(other, "auroc", percent=False),
            _number(other["auroc of p_other"]),
            _percent(found["accepted"]["share"]),
            _with_interval(found["accepted"], "accuracy"),
            *(_number(error[key]) for key in ("five", "six", "labelled")),
        )
    yield ""
    yield "`Other with a class`: share of the rows that all readers labelled Other that get one of the five classes"
    yield "after abstention (below a confidence of 0.6 if the classifier has no threshold); then the same for rows that"
    yield "most readers labelled Other. `AUROC`: area under the ROC curve of the largest of the five probabilities as a"
    yield "score that separates unanimous rows of the five classes from rows labelled Other. `Accepted`: share of the"
    yield "unanimous rows, with Other, that get a class. `ECE`: expected calibration error with"
    yield f"{CALIBRATION_BINS} bins. A dash means that the classifier has no probabilities."
    yield ""
    yield "![accuracy against confidence](reliability.png)"
    yield ""


def _files(numbers: Mapping[str, Any]) -> Iterator[str]:
    contestants = numbers["contestants"]
    if not contestants:
        return
    files = list(next(iter(contestants.values()))["files"])
    counts = [next(iter(contestants.values()))["files"][name]["rows"] for name in files]
    yield "## Accuracy / mean recall by file, unanimous rows"
    yield ""
    yield from _head("", *(f"{name} ({count})" for name, count in zip(files, counts, strict=True)))
    for name, found in contestants.items():
        parts = (found["files"][file] for file in files)
        yield _row(name, *(f"{_percent(part['accuracy'])} / {_percent(part['mean_recall'])}" for part in parts))
    for title in ("second against first", "each against the others"):
        ones = (numbers["readers"]["files"][file]["either"][title] for file in files)
        cells = (f"{_percent(one['accuracy'])} / {_percent(one['mean_recall of the five'])}" for one in ones)
        yield _row(f"readers, {title}", *cells)
    yield ""
    yield "The last two lines are for all rows, also those on which readers differ and those labelled Other."
    yield ""
    yield "![accuracy by file](files.png)"
    yield ""


def _ceiling(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield "## All rows: agreement of a classifier with readers"
    yield ""
    yield from _head("", "agreement with a reader", "Stable or Linear either")
    strict, either = numbers["readers"]["strict"], numbers["readers"]["either"]
    yield _row("label of most readers", _percent(strict["most"]), NONE)
    yield _row("a reader", _percent(strict["pairs"]), _percent(either["pairs"]))
    for name, found in numbers["contestants"].items():
        yield _row(name, _percent(found["agreement with a reader"]), _percent(found["agreement with a reader, either"]))
    yield ""
    yield f"Mean over all {strict['rows']} rows, also those on which readers differ, of the share of the readings of a"
    yield "row that are equal to the class (for a reader: of the pairs of readings that are equal). The label of most"
    yield "readers is the upper bound. There is a third reading wherever the first two differ."
    yield ""
    yield from _head("agreement of readers", "readings", "accuracy", "mean recall of the five", *CLASSES)
    for title in ("second against first", "third against two that agree", "each against the others"):
        for kind, one in (("", strict[title]), (", either", either[title])):
            yield _row(
                title + kind,
                str(one["readings"]),
                _with_interval(one, "accuracy"),
                _percent(one["mean_recall of the five"]),
                *(_percent(one["recall"][name]["recall"]) for name in CLASSES),
            )
    yield ""


def _confusion(numbers: Mapping[str, Any]) -> Iterator[str]:
    for name, found in list(numbers["contestants"].items())[:1]:
        yield f"## Confusion of {name}, unanimous rows"
        yield ""
        yield from _head("read as", *CLASSES, _NO_CLASS)
        for title, row in zip(CLASSES, found["confusion"], strict=True):
            yield _row(title, *map(str, row))
        yield ""
    yield "Rows: label. Columns: most probable class, before abstention."
    yield ""
    yield "![confusion matrices](confusion.png)"
    yield ""


def _training_data(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield "## Training data"
    yield ""
    yield from _head("", "trained on")
    for name, found in numbers["contestants"].items():
        yield _row(name, found["trained on"])
    yield ""
    yield "The score of a classifier that was trained on these labels, or on labels of the same files, is no"
    yield f"independent test: see `README.md`. Intervals: Wilson's for shares, a bootstrap with {BOOTSTRAPS} samples"
    yield "for mean recalls and AUROCs."


def _head(*names: str) -> list[str]:
    return [_row(*names), "|" + "---|" * len(names)]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f}"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _with_interval(part: Mapping[str, Any], key: str, *, percent: bool = True) -> str:
    """Return a figure with its interval, such as ``80.5 (78.4-82.5)``."""
    words = _percent if percent else _number
    low, high = part[f"{key}_95"]
    return NONE if part[key] is None else f"{words(part[key])} ({words(low)}-{words(high)})"
