"""The layers in the graph against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.keras
tf = pytest.importorskip("tensorflow", reason="the train group is not installed")

from training.networks.layers import CalibratedSoftmax, CentreAndCompress, ResampleInTime


def _by_hand(row: np.ndarray, days: np.ndarray, epochs: int) -> np.ndarray:
    valid = np.isfinite(row)
    if not valid.any():
        return np.zeros(epochs)
    target = np.linspace(days[valid][0], days[valid][-1], epochs)
    return np.interp(target, days[valid], row[valid])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 6),
    length=st.integers(1, 60),
    epochs=st.integers(2, 40),
    missing=st.floats(0, 1),
    shared=st.booleans(),
)
def test_resampling_is_linear_interpolation(
    seed: int, rows: int, length: int, epochs: int, missing: float, shared: bool
) -> None:
    rng = np.random.default_rng(seed)
    days = np.cumsum(rng.integers(1, 40, (1 if shared else rows, length)), axis=1).astype(np.float32)
    values = rng.normal(0, 20, (rows, length)).astype(np.float32)
    values[rng.random(values.shape) < missing] = np.nan
    found = ResampleInTime(epochs)(tf.constant(values), tf.constant(days)).numpy()
    for i in range(rows):
        wanted = _by_hand(values[i], days[0 if shared else i], epochs)
        # A day in some thousand is known to 1e-7 of the span in float32, and neighbours differ by some 20 mm.
        np.testing.assert_allclose(found[i], wanted, atol=5e-3)


def test_resampling_of_an_even_series_is_exact() -> None:
    days = np.arange(139, dtype=np.float32)[None] * 12
    values = np.random.default_rng(0).normal(0, 5, (3, 139)).astype(np.float32)
    found = ResampleInTime(139)(tf.constant(values), tf.constant(days)).numpy()
    np.testing.assert_allclose(found, values, atol=1e-3)


def test_padding_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    days = np.cumsum(rng.integers(6, 13, 50)).astype(np.float32)[None]
    values = rng.normal(0, 5, (4, 50)).astype(np.float32)
    padded = np.pad(values, ((0, 0), (0, 30)), constant_values=np.nan)
    more = np.pad(days, ((0, 0), (0, 30)), mode="edge")
    layer = ResampleInTime(139)
    assert np.array_equal(layer(values, days).numpy(), layer(padded, more).numpy())


def test_scaling_removes_the_mean_and_keeps_the_physical_length() -> None:
    values = np.array([[10.0, 37.733, 10.0, 37.733], [0.0, 0.0, 0.0, 400.0]], dtype=np.float32)
    found = CentreAndCompress(27.733)(tf.constant(values)).numpy()
    assert found.shape == (2, 1, 4, 1)
    np.testing.assert_allclose(np.sinh(found[0, 0, :, 0]), [-0.5, 0.5, -0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(np.sinh(found[1, 0, :, 0]) * 27.733, [-100, -100, -100, 300], rtol=1e-5)


def test_temperature_softens_and_keeps_the_order() -> None:
    layer = CalibratedSoftmax()
    scores = tf.constant([[2.0, 0.0, -1.0, 1.0, 0.5, -0.3]])
    sharp = layer(scores).numpy()
    np.testing.assert_allclose(sharp, np.exp(scores) / np.exp(scores).sum(), rtol=1e-6)
    layer.temperature.assign(2.0)
    soft = layer(scores).numpy()
    assert np.array_equal(sharp.argsort(), soft.argsort())
    assert soft.max() < sharp.max()
