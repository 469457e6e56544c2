"""Contestants that are scored on labelled rows: model folders, baselines of the benchmark, tables of answers."""

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

NOT_TRAINED: Final = "nothing: its thresholds are fixed"


@dataclass(frozen=True)
class ClassifierAnswers:
    """A classifier and what it answered.

    Attributes
    ----------
    name : str
        Name in tables.
    taught : str
        In words, what it has learned from.
    probabilities : ndarray of float, shape [N, 5] or [N, 6]
        NaN for rows without an answer.
    class_id : ndarray of int, shape [N], optional
        Classes after its own abstention, -1 = none; None where it has no abstention of its own.
    abstain_below : float
        Confidence below which it gives no class, where ``class_id`` is None.
    """

    name: str
    taught: str
    probabilities: NDArray[np.floating[Any]]
    class_id: NDArray[np.integer[Any]] | None = None
    abstain_below: float = ABSTAIN_BELOW


def classify_with_model(folder: Path, files: Sequence[LabelledFile]) -> Iterator[ClassifierAnswers]:
    """Classify with a model as its users do, through the run-time, in each of its precisions.

    Parameters
    ----------
    folder : Path
        With ``model.json`` and the ONNX files.
    files : sequence of LabelledFile
        Read rows with their series.

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
            taught=_taught(classifier.model.card),
            probabilities=np.concatenate([result.probabilities for result in results]),
            class_id=np.concatenate([result.class_id for result in results]),
        )


def ask(contestant: Contestant, taught: str, files: Sequence[LabelledFile]) -> ClassifierAnswers:
    """Classify with a contestant of the benchmark; equal probabilities are no answer."""
    with threadpool_limits(1):
        found = np.concatenate([contestant.probabilities(_unlabelled(file)) for file in files]).astype(np.float64)
    found[np.ptp(found, axis=1) == 0] = np.nan
    return ClassifierAnswers(contestant.name, taught, found)


def fixed_contestants() -> list[tuple[Contestant, str]]:
    """Return the opponents that learn nothing, and so need no folder to be kept in."""
    return [(PsTime(), NOT_TRAINED), (EgmspyRules(), NOT_TRAINED)]


def benchmark_contestants(
    *, real: Path, work: Path, quick: bool, seed: int, announce: Announce
) -> list[tuple[Contestant, str]]:
    """Return the opponents of the benchmark, taught as they are there.

    The oracle, which needs the noise, and the limit, which needs simulated series, cannot take part.

    Parameters
    ----------
    real : Path
        Folder of the real files, on whose noise they learn as the default network does.
    work : Path
        Folder of the benchmark, in which fitted contestants are kept; one that is there is not fitted again.
    quick : bool
        Whether small ones will do.
    seed : int
        Seed of the benchmark; another one fits others.
    announce : callable
        Receives lines of progress.
    """
    # TensorFlow takes seconds to import, and models in their folders do without.
    from evaluation.benchmark.contestants import make_contestants  # noqa: PLC0415
    from evaluation.benchmark.sizes import FULL, QUICK  # noqa: PLC0415

    entries = make_contestants([], QUICK if quick else FULL, real=real, seed=seed, work=work, announce=announce)
    return [
        (entry.contestant, entry.taught)
        for entry in entries
        if entry.role == "baseline" and not entry.name.endswith("oracle")
    ]


def _unlabelled(file: LabelledFile) -> LabelledSeries:
    """Return the series of a file as a contestant takes them; labels are not looked at, and none are there."""
    days = np.broadcast_to(file.days, file.displacement.shape)
    return LabelledSeries(file.displacement, days, np.zeros(len(file.displacement), dtype=np.int8))


def _taught(card: Mapping[str, Any]) -> str:
    """Return in words what a model has learned from, as its card states it."""
    training = card.get("training", {})
    series = training.get("series", {}).get("train")
    words = "not stated" if series is None else f"{series} series"
    for key, what in (("noise files", "noise of"), ("readings", "readings of")):
        if training.get(key):
            words += f"; {what} {', '.join(training[key])}"
    return words
