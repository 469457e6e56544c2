"""Proof of int8 where it runs: golden vectors, once for each process and file.

Integer arithmetic is exact on most processors, and wrong on some: sums of 16 bits saturate on x86 without VNNI, and
onnxruntime before 1.25 has kernels for AMX that are wrong from 32 rows on (microsoft/onnxruntime#26324, #27671).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from insar_runtime._engine.first_call import run_within_limit
from insar_runtime._engine.golden import GoldenVectors, golden_vectors
from insar_runtime._engine.host_memory import lacks_host_memory, no_memory_for
from insar_runtime._engine.onnx_runtime import import_onnxruntime
from insar_runtime.errors import InsarRuntimeError
from insar_runtime.models import Model, Precision

State = Literal["proven", "unproven", "refuted"]

_found: dict[tuple[str, str, str], float] = {}
"""Largest difference by the SHA-256 of the file and of the vectors, and the provider: each is found once.

A call that failed may succeed later, so only finite differences are kept."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What golden vectors say of an open session.

    Attributes
    ----------
    state : {"proven", "unproven", "refuted"}
        ``unproven`` where there are no vectors: always for fp32, and for int8 of models that were exported without.
    difference, tolerance : float
        Largest difference of a probability, and what is allowed; 0 without vectors.
    """

    state: State
    difference: float = 0.0
    tolerance: float = 0.0


def prove(session: Any, model: Model, precision: Precision, provider: str) -> Proof:
    """Compare a session's probabilities of the golden vectors with the recorded ones.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        Of the model in this precision.
    model : Model
        Whose folder has the vectors.
    precision : {"fp32", "int8"}
        Of the session.
    provider : str
        Onnxruntime's execution provider.

    Raises
    ------
    ModelIntegrityError, UnavailableError
        If the vectors are not those of the model, or cannot be read, or a model that is not shipped gives no answer
        within the time limit.
    MemoryLimitError
        If the system gives no memory.
    """
    vectors = golden_vectors(model, precision)
    if vectors is None:
        return Proof("unproven")
    key = (model.sha256(precision), vectors.digest, provider)
    difference = _found.get(key)
    if difference is None:
        difference = _difference(session, model, vectors, provider)
        if math.isfinite(difference):
            _found[key] = difference
    return Proof("proven" if difference <= vectors.tolerance else "refuted", difference, vectors.tolerance)


def _difference(session: Any, model: Model, vectors: GoldenVectors, provider: str) -> float:
    """Return the largest difference of a probability; infinite if a call fails or gives something else."""
    try:
        values = {"displacement": vectors.displacement, "days": vectors.days[None]}
        (found,) = run_within_limit(import_onnxruntime(), session, model, values)
    except InsarRuntimeError:
        raise
    except Exception as error:
        if lacks_host_memory(error, provider):
            raise no_memory_for(model) from error
        return float("inf")
    if np.shape(found) != vectors.probabilities.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - vectors.probabilities).max())
