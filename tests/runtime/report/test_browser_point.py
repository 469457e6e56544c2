"""Chosen points in a real browser: address, search, several in one plot, downloads."""

from __future__ import annotations

import csv
import io
import re
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.runtime import made_diagnoses
from tests.runtime.report.browsing import (
    Browser,
    click,
    complaints,
    find_all,
    mouse_event,
    open_report,
    requests,
    state,
    text_of,
    wait_for,
)

pytestmark = pytest.mark.browser
_SVG = "{http://www.w3.org/2000/svg}"
_SHIFT = 8


def _place(browser: Browser, name: str) -> tuple[float, float]:
    x, y = browser.execute_script("return report.map.pixelsOf(report.points.find(arguments[0]))", name)
    return x, y


def _chosen(browser: Browser) -> list[str]:
    return list(browser.execute_script("return report.state.chosen.map((i) => report.points.id(i))"))


def _downloaded(browser: Browser, folder: Path, button: str) -> bytes:
    """Click on a button and return the file that the browser saves."""
    for old in folder.iterdir():
        old.unlink()
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    browser.execute_script("document.getElementById(arguments[0]).click()", button)
    end = time.monotonic() + 30
    # Chromium makes an empty file first, and puts the whole one in its place.
    while not (files := [path for path in folder.glob(f"*.{button[-3:]}") if path.stat().st_size]):
        assert time.monotonic() < end, browser.get_log("browser")
        time.sleep(0.05)
    return files[0].read_bytes()


def test_address_names_the_point(browser: Browser, classified: Path) -> None:
    page = open_report(browser, classified)
    click(browser, _place(browser, "p0123"))
    assert browser.current_url == f"{page.as_uri()}#id=p0123"
    row = pq.read_table(classified).slice(123, 1).to_pylist()[0]
    link = find_all(browser, "#place-link")[0]
    place = re.fullmatch(
        r"https://www\.openstreetmap\.org/\?mlat=(.*)&mlon=(.*)#map=18/(.*)/(.*)", link.get_attribute("href")
    )
    assert place
    wanted = [row["latitude"], row["longitude"]] * 2
    np.testing.assert_allclose([float(number) for number in place.groups()], wanted, atol=1e-6)
    assert link.get_attribute("rel") == "noopener noreferrer"
    # The page follows an address that changes, and one that it is opened with.
    browser.execute_script("location.hash = 'id=p0007'")
    wait_for(browser, "return document.getElementById('point-id').textContent === 'pid p0007'")
    browser.get("about:blank")
    browser.get(f"{page.as_uri()}#id=p0031&id=p0044")
    wait_for(browser, "return !!window.report")
    assert _chosen(browser) == ["p0031", "p0044"]
    assert text_of(browser, "#point-id") == "pid p0044"
    find_all(browser, "#over")[0].send_keys("\ue00c")  # Escape
    assert browser.current_url == page.as_uri()
    browser.get("about:blank")
    browser.get(f"{page.as_uri()}#id=nobody")
    wait_for(browser, "return !!window.report")
    assert "“nobody”, which this page does not hold" in text_of(browser, "#point")
    assert complaints(browser) == []
    assert not [url for url in requests(browser) if url.startswith("http")]


def test_places_of_egms_grid_in_degrees(browser: Browser, classified: Path) -> None:
    """The example of EPSG guidance note 7-2 for the Lambert azimuthal equal-area projection: 50 N, 5 E."""
    open_report(browser, classified)
    place = browser.execute_script("return ofLaeaEurope(3962799.45, 2999718.85)")
    np.testing.assert_allclose(place, [5, 50], atol=2e-7)


