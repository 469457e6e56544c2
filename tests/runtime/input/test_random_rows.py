"""Random samples of rows: independent of the batches, uniform, bounded, with an even share of each group."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._input.random_rows import RandomRows, RowSample, even_share


@given(cuts=st.sets(st.integers(0, 500), max_size=8), seed=st.integers(0, 2**32 - 1))
def test_sample_does_not_depend_on_batches(cuts: set[int], seed: int) -> None:
    rows = np.arange(500, dtype=np.float32)[:, None]
    whole = RowSample(60, 1, seed=seed)
    whole.add(rows)
    pieces = RowSample(60, 1, seed=seed)
    for start, stop in itertools.pairwise([0, *sorted(cuts), 500]):
        pieces.add(rows[start:stop])
    found = whole.rows()[:, 0]
    assert np.array_equal(pieces.rows()[:, 0], found)
    assert len(found) == 60
    assert (np.diff(found) > 0).all()


def test_sample_keeps_every_row_while_there_is_room() -> None:
    rows = np.random.default_rng(1).random((300, 5), dtype=np.float32)
    sample = RowSample(len(rows), 5)
    assert sample.rows().shape == (0, 5)
    sample.add(rows)
    np.testing.assert_array_equal(sample.rows(), rows)


def test_sample_is_uniform_and_bounded() -> None:
    sample = RowSample(1000, 1)
    for start in range(0, 100_000, 500):
        sample.add(np.arange(start, start + 500, dtype=np.float32)[:, None])
        assert sum(len(part[0]) for part in sample._sample._parts) <= 1750
    # Tenths of the file hold 100 rows each, with an error of 10 (one sigma).
    counts = np.histogram(sample.rows(), bins=10, range=(0, 100_000))[0]
    assert counts.sum() == 1000
    assert np.abs(counts - 100).max() < 45


def test_batches_without_sampled_rows_leave_no_parts() -> None:
    sample: RandomRows[pa.RecordBatch] = RandomRows(20)
    rng = np.random.default_rng(0)
    batch = pa.RecordBatch.from_pydict({"row": np.arange(10)})
    sample.add(batch.slice(0, 0), np.empty(0))
    # The columns are known without a row, too.
    assert [part.schema for part in sample.parts()] == [batch.schema]
    for _ in range(500):
        sample.add(batch, rng.random(10))
        assert len(sample._parts) <= 26
    parts = sample.parts()
    assert sum(map(len, parts)) == 20
    assert all(map(len, parts))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.integers(0, 100))
def test_even_share_is_the_largest_that_fits(counts: list[int], size: int) -> None:
    share = even_share(np.array(counts), size)
    taken = sum(min(count, share) for count in counts)
    assert taken <= max(size, 0)
    assert share >= max(counts) or sum(min(count, share + 1) for count in counts) > size


@given(st.lists(st.integers(0, 400), max_size=5), st.integers(1, 300), st.floats(0, 1))
def test_groups_and_limits_do_not_depend_on_batches(cuts: list[int], size: int, below: float) -> None:
    rng = np.random.default_rng(0)
    group = rng.choice(4, 400, p=[0.9, 0.06, 0.03, 0.01]).astype(np.int8)
    keys = rng.random(400)
    rows = pa.RecordBatch.from_pydict({"row": np.arange(400)})
    uniform: RandomRows[pa.RecordBatch] = RandomRows(size)
    even: RandomRows[pa.RecordBatch] = RandomRows(size, 4)
    for start, end in itertools.pairwise([0, *sorted(cuts), 400]):
        part = slice(start, end)
        uniform.add(rows.slice(start, end - start), keys[part])
        even.add(rows.slice(start, end - start), keys[part], group[part])
    assert _numbers(uniform) == sorted(np.argsort(keys)[:size].tolist())
    assert (keys < uniform.key_limit).sum() == min(size, 400)
    share = even_share(np.bincount(group, minlength=4), size)
    wanted = sorted(i for g in range(4) for i in np.flatnonzero(group == g)[np.argsort(keys[group == g])[:share]])
    assert _numbers(even) == wanted
    assert _numbers(even, below) == [row for row in wanted if keys[row] < below]


def _numbers(sample: RandomRows[pa.RecordBatch], below: float = 1.0) -> list[int]:
    return [row for part in sample.parts(below) for row in part["row"].to_pylist()]
