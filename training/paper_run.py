"""Training of the seed paper's network: from labelled series to its record in ``artifacts/``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from insar_runtime.classes import SEED_CLASS_NAMES, TrendClass
from insar_runtime.errors import DataError
from training import dataset
from training.announce import Announce
from training.dataset import LabelledSeries, Split
from training.fit import FitConfig, fit_choices, fit_network, predict
from training.metrics import Metrics, measure
from training.networks.paper_cnn import PaperCnnConfig, build_paper_cnn, our_choices
from training.report import Report, break_down, write_report

VERSION: Final = "1.1.0"
PAPER_SAMPLES: Final = 5000
"""Number of series of the seed paper."""


@dataclass(frozen=True)
class RunConfig:
    """Settings of ``python -m training fit-paper-cnn``.

    Attributes
    ----------
    name : str
        Name of the model, and of its folder below ``artifacts/``.
    samples : int
        Number of simulated series before the split (70, 10, 20 %); not used with a user's own data.
    seed : int
        Seed of simulation, split, initial weights and order of batches.
    paper_copy : bool
        Whether a copy of the network is also trained on 5000 series of the paper's calendar, as in the paper.
    """

    name: str = "paper-cnn"
    samples: int = 240_000
    seed: int = 2022
    fit: FitConfig = field(default_factory=FitConfig)
    paper_copy: bool = True


def run(config: RunConfig, folder: Path, *, data: LabelledSeries | None = None, announce: Announce) -> Report:
    """Train, evaluate and write ``<name>.keras`` and the report into ``folder``.

    Parameters
    ----------
    config : RunConfig
        Settings.
    folder : Path
        Folder of the record, such as ``artifacts/paper-cnn``.
    data : LabelledSeries, optional
        A user's own labelled series; by default simulated ones.
    announce : callable
        Function that receives a progress message at each step.

    Raises
    ------
    DataError
        If a series is of class Other, which the network does not know.
    """
    if data is not None and (data.label == TrendClass.OTHER).any():
        raise DataError(
            f"{np.count_nonzero(data.label == TrendClass.OTHER)} series are labelled Other; the paper's network knows "
            f"{', '.join(SEED_CLASS_NAMES)}, so leave them out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    # Same seed, same machine: same weights.
    tf.config.experimental.enable_op_determinism()
    source = "the user's labelled file"
    if data is None:
        announce(f"simulating {config.samples} series, seed {config.seed}")
        source = "the simulator (python -m training simulate), all calendars"
        data = dataset.simulated(config.samples, seed=config.seed)
    parts = dataset.split(data, seed=config.seed)
    model, test, history = _train(parts, config, announce)

    others: dict[str, Metrics] = {}
    if config.paper_copy:
        announce(f"training a copy on {PAPER_SAMPLES} series of the paper's calendar")
        copy_data = dataset.simulated(PAPER_SAMPLES, seed=config.seed + 1, calendar="paper")
        copy_parts = dataset.split(copy_data, seed=config.seed)
        copy_config = replace(config, fit=replace(config.fit, epochs=2 * config.fit.epochs))
        _, copy_test, _ = _train(copy_parts, copy_config, announce)
        others[f"the same network, {PAPER_SAMPLES} series of the paper's calendar"] = copy_test

    keras_file = folder / f"{config.name}.keras"
    model.save(keras_file)
    probabilities = predict(model, parts.test)
    facts: dict[str, Any] = {
        "data": source,
        "data digest": digest(data),
        "series": {"train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)},
        # With a user's own data, the probabilities hold for the class shares of these data.
        "class shares": [round(float(share), 6) for share in _class_shares(parts.train)],
        "seed": config.seed,
        "epochs of training": config.fit.epochs,
        "batch size": config.fit.batch_size,
        "learning rate": config.fit.learning_rate,
        "temperature": round(float(model.get_layer("probabilities").temperature), 5),
        "weights": int(sum(np.prod(weight.shape) for weight in model.trainable_weights)),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__},
        "choices that the paper leaves open": {**our_choices(PaperCnnConfig()), **fit_choices(config.fit)},
        "history": [history],
    }
    report = Report(config.name, VERSION, test, break_down(parts.test, probabilities), facts, others)
    write_report(report, folder)
    announce(f"{folder}: accuracy {100 * report.test.accuracy:.2f} % on {report.test.count} test series")
    return report


def _class_shares(series: LabelledSeries) -> NDArray[np.float64]:
    return np.bincount(series.label, minlength=len(SEED_CLASS_NAMES)) / len(series)


def digest(series: LabelledSeries) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of series and labels."""
    sha = hashlib.sha256()
    for values in (series.displacement, series.days, series.label):
        sha.update(np.ascontiguousarray(values).tobytes())
    return sha.hexdigest()[:16]


def _train(parts: Split, config: RunConfig, announce: Announce) -> tuple[keras.Model, Metrics, dict[str, list[float]]]:
    keras.utils.set_random_seed(config.seed)
    model, trunk = build_paper_cnn()
    announce(f"training on {len(parts.train)} series, {config.fit.epochs} epochs")
    history = fit_network(model, trunk, parts, config=config.fit, seed=config.seed)
    return model, measure(parts.test.label, predict(model, parts.test)), history
