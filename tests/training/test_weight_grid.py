"""Rounding weights to the grid of the int8 file keeps the function of the network, and loses less in quantization."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.keras
keras = pytest.importorskip("keras", reason="the train group is not installed")

from export import prove
from export.convert import convert
from export.quantize import quantize
from training.dataset import simulated
from training.fit import predict
from training.networks.trend_net import Convolution, TrendNetConfig, build_trend_net
from training.weight_grid import on_grid, round_weights

SMALL = TrendNetConfig((Convolution(32, 8, 4), Convolution(32, 3), Convolution(32, 4, 2)), parts=4, dense=16)


@pytest.fixture(scope="module")
def network() -> Any:
    keras.utils.set_random_seed(4)
    return build_trend_net(SMALL)


def _copy(network: Any) -> Any:
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    return copy


def test_weights_lie_on_the_grid_and_stay_there(network: Any) -> None:
    changed = _copy(network)
    round_weights(changed, simulated(256, seed=1))
    for layer in changed.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = layer.get_weights()[0]
            steps = kernel / (np.abs(kernel).max(axis=(0, 1, 2), keepdims=True) / 64)
            np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
            np.testing.assert_allclose(on_grid(kernel), kernel, rtol=1e-6, atol=1e-9)


def test_the_function_stays_nearly_the_same(network: Any) -> None:
    changed = _copy(network)
    round_weights(changed, simulated(256, seed=1))
    series = simulated(512, seed=2)
    before, after = predict(network, series), predict(changed, series)
    assert np.abs(after - before).mean() < 0.01
    assert not np.array_equal(after, before)


def test_a_channel_far_below_the_others_survives(network: Any) -> None:
    """The same function, with one half of the channels a hundredth of the others: equalizing brings them back."""
    share = np.where(np.arange(32) % 2, 1, 1e-2).astype(np.float32)
    small = _copy(network)
    kernel, bias = small.get_layer("conv_1").get_weights()
    reader, other = small.get_layer("conv_2").get_weights()
    small.get_layer("conv_1").set_weights([kernel * share, bias * share])
    small.get_layer("conv_2").set_weights([reader / share[:, None], other])
    series, test = simulated(512, seed=3), simulated(512, seed=5)
    days, test_days = (np.ascontiguousarray(one.days) for one in (series, test))
    lost = []
    for finished in (False, True):
        if finished:
            round_weights(small, series)
        proto = quantize(
            convert(small, name="made", version="1"), series.displacement, days, percentile=99.999, reduce_range=True
        )
        found = prove.run(prove.open_bytes(proto.SerializeToString()), test.displacement, test_days)
        lost.append(float(np.abs(found - predict(network, test)).mean()))
    assert lost[1] < 0.7 * lost[0]
