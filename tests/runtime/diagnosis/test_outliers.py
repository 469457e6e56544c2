"""Outliers of one or two epochs are clipped; longer deviations stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._diagnosis.outliers import clip_outliers, running_median


@given(epochs=st.integers(5, 40), seed=st.integers(0, 999))
def test_running_median_is_that_of_five_neighbours(epochs: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(4, epochs)).round(1).astype(np.float32)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, 5, axis=1), axis=2)
    np.testing.assert_array_equal(running_median(values), np.pad(medians, ((0, 0), (2, 2)), mode="edge"))


@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("place", [0, 40, 97])
def test_outliers_are_clipped_towards_their_neighbours(length: int, place: int) -> None:
    values = np.random.default_rng(1).normal(size=(20, 100)).astype(np.float32)
    if place + length == 100:
        place -= 1
    values[:, place : place + length] += 25
    clipped = clip_outliers(values)
    assert np.abs(clipped[:, place : place + length]).max() < 11
    others = np.delete(np.arange(100), np.arange(place, place + length))
    assert np.mean(clipped[:, others] == values[:, others]) > 0.98


@pytest.mark.parametrize("begin", [0, 3, 50, 97])
def test_deviations_of_three_epochs_stay(begin: int) -> None:
    values = np.random.default_rng(2).normal(size=(20, 100)).astype(np.float32)
    values[:, begin : begin + 3] += 27.7
    assert np.mean(np.abs(clip_outliers(values) - values)[:, begin : begin + 3] > 3) < 0.05


@given(epochs=st.integers(0, 4))
def test_series_shorter_than_the_median_stay(epochs: int) -> None:
    values = np.full((3, epochs), 5, dtype=np.float32)
    np.testing.assert_array_equal(clip_outliers(values), values)


def test_clipping_does_not_depend_on_sign_and_offset() -> None:
    values = np.random.default_rng(3).standard_t(2, size=(50, 60)).astype(np.float32) * 4
    clipped = clip_outliers(values)
    np.testing.assert_array_equal(clip_outliers(-values), -clipped)
    np.testing.assert_allclose(clip_outliers(values + 16), clipped + 16, atol=1e-4)
