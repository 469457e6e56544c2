"""The page of a report in a real browser: it renders, shows rows, and loads nothing from outside."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES, classify_file, load_model
from insar_runtime.class_meanings import describe_classes
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
from tests.runtime.tables import series, wide, write

pytestmark = pytest.mark.browser


def test_page_renders_offline_and_quietly(browser: Browser, classified: Path) -> None:
    page = open_report(browser, classified)
    assert text_of(browser, "h1") == "c.parquet"
    assert "400 points" in text_of(browser, "#lead")
    assert find_all(browser, "#confidence rect")
    assert find_all(browser, "#velocity path")
    assert "trend-net" in text_of(browser, "#about")
    assert len(find_all(browser, "#legend .class")) >= len(CLASS_NAMES)
    meanings = browser.execute_script(
        "return [...document.querySelectorAll('#meanings > *')].map((e) => e.textContent)"
    )
    rate = load_model().stable_rate_mm_yr
    assert meanings == [text for line in describe_classes(rate).items() for text in line]
    assert complaints(browser) == []
    loaded = [url for url in requests(browser) if not url.startswith(("blob:", "data:", "chrome:"))]
    assert loaded == [page.as_uri()]


@pytest.mark.parametrize("step", [0, 12])
def test_doubts_stand_below_the_title(browser: Browser, tmp_path: Path, step: float) -> None:
    displacement, dates = series(300, 150)
    displacement[::3, 75:] += step
    source = write(wide(displacement, dates), tmp_path / "in.parquet")
    findings = classify_file(source, tmp_path / "out.parquet").findings
    assert len(findings) == (step > 0)
    open_report(browser, tmp_path / "out.parquet")
    assert [line.text for line in find_all(browser, "#doubts li")] == [finding.sentence for finding in findings]
    assert complaints(browser) == []


def test_policy_forbids_what_is_outside(browser: Browser, classified: Path, tmp_path: Path) -> None:
    open_report(browser, classified)
    blocked = browser.execute_async_script(
        """const [done] = arguments, seen = [];
        document.addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "window.ran = 1";
        document.body.append(script);
        const image = new Image();
        image.src = "https://example.invalid/pixel.png";
        const end = () => done([seen.sort(), window.ran ?? null]);
        fetch("https://example.invalid/").catch(() => setTimeout(end, 200));"""
    )
    assert blocked == [["connect-src", "img-src", "script-src-elem"], None]
    assert not [url for url in requests(browser) if url.startswith("http")]


def _shown_point(browser: Browser) -> dict[str, Any]:
    """What the panel says, read from the screen's own elements: series from the places of its dots."""
    return dict(
        browser.execute_script(
            """const texts = (selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent);
            const labels = [...document.querySelectorAll("#point svg text[text-anchor=end]")]
              .filter((e) => /^[−\\d]/.test(e.textContent))
              .map((e) => [Number(e.getAttribute("y")) - 4, Number(e.textContent.replace("−", "-"))]);
            const [first, last] = [labels[0], labels[labels.length - 1]];
            const scale = (last[1] - first[1]) / (last[0] - first[0]);
            const dots = [...document.querySelectorAll("#point .epoch")].map((e) =>
              [Number(e.dataset.epoch), first[1] + (Number(e.getAttribute("cy")) - first[0]) * scale]);
            return { name: texts("#point-class")[0], id: texts("#point-id")[0], shares: texts("#point-shares span"),
              facts: texts("#point dl dt, #point dl dd"), gaps: texts("#point .gap title"), dots };"""
        )
    )


