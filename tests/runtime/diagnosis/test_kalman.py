"""The Kalman filter gives the restricted likelihood that the covariance matrix gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime._diagnosis.gls import restricted_precision, without
from insar_runtime._diagnosis.noise.kalman import Regressors, fit_kinds
from insar_runtime._diagnosis.noise.noise_model import NoiseKind


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.5), st.integers(1, 12))
def test_the_kalman_filter_gives_the_likelihood_of_the_covariance_matrix(seed: int, missing: float, rows: int) -> None:
    rng = np.random.default_rng(seed)
    days = np.cumsum(np.r_[0.0, rng.choice([6.0, 11.0, 12.0, 40.0], 49)])
    values = rng.normal(0, 3, (rows, 50))
    # Some rows miss the same values.
    values[np.repeat(rng.random((2, 50)) < missing, -(-rows // 2), axis=0)[:rows]] = np.nan
    values[:, rng.permutation(50)[:12]] = rng.normal(0, 3, (rows, 12))
    factor = np.exp(0.3 * rng.standard_normal(50))
    kinds = [NoiseKind(0.5, 0.3, 0.2, annual=0.3), NoiseKind(0.5, 0.3, 0.2, annual=2.0), NoiseKind(0.1, 0.2, 0.7)]
    columns = Regressors.of(days, [20], motion=False)
    fits = fit_kinds(values, days, kinds, columns, factor)
    for place, kind in enumerate(kinds):
        covariance = NoiseKind(kind.white, kind.short, kind.slow, annual=0.0).covariance(days, factor)
        covariance += columns.steps @ columns.steps.T + kind.annual**2 * columns.annual @ columns.annual.T
        whole = restricted_precision(covariance, columns.line)
        for row, gone in enumerate(np.isnan(values)):
            precision = without(whole, gone)
            seen = np.where(gone, 0, values[row])
            squares = seen @ precision.matrix @ seen
            expected = -0.5 * (precision.log_determinant + precision.freedom * np.log(squares))
            assert fits.log_likelihood[row, place] == pytest.approx(expected, rel=1e-6, abs=1e-5)
            assert fits.scatter[row, place] == pytest.approx(np.sqrt(squares / precision.freedom), rel=1e-6)
