"""Covariances of the noise model: annual cycle, noisy epochs and common steps."""

from __future__ import annotations

import numpy as np
import pytest

from insar_runtime._diagnosis.noise.noise_model import CommonStep, FileNoise, NoiseKind

DAYS = np.cumsum(np.r_[0.0, np.resize([6.0, 6.0, 12.0, 18.0, 6.0], 39)])


def test_a_common_step_adds_covariance_after_its_date() -> None:
    noise = FileNoise.typical(DAYS)
    stepped = FileNoise(DAYS, noise.kinds, noise.weights, (1.0, 2.0, 4.0), noise.white_factor, (CommonStep(10, 6.0),))
    more = stepped.covariances()[0] - noise.covariances()[0]
    assert more[10, -1] == pytest.approx(9.0)
    assert not more[:10].any()


def test_the_variance_is_the_sum_of_its_parts() -> None:
    kind = NoiseKind(0.5, 0.3, 0.2, annual=0.7)
    factor = np.where(np.arange(len(DAYS)) == 7, 3.0, 1.0)
    variance = np.diag(kind.covariance(DAYS, factor))
    annual = 0.7**2 * (1 + 0.09 + 0.03)
    np.testing.assert_allclose(np.delete(variance, 7), 1 + annual)
    assert variance[7] == pytest.approx(9 * 0.5 + 0.3 + 0.2 + annual)


def test_another_time_axis_has_no_noisy_epochs_and_no_common_steps() -> None:
    typical = FileNoise.typical(DAYS)
    factor = np.where(np.arange(len(DAYS)) == 7, 3.0, 1.0)
    noise = FileNoise(DAYS, typical.kinds, typical.weights, (1.0, 2.0, 4.0), factor, (CommonStep(10, 6.0),))
    assert noise.noisy_epochs == [7]
    other = noise.for_days(DAYS[:20])
    assert (other.noisy_epochs, other.steps, other.kinds) == ([], (), noise.kinds)
    assert [len(covariance) for covariance in other.covariances()] == [20] * len(noise.kinds)