def test_click_shows_the_row(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    table = pq.read_table(classified)
    dates = [name for name in table.schema.names if name.isdigit()]
    for row in (0, 7, 123, 399):
        one = table.slice(row, 1).to_pylist()[0]
        place = browser.execute_script(
            "const { map, points } = report; return map.pixelsOf(points.find(arguments[0]))", one["pid"]
        )
        click(browser, place)
        shown = _shown_point(browser)
        assert shown["id"] == f"pid {one['pid']}"
        assert shown["name"] == (one["class_name"] or "No class")
        epochs = {k: one[name] for k, name in enumerate(dates) if one[name] is not None}
        assert [k for k, _ in shown["dots"]] == list(epochs)
        np.testing.assert_allclose([mm for _, mm in shown["dots"]], list(epochs.values()), atol=0.02)
        assert len(shown["gaps"]) == 1
        known = [name for name in CLASS_NAMES if one[f"p_{name.lower()}"] is not None]
        assert known == list(load_model().classes)
        assert len(shown["shares"]) == 3 * len(known)
        for k, name in enumerate(known):
            # A class a row: name, bar, percentage.
            label, _, text = shown["shares"][3 * k : 3 * k + 3]
            share = one[f"p_{name.lower()}"]
            assert label == name
            if 0.001 <= share <= 0.999:
                assert float(text.removesuffix(" %")) == pytest.approx(100 * share, abs=0.051)
            else:
                assert text == ("< 0.1 %" if share < 0.5 else "> 99.9 %") or text in ("0.1 %", "99.9 %")
        told = dict(zip(shown["facts"][::2], shown["facts"][1::2], strict=True))
        assert told["Status"] == one["status"]
        assert told["Epochs"] == str(one["n_epochs"])
        assert told["Longest gap"] == f"{one['max_gap_days']} days"
        assert told["height"] == f"{one['height']:g}"


def test_row_without_a_class(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    field = find_all(browser, "#find-id")[0]
    field.send_keys("p0005\n")
    shown = _shown_point(browser) if find_all(browser, "#point .epoch") else None
    assert shown is None
    assert text_of(browser, "#point-class") == "No class"
    assert find_all(browser, "#point-shares span") == []
    assert "too few epochs" in text_of(browser, "#point dl")
    field.clear()
    field.send_keys("nobody\n")
    assert text_of(browser, "#point-id") == "pid p0005"
    assert "unknown" in field.get_attribute("class")


def test_point_without_series_says_how_to_see_it(browser: Browser, classified: Path) -> None:
    open_report(browser, classified, series_mb=0.0001)
    find_all(browser, "#find-id")[0].send_keys("p0123\n")
    assert text_of(browser, "#point code") == f"insar-rt show {classified} --id p0123"


def test_table_without_positions_has_no_map(browser: Browser, tmp_path: Path) -> None:
    table = wide(*series(60)).drop_columns(["latitude", "longitude"])
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "c.parquet", keep_series=True)
    open_report(browser, tmp_path / "c.parquet")
    assert not find_all(browser, "#map-card")[0].is_displayed()
    assert "60 of 60 points have no position" in text_of(browser, "#lead")
    find_all(browser, "#next")[0].click()
    assert find_all(browser, "#point .epoch")
    find_all(browser, "#legend .class[data-group='0']")[0].click()
    assert complaints(browser) == []


def test_no_rows_at_all(browser: Browser, tmp_path: Path) -> None:
    source = write(wide(*series(5)).slice(0, 0), tmp_path / "in.parquet")
    classify_file(source, tmp_path / "c.parquet", keep_series=True)
    open_report(browser, tmp_path / "c.parquet")
    find_all(browser, "#next")[0].click()
    assert state(browser)["shown"] == 0
    assert complaints(browser) == []


def test_nothing_of_the_file_runs(browser: Browser, tmp_path: Path) -> None:
    evil = "</script><script>window.ran=1</script><img src=x onerror='window.ran=1'>"
    more: dict[str, Any] = {f"{evil}a": np.arange(60.0), "pid": [f"{evil}{i}" for i in range(60)]}
    table = wide(*series(60), **more)
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "c.parquet", keep_series=True)
    open_report(browser, tmp_path / "c.parquet", title=evil)
    assert text_of(browser, "h1") == browser.title == evil
    find_all(browser, "#next")[0].click()
    assert evil in text_of(browser, "#point-id")
    assert f"{evil}a" in text_of(browser, "#point details")
    mouse_event(browser, "mouseMoved", browser.execute_script("return report.map.pixelsOf(report.state.selected)"))
    wait_for(browser, "return !document.getElementById('tip').hidden")
    time.sleep(0.1)
    assert browser.execute_script("return [window.ran ?? null, document.querySelectorAll('img').length]") == [None, 0]
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [1400, 700, 360])
def test_nothing_is_wider_than_the_screen(browser: Browser, classified: Path, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        open_report(browser, classified)
        find_all(browser, "#next")[0].click()
        time.sleep(0.2)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        overlap = browser.execute_script(
            """const cards = [...document.querySelectorAll(".card")].filter((e) => e.offsetParent);
            const boxes = cards.map((e) => e.getBoundingClientRect());
            return boxes.some((a, i) => boxes.some((b, k) => i < k && a.left < b.right - 1 &&
              b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));"""
        )
        assert not overlap
        beside = browser.execute_script(
            """const boxOf = (selector) => document.querySelector(selector).getBoundingClientRect();
            const [map, plot] = [boxOf("#map"), boxOf("#point .plot")];
            return plot.left > map.right ? plot.bottom < innerHeight : plot.top > map.bottom && "below";"""
        )
        assert beside is True if width == 1400 else beside == "below"
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
