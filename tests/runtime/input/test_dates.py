"""Dates in names of columns, in cells and in metadata, of every spelling that is supported."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._input.dates.date_columns import DateColumns, find_date_columns, is_amplitude_name
from insar_runtime._input.dates.date_values import dates_of_json, list_dates_to_days, parse_date, sort_axis
from insar_runtime.errors import DataError, UsageError

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


@given(st.text(alphabet="0123456789-/._DdXT: ", max_size=20))
def test_parse_date_reads_only_what_a_date_says(text: str) -> None:
    day = parse_date(text)
    if day is not None:
        assert re.sub("[-/._]", "", text[:10]).startswith(f"{day:%Y%m%d}")
        assert 1991 <= day.year <= 2100


ACQUISITIONS = st.lists(st.dates(date(1992, 1, 1), date(2089, 12, 31)), min_size=2, max_size=40, unique=True).map(
    sorted
)
SPELLINGS = {
    "YYYY/MM/DD": "%Y/%m/%d",
    "YYYY.MM.DD": "%Y.%m.%d",
    "YYYY_MM_DD": "%Y_%m_%d",
    "DYYYY-MM-DD": "D%Y-%m-%d",
    "XYYYY.MM.DD": "X%Y.%m.%d",
    "XYYYYMMDD": "X%Y%m%d",
    "YY/MM/DD": "%y/%m/%d",
    "YY.MM.DD": "%y.%m.%d",
    "YY-MM-DD": "%y-%m-%d",
    "YY_MM_DD": "%y_%m_%d",
    "XYY.MM.DD": "X%y.%m.%d",
    "DD/MM/YY": "%d/%m/%y",
    "DD.MM.YYYY": "%d.%m.%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
}


def attempt(names: list[str]) -> DateColumns | str:
    """Date columns, or the words of the refusal, in one line."""
    try:
        return find_date_columns(names)
    except DataError as error:
        text = str(error)
    assert "\n" not in text
    return text


@given(ACQUISITIONS, st.sampled_from(sorted(SPELLINGS)))
def test_columns_in_order_are_read_right_or_not_at_all(days: list[date], family: str) -> None:
    names = [day.strftime(SPELLINGS[family]) for day in days]
    found = attempt([*names, "height"])
    if isinstance(found, str):
        # A few dates may be chronological in two ways; more than a year of them hardly.
        assert re.search(r"may be .* or .*--date-format", found)
        assert not re.match("[DX]?YYYY", family)
        found = find_date_columns(names, family.removeprefix("X"))
    assert (found.family, found.dates.tolist()) == (family, days)


@given(st.permutations([date.fromordinal(735600 + 12 * i) for i in range(40)]), st.sampled_from(sorted(SPELLINGS)))
def test_a_year_of_columns_in_any_order_is_never_misread(days: list[date], family: str) -> None:
    names = [day.strftime(SPELLINGS[family]) for day in days]
    found = attempt(names)
    if isinstance(found, str):
        assert "--date-format" in found
    else:
        assert found.dates.tolist() == sorted(days)
        assert list(found.names) == [name for _, name in sorted(zip(days, names, strict=True))]


FORMATS = {
    "DDMMYYYY": "%d%m%Y",
    "ddmmyyyy": "%d%m%Y",
    "MMDDYYYY": "%m%d%Y",
    "YYMMDD": "%y%m%d",
    "DDMMYY": "%d%m%y",
    "DD/MM/YYYY": "%d/%m/%Y",
    "%d.%m.%y": "%d.%m.%y",
    "los_%Y%m%d": "los_%Y%m%d",
    "YYYY-MM-DD": "%Y-%m-%d",
}


@given(ACQUISITIONS, st.sampled_from(sorted(FORMATS)), st.sampled_from(["", "D", "X", "d_"]))
def test_a_format_that_is_named_is_the_one_that_is_read(days: list[date], named: str, prefix: str) -> None:
    names = [prefix + day.strftime(FORMATS[named]) for day in days]
    found = find_date_columns(["pid", *names], named)
    assert found.dates.tolist() == days
    texts = pa.array([day.strftime(FORMATS[named]) for day in days])
    assert list_dates_to_days(texts, "date", named).tolist() == days
    if "los" not in named and not any(sign in named for sign in "/.-"):
        numbers = pa.array([int(text) for text in texts.to_pylist()])
        assert list_dates_to_days(numbers, "date", named).tolist() == days


@pytest.mark.parametrize("named", ["", "foo", "DDMM", "YYYYMMDDMM", "%d%m%j", "YYYYYYMMDD", "%Q"])
def test_formats_that_are_none(named: str) -> None:
    with pytest.raises(UsageError, match=r"date format '.*DDMMYYYY"):
        find_date_columns(["20150101"], named)


@given(st.lists(st.text(alphabet="0123456789DdX_./- aA", max_size=12), max_size=12))
def test_any_names_are_dates_or_a_refusal_of_one_line(names: list[str]) -> None:
    found = attempt(names)
    if not isinstance(found, str):
        assert set(found.names) <= set(names)
        assert (np.diff(found.dates).astype(int) > 0).all()


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
        (["20150101", "20150230"], "'20150230' is not a calendar date"),
        (["D31122015"], "'D31122015' is not a calendar date.*year first.*--date-format DDMMYYYY"),
        (["12312015"], "'12312015' is not a calendar date.*--date-format MMDDYYYY"),
        (["01/02/03", "02/03/04"], "'01/02/03' may be YY/MM/DD or DD/MM/YY or MM/DD/YY.*--date-format YY/MM/DD"),
        (["15/02/01", "D20150301"], "2 spellings.*'15/02/01'.*'D20150301'"),
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
    with pytest.raises(DataError, match="'soon' in 'dates' is not a date"):
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


@pytest.mark.parametrize(
    ("form", "family"),
    [
        ("{0.day}/{0.month}/{0.year}", "DD/MM/YYYY"),
        ("{0.month}/{0.day}/{0.year}", "MM/DD/YYYY"),
        ("{0.month}/{0.day}/{0:%y}", "MM/DD/YY"),
        ("X{0.day}.{0.month}.{0.year}", "XDD.MM.YYYY"),
        ("{0.year}-{0.month}-{0.day}", "YYYY-MM-DD"),
        ("{0:%Y%m%d}T051722", "YYYYMMDD"),
    ],
)
def test_no_date_is_lost_without_its_zeros(form: str, family: str) -> None:
    days = [date(2019, 1, 4) + timedelta(12 * i) for i in range(60)]
    found = find_date_columns(["pid", *(form.format(day) for day in days)])
    assert (found.family, found.dates.tolist()) == (family, days)


def test_a_named_format_reads_days_without_their_zero() -> None:
    days = [date(2019, 1, 4), date(2019, 11, 24)]
    names = [f"{day.day}/{day.month}/{day.year}" for day in days]
    assert find_date_columns(names, "DD/MM/YYYY").dates.tolist() == days


@pytest.mark.parametrize("ends", [("_x", "_y"), (".1", ".2"), ("", ".1")])
def test_columns_of_a_merge_are_not_left_aside(ends: tuple[str, str]) -> None:
    names = ["pid", "20190104", *(f"20190116{end}" for end in ends), "mean_velocity_x"]
    with pytest.raises(DataError, match=r"one of two columns of a date.*keep one"):
        find_date_columns(names)


@pytest.mark.parametrize(("name", "named"), [("disp_20190104", "disp_%Y%m%d"), ("20190104_mm", "%Y%m%d_mm")])
def test_dates_within_other_words_are_told_and_read(name: str, named: str) -> None:
    with pytest.raises(DataError, match=f"--date-format {named}$"):
        find_date_columns(["pid", name])
    assert find_date_columns(["pid", name], named).dates.tolist() == [date(2019, 1, 4)]


@pytest.mark.parametrize("zone", ["Europe/Rome", "America/Los_Angeles", "UTC"])
def test_times_of_a_zone_are_days_where_its_clocks_stood(zone: str) -> None:
    shown = pa.array([datetime(2020, 1, 3), datetime(2020, 7, 7)], pa.timestamp("us"))
    values = pc.assume_timezone(shown, zone)
    assert list_dates_to_days(values, "date").astype(str).tolist() == ["2020-01-03", "2020-07-07"]


def test_a_zone_that_nobody_knows() -> None:
    with pytest.raises(DataError, match=r"zone 'Mars/Olympus'.*write dates"):
        list_dates_to_days(pa.array([0], pa.timestamp("us", "Mars/Olympus")), "date")


@pytest.mark.parametrize(("zone", "hour", "day"), [("+02:00", 23, 4), ("-03:30", 2, 2), ("+0200", 12, 3)])
def test_a_zone_that_is_a_distance_from_utc_needs_no_data_base(zone: str, hour: int, day: int) -> None:
    times = pa.array([datetime(2020, 1, 3, hour)], pa.timestamp("ms", zone))
    assert list_dates_to_days(times, "dates").tolist() == [date(2020, 1, day)]


@pytest.mark.parametrize("text", ["0001-01-03", "00010103", "0019-01-03", "1899-12-31", "2101-01-01", "9999-12-31"])
def test_a_year_of_four_digits_is_never_one_of_two(text: str) -> None:
    assert parse_date(text) is None
    with pytest.raises(DataError, match="not a date of 1991-2100"):
        list_dates_to_days(pa.array([text]), "dates")
    compact = text.replace("-", "")
    with pytest.raises(DataError, match="not a calendar date"):
        find_date_columns(["pid", compact, "20200109"])
    with pytest.raises(DataError, match="not a calendar date"):
        find_date_columns(["pid", f"{compact[6:]}.{compact[4:6]}.{compact[:4]}"], "DD.MM.YYYY")


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'["2020-01-03", [1]]', b"\xff", b'{"a": 1}', b"[1e999]"])
def test_dates_in_metadata_that_are_no_list_of_texts(raw: bytes) -> None:
    with pytest.raises(DataError, match="not a JSON list of dates"):
        dates_of_json(raw, "dates")
