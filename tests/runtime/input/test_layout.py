"""The layout of a table: series, dates, id, position, velocity, producer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from insar_runtime._input.layout import Layout, resolve_layout
from insar_runtime._input.opening import open_source
from insar_runtime.errors import DataError, UsageError

DAYS = [date(2020, 1, 3), date(2020, 1, 9), date(2020, 1, 21)]
META = {"insar_runtime:dates": json.dumps([day.isoformat() for day in DAYS])}


def wide(*names: str, data_type: Any = None) -> pa.Schema:
    return pa.schema([(name, data_type or pa.float64()) for name in names])


def list_table(**columns: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def resolve_file(path: Path) -> Layout:
    with open_source(path) as source:
        return resolve_layout(source.schema, next(source.batches(), None))


def test_wide_columns_in_date_order_attributes_in_file_order() -> None:
    layout = resolve_layout(wide("z", "20200121", "pid", "20200103", "a_20200103", "20200109"))
    assert layout.kind == "wide"
    assert layout.columns == ("20200103", "20200109", "20200121")
    assert layout.dates.tolist() == DAYS
    assert layout.days.tolist() == [0.0, 6.0, 18.0]
    assert layout.days.dtype == np.float32
    assert layout.attributes == ("z", "pid", "a_20200103")
    assert (layout.dates_column, layout.order, layout.id) == (None, None, "pid")


@pytest.mark.parametrize(
    ("names", "expected", "producer"),
    [
        (
            "pid latitude longitude easting northing mean_velocity 20200103",
            "pid longitude latitude mean_velocity",
            "EGMS L2",
        ),
        ("pid easting northing mean_velocity 20200103", "pid None None mean_velocity", "EGMS L3"),
        ("CODE HEIGHT VEL V_STDEV D20200103", "CODE None None VEL", "SqueeSAR-like (D)"),
        ("code vel d20200103", "code None None vel", "SqueeSAR-like (D)"),
        ("CODE LON LAT HEIGHT COHERENCE VLOS D20200103", "CODE LON LAT VLOS", "StaMPS"),
        ("point_id velocity D20200103", "point_id None None velocity", "SqueeSAR-like (D)"),
        ("Velocity Lon Lat D_20200103", "None Lon Lat Velocity", "SARscape-like (D_)"),
        ("id lat long vel D20200103", "id long lat vel", "SqueeSAR-like (D)"),
        ("pnt_id pnt_lat pnt_lon pnt_linear d_20200103", "pnt_id pnt_lon pnt_lat None", "stmtools"),
        (
            "Point|ID longitude latitude mean_velocity 20200103",
            "Point ID longitude latitude mean_velocity",
            "InSAR Norway",
        ),
        ("name 2020-01-03", "None None None None", None),
    ],
)
def test_producers_and_their_columns(names: str, expected: str, producer: str | None) -> None:
    layout = resolve_layout(wide(*(name.replace("|", " ") for name in names.split())))
    found = (layout.id, layout.longitude, layout.latitude, layout.velocity)
    assert " ".join(map(str, found)) == expected
    assert layout.producer == producer


def test_aliases_are_exact_and_numeric() -> None:
    layout = resolve_layout(wide("velocity_std", "my_id", "20200103"))
    assert (layout.velocity, layout.id) == (None, None)
    schema = pa.schema([("vel", pa.string()), ("lat", pa.string()), ("20200103", pa.float32())])
    assert (resolve_layout(schema).velocity, resolve_layout(schema).latitude) == (None, None)


def test_overrides() -> None:
    schema = pa.schema([("pid", pa.string()), ("name", pa.string()), ("v", pa.float32()), ("20200103", pa.float32())])
    layout = resolve_layout(schema, overrides={"id": "name", "velocity": "v"})
    assert (layout.id, layout.velocity) == ("name", "v")
    with pytest.raises(UsageError, match="'nope' is not in the table"):
        resolve_layout(schema, overrides={"longitude": "nope"})
    with pytest.raises(DataError, match="velocity column 'name' is of type string"):
        resolve_layout(schema, overrides={"velocity": "name"})


@pytest.mark.parametrize("data_type", [pa.string(), pa.bool_(), pa.date32(), pa.list_(pa.float32())])
def test_date_columns_must_be_numbers(data_type: pa.DataType) -> None:
    schema = pa.schema([("20200103", pa.float32()), ("20200109", data_type), ("timeseries_unknown", pa.int8())])
    with pytest.raises(DataError, match="'20200109' is of type"):
        resolve_layout(schema)


@pytest.mark.parametrize("data_type", [pa.null(), pa.int16(), pa.float16(), pa.decimal128(9, 2)])
def test_date_columns_of_other_numbers(data_type: pa.DataType) -> None:
    assert resolve_layout(wide("20200103", data_type=data_type)).columns == ("20200103",)


def test_duplicate_columns_are_refused() -> None:
    with pytest.raises(DataError, match="'height' occurs twice"):
        resolve_layout(wide("height", "20200103", "height"))


@pytest.mark.parametrize(
    "list_type",
    [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 3), pa.list_(pa.int32())],
)
@pytest.mark.parametrize("name", ["displacements", "Displacement_mm", "ts", "only_list"])
def test_list_with_dates_in_metadata(list_type: pa.DataType, name: str) -> None:
    field = pa.field(name, list_type)
    for schema in (
        pa.schema([("pid", pa.string()), field], metadata=META),
        pa.schema([("pid", pa.string()), field.with_metadata({"dates": META["insar_runtime:dates"]})]),
    ):
        layout = resolve_layout(schema)
        assert (layout.kind, layout.columns, layout.dates_column) == ("list", (name,), None)
        assert layout.dates.tolist() == DAYS
        assert layout.attributes == ("pid",)


def test_list_with_dates_column_unsorted() -> None:
    dates = [DAYS[2], DAYS[0], DAYS[1]]
    head = list_table(
        pid=["a", "b"], dates=[None, dates], displacements=[None, [3.0, 1.0, 2.0]], weights=[[1.0], [2.0]]
    )
    layout = resolve_layout(head.schema, head)
    assert layout.columns == ("displacements",)
    assert layout.dates_column == "dates"
    assert layout.dates.tolist() == DAYS
    assert layout.order is not None
    assert layout.order.tolist() == [1, 2, 0]
    assert layout.attributes == ("pid", "weights")


def test_list_dates_may_be_whole_numbers() -> None:
    head = list_table(pid=["a"], dates=[[20200103, 20200109]], displacements=[[1.0, 2.0]])
    layout = resolve_layout(head.schema, head)
    assert (layout.columns, layout.dates_column) == (("displacements",), "dates")
    assert layout.dates.tolist() == DAYS[:2]


def test_list_without_rows_has_no_axis() -> None:
    schema = pa.schema([("dates", pa.list_(pa.date32())), ("ts", pa.list_(pa.float32(), 3))])
    layout = resolve_layout(schema)
    assert len(layout.dates) == len(layout.days) == 0


def test_sliced_head_gives_the_dates_of_its_own_rows() -> None:
    other = [date(2019, 1, 1), date(2019, 1, 2), date(2019, 1, 3)]
    head = list_table(dates=[other, DAYS], ts=[[0.0] * 3, [0.0] * 3]).slice(1)
    assert resolve_layout(head.schema, head).dates.tolist() == DAYS


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (list_table(ts=[[1.0]]), "'ts' has no dates"),
        (list_table(ts=[[1.0]], dates=[[1.5]]), "'dates' is of type list"),
        (
            list_table(ts=[[1.0]], dates=pa.array([None], pa.list_(pa.date32()))),
            "has no dates in the first 1 row",
        ),
        (list_table(ts=[[1.0]], dates=[[DAYS[0], None]]), "null among its dates"),
        (list_table(ts=[[1.0, 2.0]], dates=[[DAYS[0], DAYS[0]]]), "2020-01-03 occurs twice"),
        (list_table(ts=[[1.0]], values=[[1.0]]), "several list columns .*'ts', 'values'"),
        (list_table(first=[[1.0]], second=[[1.0]]), "several list columns .*'first', 'second'"),
    ],
)
def test_lists_that_are_refused(head: pa.RecordBatch, message: str) -> None:
    with pytest.raises(DataError, match=message):
        resolve_layout(head.schema, head)


def test_fixed_size_must_be_that_of_the_axis() -> None:
    with pytest.raises(DataError, match="4 values per row but there are 3 dates"):
        resolve_layout(pa.schema([("ts", pa.list_(pa.float32(), 4))], metadata=META))


def test_wide_table_with_a_list_attribute_stays_wide() -> None:
    schema = pa.schema([("20200103", pa.float32()), ("bbox", pa.list_(pa.float64(), 4))])
    assert resolve_layout(schema).attributes == ("bbox",)


@pytest.mark.parametrize("index", [pa.array(DAYS), pa.array(DAYS).cast(pa.timestamp("ns")), pa.array(map(str, DAYS))])
@pytest.mark.parametrize(("column", "message"), [("3m8ox5jJHN", "transposed table"), ("pid", "long table")])
def test_dates_as_a_nameless_index_are_told_too(index: pa.Array, column: str, message: str) -> None:
    head = pa.RecordBatch.from_pydict({"__index_level_0__": index, column: [1.0, 2.0, 3.0]})
    with pytest.raises(DataError, match=message):
        resolve_layout(head.schema, head)


@pytest.mark.parametrize(
    ("name", "axis", "producer"),
    [
        (
            "egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv",
            ("2020-01-03", "2024-12-25", 210),
            "EGMS L2b",
        ),
        (
            "egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv",
            ("2020-01-03", "2024-12-25", 304),
            "EGMS L3",
        ),
        ("egms_l2_carpathians/102_100.csv", ("2015-02-09", "2021-12-22", 361), "EGMS L2"),
        ("egms_l2_wroclaw/124_0770_IW3_VV.csv", ("2015-02-11", "2022-12-19", 386), "EGMS L2"),
        ("egms_l2_wroclaw/022_0771_IW1_VV.csv", ("2015-02-04", "2022-12-24", 393), "EGMS L2"),
        ("depsi_amsterdam/example.csv", ("2016-03-27", "2016-07-15", 11), "stmtools"),
        ("stamps_maoxian/Maoxian_PS.csv", ("2014-11-25", "2017-06-18", 41), "StaMPS"),
    ],
)
def test_real_files(real: Callable[[str], Path], name: str, axis: tuple[str, str, int], producer: str) -> None:
    layout = resolve_file(real(name))
    assert (str(layout.dates[0]), str(layout.dates[-1]), len(layout.dates)) == axis
    assert layout.producer == producer
    assert layout.id in {"pid", "pnt_id"} or "stamps" in name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("egms_l2_wroclaw_transposed/wroclaw_caly_filtered.csv", "transposed"),
        ("egms_l2_wroclaw_transposed/wroclaw_geo_filtered.csv", "no date columns"),
    ],
)
def test_real_files_that_are_refused(real: Callable[[str], Path], name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        resolve_file(real(name))
