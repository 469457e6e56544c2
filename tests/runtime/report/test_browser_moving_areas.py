"""Moving areas of a report in a real browser: outlines, list, panel, address; by mouse and keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.runtime.report.browsing import (
    Browser,
    click,
    complaints,
    find_all,
    open_report,
    state,
    text_of,
    wait_for,
)
from tests.runtime.report.made_areas import OUTLINES, write_areas

pytestmark = pytest.mark.browser


def _rows(browser: Browser) -> list[str]:
    return [row.get_attribute("data-area") for row in find_all(browser, "#areas tbody tr")]


def _on_screen(browser: Browser, longitude: float, latitude: float) -> tuple[float, float]:
    x, y = browser.execute_script(
        "const { steps, x0, y0 } = report.facts.position;"
        "return report.map.pixelsAt(arguments[0] * steps - x0, arguments[1] * steps - y0)",
        longitude,
        latitude,
    )
    return x, y


def test_areas_are_listed_outlined_and_chosen(browser: Browser, classified: Path, tmp_path: Path) -> None:
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    page = open_report(browser, classified, areas=write_areas(tmp_path / "areas.gpkg"))
    assert _rows(browser) == ["1", "2", "3"]
    assert text_of(browser, '[data-area="1"]') == "1Linear10 of 40−8.3 ± 1.5–1"
    find_all(browser, "#areas [data-key=rate]")[0].click()
    assert _rows(browser) == ["1", "3", "2"]
    find_all(browser, "#areas [data-key=rate]")[0].click()
    assert _rows(browser) == ["2", "3", "1"]
    # A missing date stays last, whatever the order.
    for _ in range(2):
        find_all(browser, "#areas [data-key=break]")[0].click()
        assert _rows(browser)[0] == "3"
    # Only classes that are shown are in the list.
    find_all(browser, "#legend .class[data-group='1']")[0].click()
    assert "1" not in _rows(browser)
    find_all(browser, "#all-classes")[0].click()

    # The outline of the third area, on its western side; then a row, by keys.
    zoom = browser.execute_script("return report.map.view.ky")
    (((west, south), *_),) = OUTLINES[2][0]
    browser.execute_script("document.getElementById('map').scrollIntoView()")
    click(browser, _on_screen(browser, west, south + 0.0011))
    assert state(browser)["place"] == 2
    assert browser.execute_script("return report.map.view.ky") > 1.5 * zoom
    assert browser.execute_script("return location.hash") == "#area=3"
    assert "Break2021-03-04 ± 12 days" in text_of(browser, "#place")
    button = find_all(browser, '[data-area="1"] button')[0]
    button.send_keys(keys.ENTER)
    assert state(browser)["place"] == 0
    assert text_of(browser, "#place .name").startswith("Area 1Linear−8.3 ± 1.5 mm/yr")
    assert find_all(browser, "#areas tr[aria-selected=true]")[0].get_attribute("data-area") == "1"

    # Its mean series is that of the moving points inside, holes left out.
    table = pq.read_table(classified).to_pandas()
    east, north = table["longitude"], table["latitude"]
    hole = east.between(7.003, 7.006) & north.between(45.003, 45.006)
    members = east.between(7.001, 7.009) & north.between(45.001, 45.009) & ~hole & table["class_id"].isin([1, 2, 3, 5])
    inside = browser.execute_script(
        "const shown = report.facts.groups.map((_, k) => [1, 2, 3, 5].includes(k));"
        "return pointsInRings(report.points, report.map.areas[0].rings, shown).map((i) => report.points.id(i))"
    )
    assert sorted(inside) == sorted(table["pid"][members])
    assert find_all(browser, "#place-plot .median" if members.any() else "#place .hint")

    # A point of the area leaves its title; its address names both.
    find_all(browser, "#next")[0].click()
    assert find_all(browser, "#place-open")
    assert browser.execute_script("return location.hash").startswith("#area=1&id=")
    find_all(browser, "#place-close")[0].click()
    assert not find_all(browser, "#place")[0].is_displayed()

    browser.get("about:blank")
    browser.get(f"{page.as_uri()}#area=2")
    wait_for(browser, "return window.report && report.state.place === 1")
    browser.get(f"{page.as_uri()}#area=99")
    wait_for(browser, "return document.getElementById('point').textContent.includes('area “99”')")
    assert complaints(browser) == []


def test_series_of_the_file_and_a_switch(browser: Browser, classified: Path, tmp_path: Path) -> None:
    dates = ["2020-01-01", "2020-03-07", "2020-06-01"]
    open_report(browser, classified, areas=write_areas(tmp_path / "areas.parquet", dates))
    find_all(browser, '[data-area="2"] button')[0].click()
    assert find_all(browser, "#place-plot .median")[0].get_attribute("d").count(" ") == len(dates)
    stroke = """const { map } = report; map.draw();
        const [x, y] = map.pixelsAt(...map.areas[1].rings[0][0]);
        const data = map.over.getContext("2d").getImageData(x - 2, y - 2, 5, 5).data;
        return [...data].filter((_, k) => k % 4 === 3 && data[k] > 200).length;"""
    assert browser.execute_script(stroke) > 5
    find_all(browser, "#outlines")[0].click()
    assert browser.execute_script(stroke) == 0
    (tmp_path / "none.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    open_report(browser, classified, areas=tmp_path / "none.geojson")
    assert text_of(browser, "#areas-note") == "none.geojson holds no moving area."
    open_report(browser, classified)
    assert not find_all(browser, "#areas-card")[0].is_displayed()
    assert complaints(browser) == []
    assert np.isfinite(browser.execute_script("return report.map.view.ky"))
