"""One run of the scores: readings, series, contestants, figures of merit, report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from evaluation.readings.answer_table import read_answers, write_answers
from evaluation.readings.contestants import (
    ClassifierAnswers,
    ask,
    benchmark_contestants,
    classify_with_model,
    fixed_contestants,
)
from evaluation.readings.figures import write_figures
from evaluation.readings.readers import agreement, agreement_by_file
from evaluation.readings.report import write_report
from evaluation.readings.score import score
from evaluation.readings.scoring_rules import BOOTSTRAPS, CALIBRATION_BINS, EITHER_RATE_MM_YR
from insar_runtime.errors import UsageError
from training.announce import Announce
from training.labelled_rows.labels import (
    READINGS_CSV,
    LabelledFile,
    Readings,
    all_readings,
    load_labelled_files,
    read_labels,
)


def run_readings(
    folder: Path,
    *,
    real: Path,
    models: Sequence[Path],
    answers: Sequence[Path] = (),
    labels: Path = READINGS_CSV,
    work: Path | None = None,
    quick: bool = False,
    save_answers: Path | None = None,
    seed: int,
    announce: Announce,
) -> dict[str, Any]:
    """Score models, opponents and tables of answers on the read rows, and write JSON, Markdown and figures.

    Parameters
    ----------
    folder : Path
        Where the report is to be, such as ``artifacts/readings``.
    real : Path
        Folder of the public files.
    models : sequence of Path
        Folders of models.
    answers : sequence of Path
        Tables of answers (``evaluation.readings.answer_table``).
    labels : Path
        Table of readings; rows of other files may be read by the same protocol.
    work : Path, optional
        Folder of the benchmark's fitted contestants. Without it those that learn stay away.
    quick : bool
        Whether the opponents that learn may be small ones, to try things out.
    save_answers : Path, optional
        Folder for a table of answers of each contestant; made if it is not there.
    seed : int
        Seed of the benchmark, of which the fitted contestants are.
    announce : callable
        Receives lines of progress.

    Returns
    -------
    dict
        What ``scores.json`` holds.

    Raises
    ------
    DataError
        If a table cannot be read.
    InputNotFoundError
        If a file is not below ``real``, or a table is not there.
    UnavailableError
        If a model folder lacks a model.
    UsageError
        If two contestants have one name.
    """
    files = load_labelled_files(real, readings=read_labels(labels))
    readings = all_readings(files)
    announce(f"{len(readings)} rows of {len(files)} files, {int(readings.unanimous.sum())} of one mind")
    contestants: dict[str, Any] = {}
    for asked in _everybody(files, readings, models, answers, real, work, quick=quick, seed=seed, announce=announce):
        if asked.name in contestants:
            raise UsageError(f"two contestants are named {asked.name!r}; rename a folder or a table")
        found = score(readings, asked.probabilities, class_id=asked.class_id, abstain_below=asked.abstain_below)
        announce(f"{asked.name}: accuracy {found.five.accuracy:.3f}, mean recall {found.five.mean_recall:.3f}")
        if save_answers is not None:
            save_answers.mkdir(parents=True, exist_ok=True)
            name = asked.name.replace(", ", "-").replace(" ", "-")
            write_answers(save_answers / f"{name}.csv", readings, asked.probabilities, asked.class_id)
        contestants[asked.name] = {"learned from": asked.taught, **found.to_dict()}
    numbers = {
        "definitions": {
            "either, mm/yr": list(EITHER_RATE_MM_YR),
            "bins": CALIBRATION_BINS,
            "samples of rows": BOOTSTRAPS,
        },
        "readers": _readers(readings),
        "contestants": contestants,
    }
    write_report(numbers, folder)
    write_figures(numbers, folder)
    return numbers


def _everybody(
    files: Sequence[LabelledFile],
    readings: Readings,
    models: Sequence[Path],
    answers: Sequence[Path],
    real: Path,
    work: Path | None,
    *,
    quick: bool,
    seed: int,
    announce: Announce,
) -> Iterable[ClassifierAnswers]:
    for path in models:
        announce(f"asking {path.name}")
        yield from classify_with_model(path, files)
    for path in answers:
        given = read_answers(path, readings)
        yield ClassifierAnswers(path.stem, "a table of answers", given.probabilities, given.class_id)
    opponents = (
        fixed_contestants()
        if work is None
        else benchmark_contestants(real=real, work=work, quick=quick, seed=seed, announce=announce)
    )
    for contestant, taught in opponents:
        announce(f"asking {contestant.name}")
        yield ask(contestant, taught, files)


def _readers(readings: Readings) -> dict[str, Any]:
    return {
        "strict": agreement(readings).to_dict(),
        "either": agreement(readings, either=True).to_dict(),
        "files": {
            Path(path).stem: {"strict": strict.to_dict(), "either": either.to_dict()}
            for (path, strict), either in zip(
                agreement_by_file(readings).items(), agreement_by_file(readings, either=True).values(), strict=True
            )
        },
    }
