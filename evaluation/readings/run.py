"""Run of the scores on labelled rows: labels, series, classifiers, accuracy measures, report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from evaluation.readings.answer_table import read_answers, write_answers
from evaluation.readings.contestants import (
    ClassifierAnswers,
    benchmark_contestants,
    classify_with,
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
    """Score models, baselines and tables of results on the labelled rows, and write JSON, Markdown and figures.

    Parameters
    ----------
    folder : Path
        Folder of the report, such as ``artifacts/readings``.
    real : Path
        Folder of the public files.
    models : sequence of Path
        Folders of models.
    answers : sequence of Path
        Tables of results (``evaluation.readings.answer_table``).
    labels : Path
        Table of labels; it may also contain rows of other files.
    work : Path, optional
        Folder of the trained contestants of the benchmark. Without it, trained baselines are left out.
    quick : bool
        Whether to train baselines on few series, to try the command out.
    save_answers : Path, optional
        Folder for a table of the results of each classifier; created if it does not exist.
    seed : int
        Seed of the benchmark.
    announce : callable
        Function that receives progress messages.

    Returns
    -------
    dict
        Contents of ``scores.json``.

    Raises
    ------
    DataError
        If a table cannot be read.
    InputNotFoundError
        If a file is not below ``real``, or a table does not exist.
    UnavailableError
        If a folder has no model.
    UsageError
        If two classifiers have the same name.
    """
    files = load_labelled_files(real, readings=read_labels(labels))
    readings = all_readings(files)
    announce(f"{len(readings)} rows of {len(files)} files, {int(readings.unanimous.sum())} unanimous")
    contestants: dict[str, Any] = {}
    for result in _results(files, readings, models, answers, real, work, quick=quick, seed=seed, announce=announce):
        if result.name in contestants:
            raise UsageError(f"two classifiers are named {result.name!r}; rename a folder or a table")
        found = score(readings, result.probabilities, class_id=result.class_id, abstain_below=result.abstain_below)
        announce(f"{result.name}: accuracy {found.five.accuracy:.3f}, mean recall {found.five.mean_recall:.3f}")
        if save_answers is not None:
            save_answers.mkdir(parents=True, exist_ok=True)
            name = result.name.replace(", ", "-").replace(" ", "-")
            write_answers(save_answers / f"{name}.csv", readings, result.probabilities, result.class_id)
        contestants[result.name] = {"trained on": result.trained_on, **found.to_dict()}
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


def _results(
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
        announce(f"classifying with {path.name}")
        yield from classify_with_model(path, files)
    for path in answers:
        given = read_answers(path, readings)
        yield ClassifierAnswers(path.stem, "not stated: a table of results", given.probabilities, given.class_id)
    baselines = (
        fixed_contestants()
        if work is None
        else benchmark_contestants(real=real, work=work, quick=quick, seed=seed, announce=announce)
    )
    for contestant, trained_on in baselines:
        announce(f"classifying with {contestant.name}")
        yield classify_with(contestant, trained_on, files)


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
