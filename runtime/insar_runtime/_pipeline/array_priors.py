"""Class priors estimated from the series of a caller in Python, as ``priors="auto"`` does for files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from insar_runtime._engine.class_priors import ClassPriors
from insar_runtime._engine.given_series import GivenSeries
from insar_runtime._engine.priors import estimated_mix, known_rows
from insar_runtime._pipeline.class_mix import rows_for_mix

if TYPE_CHECKING:
    from insar_runtime._engine.runner import ModelRunner


def estimate_array_priors(runner: ModelRunner, given: GivenSeries) -> ClassPriors:
    """Estimate the mix of classes of series from some of the first, as that of a file with the same rows.

    Parameters
    ----------
    runner : ModelRunner
        Its own priors do not matter.
    given : GivenSeries
        Rasters in chunks are loaded chunk by chunk.
    """
    as_trained = runner.with_priors(None)
    classes, days = len(runner.model.classes), given.days
    wanted = np.zeros(given.count, dtype=np.bool_)
    wanted[rows_for_mix(given.count)] = True
    known = []
    for part in given.parts:
        chosen = wanted[part.rows]
        if not chosen.any():
            continue
        series = part.load()
        result = as_trained.classify_matrix(series if chosen.all() else series[chosen], days)
        known.append(known_rows(result.probabilities[:, :classes], runner.model.unsure_below))
    rows = np.concatenate(known) if known else np.empty((0, classes), dtype=np.float32)
    return estimated_mix(rows, runner.model.training_priors)
