"""A folder as a service delivers it, and a shell that finds insar-rt: for tests of the commands on the pages."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow.csv as pacsv

from tests.runtime.tables import series, wide


def make_folder(folder: Path) -> Path:
    """Put three zips into ``egms``, of which ``broken.zip`` is none, and the command into ``bin``."""
    (folder / "egms").mkdir()
    pacsv.write_csv(wide(*series(50, 40)), folder / "table.csv")
    for name in ("a", "b"):
        with zipfile.ZipFile(folder / "egms" / f"{name}.zip", "w") as archive:
            archive.write(folder / "table.csv", f"{name}.csv")
    (folder / "egms" / "broken.zip").write_bytes(b"PK\x03\x04 nothing")
    (folder / "bin").mkdir()
    command = folder / "bin" / "insar-rt"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m insar_runtime "$@"\n')
    command.chmod(0o755)
    return folder


def sh(script: str | Path, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script, or what stands in one, in a folder of ``make_folder``."""
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": str(folder), **more}
    command = ["sh", str(script)] if isinstance(script, Path) else ["sh", "-c", script]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
