"""The arrays of a page: packing and unpacking, and counts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from insar_runtime._report.counts import GROUPS, Counts
from insar_runtime._report.pack import MISSING, pack, tenths
from tests.runtime.report.pages import unpack, unzigzag


@given(
    st.sampled_from([np.uint8, np.uint16, np.uint32, np.float32]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=20))
    )
)
def test_packed_arrays_come_back(array: np.ndarray) -> None:
    packed = pack(array)
    assert packed.type == array.dtype.name
    np.testing.assert_array_equal(unpack(packed.type, packed.text), array.reshape(-1))


@given(hnp.arrays(np.float32, 30, elements=st.floats(width=32)))
def test_tenths_lose_nothing_but_what_is_finer(values: np.ndarray) -> None:
    coded = tenths(values)
    with np.errstate(invalid="ignore"):
        kept = np.abs(values) <= 3276
    np.testing.assert_array_equal(coded == MISSING, ~kept)
    np.testing.assert_allclose(unzigzag(coded)[kept], values[kept], atol=0.051)


def test_counts_are_those_of_the_rows() -> None:
    rng = np.random.default_rng(3)
    counts, parts = Counts(), []
    for rows in (500, 0, 1, 900):
        group = rng.integers(0, GROUPS, rows).astype(np.int8)
        velocity = np.round(rng.normal(-3, 4, rows), 1).astype(np.float32)
        velocity[::7] = np.nan
        confidence = rng.uniform(0.2, 1, rows).astype(np.float32)
        confidence[::5] = np.nan
        counts.add(group, np.zeros(rows, np.int8), confidence, velocity, rng.random(rows) < 0.9)
        parts.append((group, confidence, velocity))
    group, confidence, velocity = (np.concatenate(part) for part in zip(*parts, strict=True))
    facts = counts.to_dict()
    assert facts["groups"] == np.bincount(group, minlength=GROUPS).tolist()
    known = ~np.isnan(confidence)
    assert np.sum(facts["confidence"]["counts"], axis=1).tolist() == np.bincount(group[known]).tolist()
    for k, quantiles in enumerate(facts["velocity"]["quantiles"]):
        of_group = velocity[(group == k) & ~np.isnan(velocity)]
        wanted = np.quantile(of_group, [0.05, 0.25, 0.5, 0.75, 0.95], method="inverted_cdf")
        np.testing.assert_allclose(quantiles, wanted, atol=0.051)
