"""Breaks equal a brute-force posterior, are calibrated, and rows that cannot be fitted have a status."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime._diagnosis.arrays import FloatArray as Floats
from insar_runtime._diagnosis.breaks.break_finder import BreakFinder
from insar_runtime._diagnosis.breaks.candidates import BreakCandidates
from insar_runtime._diagnosis.noise.noise_model import FileNoise, NoiseKind
from insar_runtime._diagnosis.noise.rate_noise import rate_noise_models
from insar_runtime._diagnosis.results import Breaks, FitStatus

YEAR = 365.25
DAYS = np.cumsum(np.r_[0.0, np.resize([6.0, 12.0, 6.0, 24.0, 12.0], 59)])
LONG = np.cumsum(np.r_[0.0, np.resize([6.0, 12.0, 6.0, 24.0, 12.0], 119)])
FEW = np.cumsum(np.r_[0.0, np.resize([12.0, 24.0, 12.0, 18.0], 23)])
NAMES = (
    "day",
    "day_lo",
    "day_hi",
    "v_before",
    "v_before_std",
    "v_after",
    "v_after_std",
    "change_std",
    "explains",
    "status",
)


def hinge(days: Floats, day: float, before: float, after: float) -> Floats:
    return (before * np.minimum(days - day, 0) + after * np.maximum(days - day, 0)) / YEAR


def drawn(noise: FileNoise, rng: np.random.Generator, count: int, scatter: float = 2.0) -> Floats:
    """Noise as the finder takes it to be, some rows with excursions."""
    covariances, weights = rate_noise_models(noise)
    factors = [np.linalg.cholesky(covariance) for covariance in covariances]
    kind = rng.choice(len(factors), count, p=weights)
    return scatter * np.stack([factors[k] @ rng.standard_normal(len(noise.days)) for k in kind])


def same(one: Breaks, other: Breaks) -> bool:
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in NAMES)


def brute_force(noise: FileNoise, series: Floats) -> dict[str, float]:
    """The same posterior with a matrix inverted for every kind of noise and every date."""
    there = np.isfinite(series)
    y, days = series[there], noise.days[there]
    grid = BreakCandidates.for_days(noise.days)
    line = np.stack([np.ones_like(days), days / YEAR], axis=1)
    score, before, after, spread_before, spread_after, spread_change, parabola = [], [], [], [], [], [], []
    for covariance, weight in zip(*rate_noise_models(noise), strict=True):
        inverse = np.linalg.inv(covariance[np.ix_(there, there)])
        volume = np.linalg.slogdet(inverse)[1] / 2
        for day in [*grid.day, None]:
            column = ((days / YEAR) ** 2 if day is None else np.maximum(days - day, 0) / YEAR)[:, None]
            if day is not None and min((days <= day).sum(), (days > day).sum()) < 3:
                score.append(-np.inf)
                continue
            departure = column - line @ np.linalg.lstsq(line, column, rcond=None)[0]
            design = np.concatenate([line, column], axis=1)
            normal = design.T @ inverse @ design
            amplitudes = np.linalg.solve(normal, design.T @ inverse @ y)
            left = y - design @ amplitudes
            squares, freedom = left @ inverse @ left, len(y) - 2
            value = volume - np.linalg.slogdet(normal)[1] / 2 - freedom / 2 * np.log(squares)
            value += np.log(weight) + np.log(np.sqrt(np.mean(departure**2)))
            if day is None:
                parabola.append(value)
                continue
            share = (day - days[0]) / (days[-1] - days[0])
            prior = np.interp(min(share, 1 - share), [0.05, 0.15], [0.1, 1.0], left=0.0)
            score.append(value + np.log(prior) if prior else -np.inf)
            spread = squares / (freedom - 2) * np.linalg.inv(normal)
            before.append(amplitudes[1])
            after.append(amplitudes[1] + amplitudes[2])
            spread_before.append(spread[1, 1])
            spread_after.append(spread[1, 1] + spread[2, 2] + 2 * spread[1, 2])
            spread_change.append(spread[2, 2])
    table = np.array(score).reshape(len(parabola), -1)
    width = np.diff(grid.edge)
    usable = np.isfinite(table)
    assert usable.any()
    probability = np.exp(table - table[usable].max()) * width
    whole = probability.sum()
    share = (grid.day - days[0]) / (days[-1] - days[0])
    prior = np.interp(np.minimum(share, 1 - share), [0.05, 0.15], [0.1, 1.0], left=0.0) * width
    prior *= [min((days <= day).sum(), (days > day).sum()) >= 3 for day in grid.day]
    evidence = np.log(whole / prior.sum()) + table[usable].max()
    below = np.r_[0.0, np.cumsum(probability.sum(axis=0)) / whole]
    low, middle, high = np.interp([0.05, 0.5, 0.95], below, grid.edge)
    weights = probability[table > -np.inf] / whole
    kept = np.array([before, after, np.subtract(after, before), spread_before, spread_after, spread_change])
    # Dates left out for their prior have rates all the same; those with too few epochs have none.
    enough = np.tile([min((days <= day).sum(), (days > day).sum()) >= 3 for day in grid.day], len(parabola))
    kept = kept[:, usable.ravel()[enough]]
    mean = kept[:3] @ weights
    std = np.sqrt((kept[3:] + (kept[:3] - mean[:, None]) ** 2) @ weights)
    return {
        "day": middle,
        "day_lo": low,
        "day_hi": high,
        "v_before": mean[0],
        "v_before_std": std[0],
        "v_after": mean[1],
        "v_after_std": std[1],
        "change_std": std[2],
        "explains": evidence >= np.logaddexp.reduce(parabola),
    }


def test_the_posterior_equals_brute_force() -> None:
    rng = np.random.default_rng(4)
    noise = FileNoise.typical(FEW)
    days = rng.uniform(0.2, 0.8, 12) * FEW[-1]
    rows = np.stack([hinge(FEW, day, *rng.normal(0, 15, 2)) for day in days])
    # Small enough that nothing is clipped.
    rows += drawn(noise, rng, len(rows), 0.8)
    rows[4:8][rng.random((4, len(FEW))) < 0.15] = np.nan
    rows[8, :6] = rows[9, -7:] = rows[10, 9:15] = rows[11, ::3] = np.nan
    found = BreakFinder(noise).find(rows.astype(np.float32))
    assert (found.status == FitStatus.OK).all()
    expected = [brute_force(noise, row) for row in rows.astype(np.float32).astype(np.float64)]
    for name in NAMES[:-1]:
        wanted = np.array([row[name] for row in expected])
        np.testing.assert_allclose(getattr(found, name), wanted, rtol=2e-3, atol=0.1 if "day" in name else 2e-3)


def test_missing_epochs_give_the_result_of_an_axis_without_them() -> None:
    rng = np.random.default_rng(8)
    lost = np.isin(np.arange(len(DAYS)), [3, 4, 20, 41, 55])
    rows = (hinge(DAYS, 300.0, -5.0, 20.0) + drawn(FileNoise.typical(DAYS), rng, 20)).astype(np.float32)
    rows[:, lost] = np.nan
    found = BreakFinder(FileNoise.typical(DAYS)).find(rows)
    alone = BreakFinder(FileNoise.typical(DAYS[~lost])).find(rows[:, ~lost])
    # The dates that are tried differ a little.
    np.testing.assert_allclose(found.day, alone.day, atol=3.0)
    np.testing.assert_allclose(found.v_after, alone.v_after, atol=0.1)
    np.testing.assert_allclose(found.v_after_std, alone.v_after_std, rtol=0.05)


@pytest.mark.parametrize("gaps", [False, True])
def test_intervals_and_standard_deviations_are_calibrated(gaps: bool) -> None:
    rng = np.random.default_rng(15)
    noise, count = FileNoise.typical(LONG), 1500
    day = rng.uniform(0.15, 0.85, count) * LONG[-1]
    column = np.maximum(LONG - day[:, None], 0) / YEAR
    line = np.stack([np.ones_like(LONG), LONG], axis=1)
    departure = np.sqrt(np.mean((column - column @ np.linalg.pinv(line).T @ line.T) ** 2, axis=1))
    before = rng.normal(0, 10, count)
    change = 2.0 * np.exp(rng.uniform(np.log(1.5), np.log(8), count)) * rng.choice([-1, 1], count) / departure
    rows = before[:, None] * LONG / YEAR + change[:, None] * column + drawn(noise, rng, count)
    if gaps:
        rows[rng.random(rows.shape) < 0.1] = np.nan
        rows[:100, :12] = rows[100:200, -12:] = np.nan
    found = BreakFinder(noise).find(rows.astype(np.float32))
    assert 0.87 < np.mean((found.day_lo <= day) & (day <= found.day_hi)) < 0.93
    for mean, std, truth in (
        (found.v_before, found.v_before_std, before),
        (found.v_after, found.v_after_std, before + change),
    ):
        assert 0.85 < np.mean(((mean - truth) / std) ** 2) < 1.15
        assert 0.46 < np.mean(np.abs(mean - truth) < 0.6745 * std) < 0.58


def test_parabolas_and_hinges_are_distinguished() -> None:
    rng = np.random.default_rng(16)
    noise = FileNoise.typical(LONG)
    parabola = 15 * (LONG / YEAR) ** 2 + drawn(noise, rng, 100)
    broken = hinge(LONG, 700.0, 0.0, 50.0) + drawn(noise, rng, 100)
    found = BreakFinder(noise).find(np.concatenate([parabola, broken]).astype(np.float32))
    assert found.explains[:100].mean() < 0.1
    assert found.explains[100:].mean() > 0.9


def test_single_outliers_do_not_move_the_break() -> None:
    rng = np.random.default_rng(17)
    noise = FileNoise.typical(DAYS)
    rows = (hinge(DAYS, 350.0, 0.0, 30.0) + drawn(noise, rng, 40)).astype(np.float32)
    finder = BreakFinder(noise)
    clean = finder.find(rows)
    rows[:, 12] += 60
    rows[:, 50] -= 60
    rows[20:, 30] = np.nan
    spoiled = finder.find(rows)
    assert np.abs(spoiled.v_before - clean.v_before).max() < 2 * clean.v_before_std.max()
    assert np.median(np.abs(spoiled.day - clean.day)) < 15


def test_steep_ends_are_not_clipped() -> None:
    days = 24.0 * np.arange(60, dtype=np.float64)
    found = BreakFinder(FileNoise.typical(days)).find(hinge(days, 720.0, 0.0, 200.0)[None].astype(np.float32))
    # As exact as single precision allows, and it is known how exact that is.
    assert max(abs(found.v_before[0]), abs(found.v_after[0] - 200)) < 1.0
    assert abs(found.v_before[0]) < 4 * found.v_before_std[0]
    assert abs(found.v_after[0] - 200) < 4 * found.v_after_std[0]


def test_the_tip_of_a_steep_break_is_not_clipped() -> None:
    rng = np.random.default_rng(19)
    days = np.arange(0.0, 420.0, 30.0)
    noise = FileNoise.typical(days)
    day, before, after = rng.uniform(100, 290, 500), rng.normal(0, 10, 500), rng.normal(0, 150, 500)
    rows = np.stack([hinge(days, *one) for one in zip(day, before, after, strict=True)]) + drawn(noise, rng, 500)
    found = BreakFinder(noise).find(rows.astype(np.float32))
    assert 0.85 < np.mean((found.day_lo <= day) & (day <= found.day_hi)) < 0.95
    assert np.mean(np.abs(found.v_before - before) < 1.645 * found.v_before_std) > 0.85
    assert np.mean(np.abs(found.v_after - after) < 1.645 * found.v_after_std) > 0.85


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 150), min_size=1, max_size=4))
def test_bits_do_not_depend_on_batches(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    count = sum(sizes)
    rows = (hinge(DAYS, 300.0, -5.0, 20.0) + rng.standard_normal((count, len(DAYS)))).astype(np.float32)
    lacking = rng.random(count) < 0.5
    rows[lacking] = np.where(rng.random((lacking.sum(), len(DAYS))) < rng.choice([0.02, 0.2]), np.nan, rows[lacking])
    rows[rng.random(count) < 0.1, 5] = np.nan
    finder = BreakFinder(FileNoise.typical(DAYS))
    whole = finder.find(rows)
    order = rng.permutation(count)
    for part in np.split(order, np.cumsum(sizes)[:-1]):
        taken = Breaks(**{name: getattr(whole, name)[part] for name in NAMES})
        assert same(finder.find(rows[part]), taken)


def test_rows_that_cannot_be_fitted_have_a_status() -> None:
    rows = np.tile(hinge(DAYS, 300.0, 0.0, 20.0), (7, 1)).astype(np.float32)
    rows[0, 7] = np.inf
    rows[1] = np.nan
    rows[2, 11:] = np.nan
    rows[3, 13:] = np.nan  # twelve epochs and more, less than half a year
    rows[4, [0, -1]] = np.nan
    rows[5, 2] = -np.inf
    found = BreakFinder(FileNoise.typical(DAYS)).find(rows)
    wrong = [FitStatus.NON_FINITE, FitStatus.TOO_FEW_EPOCHS, FitStatus.TOO_FEW_EPOCHS, FitStatus.SPAN_TOO_SHORT]
    assert found.status.tolist() == [*wrong, FitStatus.OK, FitStatus.NON_FINITE, FitStatus.OK]
    bad = found.status != FitStatus.OK
    for name in NAMES[:-2]:
        np.testing.assert_array_equal(np.isnan(getattr(found, name)), bad)
    assert not found.explains[bad].any()


@pytest.mark.parametrize("epochs", [0, 1, 2, 11])
def test_short_axes_have_no_break(epochs: int) -> None:
    days = 40.0 * np.arange(epochs, dtype=np.float64)
    found = BreakFinder(FileNoise.typical(days)).find(np.zeros((3, epochs), dtype=np.float32))
    assert (found.status == FitStatus.TOO_FEW_EPOCHS).all()
    assert np.isnan(found.v_after).all()


def test_rows_that_cannot_be_fitted_do_not_change_others() -> None:
    rows = np.tile(hinge(DAYS, 300.0, 0.0, 20.0), (4, 1)).astype(np.float32)
    rows[1] *= 1e30
    found = BreakFinder(FileNoise.typical(DAYS)).find(rows)
    assert found.status.tolist() == [FitStatus.OK, FitStatus.SINGULAR, FitStatus.OK, FitStatus.OK]
    assert np.isnan([found.v_after[1], found.day_lo[1]]).all()
    assert same(
        BreakFinder(FileNoise.typical(DAYS)).find(rows[:1]), Breaks(**{n: getattr(found, n)[:1] for n in NAMES})
    )


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(len(FEW))), elements=st.floats(width=32)))
def test_any_values_give_finite_results_or_a_status(displacement: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = BreakFinder(FileNoise.typical(FEW)).find(displacement)
    fitted = found.status == FitStatus.OK
    for name in NAMES[:-2]:
        assert (np.isfinite(getattr(found, name)) == fitted).all()
        assert np.isnan(getattr(found, name)[~fitted]).all()
    assert ((found.day_lo <= found.day) & (found.day <= found.day_hi))[fitted].all()
    assert (np.minimum(found.v_before_std, found.v_after_std) > 0)[fitted].all()


def test_threads_share_a_finder_and_any_memory_layout_works() -> None:
    rng = np.random.default_rng(18)
    rows = (hinge(DAYS, 350.0, 0.0, 30.0) + drawn(FileNoise.typical(DAYS), rng, 300)).astype(np.float32)
    rows[::2][rng.random((150, len(DAYS))) < 0.1] = np.nan
    rows.flags.writeable = False
    finder = BreakFinder(FileNoise.typical(DAYS))
    whole = finder.find(rows)
    kinds = [rows, np.asfortranarray(rows), rows.astype(np.float64), np.repeat(rows, 2, axis=0)[::2]]
    with ThreadPoolExecutor(4) as threads:
        assert all(same(found, whole) for found in threads.map(finder.find, kinds * 2))


def test_no_rows_give_no_breaks() -> None:
    assert len(BreakFinder(FileNoise.typical(DAYS)).find(np.empty((0, len(DAYS)), dtype=np.float32)).day) == 0


def test_singular_noise_gives_a_status() -> None:
    twice = np.sort(np.r_[DAYS, DAYS[7]])
    noise = FileNoise(twice, (NoiseKind(0.0, 1.0, 0.0),), np.ones(1), (1.0, 2.0, 4.0), np.ones(len(twice)))
    found = BreakFinder(noise).find(np.zeros((2, len(twice)), dtype=np.float32))
    assert (found.status == FitStatus.SINGULAR).all()
    assert np.isnan(found.day).all()


def test_a_break_needs_epochs_on_both_sides() -> None:
    days = np.r_[np.arange(14.0), 700.0, 706.0]
    found = BreakFinder(FileNoise.typical(days)).find(np.zeros((2, len(days)), dtype=np.float32))
    assert (found.status == FitStatus.SINGULAR).all()
    assert np.isnan(found.v_before).all()


def test_breaks_without_noise_are_exact() -> None:
    rows = np.stack([hinge(DAYS, day, 10.0, -35.0) for day in (150.0, 301.0, 512.0)]).astype(np.float32)
    found = BreakFinder(FileNoise.typical(DAYS)).find(rows)
    np.testing.assert_allclose(found.day, [150.0, 301.0, 512.0], atol=3.0)
    np.testing.assert_allclose(found.v_before, 10.0, atol=0.5)
    np.testing.assert_allclose(found.v_after, -35.0, atol=0.5)
    assert found.explains.all()


@pytest.mark.parametrize("level", [0.0, 5.0, -1e4])
def test_a_constant_series_has_zero_rates(level: float) -> None:
    found = BreakFinder(FileNoise.typical(DAYS)).find(np.full((2, len(DAYS)), level, dtype=np.float32))
    assert (found.status == FitStatus.OK).all()
    np.testing.assert_allclose(found.v_before, 0.0, atol=0.01)
    np.testing.assert_allclose(found.v_after, 0.0, atol=0.01)
    # Nothing is known of a date.
    assert (found.day_hi - found.day_lo > 0.6 * DAYS[-1]).all()
