"""The PNG of a point: that it is written, whole or not at all, for any series."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from insar_runtime._show.point import Point
from tests.runtime.run_command import refused, run, run_process
from tests.runtime.tables import series, wide, write


def test_picture(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "plot.png"
    done = run("show", source, "--id", "p0007", "--png", path)
    assert done.returncode == 0, done.stderr
    assert b"plot.png: written" in done.stderr
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (1500, 675)
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []
    refused(run("show", source, "--id", "p0007", "--png", path), 73, "plot.png", "--overwrite")
    assert run("show", source, "--id", "p0007", "--png", path, "--overwrite").returncode == 0
    assert path.read_bytes() == data


def test_picture_without_matplotlib(source: Path, tmp_path: Path) -> None:
    """A module of that name that cannot be imported stands for one that is not there."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = run_process("show", source, "--row", 0, "--png", tmp_path / "x.png", env={**os.environ, "PYTHONPATH": path})
    refused(done, 69, "matplotlib", "pip install 'insar-runtime[plot]'")


def test_picture_of_unusual_series(tmp_path: Path, find: Callable[..., Point]) -> None:
    pytest.importorskip("matplotlib")
    from insar_runtime._show.png import write_png

    values, dates = series(4)
    values[0] = np.nan
    values[1, 1:] = np.nan
    values[2, 7] = np.inf
    values[3] = 2.5
    source = write(wide(values, dates, pid=["a$b$c", "_", "^", "\\"]), tmp_path / "in.parquet")
    for row in range(4):
        path = tmp_path / f"{row}.png"
        write_png(find(source, row=row), path)
        assert path.stat().st_size > 5000
