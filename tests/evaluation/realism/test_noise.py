"""Statistics of still series find the noise that was simulated, and simulated noise has those of real noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.realism.noise import (
    StillSeries,
    amplitudes,
    changes,
    excursions,
    simulated_still,
    spectrum,
    statistics,
    steps,
    still_series,
    structure,
    together,
    wander,
)
from evaluation.realism.noise_figures import write_realism_figures
from insar_runtime import DataError, UsageError
from insar_runtime.definitions import JUMP_EDGE_EPOCHS, JUMP_MM
from training.simulator import HALF_WAVELENGTH_MM, SimulatorConfig
from training.simulator.config import AnnualConfig, NoiseConfig, NuisanceConfig, OtherConfig
from training.simulator.noise import draw_annual, draw_noise, ornstein_uhlenbeck, student
from training.simulator.nuisances import _ragged, draw_nuisances

YEAR = 365.25
EVERY_6_DAYS = np.arange(0, 1800, 6, dtype=np.float32)
DAYS = np.sort(np.random.default_rng(0).permutation(420)[:330]).astype(np.float32) * 6
DAYS -= DAYS[0]
WHITE = np.random.default_rng(1).normal(0, 3, (200, len(DAYS))).astype(np.float32)


def still(values: NDArray[Any]) -> StillSeries:
    return still_series("made", values.astype(np.float32), DAYS)


def test_lines_and_bent_or_incomplete_rows_are_left_out() -> None:
    values = WHITE[:60] + 0.05 * DAYS
    values[:10] += (DAYS / DAYS[-1]) ** 2 * 100
    values[10:15, 3] = np.nan
    kept = still(values)
    assert len(kept) == 45
    assert abs(np.polynomial.Polynomial.fit(DAYS, kept.residual[0], 1).convert().coef[1]) < 1e-4
    with pytest.raises(DataError, match="still ground"):
        still(values[:15])


def test_white_noise_has_a_flat_spectrum_and_structure() -> None:
    flat = still(WHITE)
    power = spectrum(flat)
    # The yearly and half-yearly cycles are taken away.
    assert all(0.8 < power[period] < 1.2 for period in power if period not in {"344", "169"})
    np.testing.assert_allclose(list(structure(flat).values()), 1, atol=0.1)
    assert steps(flat)["kurtosis"] == pytest.approx(3, abs=0.2)
    assert changes(flat)["last to first p50"] == pytest.approx(1, abs=0.05)


def test_wander_is_seen_at_long_periods() -> None:
    phase = np.random.default_rng(2).uniform(0, 6, (200, 1))
    wave = still(WHITE + 4 * np.sin(2 * np.pi * DAYS / 500 + phase))
    power = spectrum(wave)
    assert max(power, key=lambda period: power[period]) in {"436", "553"}
    assert wander(wave)["share p50"] > 3 * wander(still(WHITE))["share p50"]


def test_excursions_bursts_and_yearly_cycles_are_seen() -> None:
    values = WHITE / 3
    values[:50, 100:120] += 11
    values[50:80, 200:230] += 20
    found = excursions(still(values))
    assert found["8-14 mm, %"] == pytest.approx(25, abs=3)
    assert found["above 14 mm, %"] == pytest.approx(15, abs=3)
    noisy = WHITE.copy()
    noisy[:, 250:] *= 3
    assert changes(still(noisy))["last to first p50"] > 2
    cycle = still(WHITE + 5 * np.sin(2 * np.pi * DAYS / 365.25))
    assert np.median(amplitudes(cycle)) == pytest.approx(5, rel=0.05)


def test_joins_are_seen_file_by_file() -> None:
    values = WHITE / 3
    values[:100, 165:] += 8 * np.random.default_rng(3).choice([-1, 1], (100, 1))
    file = np.repeat([0, 1], 100)
    found = together(still_series("made", values.astype(np.float32), DAYS, file=file))
    # A half of the rows in one of two files, whose lines take some of the step away.
    assert 20 < found["rows above 5 mm, worst date, %"] < 60


def test_simulated_noise_is_like_that_of_the_files_that_shaped_it() -> None:
    """Ranges are those of two Polish EGMS files (`artifacts/benchmark`), widened by a half."""
    found = statistics(simulated_still(DAYS, 1500, seed=1))
    assert 2.0 < found["scatter"]["p50"] < 5.0
    assert found["scatter"]["p95"] < 8
    assert 2 < found["spectrum"]["888"] < 8
    assert 0.6 < found["structure"]["6"] < 1.0
    assert 4 < found["steps"]["kurtosis"] < 9
    assert 6 < found["wander"]["range p50"] < 14
    assert 10 < found["excursions"]["8-14 mm, %"] < 40
    assert found["excursions"]["above 14 mm, %"] < 6


def test_white_noise_is_student() -> None:
    values = student(np.random.default_rng(0), 8, (2000, 200)).ravel()
    assert values.std() == pytest.approx(1, abs=0.01)
    kurtosis = np.mean(values.astype(float) ** 4)
    # 3 + 6 / (degrees - 4); estimates of it wander, as the tails are heavy.
    assert 4.1 < kurtosis < 5.0


@pytest.mark.parametrize("constant", [8.0, 100.0])
def test_correlated_noise_decays_exponentially_on_uneven_dates(constant: float) -> None:
    rng = np.random.default_rng(1)
    days = np.cumsum(rng.choice([6, 12, 24], 150)).astype(np.float32)
    values = ornstein_uhlenbeck(rng, days, np.full(6000, constant, dtype=np.float32))
    assert values.std() == pytest.approx(1, abs=0.01)
    for lag in (1, 3):
        gap = days[lag:] - days[:-lag]
        found = (values[:, lag:] * values[:, :-lag]).mean(axis=0)
        np.testing.assert_allclose(found, np.exp(-gap / constant), atol=0.07)


def noise_of_files(config: NoiseConfig, *, files: int = 100, rows: int = 40) -> np.ndarray:
    rng = np.random.default_rng(2)
    return np.concatenate([draw_noise(rng, EVERY_6_DAYS, rows, config).values for _ in range(files)])


def test_scatter_is_log_normal() -> None:
    sigma = noise_of_files(replace(NoiseConfig().plain(), slow_share=(0, 0))).std(axis=1)
    np.testing.assert_allclose(np.quantile(sigma, [0.05, 0.5, 0.95]), [0.82, 2.0, 4.86], rtol=0.15)


def test_plain_noise_is_what_its_facts_say() -> None:
    noise = draw_noise(np.random.default_rng(5), EVERY_6_DAYS, 5000, NoiseConfig().plain())
    np.testing.assert_allclose(
        np.mean(noise.values**2), np.mean(noise.white_mm**2 + noise.short_mm**2 + noise.slow_mm**2), rtol=0.03
    )
    neighbours = noise.short_mm**2 * np.exp(-6 / noise.short_days) + noise.slow_mm**2 * np.exp(-6 / noise.slow_days)
    np.testing.assert_allclose(np.mean(noise.values[:, 1:] * noise.values[:, :-1]), np.mean(neighbours), rtol=0.05)


def test_scatter_changes_but_stays_below_that_of_a_random_phase() -> None:
    still = replace(NoiseConfig(), slow_share=(0, 0), common_sigma_mm=(0, 0), common_wander_probability=0.0)
    values = noise_of_files(replace(still, folded_probability=1.0, smoothed_probability=0.0))
    assert np.abs(values).max() <= HALF_WAVELENGTH_MM / 2 + 1e-3
    thirds = np.stack([part.std(axis=1) for part in np.array_split(values, 3, axis=1)])
    changing = np.mean(thirds.max(axis=0) > 1.5 * thirds.min(axis=0))
    assert 0.1 < changing < 0.6
    assert noise_of_files(replace(still, folded_probability=0.0)).std(axis=1).max() < 9.5


def test_scatter_wanders_over_months() -> None:
    slow = np.ones(25) / 25

    def wander(config: NoiseConfig) -> float:
        noise = noise_of_files(config, rows=20)
        smooth = np.stack([np.convolve(row, slow, "valid") for row in noise])
        return float(np.mean(smooth.var(axis=1)))

    assert wander(NoiseConfig()) > 1.5 * wander(replace(NoiseConfig(), slow_share=(0, 0)))


def test_some_processors_smooth_or_interpolate() -> None:
    white = replace(NoiseConfig().plain(), slow_share=(0, 0), short_share=(0, 0))
    smooth = draw_noise(np.random.default_rng(7), EVERY_6_DAYS, 500, replace(white, smoothed_probability=1.0)).values
    inner = smooth[:, 2:-2]
    # Of the kernel 1 2 1: 4 of 6 between neighbours.
    assert np.mean(inner[:, 1:] * inner[:, :-1]) / np.mean(inner**2) == pytest.approx(2 / 3, abs=0.02)
    finer = draw_noise(np.random.default_rng(7), EVERY_6_DAYS, 500, replace(white, resampled_probability=1.0)).values
    bend = np.abs(finer[:, :-2] - 2 * finer[:, 1:-1] + finer[:, 2:]).max(axis=0)
    filled = np.flatnonzero(bend < 1e-4) + 1
    assert len(filled) > 1
    assert (np.diff(filled) == 2).all()


def test_excursions_have_no_sharp_edge() -> None:
    config = replace(NuisanceConfig().none(), excursion_probability=1.0)
    away = draw_nuisances(np.random.default_rng(6), EVERY_6_DAYS, np.full(2000, 3, dtype=np.float32), config)
    largest = np.abs(away).max(axis=1)
    assert np.quantile(largest, 0.9) > 0.9 * config.excursion_mm[1]
    # Less than what stands out as Other, and slower than any jump.
    assert largest.max() <= config.excursion_mm[1] < OtherConfig().least_size_mm
    at_an_edge = np.abs(away[:, JUMP_EDGE_EPOCHS:] - away[:, :-JUMP_EDGE_EPOCHS]).max()
    assert at_an_edge < JUMP_MM / 2


@pytest.mark.parametrize("noise_mm", [0.5, 1.5, 3.0, 6.0])
def test_three_epochs_that_stand_out_are_a_jump_and_no_nuisance(noise_mm: float) -> None:
    config = NuisanceConfig()
    off = _ragged(np.random.default_rng(8), 243, np.full(2000, noise_mm, dtype=np.float32), config)
    length = np.count_nonzero(off, axis=1)
    strength = np.sqrt(np.sum(off * off, axis=1)) / noise_mm
    assert set(length) <= {1, 2, 3, 4}
    assert (strength[length >= 3] < config.ragged_over_noise).all()
    # All of them stand out from little noise, none from much.
    assert np.mean(length >= 3) == pytest.approx({0.5: 0, 1.5: 0, 3.0: 0.15, 6.0: 0.65}[noise_mm], abs=0.08)


def test_yearly_cycle_repeats_every_year() -> None:
    days = np.arange(0, 3 * YEAR, 1, dtype=np.float32)
    config = replace(AnnualConfig(), year_to_year=0.0, strong_probability=0, amplitude_log_spread=0)
    cycle = draw_annual(np.random.default_rng(3), days, 3000, config)
    np.testing.assert_allclose(cycle[:, 0], cycle[:, 1461 // 2 - 365], atol=0.2)
    assert np.median(np.abs(cycle).max(axis=1)) == pytest.approx(1.1 * 0.674, rel=0.25)
    changing = draw_annual(np.random.default_rng(3), days, 3000, replace(config, year_to_year=0.35))
    assert np.std(changing[:, 365] - changing[:, 0]) > 0.2


def test_figures_of_realism_are_drawn_and_counted(tmp_path: Path) -> None:
    plain = SimulatorConfig()
    real = simulated_still(DAYS, 200, seed=2, config=replace(plain, noise=plain.noise.plain()))
    numbers = write_realism_figures([real], [simulated_still(DAYS, 200, seed=3)], tmp_path)
    assert set(numbers) == {"simulated"}
    assert numbers["simulated"]["real"].keys() == numbers["simulated"]["simulated"].keys()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"spectrum.png", "structure.png", "steps.png", "wander.png", "annual.png"}
    assert max(path.stat().st_size for path in tmp_path.iterdir()) < 300_000
    with pytest.raises(UsageError, match="one simulated set for each"):
        write_realism_figures([], [], tmp_path)
