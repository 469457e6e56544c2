"""Comparison of the speed of models on one core: ``python -m benchmarks.speed.compare_models FOLDER FOLDER ...``."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import numpy as np
import typer

from benchmarks.speed.timing import use_cores
from insar_runtime import Classifier

_STEP_MM: Final = 0.75
_PARTIAL: Final = 0.1
"""Share of the series in which values are missing."""


class Precision(StrEnum):
    """Precision of a model."""

    fp32 = "fp32"
    int8 = "int8"


def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders of models; the others are compared with the first.")],
    precision: Annotated[Precision, typer.Option(help="File of each model.")] = Precision.int8,
    series: Annotated[int, typer.Option(min=8, help="Number of series of a turn; the default is five calls.")] = 2320,
    epochs: Annotated[int, typer.Option(min=30, help="Epochs of a series.")] = 139,
    rounds: Annotated[int, typer.Option(min=3, help="Number of rounds; each model runs once in each.")] = 101,
) -> None:
    """Classify the same series with all models in turns, and print medians and ratios.

    Rounds are short and contain one turn of each model, so that other load on the machine affects all of them. A ratio
    is the median over the rounds of the ratio within a round.
    """
    use_cores(1)
    rng = np.random.default_rng(0)
    rows = np.cumsum(rng.normal(0, _STEP_MM, (series, epochs)), axis=1).astype(np.float32)
    rows[:: round(1 / _PARTIAL), ::10] = np.nan
    days = np.arange(epochs, dtype=np.float32) * 12
    classifiers = [Classifier(str(folder), device="cpu", precision=precision.value, threads=1) for folder in folders]
    seconds: list[list[float]] = [[] for _ in folders]
    for turn in range(-3, rounds):
        for taken, classifier in zip(seconds, classifiers, strict=True):
            begin = time.perf_counter()
            classifier.classify_matrix(rows, days)
            if turn >= 0:  # the first turns are a warm-up
                taken.append(time.perf_counter() - begin)
    for folder, classifier, taken in zip(folders, classifiers, seconds, strict=True):
        ratio = median(first / own for first, own in zip(seconds[0], taken, strict=True))
        typer.echo(
            f"{classifier.model.name} {classifier.model.version} {precision}: {series / median(taken):,.0f} series/s "
            f"(fastest round {series / min(taken):,.0f}), {ratio:.3f} times the first  {folder}"
        )


if __name__ == "__main__":
    typer.run(main)
