"""Areas on the map of a report in a real browser: counts, quartiles, ids; by mouse, keys and touch."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES
from tests.runtime.report.browsing import (
    Browser,
    click,
    complaints,
    corner_of_map,
    find_all,
    mouse_event,
    open_report,
    state,
    text_of,
)

pytestmark = pytest.mark.browser

PARTS = [(0.15, 0.2), (0.8, 0.1), (0.9, 0.7), (0.5, 0.35), (0.2, 0.9)]
"""Corners of a concave area, in parts of the map."""


def _corners(browser: Browser) -> list[tuple[float, float]]:
    width, height = browser.execute_script("return [report.map.view.width, report.map.view.height]")
    return [(78 + x * width, 1 + y * height) for x, y in PARTS]


def _draw(browser: Browser, *, close: bool = True) -> None:
    find_all(browser, "#outline")[0].click()
    corners = _corners(browser)
    for corner in corners:
        click(browser, corner)
    if close:
        click(browser, corners[-1])


def _inside(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Whether places are in a polygon: the angles to its corners go once around."""
    apart = corners[None] - places[:, None]
    angles = np.arctan2(apart[..., 1], apart[..., 0])
    turns = np.diff(angles, axis=1, append=angles[:, :1])
    return np.abs(((turns + np.pi) % (2 * np.pi) - np.pi).sum(axis=1)) > np.pi


def _table(browser: Browser) -> list[dict[str, str]]:
    """The table of ids, caught where the browser would save it."""
    text = browser.execute_async_script(
        """const [done] = arguments, make = URL.createObjectURL;
        URL.createObjectURL = (blob) => { blob.text().then(done); return make.call(URL, blob); };
        document.addEventListener("click", (event) => event.target.download && event.preventDefault(), true);
        document.getElementById("area-ids").click();
        URL.createObjectURL = make;"""
    )
    return list(csv.DictReader(io.StringIO(text)))


def test_an_area_has_counts_quartiles_and_ids(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    zoom = browser.execute_script("return report.map.view.ky")
    _draw(browser)
    assert state(browser)["selected"] == -1
    assert browser.execute_script("return report.map.view.ky") == zoom
    table = pq.read_table(classified).to_pandas().set_index("pid")
    pixels = browser.execute_script(
        "const { map, points } = report; return [...points.group.keys()].map((i) => [points.id(i), ...map.pixelsOf(i)])"
    )
    inside = _inside(np.array([place for _, *place in pixels]), np.array(_corners(browser)))
    members = [one for (one, *_), there in zip(pixels, inside, strict=True) if there]
    assert 50 < len(members) < 350
    found = _table(browser)
    assert sorted(row["pid"] for row in found) == sorted(members)
    rows = table.loc[members]
    counted = browser.execute_script(
        """const rows = [...document.querySelectorAll('#area-counts .row')];
        return rows.map((e) => [+e.dataset.group, e.children[2].textContent]);"""
    )
    classes = rows["class_id"].replace(-1, len(CLASS_NAMES)).value_counts()
    assert {group: int(number) for group, number in counted} == classes.to_dict()
    assert text_of(browser, "#area-count") == f"{len(members)} points"
    by_id = {row["pid"]: row for row in found}
    for one in members[:20]:
        assert by_id[one]["class_name"] == (str(rows["class_name"][one]) if rows["class_id"][one] >= 0 else "")

    dates = [name for name in table.columns if name.isdigit()]
    wanted = np.full((len(dates), 3), np.nan)
    values = np.round(rows[dates].to_numpy(dtype=float), 1)
    known = np.isfinite(values).any(axis=0)
    wanted[known] = np.nanquantile(values[:, known], [0.25, 0.5, 0.75], axis=0).T
    quartiles = browser.execute_script(
        "return seriesQuartiles(report.points, pointsInside(report.points, report.state.area, report.state.visible))"
    )
    np.testing.assert_allclose(np.array(quartiles, dtype=float), wanted, atol=0.11)
    assert find_all(browser, "#area-plot .median")[0].get_attribute("d").count(" ") == np.count_nonzero(known)

    # Only what is shown counts.
    find_all(browser, "#legend .class[data-group='0']")[0].click()
    assert text_of(browser, "#area-count") == f"{len(members) - classes[0]} points"
    find_all(browser, "#area-clear")[0].click()
    assert not find_all(browser, "#area")[0].is_displayed()
    assert state(browser)["area"] is None
    assert complaints(browser) == []


def test_an_area_by_keys_and_touch(browser: Browser, classified: Path) -> None:
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    open_report(browser, classified, series_mb=0.0001)
    _draw(browser, close=False)
    assert find_all(browser, "#outline-hint")[0].is_displayed()
    browser.switch_to.active_element.send_keys(keys.ESCAPE)
    assert not find_all(browser, "#outline-hint")[0].is_displayed()
    assert not find_all(browser, "#area")[0].is_displayed()
    _draw(browser, close=False)
    browser.switch_to.active_element.send_keys(keys.ENTER)
    said = text_of(browser, "#area-count")
    # The page has no room for series here, and says how to get them.
    assert "No mean series" in text_of(browser, "#area .hint")
    assert "--series-mb" in text_of(browser, "#area code")

    find_all(browser, "#outline")[0].click()
    left, top = corner_of_map(browser)
    corners = _corners(browser)
    for x, y in [*corners, corners[0]]:
        touch = [{"x": left + x, "y": top + y}]
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": touch})
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert text_of(browser, "#area-count") == said
    # An area needs three corners; one without points says so.
    find_all(browser, "#outline")[0].click()
    click(browser, (90, 10))
    click(browser, (90, 10))
    assert "three corners" in text_of(browser, "#outline-text")
    for place in ((110, 10), (110, 30)):
        click(browser, place)
    mouse_event(browser, "mouseMoved", (100, 40))
    find_all(browser, "#outline-close")[0].click()
    assert "No point of the classes shown" in text_of(browser, "#area")
    assert complaints(browser) == []
