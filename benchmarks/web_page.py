"""How long the page of ``insar-rt page`` takes for a file: in headless Chromium, from the drop of the file to its map.

    python -m benchmarks.web_page --runtime node_modules/onnxruntime-web --points 100000

The file is the embedded example over and over, as a zip. Needs Chromium, its driver and selenium (group neighbours).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from selenium import webdriver

from insar_runtime import load_model
from insar_runtime._engine.hardware import describe_hardware
from insar_runtime._report.offline.write import write_page

_ARGUMENTS: Final = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
_MOST_SECONDS: Final = 1800
_STATE: Final = """const text = (id) => document.getElementById(id).textContent;
return [!!window.report, text("trouble-text"), text("done-text")];"""


def main() -> None:
    """Print the size of the page and the seconds that a file takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", type=Path, default=Path("node_modules/onnxruntime-web"))
    parser.add_argument("--points", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_page(folder / "page.html", load_model(), given.runtime)
        epochs = _write_table(folder / "EGMS_points.zip", given.points)
        seconds, browser, said = _classify(folder)
    sys.stdout.write(
        f"{describe_hardware()}, {browser}: page {size / 1e6:.1f} MB; {given.points:,} points of {epochs} epochs in "
        f"{seconds:.1f} s from the drop to the map ({said})\n"
    )


def _write_table(path: Path, points: int) -> int:
    """Write rows of the embedded example, each with an id of its own; returns the number of their epochs."""
    (archive,) = (entry for entry in (files("insar_runtime") / "demo").iterdir() if entry.name.endswith(".zip"))
    with archive.open("rb") as file, zipfile.ZipFile(file) as opened:
        (member,) = (name for name in opened.namelist() if name.endswith(".csv"))
        header, *rows = opened.read(member).decode().splitlines()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened, opened.open("EGMS_points.csv", "w") as table:
        table.write(f"{header}\n".encode())
        for i in range(points):
            table.write(f"p{i},{rows[i % len(rows)].partition(',')[2]}\n".encode())
    return sum(name.strip('"').isdigit() for name in header.split(","))


def _classify(folder: Path) -> tuple[float, str, str]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in (*_ARGUMENTS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(argument)
    driver: Any = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.get((folder / "page.html").as_uri())
        begin = time.perf_counter()
        driver.find_element("id", "file").send_keys(str(folder / "EGMS_points.zip"))
        while time.perf_counter() - begin < _MOST_SECONDS:
            done, trouble, said = driver.execute_script(_STATE)
            if trouble:
                raise SystemExit(trouble)
            if done:
                version = driver.capabilities["browserVersion"].partition(".")[0]
                return time.perf_counter() - begin, f"Chromium {version}", said
            time.sleep(0.1)
        raise SystemExit(f"not done in {_MOST_SECONDS} s")
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
