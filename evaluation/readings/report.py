"""Report of the scores on labelled rows: JSON, and tables in Markdown."""

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
        ``readers`` and ``contestants`` as ``evaluation.readings.run`` makes them.
    folder : Path
        Made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scores.json").write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "scores.md").write_text("\n".join(score_page(numbers)) + "\n", encoding="utf-8")


def score_page(numbers: Mapping[str, Any]) -> list[str]:
    """Return the lines of ``scores.md``, all of whose figures are those of ``scores.json``."""
    return [
        "# Scores on the read rows",
        "",
        "Written by `python -m evaluation readings`; all numbers are in `scores.json`, how rows were read and what",
        "each figure means is in `README.md`. Shares are in %, intervals are of 95 %.",
        "",
        *_headline(numbers),
        *_other(numbers),
        *_files(numbers),
        *_ceiling(numbers),
        *_confusion(numbers),
        *_taught(numbers),
    ]


def readers_table(files: Mapping[str, Agreement], total: Agreement) -> list[str]:
    """Return the table of README.md: rows and labels of each file, and how far its readers agree."""
    lines = [
        *_head("file", "rows", "read 3 times", *CLASSES, "split", "of one mind", "first two agree, %"),
    ]
    for path, one in [*files.items(), ("all", total)]:
        cells = [one.rows, one.read_thrice, *one.counts, one.split, one.unanimous]
        lines.append(_row(Path(path).stem, *map(str, cells), _percent(one.first_two.accuracy)))
    return lines


def _headline(numbers: Mapping[str, Any]) -> Iterator[str]:
    low, high = EITHER_RATE_MM_YR
    readers = numbers["readers"]["either"]["third against two of one mind"]
    yield "## Rows of one mind"
    yield ""
    yield from _head(
        "",
        "accuracy",
        "strict",
        "mean recall",
        *SEED_CLASSES,
        "curved as one",
        "accuracy with Other",
        "accuracy, five alone",
        "mean recall, five alone",
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
            _with_interval(found["five alone"], "accuracy"),
            _with_interval(found["five alone"], "mean_recall"),
            str(found["no answer, five"]),
        )
    yield _row(
        "a further reader",
        _with_interval(readers, "accuracy"),
        _percent(numbers["readers"]["strict"]["third against two of one mind"]["accuracy"]),
        _percent(readers["mean_recall of the five"]),
        *(_percent(readers["recall"][one]["recall"]) for one in SEED_CLASSES),
        *[NONE] * 5,
    )
    yield ""
    rows = next(iter(numbers["contestants"].values()))["five"]["rows"] if numbers["contestants"] else 0
    yield f"{rows} rows that all their readers gave the same of the five classes. Stable and Linear both count where"
    yield f"the least-squares rate beside an annual cycle is {low:g} to {high:g} mm/yr, but not in `strict`. `Curved as"
    yield "one`: accuracy with Quadratic and Bilinear taken for one class, as some contestants have it. `Five alone`:"
    yield "the most probable of the five classes counts, as if there were no Other, which is what contestants of five"
    yield "classes are asked. `No class`: rows that a classifier does not answer; they count as wrong. The last line is"
    yield "no contestant: third readings against the first two where those agree"
    yield f"({readers['readings']} rows, with Other), which is what a further reader reaches on such rows."
    yield ""


def _other(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield "## Rows read as Other, and confidence"
    yield ""
    yield from _head(
        "",
        "Other that gets a class",
        "the same, most readers",
        "AUROC",
        "AUROC by p_other",
        "accepted",
        "right among accepted",
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
    yield "`Other that gets a class`: share of the rows that all readers read as Other that get one of the five classes"
    yield "after the contestant's own abstention (below a confidence of 0.6 where it has none); then of those that most"
    yield "readers did. `AUROC`: how well the largest probability of the five tells clear rows of the five from rows of"
    yield "Other. `Accepted`: rows of one mind, Other among them, that get a class. `ECE`: expected calibration error,"
    yield f"{CALIBRATION_BINS} bins. A dash: answers without probabilities."
    yield ""
    yield "![accuracy against confidence](reliability.png)"
    yield ""


def _files(numbers: Mapping[str, Any]) -> Iterator[str]:
    contestants = numbers["contestants"]
    if not contestants:
        return
    files = list(next(iter(contestants.values()))["files"])
    counts = [next(iter(contestants.values()))["files"][name]["rows"] for name in files]
    yield "## Accuracy / mean recall by file, rows of one mind"
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
    yield "The last two lines are of all rows, those on which readers differ and those read as Other among them."
    yield ""
    yield "![accuracy by file](files.png)"
    yield ""


def _ceiling(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield "## All rows: a classifier as one more reader"
    yield ""
    yield from _head("", "agreement with a reader", "Stable or Linear either")
    strict, either = numbers["readers"]["strict"], numbers["readers"]["either"]
    yield _row("the label of most readers", _percent(strict["most"]), NONE)
    yield _row("a reader", _percent(strict["pairs"]), _percent(either["pairs"]))
    for name, found in numbers["contestants"].items():
        yield _row(name, _percent(found["agreement with a reader"]), _percent(found["agreement with a reader, either"]))
    yield ""
    yield f"Mean over all {strict['rows']} rows, those on which readers differ too, of the share of a row's readings"
    yield "(for a reader: of the row's pairs of readings) that are the same. The label of most readers is what nobody"
    yield "can surpass. A third reading was asked wherever the first two differ."
    yield ""
    yield from _head("how readers agree", "readings", "accuracy", "mean recall of the five", *CLASSES)
    for title in ("second against first", "third against two of one mind", "each against the others"):
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
        yield f"## Confusion of {name}, rows of one mind"
        yield ""
        yield from _head("read as", *CLASSES, _NO_CLASS)
        for title, row in zip(CLASSES, found["confusion"], strict=True):
            yield _row(title, *map(str, row))
        yield ""
    yield "Columns: the most probable class, before abstention."
    yield ""
    yield "![confusion matrices](confusion.png)"
    yield ""


def _taught(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield "## What each has learned from"
    yield ""
    yield from _head("", "learned from")
    for name, found in numbers["contestants"].items():
        yield _row(name, found["learned from"])
    yield ""
    yield "A contestant that has learned from these readings, or from readings of the same files, is no test of itself:"
    yield f"see `README.md`. Intervals: Wilson's for shares, {BOOTSTRAPS} samples of rows for mean recalls and AUROCs."


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
