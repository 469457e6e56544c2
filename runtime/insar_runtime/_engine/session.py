"""Open a model on a device, and make sure that it really runs there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from insar_runtime._engine.first_call import check_answer, first_call, within_limit
from insar_runtime._engine.host_memory import lacks_host_memory, no_memory_for
from insar_runtime._engine.onnx_runtime import cpu_session_options, import_onnxruntime, silence_default_logger
from insar_runtime._engine.onnx_scan import scan_onnx
from insar_runtime._engine.proof import Proof, prove
from insar_runtime._log import logger
from insar_runtime.devices import Candidate, choose, gather_facts
from insar_runtime.errors import InsarRuntimeError, ModelIntegrityError, UnavailableError
from insar_runtime.models import Model, Precision

_PROVIDER_OPTIONS: Final = {
    # TensorFloat-32 keeps 10 bits of a number, too few for the answers to be those of a CPU. Convolutions are chosen by
    # rule, because trying all of them takes a second for each new length of a series.
    "cuda": {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
}
_WITHOUT_GOLDEN: Final = "its folder has no golden vectors, which python -m export vectors writes"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session and what is true of it.

    Attributes
    ----------
    session : onnxruntime.InferenceSession
        Safe to call from several threads.
    choice : Candidate
        Device, provider and precision that really run, and why.
    notes : tuple of str
        What a person should know of int8 here: that it is not proven, or that fp32 has taken its place.
    """

    session: Any
    choice: Candidate
    notes: tuple[str, ...] = ()


def open_session(model: Model, *, device: str, precision: Precision | None) -> OpenSession:
    """Open a model on the device asked for, or on the best one.

    Parameters
    ----------
    model : Model
        What to open; its files are checked against their SHA-256.
    device : str
        See ``insar_runtime.devices.choose``.
    precision : {"fp32", "int8"}, optional
        The faster one of the device if not given; fp32 where that is int8 and its golden vectors give other
        probabilities than the recorded ones.

    Raises
    ------
    UnavailableError
        If the device does not run the model, the model has no such precision, or int8 is asked for and computes
        other probabilities here than where it was released.
    ModelIntegrityError
        If a model file was changed, has another number of outputs than its description names classes, or is not what
        a model file of a stranger must be (``onnx_scan``, ``first_call``).
    MemoryLimitError
        If the system gives no memory to load the model or for its first calls.
    """
    onnxruntime = import_onnxruntime()
    offered = (precision,) if precision else model.precisions
    candidates = choose(device, gather_facts(onnxruntime), offered, model.faster_on_cpu)
    for candidate in candidates:
        session = _try_open(onnxruntime, model, candidate)
        if session is not None:
            _check_outputs(onnxruntime, session, model, candidate.provider)
            opened = _proven(onnxruntime, model, OpenSession(session, candidate), asked_for=precision is not None)
            _log_choice(model, opened)
            return opened
        logger().warning("model %s does not run by %s on %s", model.name, candidate.provider, candidate.device)
    raise UnavailableError(
        f"device {device} is there but did not run the model ({candidates[0].provider} was dropped by "
        "onnxruntime or failed at a first call, most often because its libraries are missing); run insar-rt doctor, "
        "or use --device cpu"
    )


def _log_choice(model: Model, opened: OpenSession) -> None:
    choice = opened.choice
    names = (model.name, model.version, choice.precision, choice.device, choice.provider)
    logger().info("model %s %s in %s runs on %s (%s): %s", *names, choice.reason or "the only choice")
    for note in opened.notes:
        logger().warning("%s", note)


