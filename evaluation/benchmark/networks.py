"""Networks as contestants: released models, and the network of the seed paper, trained by the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from evaluation.benchmark.sets import by_calendar
from insar_runtime import Classifier
from insar_runtime.classes import SEED_CLASS_NAMES
from insar_runtime.errors import UsageError
from insar_runtime.models import Precision
from training.dataset import LIMITS, LabelledSeries, hold_out, split
from training.fit import FitConfig, fit_network
from training.networks.paper_cnn import PaperCnnConfig, build_paper_cnn

_HELD_OUT: Final = 0.1
_ROWS: Final = 1024


class ReleasedNetwork:
    """Model of a folder, used through the run-time package.

    Parameters
    ----------
    folder : Path
        Folder with ``model.json`` and the ONNX files.
    precision : {"fp32", "int8"}
        File to use.
    """

    def __init__(self, folder: Path, precision: Precision) -> None:
        self.name = f"{folder.name} {precision}"
        self._classifier = Classifier(folder, device="cpu", precision=precision, threads=1, abstain_below=0)

    @property
    def digest(self) -> str:
        """SHA-256 of the ONNX file."""
        return self._classifier.model.sha256(self._classifier.precision)

    @property
    def trained_on(self) -> int:
        """Number of training series."""
        return int(self._classifier.model.card["training"]["series"]["train"])

    @property
    def noise_files(self) -> frozenset[str]:
        """Names of the real files on whose noise it was trained."""
        return frozenset(self._classifier.model.card["training"].get("noise files", ()))

    @property
    def mix(self) -> NDArray[np.float64]:
        """Class shares [C] for which its probabilities hold."""
        return self._classifier.model.training_priors.array

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Do nothing: the model is released."""

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return the probabilities [N, 5] or [N, 6]; they are equal for series outside the limits of the model."""
        classes = len(self._classifier.model.classes)
        out = np.full((len(series), classes), 1 / classes, dtype=np.float32)
        for rows, days in by_calendar(series.days):
            result = self._classifier.classify_matrix(series.displacement[rows, : len(days)], days)
            found = result.probabilities[:, :classes]
            answered = np.isfinite(found).all(axis=1)
            out[rows[answered]] = found[answered]
        return out


class PaperNetwork:
    """Network of the seed paper.

    Parameters
    ----------
    name : str
        Name in tables.
    config : PaperCnnConfig
        Settings, with a choice for what the paper leaves open.
    fit_config : FitConfig
        Settings of the training.
    as_paper : bool
        Whether the series are split 70 / 10 / 20 as in the paper, with the last fifth not used; otherwise one tenth is
        held out.
    """

    def __init__(self, name: str, config: PaperCnnConfig, fit_config: FitConfig, *, as_paper: bool = False) -> None:
        self.name = name
        self._config = config
        self._fit_config = fit_config
        self._as_paper = as_paper
        self._model: keras.Model | None = None

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Train; held-out series are used to choose the epoch and to fit the temperature."""
        keras.utils.set_random_seed(seed)
        self._model, trunk = build_paper_cnn(self._config)
        data = split(series, seed=seed) if self._as_paper else hold_out(series, _HELD_OUT, seed=seed)
        fit_network(self._model, trunk, data, config=self._fit_config, seed=seed, show_progress=False)

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return the calibrated probabilities [N, 5] of the network.

        Raises
        ------
        UsageError
            If it has not been fitted.
        """
        if self._model is None:
            raise UsageError(f"{self.name} has no weights yet; call fit first")
        out = np.empty((len(series), len(SEED_CLASS_NAMES)), dtype=np.float32)
        # All series are padded to one length, because TensorFlow compiles for each length; padding has no effect.
        width = ((0, 0), (0, LIMITS.max_epochs - series.days.shape[1]))
        for begin in range(0, len(series), _ROWS):
            part = slice(begin, begin + _ROWS)
            displacement = np.pad(series.displacement[part], width, constant_values=np.nan)
            out[part] = self._model([displacement, np.pad(series.days[part], width, mode="edge")], training=False)
        return out
