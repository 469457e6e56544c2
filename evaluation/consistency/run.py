"""Count contradictions in all real files, and write the tables."""

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
        Where the tables are to be; made if it is not there.
    real : Path
        Folder of the real files.
    model : Path, optional
        Folder of a model; the default model if not given.
    files : sequence of RealFile
        Those to examine.
    announce : callable
        Receives a line for people at each file.

    Returns
    -------
    dict
        What ``consistency.json`` holds.

    Raises
    ------
    InputNotFoundError
        If a real file is not below ``real``.
    UnavailableError
        If the model folder lacks a model.
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
        "read_rows": _sum(read),
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
    files, read = numbers["files"], numbers["read_rows"]
    yield "# Class, rate, break and jumps of the same row"
    yield ""
    yield f"Written by `python -m evaluation consistency` with {numbers['model']}: rows of the real files whose class"
    yield "and diagnosis contradict each other, of all rows of that class. Jumps are those that `classify --diagnose`"
    yield "reports, but where `--jumps all` stands. A repaired row counts with its corrected series and its class;"
    yield "rates are of series without their jumps, their standard deviations are HAC ones."
    yield ""
    yield f"| | wanted | {' | '.join(files)} |"
    yield "|---|---|" + "---|" * len(files)
    for kind, judged in zip(CONTRADICTIONS, numbers["contradictions"], strict=True):
        wanted = "" if kind.most is None else f"below {_PERCENT * kind.most:g} %"
        cells = [f"{counts[kind.key]} of {counts[of(kind.key)]}" for counts in files.values()]
        cells[-1] += (
            f" ({_PERCENT * judged['share']:.2f} %)" + {True: ", met", False: ", **missed**", None: ""}[judged["met"]]
        )
        yield f"| {kind.words} | {wanted} | {' | '.join(cells)} |"
    yield ""
    yield "No trend is drawn of a PUE whose jumps all are repaired and that is PUE all the same, has none, or whose"
    yield "segments miss the points by more than these scatter, or go the other way than a jump."
    yield ""
    yield "Rows on which all readers agree (`artifacts/readings`):"
    yield ""
    yield "| | rows |"
    yield "|---|---|"
    yield f"| read as PUE | {read['pue']} |"
    yield f"| with a reported jump | {_of(read['pue_with_jump'], read['pue'])} |"
    if_called = _of(read["pue_with_jump_if_called"], read["pue"])
    yield f"| with a reported jump if the classifier called them PUE | {if_called} |"
    yield f"| read as Stable | {read['stable']} |"
    yield f"| with a sure lasting jump (`--jumps all`) | {_of(read['stable_with_sure_jump'], read['stable'])} |"
    yield ""
    yield numbers["attribution"] + "."


def _of(count: int, rows: int) -> str:
    return f"{count} ({_PERCENT * count / max(rows, 1):.1f} %)"
