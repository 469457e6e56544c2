"""Run the package on an emulated 64-bit Arm processor and compare its classes with those of this machine.

    python -m benchmarks.arm64 --work /tmp/arm64

Needs Debian's qemu-user-static and arm64 packages (``dpkg --add-architecture arm64 && apt-get update``). The emulation
shows that the wheels work together and that the classes are the same; it cannot measure speed. onnxruntime 1.32 does
not run in QEMU 7.2 (the emulated processor has no name), so an older version is used.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from insar_runtime import CLASS_NAMES

ENGINE: Final = "onnxruntime==1.24.4"
SYSTEM: Final = (
    "libc6", "libstdc++6", "libgcc-s1", "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "zlib1g",
    "libexpat1", "libssl3", "libffi8", "libbz2-1.0", "liblzma5", "libsqlite3-0", "libuuid1", "libcrypt1",
)  # fmt: skip
PLATFORMS: Final = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64")


def main() -> None:
    """Classify the demo with an emulated processor and with this one, and print the agreement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    work: Path = parser.parse_args().work
    root, site = _system(work), _packages(work)
    emulated = ["qemu-aarch64-static", "-L", str(root), str(root / "usr/bin/python3.11")]
    runtime = str(Path(str(files("insar_runtime"))).parent)
    answers = {}
    for precision in ("int8", "fp32"):
        there = _classify(emulated, work / f"arm64-{precision}.parquet", precision, [runtime, str(site)])
        here = _classify([sys.executable], work / f"here-{precision}.parquet", precision, [runtime])
        answers[precision] = {
            "points": len(here["class"]),
            "same class": float(np.mean(there["class"] == here["class"])),
            "largest difference of a probability": float(np.nanmax(np.abs(there["p"] - here["p"]))),
        }
    print(json.dumps({"engine": ENGINE, **answers}, indent=1))  # noqa: T201


def _system(work: Path) -> Path:
    """Unpack Python for arm64 without installation, and return its folder."""
    root, packages = work / "root", work / "debian"
    if not (root / "usr/bin/python3.11").exists():
        packages.mkdir(parents=True, exist_ok=True)
        wanted = [f"{name}:arm64" for name in SYSTEM]
        subprocess.run(["apt-get", "download", "-qq", *wanted], cwd=packages, check=True)
        for package in packages.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, root], check=True)
    return root


def _packages(work: Path) -> Path:
    """Unpack the wheels for arm64 that the package needs, and return their folder."""
    site, wheels = work / "site", work / "wheels"
    if not site.exists():
        wanted = [argument for name in PLATFORMS for argument in ("--platform", name)]
        command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "--python-version", "3.11"]
        subprocess.run([*command, *wanted, "-d", wheels, ENGINE, "numpy", "pyarrow", "typer"], check=True)
        for wheel in wheels.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(site)
    return site


def _classify(python: list[str], output: Path, precision: str, path: list[str]) -> dict[str, Any]:
    (source,) = (files("insar_runtime") / "demo").iterdir()
    command = [*python, "-m", "insar_runtime", "classify", str(source), "-o", str(output), "--precision", precision]
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1", "PYTHONPATH": os.pathsep.join(path)}
    subprocess.run([*command, "--overwrite", "-q"], env=environment, check=True)
    table = pq.read_table(output)
    columns = [table[f"p_{name.lower()}"] for name in CLASS_NAMES]
    probabilities = [column.to_numpy() for column in columns if column.null_count < len(column)]
    return {"class": table["class_id"].to_numpy(), "p": np.stack(probabilities)}


if __name__ == "__main__":
    main()
