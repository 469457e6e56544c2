"""Random forest on statistical features, the best classifier in the study that ``features`` cites."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.baselines.features import statistical_features
from insar_runtime.classes import SEED_CLASS_NAMES
from insar_runtime.errors import UsageError
from training.dataset import LabelledSeries
from training.simulator import HALF_WAVELENGTH_MM

_TREES: Final = 300
_LEAST_LEAF: Final = 2


class Forest:
    """Random forest of 300 trees, with the square root of the number of features at each split (our choice).

    Parameters
    ----------
    half_wavelength_mm : float
        Unit of jumps in mm.
    """

    name = "forest"

    def __init__(self, *, half_wavelength_mm: float = HALF_WAVELENGTH_MM) -> None:
        self._half_wavelength_mm = half_wavelength_mm
        self._forest: Any = None

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Train the forest."""
        from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - seconds, and the package is optional

        self._forest = RandomForestClassifier(_TREES, min_samples_leaf=_LEAST_LEAF, n_jobs=-1, random_state=seed)
        self._forest.fit(self._features(series), series.label)

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return the class probabilities [N, 5], the mean over the trees.

        Raises
        ------
        UsageError
            If it has not been fitted.
        """
        if self._forest is None:
            raise UsageError("the forest has no trees yet; call fit first")
        out = np.zeros((len(series), len(SEED_CLASS_NAMES)), dtype=np.float32)
        out[:, self._forest.classes_] = self._forest.predict_proba(self._features(series))
        return out

    def _features(self, series: LabelledSeries) -> NDArray[np.float32]:
        return statistical_features(series, half_wavelength_mm=self._half_wavelength_mm)[0]
