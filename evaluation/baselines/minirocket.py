"""MiniRocket and a ridge classifier (Dempster, Schmidt and Webb, KDD 2021).

Our implementation in numpy: maintained libraries need numba, which does not support the newest numpy (aeon 1.6 needs
numpy 2.3; this project has 2.4 and 2.5). The transform is the published one: 84 dilated kernels of nine weights -1 and
2, every other one padded; the features are the shares of outputs above thresholds, which are quantiles of outputs on
training series.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.baselines.contestant import gather
from insar_runtime.classes import SEED_CLASS_NAMES
from insar_runtime.errors import UsageError
from training.dataset import LabelledSeries
from training.simulator import HALF_WAVELENGTH_MM

_EPOCHS: Final = 139
"""Number of equally spaced dates to which series are interpolated, as for the network of the seed paper."""
_TAPS: Final = 9
_DILATIONS: Final = (1, 2, 4, 8, 16)
"""Dilations, up to one eighth of the length of a series, as published."""
_BIASES: Final = 4
"""Number of thresholds for each kernel and dilation; 1680 features in total."""
_GOLDEN_RATIO: Final = 0.5 * (1 + 5**0.5)
_PENALTIES: Final = tuple(10.0**power for power in np.arange(-2.0, 4.5, 0.5))
_HELD_OUT: Final = 0.1
_BLOCK: Final = 256
_SHARPNESS: Final = 10.0
"""Factor on the ridge scores, whose differences are about 1, before the temperature of the softmax is fitted."""

Floats = NDArray[np.float32]


def evenly_spaced(series: LabelledSeries, epochs: int = _EPOCHS) -> Floats:
    """Return series interpolated linearly to equally spaced dates between the first and the last valid epoch.

    Returns
    -------
    ndarray of float32, shape [N, epochs]
        mm.
    """
    out = np.empty((len(series), epochs), dtype=np.float32)
    for group in gather(series):
        target = np.linspace(0, group.days[-1], epochs)
        after = np.clip(np.searchsorted(group.days, target), 1, len(group.days) - 1)
        low, high = group.days[after - 1], group.days[after]
        share = (target - low) / (high - low)
        values = group.displacement
        out[group.rows] = values[:, after - 1] * (1 - share) + values[:, after] * share
    return out


class MiniRocket:
    """Ridge classifier on MiniRocket features.

    Parameters
    ----------
    half_wavelength_mm : float
        Unit of the input in mm; the inverse hyperbolic sine of the input is taken, as for the networks.
    """

    name = "minirocket"

    def __init__(self, *, half_wavelength_mm: float = HALF_WAVELENGTH_MM) -> None:
        self._half_wavelength_mm = half_wavelength_mm
        self._biases: Floats = np.empty((0, 0, 0), dtype=np.float32)
        self._ridge: _Ridge | None = None
        self._temperature = 1.0

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Fit thresholds and weights, and with one tenth of the series that is held out, penalty and temperature."""
        from training.fit import fit_temperature  # noqa: PLC0415 - brings TensorFlow

        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(series))
        held_out, trained = np.split(rows, [round(_HELD_OUT * len(rows))])
        images = self._input(series)
        self._biases = _draw_biases(rng, images[trained])
        features = np.concatenate(list(self._features(images)))
        self._ridge = _fit_ridge(features[trained], series.label[trained], features[held_out], series.label[held_out])
        scores = _SHARPNESS * self._ridge.scores(features[held_out])
        self._temperature = fit_temperature(scores, series.label[held_out])

    def probabilities(self, series: LabelledSeries) -> Floats:
        """Return the softmax [N, 5] of the ridge scores, divided by the temperature.

        Raises
        ------
        UsageError
            If it has not been fitted.
        """
        if self._ridge is None:
            raise UsageError("minirocket has no weights yet; call fit first")
        scores = [self._ridge.scores(block) for block in self._features(self._input(series))]
        sharp = np.concatenate(scores) * np.float32(_SHARPNESS / self._temperature)
        sharp = np.exp(sharp - sharp.max(axis=1, keepdims=True))
        return np.asarray(sharp / sharp.sum(axis=1, keepdims=True), dtype=np.float32)

    def _input(self, series: LabelledSeries) -> Floats:
        even = evenly_spaced(series)
        return np.arcsinh((even - even.mean(axis=1, keepdims=True)) / np.float32(self._half_wavelength_mm))

    def _features(self, images: Floats) -> Iterator[Floats]:
        for begin in range(0, len(images), _BLOCK):
            block = images[begin : begin + _BLOCK]
            out = np.empty((len(block), len(_DILATIONS), _BIASES, len(_KERNELS)), dtype=np.float32)
            for place, dilation in enumerate(_DILATIONS):
                response, inside = _convolve(block, dilation), _inside(dilation, place)
                for bias in range(_BIASES):
                    above = response > self._biases[place, bias, :, None]
                    above &= inside
                    out[:, place, bias] = np.count_nonzero(above, axis=2) / inside.sum(axis=1, dtype=np.float32)
            yield out.reshape(len(block), -1)


