"""The default network: invariances, size, and a training that can be interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.keras
keras = pytest.importorskip("keras", reason="the train group is not installed")

from insar_runtime import CLASS_NAMES, UsageError
from insar_runtime.definitions import LINEAR_RATE_STDS, STABLE_RATE_MM_YR
from training.dataset import simulated
from training.networks.series_layers import DescribeSeries, PoolInTime
from training.networks.trend_net import DESIGNS, Convolution, TrendNetConfig, build_trend_net, multiply_adds
from training.simulator import simulate
from training.stream import StreamConfig
from training.trend_fit import TrendFitConfig, calibrate, fit_trend_net


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(3)
    return build_trend_net()


def _series(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    series = simulate(count, seed=seed)
    return series.displacement, series.days


def test_it_keeps_to_its_size(model: Any) -> None:
    assert model.count_params() <= 60_000
    assert multiply_adds(TrendNetConfig(), 139) <= 600_000
    assert all(multiply_adds(design, 139) <= 600_000 for design in DESIGNS.values())


def test_multiply_adds_are_those_of_the_layers(model: Any) -> None:
    """The formula against a count over the shapes that the layers really have."""
    series, days = _series(8, 1)
    inputs = [series[:, :139], days[:, :139]]
    images = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    found = keras.Model(model.inputs, images)(inputs)
    kernels = [layer.kernel.shape for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    total = sum(int(image.shape[2]) * int(np.prod(kernel)) for image, kernel in zip(found, kernels, strict=True))
    dense = [layer.kernel.shape for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    total += sum(int(np.prod(kernel)) for kernel in dense)
    design = TrendNetConfig()
    pooling = design.parts * -(-139 // design.stride) * (design.convolutions[-1].filters + 2)
    assert multiply_adds(design, 139) == total + pooling


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), padding=st.integers(1, 70))
def test_padding_changes_nothing(model: Any, seed: int, padding: int) -> None:
    series, days = _series(16, seed)
    longer = np.pad(series, ((0, 0), (0, padding)), constant_values=np.nan)
    later = np.pad(days, ((0, 0), (0, padding)), mode="edge")
    np.testing.assert_allclose(model([longer, later]), model([series, days]), rtol=0, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), level=st.floats(-500, 500))
def test_the_reference_epoch_changes_nothing(model: Any, seed: int, level: float) -> None:
    series, days = _series(16, seed)
    moved = model([series + np.float32(level), days])
    # Rounding of the level itself: 500 mm have steps of 3e-5 mm in float32.
    np.testing.assert_allclose(moved, model([series, days]), rtol=0, atol=2e-4)


def test_days_may_be_shared_by_the_rows(model: Any) -> None:
    series = simulate(64, seed=4, calendar="paper")
    alone = model([series.displacement, series.days])
    np.testing.assert_allclose(model([series.displacement, series.days[:1]]), alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("row", ["nothing", "one value", "two values", "constant", "huge"])
def test_rows_that_say_nothing_give_probabilities(model: Any, row: str) -> None:
    values = np.full((1, 40), np.nan, dtype=np.float32)
    if row == "one value":
        values[0, 7] = 3
    elif row == "two values":
        values[0, [3, 30]] = 1, -4
    elif row == "constant":
        values[:] = -12.5
    elif row == "huge":
        values[:] = np.linspace(0, 1500, 40)
    found = np.asarray(model([values, np.arange(40, dtype=np.float32)[None] * 12]))
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1, abs=1e-5)


def test_the_line_is_taken_away_and_told() -> None:
    days = np.cumsum(np.random.default_rng(0).choice([6, 12, 24], 90)).astype(np.float32)
    days -= days[0]
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 2, (5, 90)).astype(np.float32)
    noise[2, 10:40] = np.nan
    layer = DescribeSeries(27.7, block=2, stride=4)
    image, coarse, statistics = layer(noise, days[None])
    steep = noise + np.float32(0.1) * days
    same, same_coarse, told = layer(steep, days[None])
    # The scaled residual: float32 leaves some 1e-5 mm of a line of 100 mm.
    np.testing.assert_allclose(same, image, atol=2e-4)
    np.testing.assert_allclose(same_coarse, coarse, atol=2e-4)
    rate = 2 * np.sinh(np.asarray(told)[:, 0]) - 2 * np.sinh(np.asarray(statistics)[:, 0])
    np.testing.assert_allclose(rate, 36.525, rtol=1e-3)
    assert image.shape == (5, 1, 46, 10)


def test_blocks_hold_the_epochs_of_each_channel_side_by_side() -> None:
    series, days = _series(6, 12)
    flat = np.asarray(DescribeSeries(27.7, block=1, stride=4)(series, days)[0])[:, 0]
    blocks = np.asarray(DescribeSeries(27.7, block=4, stride=4)(series, days)[0])[:, 0]
    count, length, channels = flat.shape
    expected = flat.reshape(count, length // 4, 4, channels).transpose(0, 1, 3, 2).reshape(count, length // 4, -1)
    np.testing.assert_array_equal(blocks, expected)


@pytest.mark.parametrize("name", list(DESIGNS))
@pytest.mark.parametrize("epochs", [30, 139, 140, 141, 142])
def test_there_is_one_position_for_each_stride(name: str, epochs: int) -> None:
    design = DESIGNS[name]
    network = build_trend_net(design)
    last = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    series, days = np.zeros((2, epochs), dtype=np.float32), np.arange(epochs, dtype=np.float32)[None] * 12
    positions = keras.Model(network.inputs, last.output)([series, days])
    assert positions.shape[2] == -(-epochs // design.stride)


@pytest.mark.parametrize("first", [Convolution(32, 7, 2), Convolution(32, 8, 2, grouped=True)])
def test_a_first_convolution_reads_whole_blocks(first: Convolution) -> None:
    with pytest.raises(ValueError, match="whole blocks"):
        TrendNetConfig((first,))


def test_one_channel_is_without_the_yearly_cycle() -> None:
    """Against least squares by numpy, on uneven dates and with missing values; over months the cycle is left alone."""
    rng = np.random.default_rng(2)
    days = np.cumsum(rng.choice([6, 12, 24], 150)).astype(np.float32)
    days -= days[0]
    noise = rng.normal(0, 2, (4, 150)).astype(np.float32)
    noise[2, 10:60:3] = np.nan
    angle = 2 * np.pi * days / 365.25
    cycle = (9 * np.sin(angle + 1)).astype(np.float32)
    layer = DescribeSeries(27.7, block=1, stride=1)
    image, _, told = (np.asarray(part) for part in layer(noise + cycle, days[None]))
    for row in range(4):
        valid = np.isfinite(noise[row])
        basis = np.stack([np.ones_like(days), days / 1000, np.sin(angle), np.cos(angle)], axis=1)[valid].astype(float)
        values = (noise + cycle)[row, valid].astype(float)
        rest = values - basis @ np.linalg.lstsq(basis, values)[0]
        # The ridge leaves some percent of the cycle in place.
        np.testing.assert_allclose(np.exp(told[row, 5]) - 0.05, rest.std(), rtol=0.05)
        np.testing.assert_allclose(image[row, 0, valid, 1] * np.exp(told[row, 5]) / 0.6, rest, atol=0.8)
        assert (image[row, 0, ~valid, 1] == 0).all()
    few = days < 120
    short, _, _ = (np.asarray(part) for part in layer(noise[:, few], days[few][None]))
    np.testing.assert_allclose(short[..., 1], short[..., 0], atol=0.1)


@pytest.mark.parametrize("shown", [-11.0, -1.5, 0.4, 2.5, 30.0])
def test_the_rate_and_its_standard_deviation_are_told(shown: float) -> None:
    """Against least squares by numpy beside an annual cycle, in white noise; both lines of the definition of Linear."""
    rng = np.random.default_rng(9)
    days = np.arange(0, 1800, 12, dtype=np.float32)
    years = days / 365.25
    rows = rng.normal(0, 2, (50, len(days))) + shown * years + 6 * np.sin(2 * np.pi * years + 1)
    rows[::7, 20:60] = np.nan
    told = np.asarray(DescribeSeries(27.7, block=1, stride=1)(rows.astype(np.float32), days[None])[2])
    for row, (scaled, size, near, log_deviation, ratio) in zip(rows, told[:, -5:], strict=True):
        there = np.isfinite(row)
        columns = [np.ones_like(years), years, np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)]
        design = np.stack(columns, axis=1)[there].astype(float)
        coefficients, squares, *_ = np.linalg.lstsq(design, row[there])
        rate = coefficients[1]
        deviation = np.sqrt(squares[0] / (there.sum() - 4) * np.linalg.inv(design.T @ design)[1, 1])
        # The ridge leaves some percent of the cycle in place.
        assert STABLE_RATE_MM_YR * np.sinh(scaled) == pytest.approx(rate, abs=0.06 + 1e-3 * abs(rate))
        assert size == pytest.approx(abs(scaled))
        assert near == pytest.approx(np.clip(STABLE_RATE_MM_YR * np.sinh(size) - STABLE_RATE_MM_YR, -1, 1), abs=1e-3)
        # First-order autoregression is estimated, and the noise has none.
        assert np.exp(log_deviation) == pytest.approx(deviation, rel=0.35)
        told_ratio = STABLE_RATE_MM_YR * np.sinh(size) / np.exp(log_deviation) / LINEAR_RATE_STDS
        assert np.sinh(ratio) == pytest.approx(told_ratio, rel=1e-3, abs=1e-3)


def test_parts_hold_what_lies_below_their_hats() -> None:
    position = np.linspace(0, 1, 9, dtype=np.float32)
    coarse = np.stack([position * 2, position, np.ones(9, np.float32)])[None]
    features = np.tile(position[None, None, :, None], (1, 1, 1, 2)).astype(np.float32)
    means, residual, occupied, largest = (np.asarray(part)[0] for part in PoolInTime(3)(features, coarse))
    np.testing.assert_allclose(means[::2], [0.125, 0.5, 0.875], atol=1e-6)
    np.testing.assert_allclose(means[1::2], means[::2])
    np.testing.assert_allclose(residual, 2 * means[::2], atol=1e-6)
    np.testing.assert_allclose(occupied, [0.625, 1, 0.625], atol=1e-6)
    np.testing.assert_allclose(largest, 1)


def test_an_interrupted_training_ends_as_if_it_had_not_been(tmp_path: Path, few_calibration_series: None) -> None:
    data = StreamConfig(seed=5, chunk=256, batch=64)
    config = TrendFitConfig(data, chunks=12, network=TrendNetConfig((Convolution(16, 4, 4),), parts=3, dense=8))

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_trend_net(config, work=tmp_path, announce=interrupt)
    assert (tmp_path / "state.npz").is_file()
    resumed = fit_trend_net(config, work=tmp_path)
    whole = fit_trend_net(config)
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    another = replace(config, data=replace(data, seed=6))
    with pytest.raises(UsageError, match="another training"):
        fit_trend_net(another, work=tmp_path)
    assert not np.array_equal(fit_trend_net(another).get_weights()[0], whole.get_weights()[0])


def test_a_short_training_learns(few_calibration_series: None) -> None:
    data = StreamConfig(seed=7, chunk=512 * 8, batch=128)
    model = fit_trend_net(TrendFitConfig(data, chunks=6))
    series = simulated(2048, seed=99, classes=len(CLASS_NAMES))
    found = model.predict([series.displacement, np.asarray(series.days)], verbose=0)
    # A guess is right in one case of six.
    assert np.mean(found.argmax(axis=1) == series.label) > 0.5
    temperature = calibrate(model, simulated(1000, seed=8, classes=len(CLASS_NAMES)))
    assert temperature == pytest.approx(float(model.get_layer("probabilities").temperature))
