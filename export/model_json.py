"""Contents of ``model.json``: inputs and outputs, limits, definitions, training, comparison with Keras, files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import keras

from export.config import CALIBRATION_SEED, ExportConfig
from export.prove import Comparison, ProofError
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.definitions import class_definitions

_TRAINING_FACTS: Final = (
    "data",
    "data digest",
    "noise files",
    "readings",
    "attribution",
    "series",
    "seed",
    "epochs of training",
    "temperature",
    "versions",
)
"""Entries of the report that ``model.json`` repeats, if the report has them."""


@dataclass(frozen=True)
class NetworkFacts:
    """Properties that are stored in the network.

    Attributes
    ----------
    classes : tuple of str
        Names of its outputs.
    half_wavelength_mm, stable_rate_mm_yr : float or None
        Half a wavelength, and the limit between Stable and Linear, from its layers.

    Raises
    ------
    ProofError
        If no layer has half a wavelength.
    """

    classes: tuple[str, ...]
    half_wavelength_mm: float | None
    stable_rate_mm_yr: float | None

    def __post_init__(self) -> None:
        if self.half_wavelength_mm is None:
            raise ProofError("no layer states half a wavelength; the network cannot know physical lengths")

    @classmethod
    def of(cls, model: keras.Model, classes: tuple[str, ...]) -> NetworkFacts:
        """Return the properties of a network; ``classes`` are the names of its outputs."""
        return cls(classes, _of_a_layer(model, "half_wavelength_mm"), _of_a_layer(model, "stable_rate_mm_yr"))

    @property
    def definitions(self) -> dict[str, Any]:
        """Definitions of the classes for a network of six classes; empty for five, trained with other definitions."""
        if self.classes != CLASS_NAMES:
            return {}
        return {
            "stable_rate_mm_yr": self.stable_rate_mm_yr,
            "definitions": class_definitions(self.stable_rate_mm_yr),
        }


@dataclass(frozen=True)
class Proven:
    """ONNX file and its comparison with Keras.

    Attributes
    ----------
    file : str
        Name of the file.
    operators : dict of str to int
        Number of nodes by operator.
    comparison : Comparison
        Comparison with Keras.
    """

    file: str
    operators: dict[str, int]
    comparison: Comparison


def describe_model(
    config: ExportConfig,
    report: dict[str, Any],
    facts: NetworkFacts,
    folder: Path,
    keras_file: Path,
    proven: Mapping[str, Proven],
) -> dict[str, Any]:
    """Return the contents of ``model.json``.

    Parameters
    ----------
    config : ExportConfig
        Settings of the export.
    report : dict
        Contents of ``report.json``.
    facts : NetworkFacts
        Properties of the network.
    folder : Path
        Folder of the files.
    keras_file : Path
        Keras file from which they were exported.
    proven : mapping of str to Proven
        Files by precision.

    Raises
    ------
    ProofError
        If the number of class shares in the report is not that of the classes.
    """
    test = report["test"]
    return {
        "schema": 1,
        "name": report["name"],
        "version": report["version"],
        "license": "Apache-2.0",
        "classes": list(facts.classes),
        "inputs": {
            "displacement": {
                "type": "float32",
                "shape": ["batch", "epochs"],
                "unit": "mm along the line of sight",
                "missing": "NaN, also for padding",
            },
            "days": {
                "type": "float32",
                "shape": ["batch or 1", "epochs"],
                "unit": "days since the first acquisition, finite and ascending",
            },
        },
        "output": {
            "probabilities": {
                "type": "float32",
                "shape": ["batch", len(facts.classes)],
                "meaning": "calibrated",
            }
        },
        "half_wavelength_mm": facts.half_wavelength_mm,
        **facts.definitions,
        "limits": asdict(config.limits),
        "thresholds": {
            "abstain_below": config.abstain_below,
            "unsure_below": config.unsure_below,
            "int8_against_keras": asdict(config.gates),
        },
        "training_priors": _training_priors(report, len(facts.classes)),
        "faster_on_cpu": config.faster_on_cpu,
        "training": {key: report[key] for key in _TRAINING_FACTS if key in report},
        "metrics": {
            "test_accuracy": test["accuracy"],
            "test_accuracy_95": test["accuracy_95"],
            "test_expected_calibration_error": test["expected_calibration_error"],
            "test_recall": {name: values["recall"] for name, values in test["classes"].items()},
            "against_keras": {key: value.comparison.to_dict() for key, value in proven.items()},
        },
        **({"quantization": _quantization(config, of_series="network" in report)} if "int8" in proven else {}),
        "operators": {precision: value.operators for precision, value in proven.items()},
        "files": {precision: _file(folder / value.file) for precision, value in proven.items()},
        "keras": _file(keras_file),
    }


def _quantization(config: ExportConfig, *, of_series: bool) -> dict[str, Any]:
    of_default = "convolutions, means over parts and what the dense layer reads of them"
    parts = of_default if of_series else "convolutions and max pooling"
    return {
        "format": f"QDQ, U8S8, per channel, {parts}; the rest in fp32",
        "calibration": "min-max" if config.percentile is None else f"percentile {config.percentile}",
        "reduce_range": config.reduce_range,
        "series": config.calibration_series,
        "seed": CALIBRATION_SEED,
    }


def _training_priors(report: dict[str, Any], classes: int) -> list[float]:
    """Return the class shares for which the probabilities hold: equal shares unless the report has others."""
    shares = [float(share) for share in report.get("class shares", [1 / classes] * classes)]
    if len(shares) != classes:
        raise ProofError(f"the report states {len(shares)} class shares of a model of {classes} classes")
    return shares


def _file(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"file": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _of_a_layer(model: keras.Model, name: str) -> float | None:
    """Return an attribute that one of the layers has; None if there is none."""
    for layer in model.layers:
        found = _of_a_layer(layer, name) if isinstance(layer, keras.Model) else getattr(layer, name, None)
        if found is not None:
            return float(found)
    return None
