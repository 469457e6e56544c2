"""Products of rows: what they must be, and that a row's bits do not depend on the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime._diagnosis.row_products import row_products

SHAPES = [(60, 13), (150, 299), (151, 151), (243, 244), (361, 700), (7, 1)]


@settings(max_examples=40, deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    count=st.integers(1, 300),
    place=st.integers(0, 299),
    most=st.sampled_from([128, 16]),
    single=st.booleans(),
)
def test_a_row_gives_the_same_bits_wherever_it_stands(
    shape: tuple[int, int], count: int, place: int, most: int, *, single: bool
) -> None:
    rng = np.random.default_rng(count)
    real: Any = np.float32 if single else np.float64
    matrix, row = rng.normal(0, 1, shape).astype(real), rng.normal(0, 1, (1, shape[0])).astype(real)
    others = rng.normal(0, 1, (count, shape[0])).astype(real)
    others[place % count] = row
    found = row_products(others, matrix, most)
    assert found.dtype == real
    np.testing.assert_allclose(found, others.astype(float) @ matrix, atol=1e-3 if single else 1e-11)
    assert np.array_equal(found[place % count], row_products(row, matrix, most)[0])


@pytest.mark.parametrize("kernel", ["Haswell", "SkylakeX"])
def test_kernels_of_other_processors_are_seen_through(kernel: str) -> None:
    """OpenBLAS takes the name where the processor can do it; other libraries pay no heed, and must hold as well."""
    code = "import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', sys.argv[1], '-k', 'wherever']))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__))],
        env={**os.environ, "OPENBLAS_CORETYPE": kernel},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
