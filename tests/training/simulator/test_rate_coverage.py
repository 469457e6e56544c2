"""Standard deviations of rates have the right coverage in simulated noise."""

from __future__ import annotations

import numpy as np
import pytest

from insar_runtime._engine.hac import RateEstimator
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.calendars import CALENDARS, draw_calendar
from training.simulator.config import NoiseConfig, SimulatorConfig
from training.simulator.noise import draw_annual, draw_noise

NOISE = {"all of it": SimulatorConfig().noise, "white, short and slow": SimulatorConfig().noise.plain()}
SPANS = (2.0, 3.0, 5.0, 10.0)


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_errors_lie_within_their_standard_deviations(noise: NoiseConfig) -> None:
    """Nominal are 68 and 95 %: series of two years and more, a yearly cycle, a fifth of the values missing in half."""
    config, rng = SimulatorConfig(), np.random.default_rng(0)
    errors = []
    for turn in range(10):
        for name in CALENDARS:
            days = draw_calendar(rng, name, config.calendar)
            days = days[days <= SPANS[turn % len(SPANS)] * DAYS_PER_YEAR]
            if len(days) < config.calendar.min_epochs or days[-1] < 1.75 * DAYS_PER_YEAR:
                continue
            still = draw_noise(rng, days, 60, noise).values + draw_annual(rng, days, 60, config.annual)
            still[::2][rng.random((30, len(days))) < 0.2] = np.nan
            rate, std = RateEstimator(days).estimate(still)
            errors.append(rate / std)
    error = np.abs(np.concatenate(errors))
    assert len(error) > 4000
    assert 0.63 < np.mean(error < 1) < 0.78
    assert 0.89 < np.mean(error < 1.96) < 0.98
