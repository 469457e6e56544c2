"""The wheel is small, complete, and works in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.install


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_is_small_and_holds_only_the_package(wheel: Path) -> None:
    assert wheel.stat().st_size < 3_000_000
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"insar_runtime"}
    for wanted in ("models/paper-cnn/model.json", "models/trend-net/trend-net.int8.golden", "py.typed", "demo/"):
        assert any(wanted in name for name in names)


def test_wheel_works_alone_and_without_tensorflow(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel], check=True, capture_output=True
    )
    script = python.with_name("insar-rt")
    done = subprocess.run([script, "demo", "--json"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accuracy"] > 0.8
    heavy = ("tensorflow", "keras", "tf2onnx", "onnx", "pandas", "matplotlib")
    code = f"from importlib.util import find_spec; print([m for m in {heavy} if find_spec(m)])"
    assert subprocess.run([python, "-c", code], capture_output=True, check=True).stdout.strip() == b"[]"
    assert subprocess.run([python, "-m", "pip", "check"], capture_output=True, check=False).returncode == 0
