"""Time series of MintPy, written by MintPy's own code, against what its save_qgis.py makes of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import DataError, UsageError
from insar_runtime._convert.companions import CompanionFiles
from insar_runtime._convert.conversion import Conversion
from insar_runtime._convert.run import convert
from insar_runtime._input.declarations import UserDeclarations

PROJECT = Path(__file__).parent / "mintpy_project"
SERIES = {"geo": "geo_timeseries.h5", "utm": "geo_timeseries.h5", "radar": "timeseries.h5"}
NO_DATA = 2
"""Pixels of the first line that are zero at all dates; the mask leaves them out."""


def _convert(source: Path, out: Path, **options: Any) -> tuple[Conversion, pa.Table]:
    done = convert([source], out, named=CompanionFiles(**options))
    return done, pq.read_table(out)


def _matrix(table: pa.Table) -> np.ndarray:
    return np.stack(table["displacement"].to_numpy())


@pytest.mark.parametrize("kind", SERIES)
def test_as_save_qgis_reads_it(kind: str, tmp_path: Path) -> None:
    done, table = _convert(PROJECT / kind / SERIES[kind], tmp_path / "out.parquet")
    points = json.loads((PROJECT / kind / "qgis.json").read_text(encoding="utf-8"))
    dates = json.loads(table.schema.metadata[b"insar_runtime:dates"])
    assert (done.product, done.rows, done.source_unit, done.unit_evidence) == ("MintPy", len(points), "m", "format")
    assert set(done.files) == {"geometry", "mask", "velocity", "coherence"}
    assert done.left_out == {"outside the mask": 9 * 7 - len(points)}
    expected = np.array([[point[f"D{day.replace('-', '')}"] for day in dates] for point in points])
    # Both read the same float32; save_qgis multiplies in float64, and keeps positions as float32.
    np.testing.assert_allclose(_matrix(table), expected, atol=1e-5)
    for column, field, atol in (
        ("velocity", "VEL", 1e-5),
        ("velocity_std", "V_STDEV", 1e-5),
        ("height", "HEIGHT", 1e-4),
        ("temporal_coherence", "COHERENCE", 1e-6),
    ):
        np.testing.assert_allclose(table[column].to_numpy(), [point[field] for point in points], atol=atol)
    place = np.stack([table["longitude"].to_numpy(), table["latitude"].to_numpy()], axis=1)
    np.testing.assert_allclose(place, [point["place"] for point in points], atol=4e-6)


def test_hdf_eos5_holds_the_same(tmp_path: Path) -> None:
    done, table = _convert(PROJECT / "geo" / "S1_descending.he5", tmp_path / "out.parquet")
    _, apart = _convert(PROJECT / "geo" / "geo_timeseries.h5", tmp_path / "apart.parquet")
    assert done.product == "MintPy"
    assert done.files == {}
    for name in table.schema.names:
        assert table[name].equals(apart[name]), name


def test_without_files_beside_it(tmp_path: Path) -> None:
    stack = Path(shutil.copy(PROJECT / "radar" / "timeseries.h5", tmp_path))
    done, table = _convert(stack, tmp_path / "out.parquet")
    assert table.schema.names == ["point_id", "line", "pixel", "displacement"]
    assert b"geo" not in table.schema.metadata
    assert done.rows == 9 * 7 - NO_DATA  # the reference pixel is zero at all dates too, and stays
    assert done.left_out == {"no data at any date": NO_DATA}
    assert "y5x3" in table["point_id"].to_pylist()
    assert len(done.notes) == 2
    assert any("no mask" in note for note in done.notes)
    assert any("no positions" in note for note in done.notes)


def test_named_files_and_none(tmp_path: Path) -> None:
    stack = Path(shutil.copy(PROJECT / "radar" / "timeseries.h5", tmp_path))
    radar = PROJECT / "radar"
    named = {"geometry": str(radar / "geometryRadar.h5"), "mask": str(radar / "maskTempCoh.h5")}
    done, table = _convert(stack, tmp_path / "out.parquet", **named)
    assert done.files == named
    assert {"latitude", "height", "incidence_angle"} <= set(table.schema.names)
    done, _ = _convert(radar / "timeseries.h5", tmp_path / "all.parquet", mask="none")
    assert done.rows == 9 * 7 - NO_DATA
    assert "mask" not in done.files
    assert done.notes == ()


def test_a_file_of_another_size_is_not_used(tmp_path: Path) -> None:
    stack = Path(shutil.copy(PROJECT / "geo" / "geo_timeseries.h5", tmp_path))
    with h5py.File(tmp_path / "geo_maskTempCoh.h5", "w") as file:
        file["mask"] = np.ones((3, 3), bool)
    done, _ = _convert(stack, tmp_path / "out.parquet")
    assert any("geo_maskTempCoh.h5 is not used" in note for note in done.notes)
    with pytest.raises(DataError, match="no map of 9 lines and 7 pixels"):
        _convert(stack, tmp_path / "new.parquet", mask=str(tmp_path / "geo_maskTempCoh.h5"))


def test_unit_is_stated_or_declared(tmp_path: Path) -> None:
    stack = Path(shutil.copy(PROJECT / "geo" / "geo_timeseries.h5", tmp_path))
    _, metres = _convert(stack, tmp_path / "m.parquet")
    with h5py.File(stack, "r+") as file:
        file.attrs["UNIT"] = "cm"
    _, centimetres = _convert(stack, tmp_path / "cm.parquet")
    np.testing.assert_allclose(_matrix(metres), 100 * _matrix(centimetres), rtol=1e-6)
    done, declared = _convert(stack, tmp_path / "declared.parquet", declared=UserDeclarations("m"))
    assert declared["displacement"].equals(metres["displacement"])
    assert "declared m, but the file states cm" in done.notes
    with h5py.File(stack, "r+") as file:
        del file.attrs["UNIT"]
    with pytest.raises(DataError, match=r"no UNIT.*--units m"):
        _convert(stack, tmp_path / "none.parquet")
    with h5py.File(stack, "r+") as file:
        file.attrs["UNIT"] = "radian"
    with pytest.raises(DataError, match="'radian', no length"):
        _convert(stack, tmp_path / "none.parquet")


def test_values_that_mintpy_marks_as_missing_are_missing(tmp_path: Path) -> None:
    stack = Path(shutil.copy(PROJECT / "geo" / "geo_timeseries.h5", tmp_path))
    with h5py.File(stack, "r+") as file:
        file.attrs["NO_DATA_VALUE"] = "-9999.0"
        file["timeseries"][4, 2, 3] = -9999
        file["timeseries"][:, 2, 4] = -9999
        file["timeseries"][:, 2, 5] = np.nan
    done, table = _convert(stack, tmp_path / "out.parquet")
    assert done.left_out == {"no data at any date": NO_DATA + 2}
    row = table["point_id"].to_pylist().index("y2x3")
    assert np.isnan(_matrix(table)[row]).tolist() == [i == 4 for i in range(12)]


def test_dates_out_of_order_and_with_times(tmp_path: Path) -> None:
    _, plain = _convert(PROJECT / "geo" / "geo_timeseries.h5", tmp_path / "plain.parquet", mask="none")
    stack = Path(shutil.copy(PROJECT / "geo" / "geo_timeseries.h5", tmp_path))
    with h5py.File(stack, "r+") as file:
        order = np.random.default_rng(0).permutation(12)
        dates = file["date"][()][order]
        file["timeseries"][...] = file["timeseries"][()][order]
        del file["date"]
        file["date"] = np.array([day + b"T0507" for day in dates])
    _, table = _convert(stack, tmp_path / "out.parquet")
    assert table["displacement"].equals(plain["displacement"])
    assert table.schema.metadata[b"insar_runtime:dates"] == plain.schema.metadata[b"insar_runtime:dates"]


def test_a_projection_that_is_not_stated(tmp_path: Path) -> None:
    stack = Path(shutil.copy(PROJECT / "utm" / "geo_timeseries.h5", tmp_path))
    with h5py.File(stack, "r+") as file:
        del file.attrs["UTM_ZONE"]
    with pytest.raises(DataError, match="neither EPSG nor UTM_ZONE"):
        _convert(stack, tmp_path / "out.parquet")
    with h5py.File(stack, "r+") as file:
        file.attrs["EPSG"] = "32633"
    _convert(stack, tmp_path / "out.parquet")


def test_coherence_can_be_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    done = convert([PROJECT / "geo" / "geo_timeseries.h5"], out, min_coherence=0.8)
    table = pq.read_table(out)
    assert 0 < done.rows < 43
    assert min(table["temporal_coherence"].to_pylist()) >= 0.8
    assert done.rows + sum(done.left_out.values()) == 9 * 7
    with pytest.raises(UsageError, match="no coherence"):
        convert(
            [PROJECT / "geo" / "geo_timeseries.h5"],
            out,
            named=CompanionFiles(coherence="none"),
            min_coherence=0.8,
            overwrite=True,
        )
