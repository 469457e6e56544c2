"""Every command of the pages runs, in the order of the page, on files such as users have."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.chains import sh
from tests.conftest import ROOT
from tests.runtime.tables import series, wide, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the language and the text of each block of code."""
    return re.findall(r"```(sh|python)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def save_geojson(table: pa.Table, folder: Path) -> None:
    """Write ``points.geojson`` with a feature a row, at its longitude and latitude."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [row.pop("longitude"), row.pop("latitude")]},
            "properties": row,
        }
        for row in table.to_pylist()
    ]
    (folder / "points.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a download, a table of one's own and a folder of downloads, and put insar-rt into the path."""
    (download,) = (files("insar_runtime") / "demo").iterdir()
    content = download.read_bytes()
    (tmp_path / "EGMS_L2b_022_0845_IW2_VV_2020_2024_1.zip").write_bytes(content)
    write(wide(*series(200)), tmp_path / "batch.parquet")
    write(wide(*series(60, 45, seed=1)), tmp_path / "table.csv")
    save_geojson(wide(*series(60, 45, seed=2), longitude=np.full(60, 13.2), latitude=np.full(60, 38.7)), tmp_path)
    for number in range(2):
        (tmp_path / "points" / f"tile={number}").mkdir(parents=True)
        write(wide(*series(40)).slice(20 * number, 20), tmp_path / "points" / f"tile={number}" / "part-0.parquet")
    metres = wide(*series(20)).drop_columns(["latitude", "longitude"])
    metres = metres.append_column("LON", pa.array(range(500_000, 500_020)))
    write(metres.append_column("LAT", pa.array(range(4_100_000, 4_100_020))), tmp_path / "metres.csv")
    (tmp_path / "egms").mkdir()
    (tmp_path / "egms" / "a.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "egms" / "b.zip", "w") as archive:
        archive.write(tmp_path / "table.csv", "b.csv")
    (tmp_path / "bin").mkdir()
    for name, arguments in (("insar-rt", "-m insar_runtime"), ("python", "")):
        command = tmp_path / "bin" / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        command.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("page", ["inputs", "outputs", "diagnosis", "neighbours", "qgis", "chains"])
def test_the_commands_of_a_page_run(folder: Path, page: str) -> None:
    found = blocks(ROOT / "docs" / f"{page}.md")
    assert found
    for language, text in found:
        if language == "sh":
            done = sh(f"set -e\n{text}", folder)
        else:
            command = [sys.executable, "-c", text]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{text}\n{done.stderr}"


def test_the_commands_of_the_readme_run_in_an_empty_folder(folder: Path) -> None:
    _leave_only_the_command(folder)
    (steps,) = (text for language, text in blocks(ROOT / "README.md") if "insar-rt classify" in text)
    done = sh(f"set -e\n{steps}", folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "demo.report.html").is_file()


def test_the_commands_by_example_run_in_an_empty_folder(folder: Path) -> None:
    _leave_only_the_command(folder)
    (steps,) = (text for language, text in blocks(ROOT / "docs" / "index.md") if "insar-rt show" in text)
    done = sh(f"set -e\n{steps}", folder)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in folder.iterdir()} >= {
        "demo.classified.parquet",
        "classified.parquet",
        "classified.gpkg",
        "classified.report.html",
    }
    assert sorted(path.name for path in (folder / "classified").iterdir()) == [
        "demo.classified.parquet",
    ]
    assert "classified in" not in sh(steps.splitlines()[-1], folder).stderr


def _leave_only_the_command(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != "bin":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.install
def test_wheels_that_were_carried_install_without_a_network(tmp_path: Path) -> None:
    """The folder of wheels is all that the other machine gets: pip finds no index there."""
    carry, install = (text for language, text in blocks(ROOT / "docs" / "edge.md") if language == "sh")
    environment = {**os.environ, "PIP_CONSTRAINT": str(ROOT / "constraints.txt"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = carry.replace("pip wheel .", f"{sys.executable} -m pip wheel -q {ROOT}")
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, env=environment, check=True, capture_output=True)
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["sh", "-ec", install.replace("python3", sys.executable)],
        cwd=tmp_path,
        env={**bare, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_COMPILE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "works" in done.stdout
