"""Training of the default network: from simulated and labelled series to its record in ``artifacts/``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from training.adaptation import AdaptationConfig, adapt, class_mix, settle
from training.announce import Announce
from training.dataset import LabelledSeries
from training.fit import predict, predict_rows
from training.labelled_rows.labels import LabelledFile, all_readings
from training.metrics import measure
from training.networks.trend_net import TrendNetConfig, multiply_adds
from training.rate_crossing import draw_crossing, rate_crossing
from training.report import Report, break_down, write_report
from training.simulator.bank import NoiseBank
from training.stream import StreamConfig
from training.trend_fit import CALIBRATION_SERIES, TrendFitConfig, calibrate, fit_trend_net, fresh_series
from training.weight_grid import round_weights

VERSION: Final = "2.2.0"
BANK_SHARE: Final = 0.5
QUICK_CHUNKS: Final = 12
_TEST_SEED_OFFSET: Final = 900_001
_TEST_SERIES: Final = 40_960
_FINISHED_SEED_OFFSET: Final = 800_003
_RANGE_SERIES: Final = 4096


@dataclass(frozen=True)
class TrendRunConfig:
    """Settings of ``python -m training fit``.

    Attributes
    ----------
    name : str
        Name of the model, and of its folder below ``artifacts/``.
    chunks : int
        Length of the first stage in chunks of the stream.
    seed : int
        Seed of all random draws.
    bank : NoiseBank, optional
        Real noise for half of the simulated files; without it all noise is simulated.
    attribution : sequence of str
        Attributions that the owners of the real noise require.
    network : TrendNetConfig
        Design of the network.
    labelled_files : sequence of LabelledFile
        Labelled rows for the second stage, which is left out without them.
    adaptation : AdaptationConfig
        Settings of the second stage.
    version : str
        Version of the model.
    """

    name: str = "trend-net"
    chunks: int = 400
    seed: int = 2026
    bank: NoiseBank | None = None
    attribution: Sequence[str] = ()
    network: TrendNetConfig = field(default_factory=TrendNetConfig)
    labelled_files: Sequence[LabelledFile] = ()
    adaptation: AdaptationConfig = field(default_factory=AdaptationConfig)
    version: str = VERSION

    @property
    def fit(self) -> TrendFitConfig:
        """Settings of the first stage."""
        data = StreamConfig(self.seed, bank=self.bank, bank_share=BANK_SHARE)
        return TrendFitConfig(data, self.chunks, network=self.network)


def run(config: TrendRunConfig, folder: Path, *, work: Path | None = None, announce: Announce) -> Report:
    """Train, calibrate, test, and write ``<name>.keras`` and the report into ``folder``.

    Parameters
    ----------
    config : TrendRunConfig
        Settings.
    folder : Path
        Folder of the record, such as ``artifacts/trend-net``.
    work : Path, optional
        Folder of the training state, from which a run continues.
    announce : callable
        Function that receives a progress message at each step.
    """
    folder.mkdir(parents=True, exist_ok=True)
    announce(f"training on {config.fit.series} series, {config.chunks} chunks")
    model = fit_trend_net(config.fit, work=work, announce=announce)
    finish(model, config.labelled_files, config.fit.data, config.adaptation, announce=announce)
    model.save(folder / f"{config.name}.keras")
    return write_record(config, model, folder, announce=announce)


def finish(
    model: keras.Model,
    files: Sequence[LabelledFile],
    data: StreamConfig,
    config: AdaptationConfig,
    *,
    announce: Announce,
) -> None:
    """Run the second stage of the training, if there are labelled rows, and calibrate; the model changes in place.

    In between, the weights of the convolutions are rounded to the values of the int8 file, and the dense layers are
    trained further.
    """
    shares = None
    if files:
        adapt(model, files, data, config, announce=announce)
        shares = config.class_shares
    held_out = replace(data, seed=data.seed + _FINISHED_SEED_OFFSET, class_shares=shares)
    series = fresh_series(held_out, CALIBRATION_SERIES)
    round_weights(model, series.take(np.arange(_RANGE_SERIES)))
    if files:
        settle(model, files, data, config, announce=announce)
    temperature = calibrate(model, series)
    if files:
        model.get_layer("probabilities").temperature.assign(temperature * config.temperature_factor)


def write_record(config: TrendRunConfig, model: keras.Model, folder: Path, *, announce: Announce) -> Report:
    """Test a network on newly simulated series and write the report into ``folder``."""
    announce(f"testing on {_TEST_SERIES} simulated series")
    data = replace(config.fit.data, seed=config.seed + _TEST_SEED_OFFSET, bank=None)
    test = fresh_series(data, _TEST_SERIES)
    probabilities = predict(model, test)
    crossing = rate_crossing(lambda rows, days: predict_rows(model, rows, days), seed=config.seed + _TEST_SEED_OFFSET)
    draw_crossing(crossing, folder / "crossing.png")
    facts = {**_facts(config, model, test), "rate crossing": crossing.to_dict()}
    report = Report(
        config.name, config.version, measure(test.label, probabilities), break_down(test, probabilities), facts
    )
    write_report(report, folder)
    announce(f"{folder}: accuracy {100 * report.test.accuracy:.2f} % on {report.test.count} test series")
    return report


def _facts(config: TrendRunConfig, model: keras.Model, test: LabelledSeries) -> dict[str, Any]:
    noise = [file.name for file in config.bank.files] if config.bank else []
    data = "the simulator, all calendars, each series used once"
    if noise:
        data += f"; the noise of {100 * BANK_SHARE:g} % of the files is real"
    second = {}
    if config.labelled_files:
        readings = all_readings(config.labelled_files)
        data += f"; then {len(readings)} labelled real rows as well"
        second = {
            "readings": sorted(set(readings.file.tolist())),
            "labelled rows": len(readings),
            "adaptation": asdict(config.adaptation),
            "class shares": [round(float(share), 4) for share in class_mix(config.labelled_files, config.adaptation)],
        }
    return {
        "data": data,
        **second,
        "noise files": noise,
        "attribution": list(config.attribution),
        "series": {"train": config.fit.series, "validation": CALIBRATION_SERIES, "test": len(test)},
        "seed": config.seed,
        "chunks": config.chunks,
        "batch size": config.fit.data.batch,
        "share of series that show no class": config.fit.data.odd_share,
        "learning rate": config.fit.learning_rate,
        "temperature": round(float(model.get_layer("probabilities").temperature), 5),
        "weights": int(sum(np.prod(weight.shape) for weight in model.trainable_weights)),
        "multiply-adds at 139 epochs": multiply_adds(config.network, 139),
        "network": asdict(config.network),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__},
    }
