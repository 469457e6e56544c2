"""The second stage learns from read rows, which it varies in ways that keep their class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.keras
keras = pytest.importorskip("keras", reason="the train group is not installed")

from insar_runtime import DataError, TrendClass
from training.adaptation import AdaptationConfig, adapt, class_mix, settle
from training.labelled_rows.augment import AugmentConfig, LabelledRows, _at_other_dates, vary
from training.labelled_rows.labels import LabelledFile, Readings
from training.networks.trend_net import Convolution, TrendNetConfig, build_trend_net
from training.stream import StreamConfig

SMALL = TrendNetConfig((Convolution(16, 8, 4), Convolution(16, 3)), parts=4, dense=16)
DAYS = np.arange(0, 600, 12, dtype=np.float32)


def _read(label: list[int], displacement: np.ndarray, days: np.ndarray = DAYS) -> LabelledFile:
    count = len(label)
    readings = np.array([[one, one, -1] for one in label], dtype=np.int8)
    return LabelledFile(
        "file.csv",
        displacement.astype(np.float32),
        days,
        Readings(
            file=np.full(count, "file.csv"),
            row=np.arange(count),
            id=np.arange(count).astype(np.str_),
            label=np.array(label, dtype=np.int8),
            readings=readings,
            sure=np.full((count, 3), 3, dtype=np.int8),
            rate=np.zeros(count),
        ),
    )


def _jumping(count: int) -> np.ndarray:
    rows = np.random.default_rng(0).normal(0, 1, (count, len(DAYS)))
    rows[:, 20:30] += 25
    return rows


def _vote(kind: int) -> np.ndarray:
    return np.eye(6, dtype=np.float32)[kind]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(list(TrendClass)))
def test_any_variation_is_a_series(seed: int, kind: TrendClass) -> None:
    rows = _jumping(1)[0].astype(np.float32)
    before = rows.copy()
    values, days = vary(np.random.default_rng(seed), rows, DAYS, _vote(kind), AugmentConfig())
    assert np.array_equal(rows, before)
    assert len(values) == len(days) >= 0.8 * len(DAYS)
    assert days[0] == 0
    assert (np.diff(days) > 0).all()
    assert not np.isinf(values).any()


def test_a_jump_is_still_there_after_any_variation() -> None:
    rng = np.random.default_rng(1)
    row = _jumping(1)[0].astype(np.float32)
    for _ in range(200):
        values, days = vary(rng, row, DAYS, _vote(TrendClass.PUE), AugmentConfig())
        assert len(days) == len(DAYS)
        rest = values - np.polyval(np.polyfit(days[np.isfinite(values)], values[np.isfinite(values)], 1), days)
        assert np.nanmax(rest) - np.nanmin(rest) > 15


def test_steady_rows_keep_their_rate() -> None:
    rng = np.random.default_rng(2)
    row = (4 * DAYS / 365.25).astype(np.float32)
    config = AugmentConfig(annual_probability=0, noise_probability=0, scale_probability=0)
    for _ in range(100):
        values, days = vary(rng, row, DAYS, _vote(TrendClass.LINEAR), config)
        there = np.isfinite(values)
        assert abs(np.polyfit(days[there] / 365.25, values[there], 1)[0]) == pytest.approx(4, abs=0.05)


def test_rare_labels_are_drawn_more_often_than_their_share() -> None:
    rows = _read([0] * 90 + [3] * 10, np.random.default_rng(0).normal(0, 1, (100, len(DAYS))))
    drawn = LabelledRows([rows], width=64, seed=1)
    # The root of 90 is three times that of 10.
    assert drawn.class_shares == pytest.approx([0.75, 0, 0, 0.25, 0, 0])
    displacement, days, target = drawn.batch(400)
    assert displacement.shape == days.shape == (400, 64)
    assert displacement.dtype == days.dtype == np.float32
    assert target.sum(axis=1) == pytest.approx(np.ones(400))
    assert 0.15 < target[:, 3].mean() < 0.35
    assert np.isnan(displacement[:, len(DAYS) :]).all()


def test_the_same_seed_draws_the_same_rows() -> None:
    rows = _read([0, 4], _jumping(2))
    one, two = (LabelledRows([rows], width=64, seed=5).batch(32) for _ in range(2))
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, two, strict=True))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), spacing=st.floats(6, 40), epochs=st.integers(30, 200))
def test_noise_at_other_dates_runs_on_without_a_step(seed: int, spacing: float, epochs: int) -> None:
    """A ramp stays a zigzag: neighbours in time are neighbours in the noise, at its turning points too."""
    ramp = np.arange(len(DAYS), dtype=np.float32)
    other = (spacing * np.arange(epochs)).astype(np.float32)
    taken = _at_other_dates(ramp, DAYS, other, np.random.default_rng(seed))
    assert taken.shape == other.shape
    assert np.isin(taken, ramp).all()
    assert np.abs(np.diff(taken)).max() <= np.ceil(spacing / 12) + 1


def test_noise_of_another_file_is_scaled_to_the_row() -> None:
    """Rows of one file get the residuals of another, a hundred times as noisy, at up to 0.7 times their own scatter."""
    rng = np.random.default_rng(3)
    rows = _read([TrendClass.PUE] * 4, np.tile(rng.normal(0, 1, len(DAYS)), (4, 1)))
    noisy = _read([TrendClass.STABLE] * 30, rng.normal(0, 100, (30, len(DAYS))))
    config = AugmentConfig(
        frequency_power=0.0,
        other_mix_probability=1.0,
        rate_probability=0.0,
        sign_probability=0.0,
        reversal_probability=0.0,
        annual_probability=0.0,
        noise_probability=0.0,
        line_probability=0.0,
        scale_probability=0.0,
        drop_probability=0.0,
        thin_probability=0.0,
        cut_probability=0.0,
    )
    displacement, _, target = LabelledRows([rows, noisy], width=64, seed=1, config=config).batch(200)
    changed = displacement[target[:, TrendClass.PUE] == 1][:, : len(DAYS)]
    assert len(changed) > 50
    added = changed - rows.displacement[0]
    ratio = added.std(axis=1) / rows.displacement[0].std()
    assert ratio.min() > 0.1
    assert ratio.max() < 1.1


@pytest.mark.parametrize("width", [0, 40])
def test_rows_that_do_not_fit_are_refused(width: int) -> None:
    files = [_read([0], _jumping(1))] if width else []
    with pytest.raises(DataError, match="give files with rows"):
        LabelledRows(files, width=width, seed=0)


def test_network_learns_what_readers_say() -> None:
    """Readers call Quadratic what the simulator calls an unwrapping error: only they can have taught that."""
    read = _read([TrendClass.QUADRATIC] * 40, _jumping(40))
    keras.utils.set_random_seed(7)
    model = build_trend_net(SMALL)
    config = AdaptationConfig(chunks=6, runs=2, rows=32, weight=2.0, learning_rate=1e-2)
    lines: list[str] = []
    adapt(model, [read], StreamConfig(seed=3, chunk=512, batch=64, bank_share=0.0), config, announce=lines.append)
    assert len(lines) == 2
    found = model.predict([read.displacement, np.tile(DAYS, (40, 1))], verbose=0)
    assert (found.argmax(axis=1) == TrendClass.QUADRATIC).mean() > 0.9
    mix = class_mix([read], config)
    assert mix.sum() == pytest.approx(1)
    assert mix[TrendClass.QUADRATIC] > 0.6
    assert Path(read.name).stem == "file"


def test_settling_leaves_the_convolutions_as_they_are() -> None:
    read = _read([TrendClass.QUADRATIC] * 40, _jumping(40))
    keras.utils.set_random_seed(7)
    model = build_trend_net(SMALL)
    before = {layer.name: layer.get_weights() for layer in model.layers}
    config = AdaptationConfig(rows=16, settle_chunks=2, settle_learning_rate=1e-2)
    data = StreamConfig(seed=3, chunk=512, batch=32, bank_share=0.0)
    settle(model, [read], data, config, announce=lambda line: None)
    changed = {
        layer.name
        for layer in model.layers
        if any(not np.array_equal(a, b) for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
    }
    assert changed == {"dense", "scores"}
    assert len(model.trainable_weights) == 8
