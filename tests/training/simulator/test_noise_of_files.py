"""The run-time's estimate of a file's noise, on simulated files whose rows all differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from training.simulator import SimulatorConfig, simulate

ROWS = 512


@pytest.mark.parametrize("calendar", ["egms_2015_2021", "egms_2019_2023", "egms_2020_2024"])
@pytest.mark.parametrize("moving", [False, True], ids=["stable", "all classes"])
def test_mean_parts_and_scatter(calendar: str, *, moving: bool) -> None:
    """Where three rows in five bend or jump, what is left of them still looks a little like slow noise."""
    usual = SimulatorConfig()
    config = replace(
        usual,
        noise=usual.noise.plain(),
        nuisance=usual.nuisance.none(),
        delivery=replace(usual.delivery, missing_probability=0.0),
        block=ROWS,
    )
    errors = []
    for seed in (101, 102, 103):
        labels = None if moving else np.zeros(ROWS, dtype=np.int8)
        file = simulate(ROWS, seed=seed, config=config, calendar=calendar, labels=labels)
        dates = np.datetime64("2015-01-01") + np.unique(file.days[0]).astype(int)
        found = estimate_noise(file.displacement[:, : len(dates)], dates)
        variance = file.noise_parts[:, :3] ** 2
        true = (variance / variance.sum(axis=1, keepdims=True)).mean(axis=0)
        parts = found.weights @ np.array([(kind.white, kind.short, kind.slow) for kind in found.kinds])
        middle = float(np.median(np.sqrt(variance.sum(axis=1))))
        errors.append([*(parts - true), np.log(found.scatter_mm[1] / middle)])
    np.testing.assert_allclose(np.array(errors), 0, atol=0.2 if moving else 0.15)
    np.testing.assert_allclose(np.mean(errors, axis=0), 0, atol=0.12 if moving else 0.08)