_KERNELS: Final = np.array(
    [[2.0 if tap in chosen else -1.0 for tap in range(_TAPS)] for chosen in combinations(range(_TAPS), 3)],
    dtype=np.float32,
)
"""All 84 kernels: three of nine weights are 2, the others -1, so that the sum is zero."""


def _convolve(images: Floats, dilation: int) -> Floats:
    """Return the responses [n, 84, T] of all kernels, with zeros beyond the ends."""
    reach = dilation * (_TAPS // 2)
    padded = np.pad(images, ((0, 0), (reach, reach)))
    length = images.shape[1]
    shifted = np.stack([padded[:, tap * dilation : tap * dilation + length] for tap in range(_TAPS)], axis=1)
    return np.asarray(_KERNELS @ shifted)


def _inside(dilation: int, place: int) -> NDArray[np.bool_]:
    """Return the mask [84, T] of outputs that count: all of every other kernel, otherwise those without padding."""
    reach = dilation * (_TAPS // 2)
    index = np.arange(_EPOCHS)
    untouched = (index >= reach) & (index < _EPOCHS - reach)
    padded = (np.arange(len(_KERNELS)) + place) % 2 == 0
    return np.asarray(padded[:, None] | untouched[None, :])


def _draw_biases(rng: np.random.Generator, images: Floats) -> Floats:
    """Return thresholds [dilations, biases, 84]: quantiles of the responses of one training series each."""
    shape = (len(_DILATIONS), _BIASES, len(_KERNELS))
    # Multiples of the golden ratio modulo 1 are evenly distributed for any number of them.
    quantiles = (np.arange(1, np.prod(shape) + 1) * _GOLDEN_RATIO % 1).reshape(shape)
    biases = np.empty(shape, dtype=np.float32)
    for place, dilation in enumerate(_DILATIONS):
        chosen = rng.integers(0, len(images), len(_KERNELS))
        response = _convolve(images[chosen], dilation)[np.arange(len(_KERNELS)), np.arange(len(_KERNELS))]
        for kernel, inside in enumerate(_inside(dilation, place)):
            biases[place, :, kernel] = np.quantile(response[kernel, inside], quantiles[place, :, kernel])
    return biases


@dataclass(frozen=True)
class _Ridge:
    mean: Floats
    weights: Floats
    intercept: Floats

    def scores(self, features: Floats) -> Floats:
        return np.asarray((features - self.mean) @ self.weights + self.intercept, dtype=np.float32)


def _fit_ridge(features: Floats, label: NDArray[np.int8], held_out: Floats, truth: NDArray[np.int8]) -> _Ridge:
    """Return a ridge regression of one-hot labels, with the penalty of the highest accuracy on held-out series."""
    target = np.eye(len(SEED_CLASS_NAMES))[label]
    intercept = target.mean(axis=0)
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    sigma = np.maximum(features.std(axis=0, dtype=np.float64), 1e-6)
    centred = features - mean
    normal = (centred.T @ centred).astype(np.float64) / sigma[:, None] / sigma
    power, axes = np.linalg.eigh(normal)
    seen = axes.T @ ((centred.T @ (target - intercept)) / sigma[:, None])
    ridges = []
    for penalty in _PENALTIES:
        weights = axes @ (seen / (np.maximum(power, 0) + penalty)[:, None]) / sigma[:, None]
        ridges.append(_Ridge(mean, weights.astype(np.float32), intercept.astype(np.float32)))
    right = [np.mean(ridge.scores(held_out).argmax(axis=1) == truth) for ridge in ridges]
    return ridges[int(np.argmax(right))]
