"""Rows are grouped by what is missing, and the first and last epochs are those with a value."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._diagnosis.missing_epochs import MissingPatterns, first_and_last


@given(st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_each_row_is_in_the_one_group_of_its_missing_epochs(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((rows, 5)) < 0.2, np.nan, 1.0).astype(np.float32)
    patterns = MissingPatterns.of(np.isnan(values))
    assert sorted(patterns.all_rows) == list(range(rows))
    for missing, group in zip(patterns.missing, patterns.rows, strict=True):
        assert (np.isnan(values[group]) == missing).all()
        assert (np.diff(group) > 0).all()
    assert len({missing.tobytes() for missing in patterns.missing}) == len(patterns.rows)
    np.testing.assert_array_equal(patterns.missing[patterns.of_row], np.isnan(values[patterns.all_rows]))
    parts = list(patterns.by_missing_count(2))
    assert sorted(row for part in parts for row in part.all_rows) == list(range(rows))
    for part in parts:
        assert len(part.rows) <= 2
        assert len(set(part.missing.sum(axis=1))) == 1


def test_complete_rows_come_first_and_no_rows_make_no_group() -> None:
    missing = np.zeros((4, 3), dtype=np.bool_)
    missing[[0, 3], 1] = missing[2, 0] = True
    patterns = MissingPatterns.of(missing)
    assert [rows.tolist() for rows in patterns.rows] == [[1], [0, 3], [2]]
    assert not MissingPatterns.of(missing[:0]).rows
    assert not len(MissingPatterns.of(missing[:0]).all_rows)
    assert not list(MissingPatterns.of(missing[:0]).by_missing_count(2))


@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_first_and_last_are_those_of_the_values(seed: int, epochs: int) -> None:
    rng = np.random.default_rng(seed)
    days = np.cumsum(rng.uniform(1, 20, epochs))
    present = rng.random((6, epochs)) < 0.3
    first, last = first_and_last(present, days)
    for row in range(6):
        own = days[present[row]]
        if len(own):
            assert (first[row], last[row]) == (own[0], own[-1])
        else:
            assert first[row] == last[row]
