"""The printed report: Chromium makes a PDF of it, and poppler draws and reads that."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import need_program
from tests.runtime.report.browsing import Browser, complaints, find_all, open_report

pytestmark = pytest.mark.browser
_SCHEME = "Emulation.setEmulatedMedia"


def _printed(browser: Browser, path: Path) -> Path:
    path.write_bytes(base64.b64decode(browser.print_page()))
    return path


def _first_page(path: Path) -> NDArray[np.int16]:
    """Pixels [height, width, 3] of the first page, 60 to an inch."""
    pages = ["-f", "1", "-l", "1", "-singlefile"]
    command = ["pdftoppm", "-r", "60", *pages, str(path), str(path.with_suffix(""))]
    subprocess.run(command, check=True, capture_output=True)
    head, size, _, pixels = path.with_suffix(".ppm").read_bytes().split(b"\n", 3)
    assert head == b"P6"
    width, height = (int(one) for one in size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3).astype(np.int16)


def test_map_and_charts_are_printed(browser: Browser, classified: Path, tmp_path: Path) -> None:
    need_program("pdftoppm", "pdftotext")
    browser.execute_cdp_cmd(_SCHEME, {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    try:
        open_report(browser, classified)
        find_all(browser, "#next")[0].click()
        before = browser.execute_script("return { ...report.map.view }")
        whole = _printed(browser, tmp_path / "whole.pdf")
        page = _first_page(whole)
        assert page[0, 0].tolist() == [255, 255, 255]  # light, although the screen is dark
        edge = page.shape[1] // 25
        assert (page[:, -edge:] == 255).all()
        text = subprocess.run(["pdftotext", whole, "-"], check=True, capture_output=True, text=True).stdout
        told = ("Displacement, mm", "probability of the most probable class", "mm/yr", "phase unwrapping error")
        assert not [words for words in told if words not in text]
        assert "OpenStreetMap" not in text
        after = browser.execute_script("return { ...report.map.view }")
        assert after == before
        assert not find_all(browser, "#explained[open], .printing, .light")
        # All else is hidden, so that only the map has colours.
        browser.execute_script(
            "document.querySelectorAll('.card:not(#map-card)').forEach((e) => { e.style.display = 'none'; })"
        )
        alone = _first_page(_printed(browser, tmp_path / "map.pdf"))
        colours = browser.execute_script("return report.facts.colours.slice(1, -1)")
        points = browser.execute_script("return [...report.points.group].filter((k) => k && k < 6).length")
        known = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in colours])
        near = np.abs(alone[:, :, None] - known).max(axis=-1).min(axis=-1) < 40
        assert near.sum() > points / 2
        assert complaints(browser) == []
    finally:
        browser.execute_cdp_cmd(_SCHEME, {"features": []})
