"""Put a model together: ONNX files, ``model.json``, golden vectors, card; in the record and in the package."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import keras

from export import prove
from export.card import model_card
from export.convert import convert, describe
from export.golden import golden_series, write_golden
from export.quantize import quantize
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.models import Limits
from training import dataset
from training import layers as _layers  # noqa: F401 - registers the layers that Keras files name
from training import series_layers as _series_layers  # noqa: F401 - the same
from training.fit import predict

CALIBRATION_SEED: Final = 10_001
PROOF_SEED: Final = 10_002
"""Neither is a seed of training, so the series are fresh."""


@dataclass(frozen=True)
class ExportConfig:
    """How a model is exported.

    Attributes
    ----------
    calibration_series, proof_series : int
        Simulated series on which ranges are found, and on which the files are held against Keras; enough of the
        former for every calendar, as ranges of a few are too narrow for the others.
    percentile : float or None
        Share of activations that the int8 ranges cover; ranges of the extremes if None.
    reduce_range : bool
        Seven-bit weights, safe on x86 without VNNI.
    equalized : bool
        Whether channels are brought to about the same range before quantization.
    gates : Gates
        What int8 must reach.
    abstain_below : float
        Confidence below which a row gets no class.
    unsure_below : float
        The same before priors have a say: a network that was taught to be unsure of what no class describes must
        not become sure of it by priors alone.
    faster_on_cpu : dict of str to str
        Precision to take on a CPU with integer dot products, and on a plain one.
    limits : Limits
        What rows the model may be asked about.
    """

    calibration_series: int = 7680
    proof_series: int = 10_000
    percentile: float | None = 99.999
    reduce_range: bool = True
    equalized: bool = False
    gates: prove.Gates = field(default_factory=prove.Gates)
    abstain_below: float = 0.5
    unsure_below: float = 0.0
    faster_on_cpu: dict[str, str] = field(default_factory=lambda: {"int8_dot_product": "int8", "plain": "int8"})
    limits: Limits = dataset.LIMITS


TREND_NET_CONFIG: Final = ExportConfig(
    percentile=99.999,
    equalized=True,
    # Too small a network for int8 to be sure of gaining anything where a processor has no instruction for it. As such a
    # processor takes fp32, weights may have all of their eight bits.
    reduce_range=False,
    faster_on_cpu={"int8_dot_product": "int8", "plain": "fp32"},
    gates=prove.Gates(agreement=0.995),
    # On a quiet island, level changes of a few epochs come out half as unwrapping errors, half as outliers: at 0.6 no
    # more than 5 % of its points are called other than Stable or Linear (`artifacts/benchmark/real.md`). Settled with
    # that very file in view.
    abstain_below=0.6,
    unsure_below=0.35,
)
"""Of networks of the default design, under whatever name."""

_TRAINING_FACTS: Final = (
    "data",
    "data digest",
    "noise files",
    "attribution",
    "series",
    "seed",
    "epochs of training",
    "temperature",
    "versions",
)
"""What ``model.json`` repeats of the report, where the report has it."""


def package(
    folder: Path,
    *,
    config: ExportConfig | None = None,
    ship_to: Path | None = None,
    int8: bool = True,
    announce: Callable[[str], None],
) -> dict[str, Any]:
    """Turn ``<folder>/<name>.keras`` and its report into a model.

    Parameters
    ----------
    folder : Path
        Record of the model, such as ``artifacts/paper-cnn``; the ONNX files and ``model.json`` are written
        there, so ``insar-rt classify --model <folder>`` takes it.
    config : ExportConfig, optional
        Numbers of the export; those for the network's kind if not given.
    ship_to : Path, optional
        Folder of shipped models, to which what the run-time needs is copied as well.
    int8 : bool
        Whether there is to be an int8 file beside the fp32 one.
    announce : callable
        Receives one line for people at each step.

    Returns
    -------
    dict
        ``model.json``.

    Raises
    ------
    ProofError
        If a file is not what it should be; nothing is shipped then.
    FileNotFoundError
        If there is no Keras file or no report.
    """
    keras_file = next(iter(sorted(folder.glob("*.keras"))), folder / f"{folder.name}.keras")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    name, version = report["name"], report["version"]
    config = config or (TREND_NET_CONFIG if "network" in report else ExportConfig())
    model = keras.saving.load_model(keras_file)

    announce(f"converting {keras_file.name}")
    protos = {"fp32": convert(model, name=name, version=version)}
    if int8:
        announce(f"quantizing on {config.calibration_series} series")
        calibration = dataset.simulated(config.calibration_series, seed=CALIBRATION_SEED)
        protos["int8"] = quantize(
            protos["fp32"],
            calibration.displacement,
            calibration.days,
            percentile=config.percentile,
            reduce_range=config.reduce_range,
            equalized=config.equalized,
        )
        describe(protos["int8"], name=name, version=version, precision="int8")
    histograms = {
        precision: prove.check_structure(proto, quantized=precision == "int8") for precision, proto in protos.items()
    }

    announce(f"comparing with Keras on {config.proof_series} fresh series")
    series = dataset.simulated(config.proof_series, seed=PROOF_SEED)
    reference = predict(model, series)
    # What is proven is what is written: the same bytes.
    data = {precision: proto.SerializeToString(deterministic=True) for precision, proto in protos.items()}
    comparisons = {}
    for precision, content in data.items():
        session = prove.open_bytes(content)
        prove.check_calls(session, series.displacement[:304], series.days[:304])
        found = prove.run(session, series.displacement, series.days)
        comparisons[precision] = prove.compare(found, reference, series.label, config.gates)
        announce(f"{precision}: {comparisons[precision].to_dict()}")
    prove.require_fp32(comparisons["fp32"])
    if int8:
        prove.require_int8(comparisons["int8"], config.gates)

    files = {precision: f"{name}.{precision}.onnx" for precision in data}
    for precision, content in data.items():
        (folder / files[precision]).write_bytes(content)
    card = _card(config, report, _half_wavelength_mm(model), folder, keras_file, files, comparisons, histograms)
    (folder / "model.json").write_text(json.dumps(card, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    write_golden(folder / "golden.npz", golden_series(), model)
    (folder / "MODEL_CARD.md").write_text(model_card(card, report), encoding="utf-8")
    if ship_to is not None:
        shipped = ship_to / name
        shipped.mkdir(parents=True, exist_ok=True)
        for file in ("model.json", *files.values()):
            shutil.copyfile(folder / file, shipped / file)
        announce(f"shipped to {shipped}")
    return card


def _card(
    config: ExportConfig,
    report: dict[str, Any],
    half_wavelength_mm: float,
    folder: Path,
    keras_file: Path,
    files: dict[str, str],
    comparisons: dict[str, prove.Comparison],
    histograms: dict[str, dict[str, int]],
) -> dict[str, Any]:
    test = report["test"]
    return {
        "schema": 1,
        "name": report["name"],
        "version": report["version"],
        "license": "Apache-2.0",
        "classes": list(CLASS_NAMES),
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
                "shape": ["batch", len(CLASS_NAMES)],
                "meaning": "calibrated",
            }
        },
        "half_wavelength_mm": half_wavelength_mm,
        "limits": asdict(config.limits),
        "thresholds": {
            "abstain_below": config.abstain_below,
            "unsure_below": config.unsure_below,
            "int8_against_keras": asdict(config.gates),
        },
        "training_priors": report.get("class shares", [1 / len(CLASS_NAMES)] * len(CLASS_NAMES)),
        "faster_on_cpu": config.faster_on_cpu,
        "training": {key: report[key] for key in _TRAINING_FACTS if key in report},
        "metrics": {
            "test_accuracy": test["accuracy"],
            "test_accuracy_95": test["accuracy_95"],
            "test_expected_calibration_error": test["expected_calibration_error"],
            "test_recall": {name: values["recall"] for name, values in test["classes"].items()},
            "against_keras": {key: value.to_dict() for key, value in comparisons.items()},
        },
        **({"quantization": _quantization(config)} if "int8" in files else {}),
        "operators": histograms,
        "files": {precision: _file(folder / file) for precision, file in files.items()},
        "keras": _file(keras_file),
    }


def _quantization(config: ExportConfig) -> dict[str, Any]:
    of_default = "convolutions, means over parts and what the dense layer reads of them"
    parts = of_default if config.equalized else "convolutions and max pooling"
    return {
        "format": f"QDQ, U8S8, per channel, {parts}; the rest in fp32",
        "calibration": "min-max" if config.percentile is None else f"percentile {config.percentile}",
        "reduce_range": config.reduce_range,
        **({"equalized": True} if config.equalized else {}),
        "series": config.calibration_series,
        "seed": CALIBRATION_SEED,
    }


def _half_wavelength_mm(model: keras.Model) -> float:
    """Find the layer that knows the radar's wavelength."""
    for layer in model.layers:
        if hasattr(layer, "half_wavelength_mm"):
            return float(layer.half_wavelength_mm)
        if isinstance(layer, keras.Model):
            return _half_wavelength_mm(layer)
    raise prove.ProofError("no layer states half a wavelength; the network cannot know physical lengths")


def _file(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"file": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
