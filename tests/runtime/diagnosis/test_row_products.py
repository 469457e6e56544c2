"""The product of a row and a matrix has the same bits for any other rows, on any processor."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime._diagnosis import row_products
from insar_runtime._diagnosis.row_products import multiply_rows

SHAPES = [(60, 13), (150, 299), (151, 151), (243, 244), (361, 700)]


@settings(max_examples=40, deadline=None)
@given(shape=st.sampled_from(SHAPES), count=st.integers(1, 300), place=st.integers(0, 299), single=st.booleans())
def test_bits_of_a_row_do_not_depend_on_its_position(
    shape: tuple[int, int], count: int, place: int, *, single: bool
) -> None:
    rng = np.random.default_rng(count)
    real: Any = np.float32 if single else np.float64
    matrix, row = rng.normal(0, 1, shape).astype(real), rng.normal(0, 1, (1, shape[0])).astype(real)
    others = rng.normal(0, 1, (count, shape[0])).astype(real)
    others[place % count] = row
    found = multiply_rows(others, matrix)
    assert found.dtype == real
    # Not by OpenBLAS: 0.3.34 (numpy 2.5) crashes at products of doubles by its kernel for Haswell.
    columns = slice(0, 40)
    wanted = np.einsum("nt,tm->nm", others.astype(float), matrix[:, columns].astype(float))
    np.testing.assert_allclose(found[:, columns], wanted, atol=1e-3 if single else 1e-11)
    assert np.array_equal(found[place % count], multiply_rows(row, matrix)[0])


def test_blocks_are_taken_where_the_order_of_sums_depends_on_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """As another processor may have it; both ways give the same product."""
    rng = np.random.default_rng(5)
    rows, matrix = (rng.normal(0, 1, shape).astype(np.float32) for shape in ((75, 60), (60, 13)))
    by_onnxruntime = multiply_rows(rows, matrix)
    monkeypatch.setattr(row_products, "_same_order", lambda *_: False)
    monkeypatch.setattr(row_products, "_by_onnxruntime", None)
    found = multiply_rows(rows, matrix)
    np.testing.assert_allclose(found, by_onnxruntime, atol=1e-4)
    for place in (0, 7, 8, 74):
        assert np.array_equal(found[place], multiply_rows(rows[place : place + 1], matrix)[0])


@pytest.mark.parametrize("kernel", ["Haswell", "SkylakeX"])
def test_bits_hold_for_the_kernels_of_other_processors(kernel: str) -> None:
    """Of double precision; OpenBLAS takes the name where the processor can do it, other libraries must hold as well."""
    test = f"{__file__}::{test_bits_of_a_row_do_not_depend_on_its_position.__name__}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        env={**os.environ, "OPENBLAS_CORETYPE": kernel},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "1 passed" in done.stdout
