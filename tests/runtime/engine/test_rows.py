"""Row checks: gaps, counts and states, against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from insar_runtime import RowStatus
from insar_runtime._engine.row_checks import check_rows
from insar_runtime.models import Limits

LIMITS = Limits(min_epochs=5, max_epochs=512, max_gap_days=60, max_range_mm=1000)


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
        elements=st.one_of(st.just(np.float32(np.nan)), st.floats(-600, 600, width=32)),
    ),
    st.integers(0, 2**32 - 1),
)
def test_counts_and_gaps_equal_a_loop(matrix: np.ndarray, seed: int) -> None:
    steps = np.random.default_rng(seed).integers(1, 40, matrix.shape[1])
    days = np.cumsum(steps).astype(np.float32)
    found = check_rows(matrix, days, LIMITS)
    for row, n_epochs, gap, status in zip(matrix, found.n_epochs, found.max_gap_days, found.status, strict=True):
        there = days[~np.isnan(row)]
        values = row[~np.isnan(row)]
        assert n_epochs == len(there)
        assert gap == (np.diff(there).max() if len(there) > 1 else 0)
        if len(there) < 5:
            wanted = RowStatus.TOO_FEW_EPOCHS
        elif np.diff(there).max() > 60:
            wanted = RowStatus.GAP_TOO_LONG
        elif values.max() - values.min() > 1000:
            wanted = RowStatus.OUT_OF_DOMAIN
        else:
            wanted = RowStatus.OK
        assert status == wanted


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_comes_first(value: float) -> None:
    days = np.arange(10, dtype=np.float32) * 12
    row = np.zeros((1, 10), dtype=np.float32)
    row[0, 3] = value
    row[0, 4:] = np.nan
    assert check_rows(row, days, LIMITS).status[0] == RowStatus.NON_FINITE


def test_gap_counts_only_between_values() -> None:
    days = np.array([0, 6, 12, 500, 506, 512, 518, 524], dtype=np.float32)
    row = np.array([[np.nan, np.nan, np.nan, 1, 2, 3, 4, 5]], dtype=np.float32)
    found = check_rows(row, days, LIMITS)
    assert (found.max_gap_days[0], found.status[0]) == (6, RowStatus.OK)


def test_gap_beyond_int16_stays_large() -> None:
    days = np.array([0, 1, 2, 3, 40_000], dtype=np.float32)
    found = check_rows(np.zeros((1, 5), dtype=np.float32), days, LIMITS)
    assert found.max_gap_days[0] == np.iinfo(np.int16).max
    assert found.status[0] == RowStatus.GAP_TOO_LONG