def test_points_are_found_by_a_part_of_their_id(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    field = find_all(browser, "#find-id")[0]
    field.send_keys("P012")
    hits = [f"p012{k}" for k in range(10)]
    assert text_of(browser, "#hits p").startswith("10 points")
    assert [hit.text for hit in find_all(browser, ".hits button")] == hits[:8]
    for name in (*hits, hits[0]):
        field.send_keys("\n")
        assert text_of(browser, "#point-id") == f"pid {name}"
    find_all(browser, "#next-hit")[0].click()
    assert text_of(browser, "#point-id") == f"pid {hits[1]}"
    assert text_of(browser, "#hits p").startswith("2 of 10 points")
    find_all(browser, ".hits button")[4].click()
    assert text_of(browser, "#point-id") == f"pid {hits[4]}"
    field.clear()
    field.send_keys("nobody")
    assert text_of(browser, "#hits") == "No id contains “nobody”."
    field.send_keys("\ue00c")
    assert not find_all(browser, "#hits")[0].is_displayed()
    assert complaints(browser) == []


def test_several_points_share_a_plot(browser: Browser, classified: Path, tmp_path: Path) -> None:
    open_report(browser, classified)
    names = ["p0001", "p0123", "p0200"]
    click(browser, _place(browser, names[0]))
    place = _place(browser, names[1])
    mouse_event(browser, "mousePressed", place, "left", modifiers=_SHIFT)
    mouse_event(browser, "mouseReleased", place, "left", modifiers=_SHIFT)
    assert _chosen(browser) == names[:2]
    find_all(browser, "#add")[0].click()
    click(browser, _place(browser, names[2]))
    find_all(browser, "#add")[0].click()
    assert _chosen(browser) == names
    colours = browser.execute_script(
        "return [...new Set([...document.querySelectorAll('#point .epoch')].map((e) => e.getAttribute('fill')))]"
    )
    assert len(colours) == 3
    lines = [line.text for line in find_all(browser, "#chosen-list .line")]
    assert [line.split()[0] for line in lines] == names

    table = pq.read_table(classified)
    dates = [name for name in table.schema.names if name.isdigit()]
    rows = [table.slice(int(name[1:]), 1).to_pylist()[0] for name in names]
    saved = list(csv.reader(io.StringIO(_downloaded(browser, tmp_path, "save-csv").decode())))
    assert saved[0] == ["date", *(f"{name} mm" for name in names)]
    assert [line[0].replace("-", "") for line in saved[1:]] == dates
    for k, row in enumerate(rows):
        wanted = [np.nan if row[date] is None else row[date] for date in dates]
        np.testing.assert_allclose([float(line[k + 1] or "nan") for line in saved[1:]], wanted, atol=0.051)

    drawing = ET.fromstring(_downloaded(browser, tmp_path, "save-svg"))
    assert not [one for one in drawing.iter() if one.tag in (f"{_SVG}image", f"{_SVG}style") or one.get("class")]
    values = sum(row[date] is not None for row in rows for date in dates)
    marks = [one for one in drawing.iter(f"{_SVG}circle") if one.get("data-epoch")]
    assert len(marks) == values
    told = [one.text or "" for one in drawing.iter(f"{_SVG}text")]
    assert [text.split(":")[0] for text in told if text.startswith("pid ")] == [f"pid {name}" for name in names]
    picture = _downloaded(browser, tmp_path, "save-png")
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(picture[at : at + 4]) for at in (16, 20)] == [1800, 2 * int(drawing.get("height", "0"))]

    # A name shows the facts of its point, × takes it away, and a click without shift shows one alone.
    find_all(browser, "#chosen-list .line:first-child button")[0].click()
    assert (text_of(browser, "#point-id"), len(_chosen(browser))) == (f"pid {names[0]}", 3)
    find_all(browser, "#chosen-list .line:first-child button")[1].click()
    assert _chosen(browser) == names[1:]
    click(browser, _place(browser, names[0]))
    assert _chosen(browser) == names[:1]
    assert not find_all(browser, "#chosen-list")
    assert state(browser)["selected"] >= 0
    assert complaints(browser) == []


def test_saved_table_has_the_repaired_series(browser: Browser, diagnosed: Path, tmp_path: Path) -> None:
    row = next(k for k, one in enumerate(made_diagnoses.MADE) if any(taken for *_, taken in one.jumps))
    page = open_report(browser, diagnosed)
    browser.get(f"{page.as_uri()}#id=p{row:04}")
    wait_for(browser, "return document.querySelector('#point .moved')")
    saved = list(csv.reader(io.StringIO(_downloaded(browser, tmp_path, "save-csv").decode())))
    assert saved[0] == ["date", f"p{row:04} mm", f"p{row:04} mm without repaired jumps"]
    one = made_diagnoses.MADE[row]
    epochs = np.arange(len(made_diagnoses.DATES))
    taken = sum((mm * (epochs >= epoch) for epoch, _, mm, taken in one.jumps if taken), np.zeros(len(epochs)))
    moved = [float(before or "nan") - float(after or "nan") for _, before, after in saved[1:]]
    there = np.isfinite(moved)
    assert there.any()
    np.testing.assert_allclose(np.array(moved)[there], taken[there], atol=0.15)


def test_words_are_explained(browser: Browser, diagnosed: Path, classified: Path) -> None:
    for path, told_of_diagnosis in ((classified, False), (diagnosed, True)):
        open_report(browser, path)
        told = text_of(browser, "#words")
        assert "below 60 %" in told
        assert "line of sight (LOS)" in told
        assert "assumed before any series was looked at (prior)" in told
        assert ("one standard deviation" in told) == told_of_diagnosis
        for name in browser.execute_script("return Object.keys(report.facts.counts.statuses)"):
            assert re.search(rf"{name.replace('_', ' ')}\d+: \w+", text_of(browser, "#statuses"))
