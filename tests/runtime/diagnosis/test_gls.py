"""Generalised least squares: against the textbook formula, with every pattern of missing values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime._diagnosis.gls import restricted_precision, without
from insar_runtime._diagnosis.missing import MissingPatterns
from insar_runtime._diagnosis.noise.noise_model import CommonStep, FileNoise, NoiseKind

DAYS = np.cumsum(np.r_[0.0, np.resize([6.0, 6.0, 12.0, 18.0, 6.0], 39)])
KIND = NoiseKind(0.5, 0.3, 0.2, annual=0.7)


def line(days: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(days), days / 365.25], axis=1)


def textbook(covariance: np.ndarray, nuisance: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(covariance)
    seen = inverse @ nuisance
    return inverse - seen @ np.linalg.solve(nuisance.T @ seen, seen.T)


def test_precision_is_the_textbook_one() -> None:
    covariance = KIND.covariance(DAYS)
    found = restricted_precision(covariance, line(DAYS))
    np.testing.assert_allclose(found.matrix, textbook(covariance, line(DAYS)), atol=1e-9)
    assert found.freedom == len(DAYS) - 2
    cross = line(DAYS).T @ np.linalg.inv(covariance) @ line(DAYS)
    expected = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(cross)[1]
    assert found.log_determinant == pytest.approx(expected, abs=1e-8)


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(0, len(DAYS) - 1), min_size=1, max_size=30))
def test_missing_epochs_are_as_if_they_had_never_been(lost: set[int]) -> None:
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


def test_too_few_epochs_are_an_error_of_linear_algebra() -> None:
    full = restricted_precision(KIND.covariance(DAYS), line(DAYS))
    missing = np.ones(len(DAYS), dtype=np.bool_)
    missing[:2] = False
    with pytest.raises(np.linalg.LinAlgError):
        without(full, missing)
    with pytest.raises(np.linalg.LinAlgError):
        restricted_precision(KIND.covariance(DAYS[:2]), line(DAYS[:2]))


@given(st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_every_row_is_in_one_group_that_lacks_what_it_lacks(seed: int, rows: int) -> None:
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


def test_a_common_step_is_noise_of_known_date() -> None:
    noise = FileNoise.typical(DAYS)
    stepped = FileNoise(DAYS, noise.kinds, noise.weights, (1.0, 2.0, 4.0), noise.white_factor, (CommonStep(10, 6.0),))
    more = stepped.covariances()[0] - noise.covariances()[0]
    assert more[10, -1] == pytest.approx(9.0)
    assert not more[:10].any()
