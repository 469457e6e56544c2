"""Findings about a sample of rows: what is there is found, and what is not there is not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from insar_runtime import load_model
from insar_runtime._diagnosis.common_steps import find_level_changes
from insar_runtime._diagnosis.robust import departures, nanmedian, running_medians
from insar_runtime._diagnosis.sampling_changes import absolute_deviations, find_sampling_changes
from insar_runtime._findings.epoch_scatter import measure_scatter
from insar_runtime._findings.missing import find_missing
from insar_runtime._findings.sample_findings import SampleFindings, examine_sample
from insar_runtime._findings.time_axis import describe_time_axis
from insar_runtime._findings.values import examine_values
from insar_runtime._input.layout import resolve_layout
from insar_runtime._input.matrix import to_matrix

LIMITS = load_model().limits
FIRST = np.datetime64("2018-01-03")


def dated(steps: list[int] | np.ndarray) -> np.ndarray:
    return FIRST + np.concatenate([[0], np.cumsum(steps)]).astype(int)


def noise(seed: int, rows: int = 300, epochs: int = 150, *, wander: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """White noise of 2.5 mm and a wander of some months, one decimal: series [N, T] and dates [T]."""
    rng = np.random.default_rng(seed)
    series, level = rng.normal(0, 2.5, (rows, epochs)), np.zeros(rows)
    for epoch in range(epochs):
        level = 0.9 * level + rng.normal(0, wander, rows) if wander else level
        series[:, epoch] += level
    return np.round(series, 1).astype(np.float32), dated(rng.choice([6, 12], epochs - 1))


def findings_of_real_file(path: Path) -> SampleFindings:
    table = pacsv.read_csv(path).combine_chunks()
    batch = pa.RecordBatch.from_arrays([column.combine_chunks() for column in table.columns], schema=table.schema)
    layout = resolve_layout(table.schema, batch)
    return examine_sample(to_matrix(batch, layout), layout.dates, LIMITS)


class TestAxis:
    def test_two_satellites_come_and_one_is_lost(self) -> None:
        dates = dated([12] * 40 + [6] * 120 + [12] * 30)
        switches = find_sampling_changes(dates)
        assert [(s.date, s.before_days, s.after_days) for s in switches] == [(dates[40], 12, 6), (dates[160], 6, 12)]

    def test_lost_acquisitions_are_no_switch(self) -> None:
        # Every second interval is a double one from beginning to end: uneven, but the same all along.
        assert find_sampling_changes(dated([6, 12] * 50)) == ()

    @given(arrays(np.int64, st.integers(0, 60), elements=st.sampled_from([1, 6, 12, 18, 60])))
    def test_deviations_of_the_first_intervals(self, steps: np.ndarray) -> None:
        """By counts of each length: as by sorting, for each number of intervals."""
        values = np.log2(steps.astype(np.float64))
        wanted = [np.abs(values[:count] - np.median(values[:count])).sum() for count in range(1, len(steps) + 1)]
        assert absolute_deviations(values) == pytest.approx(np.array([0.0, *wanted]))

    @given(st.lists(st.sampled_from([1, 6, 12, 60]), max_size=80))
    def test_any_axis_goes_through(self, steps: list[int]) -> None:
        axis = describe_time_axis(dated(steps))
        assert sum(axis.intervals.values()) == len(steps)
        assert axis.longest_gap is None or axis.longest_gap.days == max(steps)

    def test_gaps(self) -> None:
        dates = dated([12] * 25 + [70] + [12] * 20)  # from October 30 to January 8
        axis = describe_time_axis(dates)
        assert axis.longest_gap is not None
        assert (axis.longest_gap.begin, axis.longest_gap.days) == (dates[25], 70)
        assert len(axis.winter_gaps) == 1
        assert describe_time_axis(dates + 180).winter_gaps == ()
        assert describe_time_axis(dates[:1]).longest_gap is None

    @pytest.mark.parametrize(
        ("begin", "end", "winter"),
        [
            ("2017-11-15", "2018-05-10", True),
            ("2024-02-17", "2024-06-16", False),  # into summer
            ("2017-11-15", "2018-11-20", False),  # a whole year
            ("2018-05-01", "2018-10-10", False),
        ],
    )
    def test_a_winter_gap_lies_in_one_winter(self, begin: str, end: str, winter: bool) -> None:
        axis = describe_time_axis(np.array([begin, end], dtype="datetime64[D]"))
        assert bool(axis.winter_gaps) is winter


class TestMissing:
    def test_two_releases_joined(self) -> None:
        series, dates = noise(0)
        series[:60, :50] = np.nan
        series[60:100, 120:] = np.nan
        series[200, 7] = np.nan
        missing = find_missing(series, dates)
        assert missing.looks_joined
        assert [(b.place, b.first, b.last, b.rows) for b in missing.blocks] == [
            ("start", dates[0], dates[49], 60),
            ("end", dates[120], dates[-1], 40),
        ]
        assert missing.rows_complete == 300 - 101
        assert missing.share == pytest.approx(np.isnan(series).mean())

    def test_scattered_values_are_no_block(self) -> None:
        series, dates = noise(1)
        series[np.random.default_rng(1).random(series.shape) < 0.1] = np.nan
        assert find_missing(series, dates).blocks == ()

    def test_epochs_and_rows_without_values(self) -> None:
        series, dates = noise(2)
        series[:200, 9] = np.nan
        series[7] = np.nan
        missing = find_missing(series, dates)
        assert (missing.sparse_epochs, missing.rows_empty) == ((dates[9],), 1)

    @given(st.integers(0, 12), st.integers(0, 12), st.data())
    def test_counts_hold_for_any_mask(self, rows: int, epochs: int, data: st.DataObject) -> None:
        mask = data.draw(arrays(bool, (rows, epochs)))
        series = np.where(mask, np.nan, 1).astype(np.float32)
        missing = find_missing(series, FIRST + np.arange(epochs))
        if mask.size:
            assert missing.share == pytest.approx(mask.mean())
            assert missing.rows_complete == (~mask.any(axis=1)).sum()
            assert missing.rows_empty == mask.all(axis=1).sum()
        for block in missing.blocks:
            begin, end = (int((day - FIRST).astype(int)) for day in (block.first, block.last))
            assert mask[:, begin : end + 1].all(axis=1).sum() >= block.rows


class TestLevels:
    @pytest.mark.parametrize("wander", [0.0, 0.6])
    def test_silent_on_noise(self, wander: float) -> None:
        files = [noise(seed, 150, 120, wander=wander) for seed in range(40)]
        assert sum(bool(find_level_changes(*file)) for file in files) <= 2

    def test_finds_a_step_of_5_mm_in_a_quarter_of_the_rows(self) -> None:
        found = 0
        for seed in range(40):
            series, dates = noise(seed)
            rng = np.random.default_rng(seed)
            at = int(rng.integers(25, 125))
            some = rng.random(len(series)) < 0.25
            series[some, at:] += 5 * rng.choice([-1, 1], some.sum())[:, None]
            found += any(change.after == dates[at] for change in find_level_changes(series, dates))
        assert found >= 38

    def test_finds_a_step_of_all_rows(self) -> None:
        series, dates = noise(3)
        series[:, 70:] += 6
        (change,) = find_level_changes(series, dates)
        assert (change.before, change.after) == (dates[69], dates[70])
        assert change.common_mm == pytest.approx(6, abs=0.5)

    def test_motion_over_a_gap_is_no_step(self) -> None:
        rng = np.random.default_rng(4)
        dates = dated([6] * 90 + [120] + [12] * 60)
        days = (dates - dates[0]).astype(float)
        rate = np.where(rng.random(300) < 0.4, rng.normal(0, 40, 300), 0) / 365.25
        late = np.maximum(days - 400, 0)  # bilinear: the rate of the whole is not that of the gap
        series = (rng.normal(0, 2, (300, len(dates))) + rate[:, None] * late).astype(np.float32)
        assert find_level_changes(series, dates) == ()

    def test_a_change_of_sampling_is_no_step(self) -> None:
        rng = np.random.default_rng(5)
        dates = dated([6] * 90 + [12] * 60)
        days = (dates - dates[0]).astype(float)
        rate = rng.normal(0, 20, 300) / 365.25
        series = (rng.normal(0, 2, (300, len(dates))) + rate[:, None] * days).astype(np.float32)
        assert find_level_changes(series, dates, [dates[91]]) == ()

    @given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.0, np.nan, np.inf, 1.0]))
    def test_any_shape_goes_through(self, rows: int, epochs: int, filler: float) -> None:
        series = np.full((rows, epochs), filler, dtype=np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            examine_sample(series, FIRST + np.arange(epochs), LIMITS)


class TestScatter:
    @pytest.mark.parametrize("epoch", [0, 40, 149])
    def test_a_bad_epoch_of_all_rows(self, epoch: int) -> None:
        series, dates = noise(6)
        series[:, epoch] += 7
        (bad,) = measure_scatter(series, dates).bad_epochs
        assert bad.date == dates[epoch]
        assert bad.common_mm == pytest.approx(7, abs=0.7)

    def test_a_step_of_all_rows_is_no_bad_epoch(self) -> None:
        series, dates = noise(11)
        series[:, 70:] += 8
        assert not measure_scatter(series, dates).bad_epochs

    def test_a_noisy_epoch(self) -> None:
        series, dates = noise(7)
        series[:, 40] *= 5
        (noisy,) = measure_scatter(series, dates).noisy_epochs
        assert noisy.date == dates[40]
        assert noisy.scatter_mm > 3 * noisy.usual_mm

    def test_silent_on_noise(self) -> None:
        for seed in range(40):
            scatter = measure_scatter(*noise(seed, 100, 80, wander=0.6))
            assert not scatter.bad_epochs
            assert not scatter.noisy_epochs

    def test_the_scatter_before_and_after_a_switch(self) -> None:
        series, dates = noise(8)
        series[:, 75:] *= 2
        scatter = measure_scatter(series, dates, [dates[75]])
        assert scatter.by_sampling_mm == pytest.approx((2.6, 5.2), rel=0.15)


class TestValues:
    @given(st.sampled_from([10, 1, 0.1, 0.01, 0.001]), st.integers(0, 2**31))
    def test_rounding(self, step: float, seed: int) -> None:
        whole = np.random.default_rng(seed).integers(1, 300, (20, 30))
        series = ((2 * (whole // 2) + 1) * step).astype(np.float32)  # odd multiples are none of a larger power of ten
        assert examine_values(series).rounded_to == pytest.approx(step)

    def test_metres_and_noise_are_not_rounded(self) -> None:
        rng = np.random.default_rng(0)
        assert examine_values((rng.normal(0, 3, (50, 50)) / 7).astype(np.float32)).rounded_to is None
        assert examine_values((rng.normal(0, 0.004, (50, 50)) / 7).astype(np.float32)).rounded_to is None

    def test_rows_that_are_no_series(self) -> None:
        series, _ = noise(9, 50, 40)
        series[1], series[2], series[3] = 0, 4.5, series[4]
        series[5, :3] = -9999
        series[6, 0] = np.inf
        values = examine_values(series)
        assert (values.zero_rows, values.constant_rows, values.repeated_rows) == (1, 2, 1)
        assert (values.fillers, values.infinite) == ({"-9999": 3}, 1)
        assert (values.flat_rows, values.flat_value) == (0, None)

    def test_values_that_stand_still(self) -> None:
        series, _ = noise(9, 50, 40)
        series[:9, 10:16] = -88
        series[20:22, 5:20] = 3
        series[30:40, 10:15] = 2
        values = examine_values(series)
        assert (values.flat_rows, values.flat_value) == (11, -88)
        series[:9, 10:16] = np.nan
        assert examine_values(series).flat_rows == 0


class TestWindows:
    @given(arrays(np.float32, (3, 12), elements=st.one_of(st.floats(-9, 9, width=32), st.just(np.nan))))
    def test_medians_are_numpys(self, series: np.ndarray) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_allclose(nanmedian(series, 0), np.nanmedian(series, axis=0), rtol=1e-6)
            medians = running_medians(series, 5)
            for place in range(8):
                window = series[:, place : place + 5]
                wanted = np.where((~np.isnan(window)).sum(axis=1) >= 3, np.nanmedian(window, axis=1), np.nan)
                np.testing.assert_allclose(medians[:, place], wanted, rtol=1e-6)

    @given(st.integers(1, 12), st.integers(0, 2**31), st.sampled_from([0.0, 0.2, 0.9]))
    def test_windows_of_any_width(self, width: int, seed: int, missing: float) -> None:
        rng = np.random.default_rng(seed)
        series = rng.integers(-5, 6, (4, 30)).astype(np.float32)
        series[rng.random(series.shape) < missing] = np.nan
        windows = np.lib.stride_tricks.sliding_window_view(series, width, axis=1)
        enough = (~np.isnan(windows)).sum(axis=-1) >= max(0.6 * width, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = np.where(enough, np.nanmedian(windows, axis=-1), np.nan)
        np.testing.assert_array_equal(running_medians(series, width), wanted)

    @given(st.integers(0, 2**31), st.sampled_from([0.0, 0.3]))
    def test_departures_are_from_the_median_of_six_neighbours(self, seed: int, missing: float) -> None:
        rng = np.random.default_rng(seed)
        series = rng.integers(-5, 6, (3, 15)).astype(np.float32)
        series[rng.random(series.shape) < missing] = np.nan
        found = departures(series)
        for epoch in range(15):
            near = [other for other in range(epoch - 3, epoch + 4) if 0 <= other < 15 and other != epoch]
            there = ~np.isnan(series[:, near])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                middle = np.where(there.sum(axis=1) >= 3, np.nanmedian(series[:, near], axis=1), np.nan)
            np.testing.assert_array_equal(found[:, epoch], series[:, epoch] - middle)

    def test_a_line_departs_from_nothing(self) -> None:
        line = np.arange(30, dtype=np.float32)[None]
        assert np.abs(departures(line)[:, 3:-3]).max() == 0


class TestRealFiles:
    @pytest.mark.parametrize(
        ("name", "before", "after"),
        [
            ("egms_l2_wroclaw/124_0770_IW3_VV.csv", "2021-12-18", "2022-01-17"),
            ("egms_l2_wroclaw/175_0304_IW1_VV.csv", "2021-12-27", "2022-02-01"),
        ],
    )
    def test_joined_releases(self, real: Callable[[str], Path], name: str, before: str, after: str) -> None:
        survey = findings_of_real_file(real(name))
        (change,) = survey.level_changes
        assert (str(change.before), str(change.after)) == (before, after)
        assert 0.1 < change.share < 0.3
        assert survey.missing.looks_joined
        assert [block.share for block in survey.missing.blocks if block.place != "middle"] == pytest.approx(
            [0.23, 0.145], abs=0.01
        )

    @pytest.mark.parametrize(
        "name",
        [
            "egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv",
            "egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv",
            "egms_l2_carpathians/102_100.csv",
        ],
    )
    def test_silent_on_one_release(self, real: Callable[[str], Path], name: str) -> None:
        survey = findings_of_real_file(real(name))
        assert not survey.level_changes
        assert not survey.scatter.bad_epochs
        assert not survey.missing.blocks
        assert survey.values.rounded_to == 0.1
