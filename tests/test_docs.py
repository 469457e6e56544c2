"""What the page on cost tells people to run is run here, as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier
from tests.runtime.tables import series, wide

PAGE = Path(__file__).parents[1] / "docs" / "cost.md"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three zips as a service delivers them, one of them broken, and insar-rt in the path."""
    (tmp_path / "egms").mkdir()
    pacsv.write_csv(wide(*series(50, 40)), tmp_path / "table.csv")
    for name in ("a", "b"):
        with zipfile.ZipFile(tmp_path / "egms" / f"{name}.zip", "w") as archive:
            archive.write(tmp_path / "table.csv", f"{name}.csv")
    (tmp_path / "egms" / "broken.zip").write_bytes(b"PK\x03\x04 nothing")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "insar-rt"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m insar_runtime "$@"\n')
    command.chmod(0o755)
    return tmp_path


def _sh(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", **more}
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_folder_of_files(folder: Path) -> None:
    done = _sh(_blocks("sh")[0], folder)
    assert done.returncode == 123, done.stderr
    assert done.stderr.count("insar-rt: error:") == 1
    assert sorted(path.name for path in folder.glob("egms/*.parquet")) == [
        "a.classified.parquet",
        "b.classified.parquet",
    ]
    assert "exists" in _sh(_blocks("sh")[0], folder).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_task_of_an_array(folder: Path) -> None:
    (folder / "files.txt").write_text("egms/b.zip\negms/a.zip\n")
    done = _sh(_blocks("sh")[1], folder, SLURM_ARRAY_TASK_ID="1")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in folder.glob("egms/*.parquet")] == ["a.classified.parquet"]


def test_functions_for_engines() -> None:
    (block,) = (block for block in _blocks("python") if "def " in block)
    names: dict[str, Any] = {}
    exec(block, names)
    table = wide(*series(300, 40))
    expected = pa.Table.from_batches(Classifier(threads=1).classify_batches(table.to_batches(), units="mm"))
    assert names["classify_table"](table).equals(expected)
    partition = pa.Table.from_batches(names["classify_partition"](iter(table.to_batches(max_chunksize=70))))
    assert not any(pa.types.is_dictionary(data_type) for data_type in partition.schema.types)
    assert partition.column("class_name").to_pylist() == expected.column("class_name").to_pylist()
    pq.write_table(partition, pa.BufferOutputStream())
