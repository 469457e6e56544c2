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
    from insar_runtime._areas.find import Areas, find_areas
    from insar_runtime._diagnosis.diagnosis import Diagnosis
    from insar_runtime._diagnosis.noise.noise_model import CommonStep, FileNoise, NoiseKind
    from insar_runtime._diagnosis.options import Diagnose, JumpRows
    from insar_runtime._diagnosis.results import Breaks, FitStatus, Jumps, Rates, RecentChanges
    from insar_runtime._engine.class_priors import ClassPriors, LocalPriors, PriorsOrigin
    from insar_runtime._engine.runner import Shares
    from insar_runtime._findings.finding import Finding
    from insar_runtime._input.column_roles import Role
    from insar_runtime._input.units.series_units import Unit
    from insar_runtime._pipeline.restore import Restored, restore
    from insar_runtime._progress import Progress
    from insar_runtime._releases.alert_rules import AlertRule
    from insar_runtime._releases.compare import compare_files
    from insar_runtime._releases.comparison import Comparison
    from insar_runtime._releases.join.run import join_files
    from insar_runtime._releases.join.summary import Joined
    from insar_runtime._releases.matching import MatchBy
    from insar_runtime._report.report_file import report
    from insar_runtime._report.write import Report
    from insar_runtime._show.plot import plot
    from insar_runtime.classifier import Classifier
    from insar_runtime.devices import Device
    from insar_runtime.files import classify_file
    from insar_runtime.models import FasterOnCpu, Limits, Model, Precision, list_models, load_model
    from insar_runtime.result import Result
    from insar_runtime.summary import Summary

__all__ = [
    "CLASS_NAMES",
    "NO_CLASS",
    "STATUS_NAMES",
    "AlertRule",
    "Areas",
    "BadRowsError",
    "Breaks",
    "ClassPriors",
    "Classifier",
    "CommonStep",
    "Comparison",
    "DataError",
    "Device",
    "Diagnose",
    "Diagnosis",
    "FasterOnCpu",
    "FileNoise",
    "Finding",
    "FitStatus",
    "InputNotFoundError",
    "InputOutputError",
    "InsarRuntimeError",
    "Joined",
    "JumpRows",
    "Jumps",
    "Limits",
    "LocalPriors",
    "MatchBy",
    "MemoryLimitError",
    "Model",
    "ModelIntegrityError",
    "NoiseKind",
    "OutputExistsError",
    "Precision",
    "PriorsOrigin",
    "Progress",
    "Rates",
    "RecentChanges",
    "Report",
    "Restored",
    "Result",
    "Role",
    "RowStatus",
    "Shares",
    "Summary",
    "TrendClass",
    "UnavailableError",
    "Unit",
    "UsageError",
    "__version__",
    "classify_file",
    "compare_files",
    "find_areas",
    "join_files",
    "list_models",
    "load_model",
    "plot",
    "report",
    "restore",
]

_HOME = {
    "AlertRule": "_releases.alert_rules",
    "Areas": "_areas.find",
    "Breaks": "_diagnosis.results",
    "ClassPriors": "_engine.class_priors",
    "Classifier": "classifier",
    "CommonStep": "_diagnosis.noise.noise_model",
    "Comparison": "_releases.comparison",
    "Device": "devices",
    "Diagnose": "_diagnosis.options",
    "Diagnosis": "_diagnosis.diagnosis",
    "FasterOnCpu": "models",
    "FileNoise": "_diagnosis.noise.noise_model",
    "Finding": "_findings.finding",
    "FitStatus": "_diagnosis.results",
    "Joined": "_releases.join.summary",
    "JumpRows": "_diagnosis.options",
    "Jumps": "_diagnosis.results",
    "Limits": "models",
    "LocalPriors": "_engine.class_priors",
    "MatchBy": "_releases.matching",
    "Model": "models",
    "NoiseKind": "_diagnosis.noise.noise_model",
    "Precision": "models",
    "PriorsOrigin": "_engine.class_priors",
    "Progress": "_progress",
    "Rates": "_diagnosis.results",
    "RecentChanges": "_diagnosis.results",
    "Report": "_report.write",
    "Restored": "_pipeline.restore",
    "Result": "result",
    "Role": "_input.layout",
    "Shares": "_engine.runner",
    "Summary": "summary",
    "Unit": "_input.units.series_units",
    "classify_file": "files",
    "compare_files": "_releases.compare",
    "find_areas": "_areas.find",
    "join_files": "_releases.join.run",
    "list_models": "models",
    "load_model": "models",
    "plot": "_show.plot",
    "report": "_report.report_file",
    "restore": "_pipeline.restore",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
