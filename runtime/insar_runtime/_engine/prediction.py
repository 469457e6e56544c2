"""Prediction: the probabilities that a network gives for the rows of a matrix, and the checks of these rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.batching import predict_rows, split_into_calls
from insar_runtime._engine.row_checks import RowChecks, check_rows
from insar_runtime._engine.session import OpenSession
from insar_runtime._engine.stable_rate import RateSplit
from insar_runtime.classes import RowStatus
from insar_runtime.models import Model


def predict_matrix(
    opened: OpenSession,
    model: Model,
    displacement: NDArray[np.float32],
    days: NDArray[np.float32],
    *,
    rates: RateSplit | None,
    threads: int,
) -> tuple[NDArray[np.float32], RowChecks]:
    """Return the probabilities that hold for the mix of the training, and the checks of the rows.

    Parameters
    ----------
    opened : OpenSession
        Of the model.
    model : Model
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float32, shape [T]
        Days since the first epoch, strictly increasing.
    rates : RateSplit or None
        Divides Stable and Linear; None where the network does.
    threads : int
        Parallel calls of the model.

    Returns
    -------
    probabilities : ndarray of float32, shape [N, number of classes of the model]
        What stands in rows whose status is not OK is no probability.
    checks : RowChecks
    """
    probabilities = np.empty((len(displacement), len(model.classes)), dtype=np.float32)
    checks = RowChecks.empty(len(displacement))
    axis = days[None, :]

    def work(part: slice) -> None:
        rows = displacement[part]
        found = check_rows(rows, days, model.limits)
        checks.set(part, found)
        answered = found.status == RowStatus.OK
        if not answered.any():
            return
        if not answered.all():
            rows = rows[answered]
        shares = predict_rows(opened, model, rows, axis)
        probabilities[part][answered] = shares if rates is None else rates.split(shares, rows)

    parts = split_into_calls(len(displacement), len(days), opened.choice.device)
    if threads == 1 or len(parts) < 2:
        for part in parts:
            work(part)
    else:
        with ThreadPoolExecutor(min(threads, len(parts))) as pool:
            # Going through the results raises what a call has raised.
            for _ in pool.map(work, parts):
                pass
    return probabilities, checks


def check_matrix(displacement: NDArray[np.float32], days: NDArray[np.float32], model: Model) -> RowChecks:
    """Return the checks of the rows of a matrix, as ``predict_matrix`` does, without a prediction."""
    checks = RowChecks.empty(len(displacement))
    for part in split_into_calls(len(displacement), len(days), "cpu"):
        checks.set(part, check_rows(displacement[part], days, model.limits))
    return checks
