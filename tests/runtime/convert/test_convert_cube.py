"""How a stack of maps is cut into windows and rows: nothing twice, nothing lost, never much at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime._convert import cube as cubes
from insar_runtime._convert.cube import Cube, MapLayer, PixelSelection, Window, read_rows, windows
from insar_runtime._convert.run import convert
from tests.runtime.rasters import disp_s1, truth


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(1, 30),
    st.integers(1, 9),
)
def test_windows_cover_the_map_once(lines: int, pixels: int, high: int, wide: int, epochs: int, budget: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cubes, "_WINDOW_BYTES", 4 * epochs * budget**3)
        seen = np.zeros((lines, pixels), int)
        tops = []
        for window in windows((lines, pixels), (high, wide), epochs):
            assert window.shape[0] * window.shape[1] <= max(budget**3, 1)
            seen[window.part] += 1
            tops.append((window.top, window.left))
    assert (seen == 1).all()
    assert tops == sorted(tops)


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 400))
def test_windows_end_where_chunks_do(lines: int, pixels: int, epochs: int) -> None:
    chunk = 64, 128
    for window in windows((lines, pixels), chunk, epochs):
        assert window.top % 64 == 0
        assert window.left % 128 == 0
        assert window.bottom % 64 == 0 or window.bottom == lines
        assert window.right % 128 == 0 or window.right == pixels


def _cube(
    maps: np.ndarray, mask: np.ndarray, coherence: np.ndarray, reference: Window | None, read: list[Window]
) -> Cube:
    def series(window: Window) -> np.ndarray:
        read.append(window)
        return maps[:, *window.part].copy()

    return Cube(
        product="none",
        dates=np.datetime64("2020-01-03") + 12 * np.arange(len(maps)),
        shape=maps.shape[1:],
        chunk=(3, 4),
        series=series,
        positions=None,
        layers=(MapLayer("coherence", lambda window: coherence[window.part], "made up"),),
        mask=lambda window: mask[window.part],
        reference=reference,
        facts={},
        notes=(),
    )


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 17), st.integers(1, 17), st.integers(1, 4), st.integers(1, 2000))
def test_rows_are_the_pixels_that_are_left(seed: int, lines: int, pixels: int, every: int, budget: int) -> None:
    rng = np.random.default_rng(seed)
    maps = rng.normal(0, 3, (5, lines, pixels)).astype(np.float32)
    maps[:, rng.uniform(size=(lines, pixels)) < 0.1] = 0
    maps[:, rng.uniform(size=(lines, pixels)) < 0.1] = np.nan
    maps[rng.uniform(size=maps.shape) < 0.1] = np.nan
    mask = rng.uniform(size=(lines, pixels)) < 0.7
    coherence = rng.uniform(size=(lines, pixels)).astype(np.float32)
    coherence[rng.uniform(size=(lines, pixels)) < 0.1] = np.nan
    line, pixel = int(rng.integers(lines)), int(rng.integers(pixels))
    maps[:, line, pixel] = 0
    selection, read = PixelSelection(every=every, min_coherence=0.3), list[Window]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cubes, "_WINDOW_BYTES", budget)
        patch.setattr(cubes, "_BATCH_BYTES", budget // 2)
        stack = _cube(maps, mask, coherence, Window(line, line + 1, pixel, pixel + 1), read)
        parts = list(read_rows(stack, selection))
    wanted = np.zeros((lines, pixels), bool)
    wanted[::every, ::every] = True
    data = (np.nan_to_num(maps) != 0).any(axis=0)
    data[line, pixel] = True
    kept = wanted & mask & (coherence >= 0.3) & data
    names = [field.name for field in stack.fields]
    found = {name: [value for columns, _ in parts for value in columns[i].to_pylist()] for i, name in enumerate(names)}
    assert sorted(zip(found["line"], found["pixel"], strict=True)) == list(
        zip(*map(list, np.nonzero(kept)), strict=True)
    )
    assert found["point_id"] == [f"y{y}x{x}" for y, x in zip(found["line"], found["pixel"], strict=True)]
    at = np.array(found["line"], int), np.array(found["pixel"], int)
    if parts:
        np.testing.assert_array_equal(np.concatenate([matrix for _, matrix in parts]), maps[:, *at].T)
        np.testing.assert_array_equal(np.array(found["coherence"], np.float32), coherence[at])
    assert kept.sum() + sum(selection.left_out.values()) == wanted.sum()
    assert selection.examined == lines * pixels
    # A window without a wanted pixel is not read at all.
    assert all((wanted & mask & (coherence >= 0.3))[window.part].any() for window in read)


def test_no_more_than_a_window_is_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maps, dates = truth(6, 40, 30)
    pairs = [(0, i) for i in range(1, 6)]
    disp_s1(tmp_path / "disp", maps, dates, pairs, chunk=(8, 8))
    convert([tmp_path / "disp"], tmp_path / "whole.parquet")
    budget = 4 * 6 * 8 * 8 * 2
    monkeypatch.setattr(cubes, "_WINDOW_BYTES", budget)
    largest = 0
    plain = cubes._rows_of

    def watched(cube: Cube, window: Window, values: np.ndarray, picked: np.ndarray) -> object:
        nonlocal largest
        largest = max(largest, values.nbytes)
        assert window.top % 8 == window.left % 8 == 0
        return plain(cube, window, values, picked)

    monkeypatch.setattr(cubes, "_rows_of", watched)
    convert([tmp_path / "disp"], tmp_path / "parts.parquet")
    assert 0 < largest <= budget
    order = [("line", "ascending"), ("pixel", "ascending")]
    whole, parts = (pa.parquet.read_table(tmp_path / f"{name}.parquet").sort_by(order) for name in ("whole", "parts"))
    for name in whole.schema.names:
        assert whole[name].combine_chunks().equals(parts[name].combine_chunks()), name
