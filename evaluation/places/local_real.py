"""Local priors on the read rows of the real files, with the probabilities of networks that have not seen the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.places.real_points import real_points
from evaluation.priors.left_out_store import read_left_out
from evaluation.priors.measure import Rows, classes_under, errors_of
from evaluation.priors.read_rows import read_rows
from insar_runtime import load_model
from insar_runtime._engine.priors import estimated_mix, known_rows, reweight
from insar_runtime._pipeline.local_priors import estimate_local_mixes
from insar_runtime._pipeline.neighbourhood import SPACINGS
from insar_runtime._spatial.neighbours import typical_spacing
from insar_runtime.classes import NO_CLASS, TrendClass
from training.labelled_rows.labels import READ_FILES, load_labelled_files

Mixes = Callable[["ReadFile"], NDArray[np.float64]]


@dataclass(frozen=True)
class ReadFile:
    """A real file: probabilities and positions of all rows, and those that were read."""

    name: str
    probabilities: NDArray[np.float32]
    points_m: NDArray[np.float64]
    number: NDArray[np.int64]
    rows: Rows

    @property
    def distance_m(self) -> float:
        """Default distance of neighbours."""
        return SPACINGS * typical_spacing(self.points_m)


def read_files(real: Path, answers: Path) -> list[ReadFile]:
    """Return the files with read rows.

    Parameters
    ----------
    real : Path
        Folder of the real files.
    answers : Path
        Probabilities of networks that were not trained on the files, see ``evaluation.priors.left_out_store``.
    """
    labelled = {Path(file.name).stem: file for file in load_labelled_files(real)}
    files = []
    for left_out in read_left_out(answers):
        own = labelled[left_out.name]
        read = read_rows(real, READ_FILES[own.name], own)
        probabilities = left_out.probabilities
        answered = np.isfinite(probabilities[read.row, 0])
        filled = np.nan_to_num(probabilities[read.row], nan=1 / probabilities.shape[1])
        scored = read.unanimous & answered & (read.label >= 0)
        rows = Rows(filled, read.label, read.weight, read.either, scored)
        files.append(ReadFile(left_out.name, probabilities, real_points(real, READ_FILES[own.name]), read.row, rows))
    return files


def file_mixes(file: ReadFile) -> NDArray[np.float64]:
    """Return one mix for all rows, estimated from all of them."""
    model = load_model()
    known = known_rows(np.nan_to_num(file.probabilities), model.unsure_below)
    return np.tile(estimated_mix(known, model.training_priors).array, (len(file.probabilities), 1))


def local_mixes_of(file: ReadFile, spacings: float = SPACINGS, **options: Any) -> NDArray[np.float64]:
    """Return the mix around each row."""
    model = load_model()
    distance = spacings / SPACINGS * file.distance_m
    return estimate_local_mixes(
        file.probabilities, file.points_m, distance, model.training_priors, model.unsure_below, **options
    ).mixes.astype(np.float64)


def score_read_rows(files: list[ReadFile], mixes: Mixes) -> dict[str, Any]:
    """Return how often the classes of the rows on which all readers agree are right, and the errors by file.

    Rows labelled Stable or Linear whose rate is near the limit count as right with either.
    """
    model = load_model()
    training = model.training_priors.array
    top, said, labels, costs = [], [], [], {}
    for file in files:
        rows, own = file.rows, mixes(file)[file.number]
        classes = classes_under(
            rows.probabilities, own, training, abstain_below=model.abstain_below, unsure_below=model.unsure_below
        )
        best = reweight(rows.probabilities, own.astype(np.float64), training).argmax(axis=1)
        top.append(_is_right(rows, best)[rows.scored])
        said.append(np.where(classes == NO_CLASS, -1, _is_right(rows, classes))[rows.scored])
        labels.append(rows.label[rows.scored])
        cost = errors_of(rows, classes).cost
        if np.isfinite(cost):
            costs[file.name] = round(cost, 4)
    right, given, label = np.concatenate(top), np.concatenate(said), np.concatenate(labels)
    return {
        "rows": len(right),
        "most probable class right": round(float(right.mean()), 4),
        "has a class, and it is right": round(float((given == 1).mean()), 4),
        "without a class": round(float((given == -1).mean()), 4),
        "recall": {kind.name: round(float(right[label == kind].mean()), 3) for kind in TrendClass},
        "cost by file": costs,
        "mean cost": round(float(np.mean(list(costs.values()))), 4),
    }


def _is_right(rows: Rows, said: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    steady = rows.either & np.isin(said, (TrendClass.STABLE, TrendClass.LINEAR)) & (rows.label <= TrendClass.LINEAR)
    return np.asarray((said == rows.label) | steady)
