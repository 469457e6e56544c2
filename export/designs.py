"""Comparison of designs of the default network: equal training, export, accuracy and speed of the exported graph."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from evaluation.semireal import semi_real_sets
from export import prove
from export.config import TREND_NET_CONFIG
from export.convert import convert
from export.quantize import quantize
from insar_runtime._engine.hardware import describe_hardware
from insar_runtime.classes import CLASS_NAMES
from training import dataset
from training.announce import Announce
from training.dataset import LabelledSeries
from training.fit import predict
from training.metrics import Metrics, measure
from training.networks.trend_net import DESIGNS, TrendNetConfig, multiply_adds
from training.simulator import CALENDARS, simulate
from training.trend_fit import TrendFitConfig, fit_trend_net

_TEST_SEED: Final = 31_003
_TEST_SERIES: Final = 20_480
_SEMI_REAL_SERIES: Final = 2_000
_TIMED_SERIES: Final = 256
_TIMED_ROUNDS: Final = 31


@dataclass(frozen=True)
class DesignResult:
    """Result of one design.

    Attributes
    ----------
    weights, multiply_adds : int
        Number of weights, and of multiply-adds for a series of 139 epochs.
    simulated, semi_real : Metrics
        Accuracy of the Keras model on simulated series, and on known motions in the noise of the test files (None
        without them).
    int8_agreement : float
        Share of simulated series with equal labels in int8 and fp32.
    series_per_second : dict of str to float
        Speed of the exported graph on one core, by precision.
    """

    weights: int
    multiply_adds: int
    simulated: Metrics
    semi_real: Metrics | None
    int8_agreement: float
    series_per_second: dict[str, float]


def compare_designs(
    config: TrendFitConfig,
    folder: Path,
    *,
    real: Path | None,
    announce: Announce,
    designs: Mapping[str, TrendNetConfig] = DESIGNS,
) -> None:
    """Train every design on the same stream and write ``designs.json`` and ``designs.md`` into a folder.

    Parameters
    ----------
    config : TrendFitConfig
        Settings of the training; its design is replaced by each of the designs.
    folder : Path
        Folder of the table.
    real : Path, optional
        Folder of the real files, for the semi-real accuracy.
    announce : callable
        Function that receives a progress message at each step.
    designs : mapping of str to TrendNetConfig
        Designs to compare.
    """
    simulated = dataset.simulated(_TEST_SERIES, seed=_TEST_SEED, classes=len(CLASS_NAMES))
    semi_real = list(semi_real_sets(real, _SEMI_REAL_SERIES, seed=_TEST_SEED, trained=False).values()) if real else []
    models, results = {}, {}
    for name, design in designs.items():
        announce(f"training {name}")
        models[name] = fit_trend_net(replace(config, network=design))
    sessions = {}
    for name, model in models.items():
        fp32 = convert(model, name=name, version="0")
        calibration = dataset.simulated(
            TREND_NET_CONFIG.calibration_series, seed=_TEST_SEED + 1, classes=len(CLASS_NAMES)
        )
        int8 = quantize(
            fp32,
            calibration.displacement,
            calibration.days,
            percentile=TREND_NET_CONFIG.percentile,
            reduce_range=TREND_NET_CONFIG.reduce_range,
        )
        sessions[name] = {
            precision: prove.open_bytes(proto.SerializeToString())
            for precision, proto in (("fp32", fp32), ("int8", int8))
        }
    speeds = _timed(sessions)
    for name, model in models.items():
        reference = predict(model, simulated)
        found = prove.run(sessions[name]["int8"], simulated.displacement, np.ascontiguousarray(simulated.days))
        results[name] = DesignResult(
            weights=model.count_params(),
            multiply_adds=multiply_adds(designs[name], 139),
            simulated=measure(simulated.label, reference),
            semi_real=_together(model, semi_real),
            int8_agreement=float((found.argmax(axis=1) == reference.argmax(axis=1)).mean()),
            series_per_second=speeds[name],
        )
    _write(results, config, folder)
    announce(f"table in {folder}")


def _together(model: Any, sets: list[LabelledSeries]) -> Metrics | None:
    if not sets:
        return None
    label = np.concatenate([series.label for series in sets])
    return measure(label, np.concatenate([predict(model, series) for series in sets]))


def _timed(sessions: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the time of each file in seconds on one core, measured in turns, median of the rounds."""
    series = simulate(_TIMED_SERIES, seed=_TEST_SEED, calendar="paper")
    inputs = {"displacement": series.displacement, "days": series.days[:1].copy()}
    spent: dict[tuple[str, str], list[float]] = {}
    for _ in range(_TIMED_ROUNDS):
        for name, precisions in sessions.items():
            for precision, session in precisions.items():
                begin = time.process_time()
                session.run(None, inputs)
                spent.setdefault((name, precision), []).append(time.process_time() - begin)
    return {
        name: {precision: round(_TIMED_SERIES / float(np.median(spent[name, precision]))) for precision in precisions}
        for name, precisions in sessions.items()
    }


def _write(results: dict[str, DesignResult], config: TrendFitConfig, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = {
        name: {
            "weights": result.weights,
            "multiply-adds at 139 epochs": result.multiply_adds,
            "simulated": result.simulated.to_dict(),
            "semi-real": result.semi_real.to_dict() if result.semi_real else None,
            "int8 agreement": round(result.int8_agreement, 5),
            "series per second and core at 139 epochs": result.series_per_second,
        }
        for name, result in results.items()
    }
    head = {"series": config.series, "hardware": describe_hardware(), "calendars": len(CALENDARS)}
    text = json.dumps({**head, "designs": rows}, indent=1, allow_nan=False) + "\n"
    (folder / "designs.json").write_text(text, encoding="utf-8")
    lines = [
        "# Designs of the default network",
        "",
        f"Written by `python -m export designs`: each trained on the same {config.series} series, a short training;",
        f"tested on {_TEST_SERIES} simulated series and on motions added to the real noise of files that none was",
        "trained on.",
        f"Speed of the exported graph, 139 epochs, calls of {_TIMED_SERIES}, one core of {head['hardware']}.",
        "",
        "| design | weights | multiply-adds | simulated | semi-real | int8 agrees | fp32/s | int8/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        semi_real = f"{100 * result.semi_real.accuracy:.2f} %" if result.semi_real else "-"
        speed = result.series_per_second
        lines.append(
            f"| {name} | {result.weights} | {result.multiply_adds} | {100 * result.simulated.accuracy:.2f} % "
            f"| {semi_real} | {100 * result.int8_agreement:.2f} % | {speed['fp32']:.0f} | {speed['int8']:.0f} |"
        )
    (folder / "designs.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
