"""Packages of npm that tests run examples with, installed once into a folder that git ignores."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ROOT, need_program

VERSIONS: Final = {"onnxruntime-node": "1.30.0", "onnxruntime-web": "1.30.0"}
_CACHE: Final = ROOT / ".cache" / "npm"
_SECONDS: Final = 600
_LINES: Final = 3


def npm_folder(package: str) -> Path:
    """Folder whose ``node_modules`` has a package in the version that is tested; without npm's registry, skip."""
    need_program("node", "npm")
    folder = _CACHE / f"{package}-{VERSIONS[package]}"
    if folder.is_dir():
        return folder
    _CACHE.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=_CACHE, prefix=".installing-"))
    try:
        (work / "package.json").write_text("{}\n")
        # The install script of onnxruntime-node would fetch CUDA; the library for processors is in the package.
        done = subprocess.run(
            [
                str(shutil.which("npm")),
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                f"{package}@{VERSIONS[package]}",
            ],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm does not install {package} here: {' '.join(done.stderr.splitlines()[:_LINES])}")
        try:
            work.rename(folder)
        except OSError:  # another worker was the first
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def node(script: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a script of Node."""
    return subprocess.run(
        ["node", script, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
