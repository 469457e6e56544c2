"""``insar-rt doctor``: versions, devices and models of this installation, and whether they work."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import packages_distributions
from typing import Any

import numpy as np

from insar_runtime._engine.onnx_runtime import import_onnxruntime, usable_cpus
from insar_runtime._engine.software import installed_version
from insar_runtime._version import __version__
from insar_runtime.classes import RowStatus
from insar_runtime.classifier import Classifier
from insar_runtime.definitions import DAYS_PER_YEAR
from insar_runtime.devices import gather_facts
from insar_runtime.errors import InsarRuntimeError, UnavailableError
from insar_runtime.models import list_models, load_model


def examine() -> tuple[dict[str, Any], InsarRuntimeError | None]:
    """Examine the installation.

    Returns
    -------
    facts : dict
        Nested plain values.
    trouble : InsarRuntimeError or None
        The first problem, as the error that would end a run.
    """
    trouble: InsarRuntimeError | None = None
    onnxruntime = import_onnxruntime()
    facts = gather_facts(onnxruntime)
    owners = sorted(set(packages_distributions().get("onnxruntime", [])))
    if len(owners) > 1:
        trouble = UnavailableError(
            f"{' and '.join(owners)} overwrite each other; uninstall both, then install the one you want"
        )
    models: dict[str, Any] = {}
    for name in list_models():
        model = load_model(name)
        unavailable: list[UnavailableError] = []
        for precision in model.precisions:
            try:
                classifier = Classifier(name, device="cpu", precision=precision, threads=1)
                state = _try(classifier)
            except UnavailableError as error:
                state = str(error)
                unavailable.append(error)
            except InsarRuntimeError as error:
                state, trouble = str(error), trouble or error
            models[f"{name} {model.version} {precision}"] = state
        # A processor on which int8 is refuted runs fp32 in its place, so a run does not end there.
        if len(unavailable) == len(model.precisions):
            trouble = trouble or unavailable[0]
    try:
        chosen = Classifier()
        device = f"{chosen.device} ({chosen.provider}, {chosen.precision}): {chosen.device_reason}"
    except InsarRuntimeError as error:
        device, trouble = str(error), trouble or error
    return {
        "insar-runtime": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: installed_version(name) for name in ("numpy", "onnxruntime", "pyarrow", "typer")},
        "onnxruntime comes from": owners,
        "providers built in": list(facts.providers),
        "NVIDIA driver": "loaded" if facts.cuda_driver else "none",
        "int8 dot products": "the processor has them" if facts.int8_dot_product else "none known",
        "device auto": device,
        "usable CPUs": usable_cpus(),
        "onnxruntime telemetry": "off" if os.environ.get("ORT_DISABLE_TELEMETRY") == "1" else "ON",
        "models": models,
        "executable": sys.executable,
    }, trouble


def _try(classifier: Classifier) -> str:
    """Classify a clear linear motion with a model, and return whether it yields probabilities."""
    epochs = max(classifier.model.limits.min_epochs, 60)
    days = np.arange(epochs, dtype=np.float32) * 12
    result = classifier.classify_matrix(days[None, :] * np.float32(20 / DAYS_PER_YEAR), days)
    works = result.status[0] in (RowStatus.OK, RowStatus.ABSTAINED) and np.isfinite(result.confidence).all()
    return "works" if works else "yields no probabilities"
