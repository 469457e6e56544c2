"""Open a model on a device, and make sure that it really runs there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.onnx_runtime import cpu_session_options, import_onnxruntime
from insar_runtime.devices import Candidate, choose, gather_facts
from insar_runtime.errors import ModelIntegrityError, UnavailableError
from insar_runtime.models import Model, Precision

_PROVIDER_OPTIONS: Final = {
    # TensorFloat-32 keeps 10 bits of a number, too few for the answers to be those of a CPU. Convolutions are chosen by
    # rule, because trying all of them takes a second for each new length of a series.
    "cuda": {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
}


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session and what is true of it.

    Attributes
    ----------
    session : onnxruntime.InferenceSession
        Safe to call from several threads.
    choice : Candidate
        Device, provider and precision that really run, and why.
    """

    session: Any
    choice: Candidate


def open_session(model: Model, *, device: str, precision: Precision | None) -> OpenSession:
    """Open a model on the device asked for, or on the best one.

    Parameters
    ----------
    model : Model
        What to open; its files are checked against their SHA-256.
    device : str
        See ``insar_runtime.devices.choose``.
    precision : {"fp32", "int8"}, optional
        The faster one of the device if not given.

    Raises
    ------
    UnavailableError
        If the device does not run the model, or the model has no such precision.
    ModelIntegrityError
        If a model file was changed, or has another number of outputs than its description names classes.
    """
    onnxruntime = import_onnxruntime()
    offered = (precision,) if precision else model.precisions
    candidates = choose(device, gather_facts(onnxruntime), offered, model.faster_on_cpu)
    for candidate in candidates:
        session = _try_open(onnxruntime, model, candidate)
        if session is not None:
            _check_outputs(session, model)
            return OpenSession(session, candidate)
    raise UnavailableError(
        f"device {device} is there but did not run the model ({candidates[0].provider} was dropped by "
        "onnxruntime or failed at a first call, most often because its libraries are missing); run insar-rt doctor, "
        "or use --device cpu"
    )


def _try_open(onnxruntime: Any, model: Model, candidate: Candidate) -> Any:
    """Open a session, or give None where onnxruntime fell back to another provider.

    onnxruntime replaces a provider that fails to load by the CPU's without an error, even where it was
    the only one asked for; only the open session shows it.
    """
    if candidate.device == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    options = cpu_session_options(onnxruntime)
    data = model.read(candidate.precision)
    try:
        providers = [(candidate.provider, _PROVIDER_OPTIONS.get(candidate.device, {}))]
        session = onnxruntime.InferenceSession(data, options, providers=providers)
    except Exception as error:
        if candidate.device == "cpu":
            raise UnavailableError(f"onnxruntime cannot load the model: {first_line(error)}") from error
        return None
    runs = candidate.provider in session.get_providers() and (candidate.device == "cpu" or _answers(session, model))
    return session if runs else None


def _check_outputs(session: Any, model: Model) -> None:
    """Refuse a model file whose last dimension is not the number of classes of its ``model.json``."""
    shape = session.get_outputs()[0].shape
    # A graph may leave the number open; a call then shows it.
    try:
        width = shape[-1] if shape and isinstance(shape[-1], int) else _first_call(session, model).shape[-1]
    except Exception as error:
        raise UnavailableError(f"onnxruntime cannot run model {model.name}: {first_line(error)}") from error
    if width != len(model.classes):
        raise ModelIntegrityError(
            f"the ONNX file of model {model.name} gives {width} probabilities and its model.json names "
            f"{len(model.classes)} classes; export the model again"
        )


def _answers(session: Any, model: Model) -> bool:
    """Tell whether a session answers: some providers take a model and fail at its first call."""
    try:
        return bool(np.isfinite(_first_call(session, model)).all())
    except Exception:
        return False


def _first_call(session: Any, model: Model) -> NDArray[np.float32]:
    """Return the probabilities of some series of zeros."""
    epochs = model.limits.min_epochs
    rows = {"displacement": np.zeros((8, epochs), np.float32), "days": np.arange(epochs, dtype=np.float32)[None] * 12}
    answer: NDArray[np.float32] = session.run(None, rows)[0]
    return answer


def first_line(error: Exception) -> str:
    """Return what an error says first."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
