"""Test on files that are left out of the training, both their noise and their labels (cross-validation by file).

Each fold is trained like the default network, but shorter: on simulated series with the noise of all other files, then
on the labelled rows of all other files. Its int8 graph classifies the labelled rows of the files left out, and known
motions in their noise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from evaluation.readings.answer_table import write_answers
from evaluation.readings.score import score
from evaluation.readings.scoring_rules import NO_ANSWER
from evaluation.semireal import semi_real_sets
from export import prove
from export.config import TREND_NET_CONFIG
from export.convert import convert
from export.quantize import quantize
from insar_runtime.classes import CLASS_NAMES
from training.adaptation import AdaptationConfig
from training.announce import Announce
from training.dataset import simulated
from training.fit import predict
from training.labelled_rows.labels import READ_FILES, READINGS_CSV, all_readings, load_labelled_files
from training.metrics import measure
from training.real_files import noise_bank
from training.trend_fit import TrendFitConfig, fit_trend_net
from training.trend_run import VERSION, finish

FOLDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Ustica, L2b": ("EGMS_L2b_022_0845_IW2_VV_2020_2024_1",),
    "Ustica, L3": ("EGMS_L3_E45N17_100km_U_2020_2024_1",),
    "Wroclaw, track 175": ("wroclaw_caly_filtered", "175_0304_IW1_VV"),
    "Wroclaw, track 124": ("124_0770_IW3_VV",),
    "Carpathians and Maoxian": ("102_100", "Maoxian_PS"),
}
"""Files that are left out together: those of the same track and town would be no independent test. Both files of Ustica
are of the same island, but one is along the line of sight, the other vertical and resampled."""

_SEMI_REAL_SERIES: Final = 2000
_SEMI_REAL_SEED: Final = 31_004
_CALIBRATION_SEED: Final = 31_005
_ROWS_PER_CALL: Final = 256
ABSTAIN_BELOW: Final = TREND_NET_CONFIG.abstain_below


@dataclass(frozen=True)
class LeftOutConfig:
    """Settings of the training of the folds.

    Attributes
    ----------
    fit : TrendFitConfig
        Settings of the first stage; its noise bank is replaced by that of each fold.
    adaptation : AdaptationConfig
        Settings of the second stage.
    """

    fit: TrendFitConfig
    adaptation: AdaptationConfig


def leave_files_out(
    config: LeftOutConfig,
    real: Path,
    folder: Path,
    *,
    work: Path,
    announce: Announce,
    folds: Mapping[str, Sequence[str]] = FOLDS,
) -> dict[str, Any]:
    """Train a network for each fold, and classify the files left out.

    Parameters
    ----------
    config : LeftOutConfig
        Settings of the training.
    real : Path
        Folder of the project's real files.
    folder : Path
        Folder of ``left-out.csv`` (results for the labelled rows, for ``python -m evaluation readings --answers``) and
        ``left-out.json`` (scores, and accuracy on known motions).
    work : Path
        Folder of training states and trained folds, which a second run with the same settings reuses. Changes of the
        code and of the series are not detected.
    announce : callable
        Function that receives progress messages.
    folds : mapping of str to sequence of str
        Names of the files to leave out together.

    Returns
    -------
    dict
        Contents of ``left-out.json``.
    """
    files = load_labelled_files(real)
    answers: dict[str, NDArray[np.float32]] = {}
    known: dict[str, dict[str, float]] = {}
    for name, left_out in folds.items():
        model = fold_network(name, left_out, config, real, work=work, announce=announce)
        session = int8_session(model, config)
        for file in files:
            if Path(file.name).stem in left_out:
                answers[file.name] = classify(session, file.displacement, file.days)
        known |= _known_motions(session, model, real, left_out)
        announce(f"{name}: classified")
    left_out_files = [file for file in files if file.name in answers]
    readings = all_readings(left_out_files)
    probabilities = np.concatenate([answers[file.name] for file in left_out_files])
    folder.mkdir(parents=True, exist_ok=True)
    classes = np.where(probabilities.max(axis=1) >= ABSTAIN_BELOW, probabilities.argmax(axis=1), NO_ANSWER)
    write_answers(folder / "left-out.csv", readings, probabilities, classes)
    found = {
        "version": VERSION,
        "first stage, series": config.fit.series,
        "folds": {name: list(left_out) for name, left_out in folds.items()},
        "known motions in real noise, accuracy": known,
        "labelled rows": score(readings, probabilities, class_id=classes).to_dict(),
    }
    text = json.dumps(found, indent=1, allow_nan=False) + "\n"
    (folder / "left-out.json").write_text(text, encoding="utf-8")
    return found


def fold_network(
    name: str, left_out: Sequence[str], config: LeftOutConfig, real: Path, *, work: Path, announce: Announce
) -> keras.Model:
    """Return the network of a fold from the folder of trained folds; train it if it is not there.

    Parameters as in ``leave_files_out``, for the fold of this name.
    """
    path = work / f"{name.lower().replace(', ', '-').replace(' ', '-')}-{_digest(config, left_out)}.keras"
    if not path.is_file():
        announce(f"training without {name}")
        model = train_without(config, real, left_out, work=path.with_suffix(""), announce=announce)
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save(path)
    return keras.models.load_model(path)


def _digest(config: LeftOutConfig, left_out: Sequence[str]) -> str:
    """Return a digest of the settings and labels of a fold, without the code and the series."""
    sha = hashlib.sha256(repr((config, tuple(left_out))).encode())
    sha.update(READINGS_CSV.read_bytes())
    return sha.hexdigest()[:12]


def train_without(
    config: LeftOutConfig, real: Path, left_out: Sequence[str], *, work: Path, announce: Announce
) -> keras.Model:
    """Return a network that is trained without the noise and the labels of the files left out."""
    bank = noise_bank(real, leave_out=left_out)
    fit = replace(config.fit, data=replace(config.fit.data, bank=bank))
    model = fit_trend_net(fit, work=work, announce=announce)
    paths = [path for path, file in READ_FILES.items() if file.name in set(left_out)]
    files = load_labelled_files(real, leave_out=paths)
    finish(model, files, fit.data, config.adaptation, announce=announce)
    return model


def classify(session: Any, displacement: NDArray[np.float32], days: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probabilities [N, 6] of a graph for series [N, T] that share their dates [T]."""
    axis = np.broadcast_to(days, displacement.shape)
    return np.asarray(prove.run(session, displacement, np.ascontiguousarray(axis), _ROWS_PER_CALL))


