"""Dates of arrays: each spelling means the same days, and what may be something else is refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime import DataError
from insar_runtime._engine.array_dates import as_dates

DAYS = st.lists(
    st.dates(min_value=date(1992, 1, 1), max_value=date(2099, 12, 31)), min_size=1, max_size=30, unique=True
)


def _decimal(day: date) -> float:
    length = (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days
    return day.year + (day - date(day.year, 1, 1)).days / length


@given(DAYS)
def test_whole_numbers_are_dates_in_any_order_and_type(days: list[date]) -> None:
    numbers = [int(day.strftime("%Y%m%d")) for day in days]
    wanted = np.array(sorted(days), dtype="datetime64[D]")
    for given_dates in (numbers, np.array(numbers, "i4"), np.array(numbers, "f8"), np.array(numbers, object)):
        axis, order = as_dates(given_dates)
        assert np.array_equal(axis, wanted)
        assert np.array_equal(np.array(days, "datetime64[D]")[order if order is not None else slice(None)], wanted)


@given(DAYS, st.sampled_from([4, 6, 12]))
def test_decimal_years_are_the_nearest_day(days: list[date], digits: int) -> None:
    days = sorted(days)
    axis, order = as_dates([round(_decimal(day), digits) for day in days])
    assert order is None
    assert axis.tolist() == days


def test_decimal_years_over_365_25_are_at_most_one_day_off() -> None:
    """As chains write them that divide the day of the year, from 0, by 365.25."""
    days = np.arange("2015-01-01", "2025-01-01", dtype="datetime64[D]")
    of_year = (days - days.astype("datetime64[Y]")).astype(float)
    years = days.astype("datetime64[Y]").astype(int) + 1970 + of_year / 365.25
    found = np.concatenate([as_dates([year])[0] for year in years])
    assert np.abs((found - days).astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("dates", "match"),
    [
        ([0, 12, 24], "0 is not a date YYYYMMDD"),
        ([18262, 18274], "18262 is not a date"),
        ([2019, 2020], "2019 is not a date"),
        ([20200230], "20200230 is not a date"),
        ([-20200101], "-20200101 is not a date"),
        ([0.0, 12.0, 24.0], "0 is not a decimal year"),
        ([737791.5, 737803.5], "not a decimal year"),
        ([2020.5, 2020.4], "2020.4 follows 2020.5"),
        ([2020.5, 2020.5], "2020.5 follows 2020.5"),
        ([2020.5, 2020.5001], "2020-07-02 occurs twice"),
        ([1950.5, 1951.5], "1950-07-02 lies outside"),
        ([2020.1, np.nan], "date 1 is missing"),
        ([2020.1, np.inf], "date 1 is missing"),
        ([20200103.0, np.nan], "date 1 is missing"),
        ([date(2020, 1, 3), 20200115], "several types, 20200115"),
        ([date(2020, 1, 3), float("nan")], "date 1 is missing"),
        ([True, False], "type bool"),
        ([1 + 2j], "type complex"),
    ],
)
def test_numbers_that_may_be_something_else_are_refused(dates: Any, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        as_dates(dates)
    assert "\n" not in str(caught.value)


def test_objects_of_pandas_are_dates() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed (group neighbours)")
    days = ["2020-01-03", "2020-01-15"]
    wanted = np.array(days, "datetime64[D]")
    stamps = pandas.DatetimeIndex(days)
    for dates in (stamps, list(stamps), pandas.Series(stamps), stamps.strftime("%Y%m%d").astype(int)):
        assert np.array_equal(as_dates(dates)[0], wanted)
    assert as_dates([datetime(2020, 1, 3, 17, 3)])[0].tolist() == [date(2020, 1, 3)]
