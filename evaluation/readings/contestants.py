"""Classifiers that are scored on labelled rows: models, baselines of the benchmark, tables of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from evaluation.baselines import Contestant, EgmspyRules, PsTime
from evaluation.readings.scoring_rules import ABSTAIN_BELOW
from insar_runtime import Classifier
from insar_runtime.models import Precision
from training.announce import Announce
from training.dataset import LabelledSeries
from training.labelled_rows.labels import LabelledFile

NOT_TRAINED: Final = "no training: its thresholds are fixed"


@dataclass(frozen=True)
class ClassifierAnswers:
    """Results of a classifier for labelled rows.

    Attributes
    ----------
    name : str
        Name in tables.
    trained_on : str
        Description of the training data.
    probabilities : ndarray of float, shape [N, 5] or [N, 6]
        NaN for rows without a result.
    class_id : ndarray of int, shape [N], optional
        Classes after abstention, -1 = none; None if the classifier has no abstention of its own.
    abstain_below : float
        Confidence below which there is no class, if ``class_id`` is None.
    """

    name: str
    trained_on: str
    probabilities: NDArray[np.floating[Any]]
    class_id: NDArray[np.integer[Any]] | None = None
    abstain_below: float = ABSTAIN_BELOW


def classify_with_model(folder: Path, files: Sequence[LabelledFile]) -> Iterator[ClassifierAnswers]:
    """Yield the results of a model in each precision, by the run-time package.

    Parameters
    ----------
    folder : Path
        Folder with ``model.json`` and the ONNX files.
    files : sequence of LabelledFile
        Labelled rows with their series.

    Raises
    ------
    UnavailableError
        If there is no model in the folder.
    """
    precisions: tuple[Precision, ...] = ("int8", "fp32")
    for precision in precisions:
        classifier = Classifier(folder, device="cpu", precision=precision, threads=1)
        results = [classifier.classify_matrix(file.displacement, file.days) for file in files]
        yield ClassifierAnswers(
            name=f"{folder.name} {classifier.model.version} {precision}",
            trained_on=_training_data(classifier.model.card),
            probabilities=np.concatenate([result.probabilities for result in results]),
            class_id=np.concatenate([result.class_id for result in results]),
        )


def classify_with(contestant: Contestant, trained_on: str, files: Sequence[LabelledFile]) -> ClassifierAnswers:
    """Return the results of a contestant of the benchmark; equal probabilities count as no result."""
    with threadpool_limits(1):
        found = np.concatenate([contestant.probabilities(_unlabelled(file)) for file in files]).astype(np.float64)
    found[np.ptp(found, axis=1) == 0] = np.nan
    return ClassifierAnswers(contestant.name, trained_on, found)


def fixed_contestants() -> list[tuple[Contestant, str]]:
    """Return the baselines that are not trained."""
    return [(PsTime(), NOT_TRAINED), (EgmspyRules(), NOT_TRAINED)]


def benchmark_contestants(
    *, real: Path, work: Path, quick: bool, seed: int, announce: Announce
) -> list[tuple[Contestant, str]]:
    """Return the baselines of the benchmark with a description of their training data.

    The oracle, which needs the true noise, and the limit, which needs simulated series, are left out.

    Parameters
    ----------
    real : Path
        Folder of the real files, on whose noise they are trained.
    work : Path
        Folder of the trained contestants of the benchmark; one that is in it is not trained again.
    quick : bool
        Whether to train on few series.
    seed : int
        Seed of the benchmark.
    announce : callable
        Function that receives progress messages.
    """
    # Imported here, because TensorFlow takes seconds to import and released models do not need it.
    from evaluation.benchmark.contestants import make_contestants  # noqa: PLC0415
    from evaluation.benchmark.sizes import FULL, QUICK  # noqa: PLC0415

    entries = make_contestants([], QUICK if quick else FULL, real=real, seed=seed, work=work, announce=announce)
    return [
        (entry.contestant, entry.trained_on)
        for entry in entries
        if entry.role == "baseline" and not entry.name.endswith("oracle")
    ]


def _unlabelled(file: LabelledFile) -> LabelledSeries:
    """Return the series of a file without their labels (all labels are 0)."""
    days = np.broadcast_to(file.days, file.displacement.shape)
    return LabelledSeries(file.displacement, days, np.zeros(len(file.displacement), dtype=np.int8))


def _training_data(card: Mapping[str, Any]) -> str:
    """Return a description of the training data in ``model.json``."""
    training = card.get("training", {})
    series = training.get("series", {}).get("train")
    words = "not stated" if series is None else f"{series} series"
    for key, what in (("noise files", "noise of"), ("readings", "labelled rows of")):
        if training.get(key):
            words += f"; {what} {', '.join(training[key])}"
    return words