def int8_session(model: keras.Model, config: LeftOutConfig) -> Any:
    """Return a session of the int8 graph of a network, with ranges from simulated series as for a release."""
    series = simulated(
        TREND_NET_CONFIG.calibration_series,
        seed=config.fit.data.seed + _CALIBRATION_SEED,
        classes=len(CLASS_NAMES),
    )
    proto = quantize(
        convert(model, name="left-out", version="0"),
        series.displacement,
        series.days,
        percentile=TREND_NET_CONFIG.percentile,
        reduce_range=TREND_NET_CONFIG.reduce_range,
    )
    return prove.open_bytes(proto.SerializeToString())


def _known_motions(
    session: Any, model: keras.Model, real: Path, left_out: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return the accuracy on known motions in the noise of the files left out, with exact and damped errors."""
    found = {}
    for name, series in semi_real_sets(real, _SEMI_REAL_SERIES, seed=_SEMI_REAL_SEED).items():
        if name not in left_out:
            continue
        int8 = prove.run(session, series.displacement, np.ascontiguousarray(series.days), _ROWS_PER_CALL)
        reference = predict(model, series)
        for damped in (False, True):
            part = series.facts["damped"] == damped
            found[f"{name}, damped" if damped else name] = {
                "int8": measure(series.label[part], int8[part]).accuracy,
                "Keras": measure(series.label[part], reference[part]).accuracy,
            }
    return found
