"""Packaging of a model: ONNX files, ``model.json``, golden vectors and model card."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from export import prove
from export.card import model_card
from export.config import CALIBRATION_SEED, PROOF_SEED, TREND_NET_CONFIG, ExportConfig
from export.convert import classes_of, convert, describe
from export.golden import golden_series, write_golden
from export.model_json import NetworkFacts, Proven, describe_model
from export.quantize import quantize
from export.ship import ship
from export.vectors import write_vectors
from training import dataset
from training.fit import predict
from training.networks import layers as _layers  # noqa: F401 - registers the layers that Keras files name
from training.networks import series_layers as _series_layers  # noqa: F401 - as above


def package(
    folder: Path,
    *,
    config: ExportConfig | None = None,
    ship_to: Path | None = None,
    int8: bool = True,
    announce: Callable[[str], None],
) -> dict[str, Any]:
    """Export ``<folder>/<name>.keras`` and its report to a model.

    Parameters
    ----------
    folder : Path
        Record of the model, such as ``artifacts/paper-cnn``. The ONNX files and ``model.json`` are written to it, so it
        can be used by ``insar-rt classify --model <folder>``.
    config : ExportConfig, optional
        Settings of the export; by default those for the kind of network.
    ship_to : Path, optional
        Folder of shipped models, to which the files of the run time are copied as well.
    int8 : bool
        Whether to write an int8 file as well.
    announce : callable
        Function that receives a progress message at each step.

    Returns
    -------
    dict
        Contents of ``model.json``.

    Raises
    ------
    ProofError
        If a check of a file fails; nothing is shipped then.
    FileNotFoundError
        If the Keras file or the report does not exist.
    """
    keras_file = next(iter(sorted(folder.glob("*.keras"))), folder / f"{folder.name}.keras")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    name, version = report["name"], report["version"]
    config = config or (TREND_NET_CONFIG if "network" in report else ExportConfig())
    model = keras.saving.load_model(keras_file)

    announce(f"converting {keras_file.name}")
    protos = {"fp32": convert(model, name=name, version=version)}
    classes = classes_of(protos["fp32"])
    if int8:
        announce(f"quantizing on {config.calibration_series} series")
        calibration = dataset.simulated(config.calibration_series, seed=CALIBRATION_SEED, classes=len(classes))
        protos["int8"] = quantize(
            protos["fp32"],
            calibration.displacement,
            calibration.days,
            percentile=config.percentile,
            reduce_range=config.reduce_range,
        )
        describe(protos["int8"], name=name, version=version, precision="int8")
    histograms = {
        precision: prove.check_structure(proto, quantized=precision == "int8") for precision, proto in protos.items()
    }

    announce(f"comparing with Keras on {config.proof_series} fresh series")
    series = dataset.simulated(config.proof_series, seed=PROOF_SEED, classes=len(classes))
    reference = predict(model, series)
    # The checked bytes are the bytes that are written.
    data = {precision: proto.SerializeToString(deterministic=True) for precision, proto in protos.items()}
    proven = {}
    for precision, content in data.items():
        session = prove.open_bytes(content)
        prove.check_calls(session, series.displacement[:304], series.days[:304])
        found = prove.run(session, series.displacement, series.days)
        proven[precision] = Proven(
            file=f"{name}.{precision}.onnx",
            operators=histograms[precision],
            comparison=prove.compare(found, reference, series.label, config.gates),
        )
        announce(f"{precision}: {proven[precision].comparison.to_dict()}")
    prove.require_fp32(proven["fp32"].comparison)
    if int8:
        prove.require_int8(proven["int8"].comparison, config.gates)

    for precision, content in data.items():
        (folder / proven[precision].file).write_bytes(content)
    card = describe_model(config, report, NetworkFacts.of(model, classes), folder, keras_file, proven)
    (folder / "model.json").write_text(json.dumps(card, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if int8:
        card = write_vectors(folder, announce=announce)
    write_golden(folder / "golden.npz", golden_series(len(classes)), model)
    (folder / "MODEL_CARD.md").write_text(model_card(card, report), encoding="utf-8")
    if ship_to is not None:
        ship(folder, card, ship_to, announce=announce)
    return card
