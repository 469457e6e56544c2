"""Class priors estimated from the series of a caller in Python, as ``priors="auto"`` does for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from insar_runtime._engine.class_priors import ClassPriors
from insar_runtime._engine.given_series import GivenSeries
from insar_runtime._engine.priors import estimated_mix, known_rows

if TYPE_CHECKING:
    from insar_runtime._engine.runner import ModelRunner

MOST_ROWS: Final = 200_000
"""Rows that priors are estimated from; of more, a uniform random sample."""


def estimate_array_priors(runner: ModelRunner, given: GivenSeries) -> ClassPriors:
    """Estimate the mix of classes of series from those that the network answers.

    Parameters
    ----------
    runner : ModelRunner
        Its own priors do not matter.
    given : GivenSeries
        Rasters in chunks are loaded chunk by chunk.
    """
    as_trained = runner.with_priors(None)
    classes, days = len(runner.model.classes), given.days
    wanted = np.ones(given.count, dtype=np.bool_)
    if given.count > MOST_ROWS:
        wanted[:] = False
        wanted[np.random.default_rng(0).choice(given.count, MOST_ROWS, replace=False)] = True
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
