"""Counts of contradictions in all real files, and their tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from evaluation.consistency.contradictions import CONTRADICTIONS, Numbers, of
from evaluation.consistency.examined_file import ExaminedFile
from insar_runtime import Classifier
from training.announce import Announce
from training.labelled_rows.labels import read_labels
from training.real_files import EGMS_ATTRIBUTION, REAL_FILES, RealFile

_ALL: Final = "all files"
_PERCENT: Final = 100


def run(
    folder: Path,
    *,
    real: Path,
    model: Path | None = None,
    files: Sequence[RealFile] = REAL_FILES,
    announce: Announce,
) -> Numbers:
    """Classify and diagnose the real files, and write ``consistency.json`` and ``consistency.md``.

    Parameters
    ----------
    folder : Path
        Folder of the tables; created if it does not exist.
    real : Path
        Folder of the real files.
    model : Path, optional
        Folder of a model; the default model if not given.
    files : sequence of RealFile
        Files to examine.
    announce : callable
        Function that receives a progress message for each file.

    Returns
    -------
    dict
        Contents of ``consistency.json``.

    Raises
    ------
    InputNotFoundError
        If a real file is not below ``real``.
    UnavailableError
        If the folder has no model.
    """
    classifier = Classifier(model, device="cpu") if model else Classifier(device="cpu")
    readings = read_labels()
    readings = readings.take(readings.unanimous)
    found: dict[str, Numbers] = {}
    rows: dict[str, dict[str, list[int]]] = {}
    read: list[Numbers] = []
    for file in files:
        examined = ExaminedFile.at(classifier, real, file)
        found[file.name] = counts = examined.counts()
        rows[file.name] = examined.rows()
        read.append(examined.of_readings(readings.take(readings.file == file.path)))
        words = (f"{counts[kind.key]} of {counts[of(kind.key)]} {kind.key}" for kind in CONTRADICTIONS)
        announce(f"{file.name}: {', '.join(words)}")
    found[_ALL] = _sum(list(found.values()))
    numbers: Numbers = {
        "model": f"{classifier.model.name} {classifier.model.version} {classifier.precision}",
        "files": found,
        "contradictions": [kind.judged(found[_ALL]) for kind in CONTRADICTIONS],
        "labelled_rows": _sum(read),
        "rows": rows,
        "attribution": EGMS_ATTRIBUTION,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "consistency.json").write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "consistency.md").write_text("\n".join(_markdown(numbers)) + "\n", encoding="utf-8")
    return numbers


def _sum(counts: list[Numbers]) -> Numbers:
    return {key: sum(one[key] for one in counts) for key in counts[0]}


def _markdown(numbers: Numbers) -> Iterator[str]:
    files, read = numbers["files"], numbers["labelled_rows"]
    yield "# Consistency of class, rate, break and jumps"
    yield ""
    yield f"Written by `python -m evaluation consistency` with {numbers['model']}: number of rows of the real files"
    yield "whose class and diagnosis contradict each other, of all rows of that class. Jumps are those that"
    yield "`classify --diagnose` reports, unless `--jumps all` is stated. For a repaired row, the corrected series and"
    yield "its class are used. Rates are those of the series without their jumps, with HAC standard deviations."
    yield ""
    yield f"| | goal | {' | '.join(files)} |"
    yield "|---|---|" + "---|" * len(files)
    for kind, judged in zip(CONTRADICTIONS, numbers["contradictions"], strict=True):
        wanted = "" if kind.most is None else f"below {_PERCENT * kind.most:g} %"
        cells = [f"{counts[kind.key]} of {counts[of(kind.key)]}" for counts in files.values()]
        cells[-1] += (
            f" ({_PERCENT * judged['share']:.2f} %)" + {True: ", met", False: ", **missed**", None: ""}[judged["met"]]
        )
        yield f"| {kind.words} | {wanted} | {' | '.join(cells)} |"
    yield ""
    yield "No trend is drawn for a PUE that is still PUE after the repair of all its jumps, for a PUE without jumps, or"
    yield "if the segments depart from the points by more than their scatter or change opposite to a jump."
    yield ""
    yield "Rows on which all readers agree (`artifacts/readings`):"
    yield ""
    yield "| | rows |"
    yield "|---|---|"
    yield f"| labelled PUE | {read['pue']} |"
    yield f"| with a reported jump | {_of(read['pue_with_jump'], read['pue'])} |"
    if_called = _of(read["pue_with_jump_if_called"], read["pue"])
    yield f"| with a reported jump if their class were PUE | {if_called} |"
    yield f"| labelled Stable | {read['stable']} |"
    yield f"| with a certain lasting jump (`--jumps all`) | {_of(read['stable_with_sure_jump'], read['stable'])} |"
    yield ""
    yield numbers["attribution"] + "."


def _of(count: int, rows: int) -> str:
    return f"{count} ({_PERCENT * count / max(rows, 1):.1f} %)"