def _proven(onnxruntime: Any, model: Model, opened: OpenSession, *, asked_for: bool) -> OpenSession:
    """Return an open session whose integer arithmetic is proven, or fp32 in its place."""
    choice = opened.choice
    if choice.precision != "int8":
        return opened
    proof = prove(opened.session, model, "int8", choice.provider)
    if proof.state == "proven":
        return opened
    if proof.state == "unproven":
        return replace(
            opened, notes=(f"int8 of model {model.name} is not proven on this processor: {_WITHOUT_GOLDEN}",)
        )
    wrong = _disagreement(proof)
    if asked_for or "fp32" not in model.precisions:
        raise UnavailableError(f"int8 of model {model.name} computes wrongly here: {wrong}; use --precision fp32")
    plain = replace(choice, precision="fp32", reason="; ".join(filter(None, (choice.reason, f"fp32, as int8 {wrong}"))))
    session = _try_open(onnxruntime, model, plain)
    if session is None:
        raise UnavailableError(f"device {plain.device} runs model {model.name} in int8 only, and there {wrong}")
    _check_outputs(onnxruntime, session, model, plain.provider)
    return OpenSession(session, plain, (f"fp32 runs in place of int8, which {wrong}",))


def _disagreement(proof: Proof) -> str:
    return (
        f"differs from its golden vectors by {proof.difference:.2g} on this processor, allowed is {proof.tolerance:g}"
    )


def _try_open(onnxruntime: Any, model: Model, candidate: Candidate) -> Any:
    """Open a session, or return None where onnxruntime fell back to another provider.

    onnxruntime replaces a provider that fails to load by the CPU's without an error, even where it was
    the only one asked for; only the open session shows it.
    """
    if candidate.device == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    data = model.read(candidate.precision)
    providers = [(candidate.provider, _PROVIDER_OPTIONS.get(candidate.device, {}))]

    def load() -> Any:
        return onnxruntime.InferenceSession(data, cpu_session_options(onnxruntime), providers=providers)

    try:
        session = load() if model.shipped else _load_of_a_stranger(onnxruntime, data, load, model)
    except InsarRuntimeError:
        raise
    except Exception as error:
        if candidate.device == "cpu":
            if lacks_host_memory(error, candidate.provider):
                raise no_memory_for(model) from error
            raise UnavailableError(f"onnxruntime cannot load the model: {first_line(error)}") from error
        return None
    runs = candidate.provider in session.get_providers() and (
        candidate.device == "cpu" or _answers(onnxruntime, session, model)
    )
    return session if runs else None


def _load_of_a_stranger(onnxruntime: Any, data: bytes, load: Callable[[], Any], model: Model) -> Any:
    silence_default_logger(onnxruntime)
    try:
        scan_onnx(data)
    except ValueError as error:
        raise ModelIntegrityError(
            f"the ONNX file of model {model.name} is refused: {error}; export it again"
        ) from error
    return within_limit(load, model)


def _check_outputs(onnxruntime: Any, session: Any, model: Model, provider: str) -> None:
    """Refuse a model file whose last dimension is not the number of classes of its ``model.json``.

    A file that is not shipped is asked about a few series as well, and its answers are checked.
    """
    outputs = session.get_outputs()
    if len(outputs) != 1:
        raise ModelIntegrityError(
            f"the ONNX file of model {model.name} has {len(outputs)} outputs and must have one; export the model again"
        )
    shape = outputs[0].shape
    width = shape[-1] if shape and isinstance(shape[-1], int) else None
    answer = None
    # A graph may leave the number open; a call then shows it.
    if width is None or not model.shipped:
        try:
            answer = first_call(onnxruntime, session, model)
        except InsarRuntimeError:
            raise
        except Exception as error:
            if lacks_host_memory(error, provider):
                raise no_memory_for(model) from error
            raise UnavailableError(f"onnxruntime cannot run model {model.name}: {first_line(error)}") from error
        width = answer.shape[-1] if answer.ndim else 0
    if width != len(model.classes):
        raise ModelIntegrityError(
            f"the ONNX file of model {model.name} gives {width} probabilities and its model.json names "
            f"{len(model.classes)} classes; export the model again"
        )
    if answer is not None:
        check_answer(answer, model)


def _answers(onnxruntime: Any, session: Any, model: Model) -> bool:
    """Return whether a session answers: some providers take a model and fail at its first call."""
    try:
        return bool(np.isfinite(first_call(onnxruntime, session, model)).all())
    except Exception:
        return False


def first_line(error: Exception) -> str:
    """Return what an error says first, escaped and of at most 200 characters: it may repeat names of a model file."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:200])
