"""Batching: how many rows one call of the session gets, and the error if it fails."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.first_call import check_answer
from insar_runtime._engine.host_memory import lacks_host_memory
from insar_runtime._engine.session import OpenSession, first_line
from insar_runtime.errors import MemoryLimitError, UnavailableError
from insar_runtime.models import Model

_VALUES_PER_CALL: Final = 1 << 16
_LEAST_ROWS: Final = 128
_MOST_ROWS: Final = 512
_ROWS_ELSEWHERE: Final = 4096
"""Size of one call. On a CPU, fewer rows make the steps of the graph count, more of them leave the caches; elsewhere
the way to the device counts."""

_ROW_MULTIPLE: Final = 8
"""Calls are padded to a multiple of this many rows. Matrix products of one row take another path in some
builds of onnxruntime and may round differently; with this, a row's bits do not depend on its neighbours."""


def split_into_calls(rows: int, epochs: int, device: str) -> list[slice]:
    """Return the rows of each call."""
    size = _rows_on_cpu(epochs) if device == "cpu" else _ROWS_ELSEWHERE
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def predict_rows(
    opened: OpenSession, model: Model, rows: NDArray[np.float32], axis: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the probabilities of the rows of one call.

    Parameters
    ----------
    opened : OpenSession
        Of the model.
    model : Model
        If it is not shipped, each answer is checked: a network may answer otherwise to other series than at first.
    rows : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    axis : ndarray of float32, shape [1, T]
        Days since the first epoch.

    Returns
    -------
    ndarray of float32, shape [N, number of classes of the model]
        Probabilities.

    Raises
    ------
    UnavailableError
        If the call fails.
    MemoryLimitError
        If it fails for want of memory.
    ModelIntegrityError
        If a model that is not shipped gives no probabilities.
    """
    padding = -len(rows) % _ROW_MULTIPLE
    block = np.pad(rows, ((0, padding), (0, 0)), mode="edge") if padding else np.ascontiguousarray(rows)
    try:
        (answer,) = opened.session.run(None, {"displacement": block, "days": axis})
    except Exception as error:
        if lacks_host_memory(error, opened.choice.provider):
            raise MemoryLimitError(
                f"the system gives no memory for {len(rows)} series of {axis.size} epochs; use fewer threads"
            ) from error
        device = opened.choice.device
        remedy = "use fewer threads if memory is short" if device == "cpu" else "use --device cpu"
        what = f"{len(rows)} series of {axis.size} epochs"
        raise UnavailableError(f"onnxruntime failed on {device} with {what} ({first_line(error)}); {remedy}") from error
    if not model.shipped:
        check_answer(np.asarray(answer), model, len(block))
    probabilities: NDArray[np.float32] = answer[: len(rows)]
    return probabilities


def _rows_on_cpu(epochs: int) -> int:
    """Return few rows for long series, so that what a call holds stays in the caches."""
    rows = _VALUES_PER_CALL // max(epochs, 1) // _ROW_MULTIPLE * _ROW_MULTIPLE
    return max(_LEAST_ROWS, min(rows, _MOST_ROWS))
