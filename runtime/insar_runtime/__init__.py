"""Classify InSAR displacement time series: Stable, Linear, Quadratic, Bilinear, PUE or Other.

>>> from insar_runtime import Classifier
>>> classifier = Classifier()
>>> result = classifier.classify(displacement, dates)  # [N, T] mm along the line of sight, T dates

Importing the package loads nothing else; numpy, pyarrow and onnxruntime come with the first name used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from insar_runtime._version import __version__
from insar_runtime.classes import CLASS_NAMES, NO_CLASS, STATUS_NAMES, RowStatus, TrendClass
from insar_runtime.errors import (
    BadRowsError,
    DataError,
    InputNotFoundError,
    InputOutputError,
    InsarRuntimeError,
    MemoryLimitError,
    ModelIntegrityError,
    OutputExistsError,
    UnavailableError,
    UsageError,
)

if TYPE_CHECKING:
    from insar_runtime._diagnosis.diagnosis import Diagnosis
    from insar_runtime._diagnosis.options import Diagnose
    from insar_runtime._engine.class_priors import ClassPriors
    from insar_runtime._pipeline.restore import Restored, restore
    from insar_runtime.classifier import Classifier
    from insar_runtime.files import classify_file
    from insar_runtime.models import Model, list_models, load_model
    from insar_runtime.result import Result
    from insar_runtime.summary import Summary

__all__ = [
    "CLASS_NAMES",
    "NO_CLASS",
    "STATUS_NAMES",
    "BadRowsError",
    "ClassPriors",
    "Classifier",
    "DataError",
    "Diagnose",
    "Diagnosis",
    "InputNotFoundError",
    "InputOutputError",
    "InsarRuntimeError",
    "MemoryLimitError",
    "Model",
    "ModelIntegrityError",
    "OutputExistsError",
    "Restored",
    "Result",
    "RowStatus",
    "Summary",
    "TrendClass",
    "UnavailableError",
    "UsageError",
    "__version__",
    "classify_file",
    "list_models",
    "load_model",
    "restore",
]

_HOME = {
    "ClassPriors": "_engine.class_priors",
    "Classifier": "classifier",
    "Diagnose": "_diagnosis.options",
    "Diagnosis": "_diagnosis.diagnosis",
    "Model": "models",
    "Restored": "_pipeline.restore",
    "Result": "result",
    "Summary": "summary",
    "classify_file": "files",
    "list_models": "models",
    "load_model": "models",
    "restore": "_pipeline.restore",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
