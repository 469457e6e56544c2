"""Stacks of LiCSBAS and OPERA DISP-S1 against the truth they were made from."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pyproj
import pytest

from insar_runtime import DataError, UsageError
from insar_runtime._convert.companions import CompanionFiles
from insar_runtime._convert.conversion import Conversion
from insar_runtime._convert.run import convert
from insar_runtime._input.declarations import UserDeclarations
from tests.runtime.rasters import disp_s1, disp_stack, licsbas, truth

LINES, PIXELS = 11, 9
PAIRS = [(0, 1), (0, 2), (0, 3), (3, 4), (3, 5), (5, 6), (5, 7)]
"""The reference moves on twice."""


def _maps(out: Path, epochs: int) -> np.ndarray:
    """The output as [T, lines, pixels], NaN where there is no row."""
    table = pq.read_table(out)
    maps = np.full((epochs, LINES, PIXELS), np.nan, np.float32)
    maps[:, table["line"].to_numpy(), table["pixel"].to_numpy()] = np.stack(table["displacement"].to_numpy()).T
    return maps


def test_licsbas_stacks_become_the_table_they_were_made_from(tmp_path: Path) -> None:
    maps, dates = truth(40, LINES, PIXELS)
    maps[:, 2, 2] = np.nan
    maps[7, 3, 3] = np.nan
    mask = np.ones((LINES, PIXELS))
    mask[4] = 0
    mask[5, 5] = np.nan
    coherence = np.random.default_rng(0).uniform(0, 1, mask.shape).astype(np.float32)
    stack = licsbas(tmp_path, maps, dates, refarea="1:3/0:2", mask=mask, coh_avg=coherence)
    done = convert([stack], tmp_path / "out.parquet")
    assert done.left_out == {"outside the mask": PIXELS + 1, "no data at any date": 1}
    assert (done.product, done.source_unit, done.epochs, done.notes) == ("LiCSBAS", "mm", 40, ())
    expected = maps - np.nanmean(maps[:, 0:2, 1:3], axis=(1, 2))[:, None, None]
    expected[:, mask != 1] = np.nan
    np.testing.assert_allclose(_maps(tmp_path / "out.parquet", 40), expected, atol=1e-5)
    table = pq.read_table(tmp_path / "out.parquet")
    row = table["point_id"].to_pylist().index("y10x8")
    assert table["latitude"][row].as_py() == pytest.approx(40.9 - 0.010)
    assert table["longitude"][row].as_py() == pytest.approx(14.03 + 0.008)
    assert table["coherence"][row].as_py() == coherence[10, 8]
    # Velocities go with the series that are written.
    slopes = np.polyfit(np.arange(40) * 12 / 365.25, np.stack(table["displacement"].to_numpy()).T, 1)[0]
    whole = ~np.isnan(slopes)
    np.testing.assert_allclose(table["velocity"].to_numpy()[whole], slopes[whole], atol=1e-3)
    block = json.loads(table.schema.metadata[b"insar_runtime"])["converted"]
    assert block["attributes"]["refarea"] == "1:3/0:2"
    assert block["files"] == {"mask": "mask"}


def test_licsbas_with_its_mask_inside_or_named(tmp_path: Path) -> None:
    maps, dates = truth(5, LINES, PIXELS)
    stack = licsbas(tmp_path, maps, dates)
    assert "no mask" in convert([stack], tmp_path / "a.parquet").notes[0]
    named = tmp_path / "mine"
    mask = np.eye(LINES, PIXELS, dtype="<f4")
    mask.tofile(named)
    assert convert([stack], tmp_path / "b.parquet", named=CompanionFiles(mask=str(named))).rows == PIXELS
    with h5py.File(stack, "r+") as file:
        file["mask"] = 1 - mask
    assert convert([stack], tmp_path / "c.parquet").rows == LINES * PIXELS - PIXELS
    assert convert([stack], tmp_path / "d.parquet", named=CompanionFiles(mask="none")).rows == LINES * PIXELS
    named.write_bytes(b"short")
    with pytest.raises(DataError, match="not a map of 11 lines"):
        convert([stack], tmp_path / "e.parquet", named=CompanionFiles(mask=str(named)))


def test_licsbas_in_radar_coordinates_has_no_positions(tmp_path: Path) -> None:
    stack = licsbas(tmp_path, *truth(5, LINES, PIXELS))
    with h5py.File(stack, "r+") as file:
        for name in ("corner_lat", "corner_lon", "post_lat", "post_lon"):
            del file[name]
    done = convert([stack], tmp_path / "out.parquet")
    assert any("no positions" in note for note in done.notes)
    assert "latitude" not in pq.read_schema(tmp_path / "out.parquet").names


def _disp(
    tmp_path: Path, pairs: list[tuple[int, int]], **options: dict[int, np.ndarray]
) -> tuple[Conversion, np.ndarray]:
    maps, dates = truth(8, LINES, PIXELS)
    disp_s1(tmp_path / "disp", maps, dates, pairs, masks=options.get("masks"))
    done = convert([tmp_path / "disp"], tmp_path / "out.parquet")
    return done, _maps(tmp_path / "out.parquet", done.epochs)


def test_disp_s1_is_put_on_one_reference(tmp_path: Path) -> None:
    done, seen = _disp(tmp_path, PAIRS)
    np.testing.assert_allclose(seen, truth(8, LINES, PIXELS)[0], atol=1e-4)
    assert (done.product, done.source_unit, done.rows) == ("OPERA DISP-S1", "m", LINES * PIXELS)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["temporal_coherence"][0].as_py() == pytest.approx((0.5 + 0.75 + 0.75) / 3)
    to_utm = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32633", always_xy=True)
    x, y = to_utm.transform(table["longitude"].to_numpy(), table["latitude"].to_numpy())
    np.testing.assert_allclose(x, 450015 + 30 * table["pixel"].to_numpy(), atol=1e-3)
    np.testing.assert_allclose(y, 4499985 - 30 * table["line"].to_numpy(), atol=1e-3)


def test_disp_s1_as_opera_utils_does_it(tmp_path: Path) -> None:
    opera_utils = pytest.importorskip("opera_utils.disp", reason="opera-utils is not installed")
    rng = np.random.default_rng(0)
    masks = {i: rng.uniform(size=(LINES, PIXELS)) > 0.2 for i in (2, 3, 6)}
    _, seen = _disp(tmp_path, PAIRS, masks=masks)
    stack = opera_utils.DispProductStack.from_file_list(sorted((tmp_path / "disp").iterdir()))
    maps = []
    for path in stack.filenames:
        with h5py.File(path) as file:
            maps.append(np.where(file["recommended_mask"][()] == 1, file["displacement"][()], np.float32(np.nan)))
    expected = opera_utils.rebase_timeseries(np.stack(maps), stack.reference_dates) * np.float32(1000)
    np.testing.assert_array_equal(seen[1:], expected)


def test_disp_s1_mask_is_missing_from_a_reference_on(tmp_path: Path) -> None:
    bad = np.ones((LINES, PIXELS))
    bad[1, 1] = 0
    _, seen = _disp(tmp_path, PAIRS, masks={2: bad, 3: bad})
    assert np.isnan(seen[:, 1, 1]).tolist() == [False, False, True, True, True, True, True, True]
    assert not np.isnan(np.delete(seen.reshape(8, -1), PIXELS + 1, axis=1)).any()
    done = convert([tmp_path / "disp"], tmp_path / "all.parquet", named=CompanionFiles(mask="none"))
    assert not np.isnan(_maps(tmp_path / "all.parquet", 8)).any()
    assert done.files == {}


def test_disp_s1_pixels_without_data_are_no_rows(tmp_path: Path) -> None:
    water = np.ones((LINES, PIXELS))
    water[:, 0] = 0
    done, _ = _disp(tmp_path, PAIRS, masks=dict.fromkeys(range(8), water))
    assert done.left_out == {"no data at any date": LINES}


def test_disp_s1_with_several_files_a_date(tmp_path: Path) -> None:
    # The date in two files is taken from the one that needs fewer sums; a newer version replaces an older one.
    maps, dates = truth(8, LINES, PIXELS)
    paths = disp_s1(tmp_path / "disp", maps, dates, [*PAIRS, (2, 3), (5, 6)])
    newer = paths[0].with_name(paths[0].name.replace("v1.0", "v1.10"))
    newer.write_bytes(paths[0].read_bytes())
    with h5py.File(paths[0], "r+") as file:
        file["displacement"][...] = 1
    done = convert([tmp_path / "disp"], tmp_path / "out.parquet")
    assert any("2 files are not used" in note for note in done.notes)
    np.testing.assert_allclose(_maps(tmp_path / "out.parquet", 8), maps, atol=1e-4)


def test_disp_s1_does_not_bridge_gaps(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="begins at 2020-03-03, which no other file ends at"):
        _disp(tmp_path, [(0, 1), (0, 2), (5, 6)])


def test_disp_s1_of_two_frames(tmp_path: Path) -> None:
    maps, dates = truth(8, LINES, PIXELS)
    disp_s1(tmp_path / "disp", maps, dates, PAIRS[:2])
    disp_s1(tmp_path / "disp", maps, dates, PAIRS[2:3], frame=8882)
    with pytest.raises(DataError, match="of frame"):
        convert([tmp_path / "disp"], tmp_path / "out.parquet")


def test_disp_s1_brings_its_own_files(tmp_path: Path) -> None:
    paths = disp_s1(tmp_path / "disp", *truth(8, LINES, PIXELS), PAIRS[:2])
    with pytest.raises(UsageError, match=r"--geometry g\.h5: OPERA DISP-S1 brings its own"):
        convert(paths, tmp_path / "out.parquet", named=CompanionFiles(geometry="g.h5"))
    with pytest.raises(UsageError, match="--units m: OPERA DISP-S1 states its unit"):
        convert(paths, tmp_path / "out.parquet", named=CompanionFiles(UserDeclarations("m")))


@pytest.mark.parametrize("since", ["seconds", "days"])
def test_disp_s1_that_is_on_one_reference_already(since: str, tmp_path: Path) -> None:
    maps, dates = truth(8, LINES, PIXELS)
    disp_s1(tmp_path / "disp", maps, dates, PAIRS)
    convert([tmp_path / "disp"], tmp_path / "pairs.parquet")
    done = convert([disp_stack(tmp_path / "stack.nc", maps, dates, since)], tmp_path / "stack.parquet")
    assert (done.product, done.first_date, done.epochs) == ("OPERA DISP-S1", str(dates[0]), 8)
    np.testing.assert_allclose(_maps(tmp_path / "stack.parquet", 8), maps, atol=1e-4)
    pairs, stack = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("pairs", "stack"))
    for name in ("point_id", "longitude", "latitude", "geometry"):
        assert pairs[name].equals(stack[name]), name


def test_disp_s1_stack_with_times_of_another_kind(tmp_path: Path) -> None:
    path = disp_stack(tmp_path / "stack.nc", *truth(8, LINES, PIXELS))
    with h5py.File(path, "r+") as file:
        file["time"].attrs["units"] = "furlongs"
    with pytest.raises(DataError, match="times in 'furlongs'"):
        convert([path], tmp_path / "out.parquet")
