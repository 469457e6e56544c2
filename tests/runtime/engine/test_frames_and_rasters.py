"""Data frames and rasters give the bits of the array that they hold, and their own index or shape back."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import Classifier, DataError, Result, RowStatus, UsageError
from tests.runtime.results import same_result, take_rows
from tests.runtime.tables import series, wide

pd = pytest.importorskip("pandas", reason="pandas is not installed (group neighbours)")
xr = pytest.importorskip("xarray", reason="xarray is not installed (group neighbours)")

MATRIX, DATES = series(300, 40)
MATRIX = MATRIX.astype(np.float32)
MATRIX[::9, 3] = np.nan
MATRIX[5] = np.nan
MATRIX[70, 2] = np.inf


@pytest.fixture(scope="module")
def wanted(classifier: Classifier) -> Result:
    """The result of the array."""
    return classifier.classify(MATRIX, DATES)


def cube(unit: str | None = "mm", matrix: np.ndarray = MATRIX) -> Any:
    return xr.DataArray(
        matrix.reshape(15, 20, 40),
        dims=("y", "x", "time"),
        coords={
            "time": DATES.astype("datetime64[ns]"),
            "y": np.arange(15) * 40.0,
            "x": np.arange(20) * 40.0,
            "latitude": (("y", "x"), np.ones((15, 20))),
            "baseline": ("time", np.arange(40)),
            "spatial_ref": 0,
        },
        attrs={} if unit is None else {"units": unit},
    )


def test_a_data_frame_is_the_array_with_its_index(classifier: Classifier, wanted: Result) -> None:
    frame = wide(MATRIX, DATES, height=list(range(300))).to_pandas().set_index("pid")
    result = classifier.classify(frame.assign(geometry=[object()] * 300))
    assert same_result(result, wanted)
    found = result.to_pandas()
    assert found.index.equals(frame.index)
    assert found.index.name == "pid"
    assert pickle.loads(pickle.dumps(result)).to_pandas().equals(found)
    dataset = result.to_xarray()
    assert dict(dataset.sizes) == {"pid": 300, "class": 6}
    assert dataset.pid.to_index().equals(frame.index)
    status = frame.rename_axis("status")
    assert dict(classifier.classify(status).to_xarray().sizes) == {"row": 300, "class": 6}
    assert frame.join(found)["class_name"].notna().sum() == (wanted.class_id >= 0).sum()


@pytest.mark.parametrize(
    "labels",
    [
        pd.DatetimeIndex(DATES),
        [str(day) for day in DATES],
        [int(str(day).replace("-", "")) for day in DATES],
        [day.astype(object) for day in DATES],
        [f"D{str(day).replace('-', '')}" for day in DATES],
    ],
    ids=["timestamps", "texts", "numbers", "dates", "egms"],
)
def test_columns_of_a_data_frame_may_be_any_dates(classifier: Classifier, wanted: Result, labels: Any) -> None:
    frame = pd.DataFrame(MATRIX, columns=labels)
    assert same_result(classifier.classify(frame), wanted)
    order = np.random.default_rng(0).permutation(40)
    assert same_result(classifier.classify(frame.iloc[:, order]), wanted)
    assert same_result(classifier.classify(frame, DATES), wanted)


def test_the_types_of_a_data_frame_do_not_matter(classifier: Classifier, wanted: Result) -> None:
    frame = pd.DataFrame(MATRIX.astype(np.float64), columns=[str(day) for day in DATES])
    assert same_result(classifier.classify(frame), wanted)
    assert same_result(classifier.classify(frame.convert_dtypes(dtype_backend="pyarrow")), wanted)
    assert same_result(classifier.classify(frame.astype(object)), wanted)


def test_a_relation_of_duckdb_is_a_table(classifier: Classifier, wanted: Result) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed (group neighbours)")
    assert same_result(classifier.classify(duckdb.connect().from_arrow(wide(MATRIX, DATES))), wanted)


@settings(max_examples=20)
@given(dims=st.permutations(["y", "x", "time"]), backwards=st.booleans())
def test_axes_of_a_raster_in_any_order(
    classifier: Classifier, wanted: Result, dims: list[str], backwards: bool
) -> None:
    raster = cube().transpose(*dims)
    raster = raster.isel(time=slice(None, None, -1)) if backwards else raster
    result = classifier.classify(raster)
    places = np.arange(300).reshape(15, 20)
    others = [name for name in dims if name != "time"]
    rows = places if others == ["y", "x"] else places.T
    assert same_result(result, take_rows(wanted, rows.ravel()))
    found = result.to_xarray()
    assert found.class_id.dims == tuple(others)
    assert found.probabilities.dims == (*others, "class")
    assert np.array_equal(found.confidence.transpose("y", "x"), wanted.confidence.reshape(15, 20), equal_nan=True)
    assert set(found.coords) == {"y", "x", "latitude", "spatial_ref", "class"}
    assert found.y.identical(raster.y.reset_coords(drop=True).assign_coords(found.y.coords))


def test_a_raster_in_chunks_is_the_raster(classifier: Classifier, wanted: Result) -> None:
    pytest.importorskip("dask", reason="dask is not installed (group neighbours)")
    for chunks in ({"y": 4, "x": 7, "time": 11}, {"y": 1}, {"time": 1}):
        raster = cube().chunk(chunks)
        assert same_result(classifier.classify(raster), wanted)
        assert same_result(classifier.classify(raster.transpose("time", "y", "x")), wanted)
    auto = classifier.classify(cube(), priors="auto")
    assert same_result(classifier.classify(cube().chunk({"y": 4}), priors="auto"), auto)
    diagnosis = classifier.diagnose(cube().chunk({"y": 4}))
    assert diagnosis.to_arrow().equals(classifier.diagnose(MATRIX, DATES).to_arrow())


def test_rasters_of_points_of_one_series_and_of_none(classifier: Classifier, wanted: Result) -> None:
    stacked = classifier.classify(cube().stack(point=("y", "x")))
    assert same_result(stacked, wanted)
    assert stacked.to_xarray().class_id.unstack("point").dims == ("y", "x")
    assert stacked.to_pandas().index.nlevels == 2
    points = xr.DataArray(MATRIX, dims=("station", "date"), attrs={"units": "mm"})
    assert same_result(classifier.classify(points, DATES), wanted)
    assert classifier.classify(points, DATES).to_pandas().index.name == "station"
    single = classifier.classify(cube()[3, 4])
    assert same_result(single, take_rows(wanted, slice(64, 65)))
    assert single.to_xarray().class_id.shape == ()
    assert len(classifier.classify(cube()[:0])) == 0


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("cm", 10), ("m", 1000), ("Metres", 1000), (" mm ", 1)])
def test_the_unit_of_a_raster_is_that_of_its_attribute(classifier: Classifier, unit: str, factor: int) -> None:
    values = MATRIX / np.float32(factor)
    wanted = classifier.classify(values * np.float32(factor), DATES)
    assert same_result(classifier.classify(cube(unit, values)), wanted)
    plain: Any = next(name for name, mm in {"mm": 1, "cm": 10, "m": 1000}.items() if mm == factor)
    assert same_result(classifier.classify(cube("furlong", values), units=plain), wanted)
    assert same_result(classifier.classify(values, DATES, units=plain), wanted)


def test_missing_pixels_stay_missing(classifier: Classifier) -> None:
    raster = cube().where(cube().x < 400)
    found = classifier.classify(raster).to_xarray()
    away = found.sel(x=slice(400, None))
    assert (away.status == RowStatus.TOO_FEW_EPOCHS).all()
    assert (away.class_id == -1).all()
    assert away.confidence.isnull().all()
    assert (found.sel(x=slice(0, 399)).class_id >= 0).mean() > 0.8


def test_a_coordinate_named_like_a_variable_moves_aside(classifier: Classifier) -> None:
    found = classifier.classify(cube().assign_coords(confidence=(("y", "x"), np.zeros((15, 20))))).to_xarray()
    assert "confidence_input" in found.coords
    assert float(found.confidence.max()) > 0.5


def test_one_series_of_pandas(classifier: Classifier, wanted: Result) -> None:
    one = pd.Series(MATRIX[3], index=pd.DatetimeIndex(DATES))
    assert same_result(classifier.classify(one), take_rows(wanted, slice(3, 4)))
    assert len(classifier.classify(one).to_pandas()) == 1


@pytest.mark.parametrize(
    ("displacement", "options", "error", "match"),
    [
        (cube(None), {}, UsageError, "no attribute units"),
        (cube("furlong"), {}, UsageError, "the units 'furlong'"),
        (cube().rename(time="t").drop_vars("t"), {}, UsageError, "name that of time 'time'"),
        (cube().drop_vars("time"), {}, UsageError, "no coordinate; give its dates"),
        (cube(), {"dates": DATES[:-1]}, UsageError, "40 epochs and there are 39 dates"),
        (cube().to_dataset(name="los"), {}, UsageError, r"several variables \(los\)"),
        (pd.DataFrame(MATRIX.T, index=pd.DatetimeIndex(DATES)), {}, DataError, "frame.T"),
        (pd.DataFrame({"a": [1.0]}), {}, DataError, "no date columns"),
        (pd.DataFrame(MATRIX, columns=[str(day) for day in DATES]).astype(str), {}, DataError, "not a number"),
        (pd.DataFrame([[1.0, 2.0]], columns=["20200103", "20200103"]), {}, DataError, "occurs twice"),
    ],
)
def test_what_holds_no_series_is_refused_in_one_line(
    classifier: Classifier, displacement: Any, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        classifier.classify(displacement, **options)
    assert "\n" not in str(caught.value)


def test_a_date_column_of_words_is_not_left_out(classifier: Classifier) -> None:
    frame = pd.DataFrame(MATRIX, columns=[str(day) for day in DATES]).astype(object)
    frame.iloc[7, 11] = "n/a"
    with pytest.raises(DataError, match=f"date column '{DATES[11]}'"):
        classifier.classify(frame)


def test_diagnoses_of_tables_and_rasters_are_those_of_the_array(classifier: Classifier) -> None:
    wanted = classifier.diagnose(MATRIX, DATES).to_arrow()
    frame = pd.DataFrame(MATRIX, columns=[str(day) for day in DATES], index=[f"p{i}" for i in range(300)])
    for displacement, dates in itertools.product((frame, cube(), cube().stack(point=("y", "x"))), (None,)):
        assert classifier.diagnose(displacement, dates).to_arrow().equals(wanted)
    assert classifier.diagnose(frame).to_pandas().index.equals(frame.index)
    assert dict(classifier.diagnose(cube()).to_pandas().to_xarray().sizes) == {"y": 15, "x": 20}


def test_the_producer_of_a_table_decides_on_the_wavelength(classifier: Classifier) -> None:
    """EGMS L3 is projected and mixes tracks: a jump is not a multiple of half a wavelength, whatever the dates."""
    jumping = np.where(np.arange(40) < 20, MATRIX[:30], MATRIX[:30] + np.float32(27.73))
    names = [str(day).replace("-", "") for day in DATES]
    frame = pd.DataFrame(jumping, columns=names)
    level3 = frame.assign(pid="x", easting=4e6, northing=2e6, height=1.0, mean_velocity=0.0)
    assert classifier.diagnose(frame).half_wavelength_mm is not None
    assert classifier.diagnose(level3, units="mm").half_wavelength_mm is None
