"""``insar-rt convert`` as a person or a chain runs it, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from insar_runtime import DataError, InputNotFoundError, InsarRuntimeError, UsageError
from insar_runtime._convert.companions import CompanionFiles
from insar_runtime._convert.run import convert
from insar_runtime._input.declarations import UserDeclarations
from tests.runtime.rasters import disp_s1, licsbas, truth
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write

MINTPY = Path(__file__).parent / "mintpy_project" / "geo" / "geo_timeseries.h5"


def test_a_stack_is_converted_classified_and_inspected(tmp_path: Path) -> None:
    stack = licsbas(tmp_path, *truth(40, 12, 10))
    out = tmp_path / "out.parquet"
    done = run("convert", stack, "-o", out, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["product"], facts["rows"], facts["epochs"]) == ("LiCSBAS", 120, 40)
    assert facts["bytes"] == out.stat().st_size
    words = done.stderr.decode()
    assert "LiCSBAS" in words
    assert "note: no mask" in words
    seen = json.loads(run("inspect", out, "--json").stdout)
    assert (seen["unit"], seen["unit_evidence"], seen["sign"]) == ("mm", "format", "as_velocity")
    assert (seen["columns"]["id"], seen["columns"]["velocity"]) == ("point_id", "velocity")
    classified = run("classify", out, "-o", tmp_path / "c.parquet", "--json")
    assert classified.returncode == 0, classified.stderr
    assert json.loads(classified.stdout)["rows"] == 120
    geo = json.loads(pq.read_metadata(out).metadata[b"geo"])
    assert geo["columns"]["geometry"]["bbox"] == pytest.approx([14.03, 40.889, 14.039, 40.9])
    assert {"geometry", "bbox", "class_id"} <= set(pq.read_schema(tmp_path / "c.parquet").names)


def test_every_second_pixel_is_converted_if_asked(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert run("convert", MINTPY, "-o", out, "--every", 2, "--mask", "none", "--quiet").stderr == b""
    table = pq.read_table(out)
    assert set(table["line"].to_pylist()) == {0, 2, 4, 6, 8}
    assert set(table["pixel"].to_pylist()) == {0, 2, 4, 6}


def test_the_content_not_the_name_decides_on_the_format(tmp_path: Path) -> None:
    renamed = tmp_path / "series.dat"
    renamed.write_bytes(MINTPY.read_bytes())
    assert b"MintPy" in run("convert", renamed, "-o", tmp_path / "a.parquet").stderr
    table = write(wide(*series(50, 40)), tmp_path / "table.parquet")
    table = table.rename(tmp_path / "table.h5")
    assert run("convert", table, "-o", tmp_path / "b.parquet").returncode == 0
    paths = disp_s1(tmp_path / "disp", *truth(4, 5, 5), [(0, 1), (0, 2), (0, 3)])
    assert b"OPERA" in run("convert", *paths, "-o", tmp_path / "c.parquet").stderr


def test_an_arrow_stream_on_standard_input_is_converted(tmp_path: Path) -> None:
    stream = write(wide(*series(50, 40)), tmp_path / "in.arrows")
    done = run("convert", "-", "-o", tmp_path / "out.parquet", input=stream.read_bytes())
    assert done.returncode == 0, done.stderr
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == 50


def test_equal_inputs_make_equal_files(tmp_path: Path) -> None:
    for name in "ab":
        run("convert", MINTPY, "-o", tmp_path / f"{name}.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert str(MINTPY.parent).encode() not in (tmp_path / "a.parquet").read_bytes()


def test_classify_names_the_command(real: Callable[[str], Path], tmp_path: Path) -> None:
    table = real("egms_l2_wroclaw_transposed/wroclaw_caly_filtered.csv")
    refused(
        run("classify", table, "-o", tmp_path / "c.parquet"), 65, "transposed", "insar-rt convert TABLE --positions"
    )


def _named(**declared: Any) -> dict[str, Any]:
    return {"named": CompanionFiles(UserDeclarations(**declared))}


def test_inputs_and_options_that_convert_refuses_leave_no_output(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["velocity"] = np.zeros((3, 3))
    broken = tmp_path / "broken.h5"
    broken.write_bytes(MINTPY.read_bytes()[:9000])
    table = write(wide(*series(50, 40)), tmp_path / "table.parquet")
    (tmp_path / "empty").mkdir()
    cases: list[tuple[type[InsarRuntimeError], str, list[Path], dict[str, Any]]] = [
        (InputNotFoundError, "no such input", [tmp_path / "no.h5"], {}),
        (DataError, "'velocity': no stack .*MintPy timeseries.h5", [other], {}),
        (DataError, "cannot be read as HDF5", [broken], {}),
        (UsageError, "one table at a time", [table, table], {}),
        (UsageError, "one at a time", [MINTPY, MINTPY], {}),
        (UsageError, "- among 2 inputs", [Path("-"), table], {}),
        (UsageError, "without NetCDF files", [tmp_path / "empty"], {}),
        (UsageError, "--positions .* is for tables", [MINTPY], {"points": table}),
        (UsageError, "--id-column pid: is for tables", [MINTPY], _named(columns={"id": "pid"})),
        (UsageError, "--lon-column x: is for tables", [MINTPY], _named(columns={"longitude": "x"})),
        (UsageError, "--date-format YYMMDD: is for tables", [MINTPY], _named(date_format="YYMMDD")),
        (UsageError, "--half-wavelength 15.5: is for tables", [MINTPY], _named(half_wavelength_mm=15.5)),
        (UsageError, "--every 2: is for stacks of maps", [table], {"every": 2}),
        (DataError, "not an HDF5 file", [MINTPY], {"named": CompanionFiles(mask=str(table))}),
    ]
    for error, words, sources, options in cases:
        with pytest.raises(error, match=words) as caught:
            convert(sources, out, **options)
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="Parquet is a file"):
        convert([MINTPY], "-")
    with pytest.raises(UsageError, match="convert writes Parquet"):
        convert([MINTPY], tmp_path / "out.csv")
    assert not out.exists()
    out.write_bytes(b"mine")
    refused(run("convert", MINTPY, "-o", out), 73, "exists")
    assert out.read_bytes() == b"mine"
    assert run("convert", MINTPY, "-o", out, "--overwrite").returncode == 0
    assert not list(tmp_path.glob(".*partial*"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    refused(run("convert", tmp_path / "pipe.csv", "-o", tmp_path / "out.parquet"), 2, "not a regular file")


def test_damage_in_the_middle_leaves_no_output(tmp_path: Path) -> None:
    paths = disp_s1(tmp_path / "disp", *truth(4, 64, 64), [(0, 1), (0, 2), (0, 3)], chunk=(64, 64))
    with h5py.File(paths[1]) as file:
        chunk = file["displacement"].id.get_chunk_info(0)
    damaged = bytearray(paths[1].read_bytes())
    damaged[chunk.byte_offset + 50 : chunk.byte_offset + 300] = bytes(250)
    paths[1].write_bytes(damaged)
    refused(
        run("convert", tmp_path / "disp", "-o", tmp_path / "out.parquet"), 65, paths[1].name, "cannot be read as HDF5"
    )
    assert not list(tmp_path.glob("*.parquet"))
    assert not list(tmp_path.glob(".*partial*"))


@pytest.mark.parametrize(("module", "source"), [("h5py", "geo"), ("pyproj", "utm")])
def test_a_missing_extra_is_named(module: str, source: str, tmp_path: Path) -> None:
    stack = MINTPY.parents[1] / source / "geo_timeseries.h5"
    code = f"import sys; sys.modules['{module}'] = None; from insar_runtime.cli import main; main()"
    arguments = [sys.executable, "-c", code, "convert", str(stack), "-o", str(tmp_path / "out.parquet")]
    done = subprocess.run(arguments, capture_output=True, timeout=60, check=False)
    refused(done, 69, module, "pip install 'insar-runtime[convert]'")
