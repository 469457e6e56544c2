"""Calls of a model that may come from anyone: the first ones within a time limit, and answers that are checked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import ModelIntegrityError, UnavailableError
from insar_runtime.models import Model

LIMIT_S: Final = 60.0
"""Seconds that a model may take to load, for its first call of 8 series, and for its golden vectors.

Shipped ones take some hundredths."""
_ROWS: Final = 8
_SUM_TOLERANCE: Final = 1e-3

Found = TypeVar("Found")


def within_limit(work: Callable[[], Found], model: Model, stop: Callable[[], None] | None = None) -> Found:
    """Do work in a thread of its own, and give up after the limit.

    Parameters
    ----------
    work : callable
        What is done; its errors are raised here.
    model : Model
        For the message.
    stop : callable, optional
        Asks the work to end once the limit has passed. What cannot be ended goes on until the process ends.

    Raises
    ------
    UnavailableError
        If the limit passes.
    """
    found: list[Found] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="insar-runtime first call", daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    if thread.is_alive():
        if stop is not None:
            stop()
            thread.join(1)
        raise UnavailableError(f"model {model.name} gives no answer within {LIMIT_S:g} s; use another one")
    if errors:
        raise errors[0]
    return found[0]


def first_call(onnxruntime: Any, session: Any, model: Model) -> NDArray[Any]:
    """Return what a model answers to 8 series of its fewest epochs: zeros, and ramps and steps of some millimetres.

    Raises
    ------
    UnavailableError
        If the model is not shipped, and the time limit passes.
    """
    epochs = model.limits.min_epochs
    time = np.linspace(0, 1, epochs, dtype=np.float32)
    rows = np.arange(_ROWS, dtype=np.float32)[:, None] * np.where(np.arange(_ROWS)[:, None] % 2, time, time > 0.5)
    days = np.arange(epochs, dtype=np.float32)[None] * np.float32(12)
    values = {"displacement": rows.astype(np.float32), "days": days}
    return np.asarray(run_within_limit(onnxruntime, session, model, values)[0])


def run_within_limit(
    onnxruntime: Any, session: Any, model: Model, values: dict[str, NDArray[np.float32]]
) -> Sequence[Any]:
    """Call a session; within the time limit unless the model is shipped.

    Parameters
    ----------
    onnxruntime : module
    session : onnxruntime.InferenceSession
        Of the model.
    model : Model
    values : dict of str to ndarray of float32
        The inputs: ``displacement`` [N, T] in mm and ``days`` [1, T].

    Returns
    -------
    sequence
        The outputs of the session.

    Raises
    ------
    UnavailableError
        If the limit passes.
    """
    outputs: Sequence[Any]
    if model.shipped:
        outputs = session.run(None, values)
        return outputs
    options = onnxruntime.RunOptions()

    def stop() -> None:
        options.terminate = True

    outputs = within_limit(lambda: session.run(None, values, options), model, stop)
    return outputs


def check_answer(answer: NDArray[Any], model: Model, rows: int = _ROWS) -> None:
    """Refuse answers that are no probabilities of the model's classes.

    Parameters
    ----------
    answer : ndarray, shape [rows, classes]
        Of the model.
    model : Model
        Whose ``model.json`` names the classes.
    rows : int
        Series that the model was asked about; those of ``first_call`` if not given.

    Raises
    ------
    ModelIntegrityError
        If the shape, the type, a value or the sum of a row is another.
    """
    if answer.ndim != 2 or answer.shape[1] != len(model.classes) or len(answer) != rows:
        wrong = f"answers of shape {list(answer.shape)} to {rows} series of {len(model.classes)} classes"
    elif answer.dtype != np.float32:
        wrong = f"answers of type {answer.dtype}, not float32"
    elif not np.isfinite(answer).all() or answer.min() < 0 or answer.max() > 1 + _SUM_TOLERANCE:
        wrong = "probabilities that are not between 0 and 1"
    elif np.abs(answer.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        wrong = f"probabilities with sums such as {answer.sum(axis=1).max():.4g}, not 1"
    else:
        return
    raise ModelIntegrityError(f"the ONNX file of model {model.name} gives {wrong}; export the model again")
