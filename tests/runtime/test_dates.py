from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._input.dates import (
    dates_of_json,
    find_date_columns,
    is_amplitude_name,
    list_dates_to_days,
    parse_date,
    sort_axis,
)
from insar_runtime.errors import DataError

DAYS = st.dates(date(1991, 1, 1), date(2100, 12, 31))
PREFIXES = ("", "D", "d", "D_", "d_")


@given(st.lists(DAYS, min_size=1, max_size=30, unique=True), st.sampled_from(PREFIXES))
def test_each_spelling_is_read_and_sorted(days: list[date], prefix: str) -> None:
    names = [f"{prefix}{day:%Y%m%d}" for day in days]
    found = find_date_columns(["pid", *names, "height"])
    assert found.family == f"{prefix}YYYYMMDD"
    assert found.names == tuple(sorted(names))
    assert found.dates.dtype == np.dtype("datetime64[D]")
    assert found.dates.tolist() == sorted(days)


@given(DAYS, st.sampled_from(["", " 00:00:00", "T00:00:00"]))
def test_iso_names(day: date, time: str) -> None:
    found = find_date_columns([day.isoformat() + time])
    assert (found.family, found.dates.tolist()) == ("YYYY-MM-DD", [day])


@given(st.text(alphabet="0123456789-DdT_: ", max_size=20))
def test_parse_date_reads_only_what_a_date_says(text: str) -> None:
    day = parse_date(text)
    if day is not None:
        assert text.replace("-", "").startswith(f"{day:%Y%m%d}")
        assert 1991 <= day.year <= 2100


@pytest.mark.parametrize("text", ["19901231", "21010101", "20150230", "2015-13-01", "2015-01-01 noon", "٢٠١٥٠١٠١"])
def test_no_dates(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize("name", ["a_20160327", "A20160327", "A_20160327", "AMP20160327", "AMP_20160327"])
def test_amplitudes_are_never_series(name: str) -> None:
    assert is_amplitude_name(name)
    assert find_date_columns([name, "d_20160407"]).names == ("d_20160407",)
    with pytest.raises(DataError, match=f"only amplitude columns .*'{name}'"):
        find_date_columns(["CODE", name])


def test_other_prefixes_are_attributes() -> None:
    assert find_date_columns(["h2ph_20160327", "d_20160327", "x20160327", "201603271"]).names == ("d_20160327",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no date columns among 0 columns"),
        (["pid", "latitude"], "no date columns among 2 columns .*'pid', 'latitude'.*YYYYMMDD"),
        (["D20150101", "d20150113"], "2 spellings.*'D20150101'.*'d20150113'"),
        (["20150101", "2015-01-13"], "2 spellings.*'20150101'.*'2015-01-13'"),
        (["20150101", "20150101"], "2015-01-01 occurs twice"),
        (["2015-01-01", "2015-01-01 00:00:00"], "2015-01-01 occurs twice"),
        (["20150101", "20150230"], "'20150230' is no calendar date"),
        (["D31122015"], "'D31122015' is no calendar date.*year first"),
        (["Date", "3m8ox5jJHN", "3m8ox5jJHP"], "transposed table .*transpose it"),
        (["pid", "date", "displacement_mm"], "long table .*'date', 'displacement_mm'.*pivot"),
        (["code", "DATE", "whatever"], "long table .*pivot"),
        (["export_res_ 1", "export_res_10"], "StaMPS.*first data row.*MATLAB day numbers"),
    ],
)
def test_refusals_say_what_and_how(names: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        find_date_columns(names)
    assert "\n" not in str(caught.value)


def test_list_values_of_all_types_mean_the_same_days() -> None:
    days = np.array(["2015-01-01", "2015-01-13", "2015-01-01"], dtype="datetime64[D]")
    texts = [str(day) for day in days]
    instants = days.astype("datetime64[us]") + np.timedelta64(5, "h")
    for array in (
        pa.array(days),
        pa.array(days).cast(pa.date64()),
        pa.array(instants),
        pa.array(instants).cast(pa.timestamp("us", "UTC")),
        pa.array(texts),
        pa.array(texts, pa.large_string()),
        pa.array([text.replace("-", "") for text in texts]),
    ):
        assert list_dates_to_days(array, "dates").tolist() == days.tolist(), array.type


def test_list_values_that_are_no_dates() -> None:
    with pytest.raises(DataError, match="null among its dates"):
        list_dates_to_days(pa.array(["2015-01-01", None]), "dates")
    with pytest.raises(DataError, match="'soon' in 'dates' is no date"):
        list_dates_to_days(pa.array(["2015-01-01", "soon"]), "dates")


def test_metadata_dates() -> None:
    assert dates_of_json(b'["2015-01-01", "20150113"]', "dates").tolist() == [
        date(2015, 1, 1),
        date(2015, 1, 13),
    ]
    for raw in (b"2015-01-01", b'{"a": 1}', b"[1]", b"\xff"):
        with pytest.raises(DataError, match="dates"):
            dates_of_json(raw, "dates")


@given(st.lists(DAYS, max_size=20, unique=True))
def test_sort_axis_gives_the_permutation(days: list[date]) -> None:
    axis = np.array(days, dtype="datetime64[D]")
    ordered, order = sort_axis(axis)
    assert ordered.tolist() == sorted(days)
    assert (order is None) == (days == sorted(days))
    if order is not None:
        assert axis[order].tolist() == ordered.tolist()


def test_sort_axis_refuses() -> None:
    with pytest.raises(DataError, match="2015-01-01 occurs twice"):
        sort_axis(np.array(["2015-01-01", "2016-01-01", "2015-01-01"], dtype="datetime64[D]"))
    for wrong in ("1970-01-01", "NaT"):
        with pytest.raises(DataError, match=f"{wrong} lies outside"):
            sort_axis(np.array(["2015-01-01", wrong], dtype="datetime64[D]"))
