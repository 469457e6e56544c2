"""Generalised least squares equals the textbook formula, with any missing values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime._diagnosis.gls import restricted_precision, without
from insar_runtime._diagnosis.noise.noise_model import NoiseKind

DAYS = np.cumsum(np.r_[0.0, np.resize([6.0, 6.0, 12.0, 18.0, 6.0], 39)])
KIND = NoiseKind(0.5, 0.3, 0.2, annual=0.7)


def line(days: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(days), days / 365.25], axis=1)


def textbook(covariance: np.ndarray, nuisance: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(covariance)
    seen = inverse @ nuisance
    return inverse - seen @ np.linalg.solve(nuisance.T @ seen, seen.T)


def test_precision_equals_the_textbook_formula() -> None:
    covariance = KIND.covariance(DAYS)
    found = restricted_precision(covariance, line(DAYS))
    np.testing.assert_allclose(found.matrix, textbook(covariance, line(DAYS)), atol=1e-9)
    assert found.freedom == len(DAYS) - 2
    cross = line(DAYS).T @ np.linalg.inv(covariance) @ line(DAYS)
    expected = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(cross)[1]
    assert found.log_determinant == pytest.approx(expected, abs=1e-8)


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(0, len(DAYS) - 1), min_size=1, max_size=30))
def test_missing_epochs_give_the_result_of_an_axis_without_them(lost: set[int]) -> None:
    missing = np.isin(np.arange(len(DAYS)), list(lost))
    full = restricted_precision(KIND.covariance(DAYS), line(DAYS))
    there = DAYS[~missing]
    alone = restricted_precision(KIND.covariance(there), line(there))
    found = without(full, missing)
    np.testing.assert_allclose(found.matrix[np.ix_(~missing, ~missing)], alone.matrix, atol=1e-8)
    assert not found.matrix[missing].any()
    assert not found.matrix[:, missing].any()
    assert found.log_determinant == pytest.approx(alone.log_determinant, abs=1e-6)
    assert found.freedom == alone.freedom


def test_too_few_epochs_raise_a_linear_algebra_error() -> None:
    full = restricted_precision(KIND.covariance(DAYS), line(DAYS))
    missing = np.ones(len(DAYS), dtype=np.bool_)
    missing[:2] = False
    with pytest.raises(np.linalg.LinAlgError):
        without(full, missing)
    with pytest.raises(np.linalg.LinAlgError):
        restricted_precision(KIND.covariance(DAYS[:2]), line(DAYS[:2]))
