"""The stream that the default network is trained on, and the real noise that may be in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import CLASS_NAMES, DataError
from training.simulator import simulate
from training.simulator.bank import NoiseBank, quiet_residuals
from training.simulator.lines import without_line
from training.stream import WIDTHS, StreamConfig, make_chunk, stream

SMALL = StreamConfig(seed=1, chunk=512 * 4, batch=64)


@pytest.fixture(scope="module")
def bank() -> NoiseBank:
    rng = np.random.default_rng(0)
    files = []
    for name, epochs, rows in (("a", 120, 40), ("b", 300, 9)):
        days = np.arange(epochs, dtype=np.float32) * 6
        files.append(quiet_residuals(name, rng.normal(0, 2, (rows, epochs)).astype(np.float32), days))
    return NoiseBank(tuple(files))


def test_a_chunk_is_the_same_every_time_and_another_one_is_not() -> None:
    one, again, other = make_chunk(SMALL, 3), make_chunk(SMALL, 3), make_chunk(SMALL, 4)
    assert len(one) == SMALL.chunk // SMALL.batch
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a.displacement, b.displacement)
        np.testing.assert_array_equal(a.target, b.target)
    assert not np.array_equal(one[0].target, other[0].target)


def test_batches_have_few_widths_and_every_series() -> None:
    batches = make_chunk(SMALL, 0)
    assert {batch.displacement.shape[1] for batch in batches} <= set(WIDTHS)
    for batch in batches:
        assert batch.displacement.shape == batch.days.shape
        assert batch.displacement.dtype == batch.days.dtype == np.float32
        # The lowest number of valid epochs that the run-time asks a model about.
        assert np.isfinite(batch.displacement).sum(axis=1).min() >= 30
        np.testing.assert_allclose(batch.target.sum(axis=1), 1, rtol=1e-6)
    target = np.concatenate([batch.target for batch in batches])
    assert target.shape[1] == len(CLASS_NAMES)
    odd = np.isclose(target.max(axis=1), 1 / len(CLASS_NAMES))
    assert 0.5 * SMALL.odd_share < odd.mean() < 2 * SMALL.odd_share
    assert np.bincount(target[~odd].argmax(axis=1)).min() > 0.9 * (~odd).sum() / len(CLASS_NAMES)


def test_classes_come_in_the_shares_that_are_asked_for() -> None:
    shares = (0.4, 0.2, 0.1, 0.1, 0.1, 0.1)
    batches = make_chunk(replace(SMALL, odd_share=0.0, class_shares=shares), 0)
    target = np.concatenate([batch.target for batch in batches])
    np.testing.assert_allclose(target.mean(axis=0), shares, atol=0.04)


def test_the_stream_gives_the_chunks_in_order_from_anywhere() -> None:
    config = replace(SMALL, chunk=512)
    chunks = stream(config, first_chunk=2)
    for number in (2, 3):
        for found, wanted in zip(next(chunks), make_chunk(config, number), strict=True):
            np.testing.assert_array_equal(found.displacement, wanted.displacement)
    chunks.close()


def test_a_bank_keeps_quiet_complete_rows_only() -> None:
    rng = np.random.default_rng(2)
    days = np.arange(200, dtype=np.float32) * 6
    rows = rng.normal(0, 2, (5, 200)).astype(np.float32) + 0.02 * days
    rows[1, 50:90] += 25
    rows[2, 7] = np.nan
    rows[3] += 30 * (days / days[-1]) ** 2
    file = quiet_residuals("x", rows, days)
    np.testing.assert_allclose(file.residual, without_line(rows[[0, 4]], days), atol=1e-5)
    with pytest.raises(DataError, match="no complete and quiet row"):
        quiet_residuals("x", rows[1:4], days)


def test_a_bank_leaves_out_rows_whose_level_changes() -> None:
    """What people read as an unwrapping error must not teach that it is noise; less than that is noise."""
    rng = np.random.default_rng(3)
    days = np.arange(200, dtype=np.float32) * 6
    rows = rng.normal(0, 1, (7, 200)).astype(np.float32)
    rows[1, 100:] += 12
    rows[2, 100:104] += 14
    rows[3, 100:130] -= 12
    rows[4, 100:] += 4
    rows[5, 100:130] += 4
    # Two epochs are outliers.
    rows[6, 100:102] += 20
    file = quiet_residuals("x", rows, days)
    np.testing.assert_allclose(file.residual, without_line(rows[[0, 4, 5, 6]], days), atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 60), least=st.integers(30, 100))
def test_drawn_noise_has_a_calendar_and_no_line(bank: NoiseBank, seed: int, count: int, least: int) -> None:
    name, days, values = bank.draw(np.random.default_rng(seed), count, least, 200)
    assert name in {"a", "b"}
    assert values.shape == (count, len(days))
    assert values.dtype == days.dtype == np.float32
    assert least <= len(days) <= 200
    assert days[0] == 0
    assert (np.diff(days) > 0).all()
    np.testing.assert_allclose(without_line(values, days), values, atol=1e-3)


def test_an_unvaried_bank_gives_its_own_rows(bank: NoiseBank) -> None:
    _, days, values = replace(bank, vary=False).draw(np.random.default_rng(1), 20, 30, 512)
    file = next(file for file in bank.files if len(file.days) == len(days))
    distance = np.abs(np.abs(values)[:, None] - np.abs(file.residual)[None]).max(axis=2).min(axis=1)
    assert distance.max() < 1e-3


def test_divided_banks_share_no_row(bank: NoiseBank) -> None:
    kept, apart = bank.divide(0.25, seed=1)
    for whole, a, b in zip(bank.files, kept.files, apart.files, strict=True):
        assert len(a.residual) + len(b.residual) == len(whole.residual)
        assert not set(a.residual[:, 0].tolist()) & set(b.residual[:, 0].tolist())


def test_motions_on_a_bank_carry_the_files_names(bank: NoiseBank) -> None:
    series = simulate(2048, seed=5, bank=bank, bank_share=0.5)
    names = set(series.calendar.tolist())
    assert names & {"a", "b"}
    assert names - {"a", "b"}
    real_noise = np.isin(series.calendar, ["a", "b"])
    assert np.isnan(series.noise_parts[real_noise]).all()
    assert np.isfinite(series.noise_parts[~real_noise]).all()
