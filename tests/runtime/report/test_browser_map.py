"""The map of a report in a real browser: filters, pointer, keys, touch, a million points."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES, classify_file
from tests.runtime.report.browsing import (
    Browser,
    browse,
    choose_colours,
    click,
    complaints,
    corner_of_map,
    find_all,
    mouse_event,
    open_report,
    state,
    text_of,
    wait_for,
)

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("gl", [True, False], ids=["webgl", "canvas"])
def test_points_are_drawn_where_they_are(browser: Browser, tmp_path: Path, classified: Path, gl: bool) -> None:
    with nullcontext(browser) if gl else browse(tmp_path / "profile", "--disable-3d-apis") as drawing:
        open_report(drawing, classified)
        assert drawing.execute_script("return report.map.painter.name") == ("webgl" if gl else "canvas")
        seen = drawing.execute_script(
            """const { map, points } = report;
            map.draw();
            const copy = document.createElement("canvas");
            [copy.width, copy.height] = [map.canvas.width, map.canvas.height];
            const context = copy.getContext("2d", { willReadFrequently: true });
            context.drawImage(map.canvas, 0, 0);
            const at = (x, y) => context.getImageData(x, y, 1, 1).data;
            let painted = 0;
            for (let i = 0; i < points.count; i++) {
              if (points.group[i] === NO_CLASS) { painted++; continue; } // hollow
              const [x, y] = map.pixelsOf(i);
              if (at(x - map.canvas.offsetLeft, y - map.canvas.offsetTop)[3] > 150) painted++;
            }
            return [painted, at(1, 1)[3]];"""
        )
        assert seen == [400, 0]
        assert complaints(drawing) == []


def test_classes_are_filtered(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    ids = pq.read_table(classified)["class_id"].to_pylist()
    counts = [ids.count(k) for k in (*range(len(CLASS_NAMES)), -1)]
    assert state(browser)["shown"] == 400
    for group in (0, 1):
        find_all(browser, f"#legend .class[data-group='{group}']")[0].click()
    assert state(browser)["shown"] == 400 - counts[0] - counts[1]
    assert find_all(browser, "#legend .class[data-group='0']")[0].get_attribute("aria-pressed") == "false"
    # The ring does the same; a point that is hidden is neither hovered nor chosen.
    browser.execute_script("document.querySelector('#donut [data-group=\"1\"]').dispatchEvent(new Event('click'))")
    assert state(browser)["shown"] == 400 - counts[0]
    hidden = browser.execute_script(
        "const { map, points } = report; const i = points.group.indexOf(0); return [i, map.pixelsOf(i)]"
    )
    click(browser, hidden[1])
    assert state(browser)["selected"] != hidden[0]
    find_all(browser, "#legend .only[data-group='1']")[0].click()
    assert state(browser)["shown"] == counts[1]
    find_all(browser, "#all-classes")[0].click()
    assert state(browser)["shown"] == 400


def test_filter_needs_no_mouse(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    stable = pq.read_table(classified)["class_id"].to_pylist().count(0)
    button = find_all(browser, "#legend .class[data-group='0']")[0]
    browser.execute_script("arguments[0].focus()", button)
    for _ in range(2):
        browser.switch_to.active_element.send_keys(" ")
    assert state(browser)["shown"] == 400
    browser.switch_to.active_element.send_keys(" ")
    assert state(browser)["shown"] == 400 - stable


def test_hover_names_the_point(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    place = browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))")
    mouse_event(browser, "mouseMoved", (1, 1))
    mouse_event(browser, "mouseMoved", place)
    wait_for(browser, "return !document.getElementById('tip').hidden")
    assert text_of(browser, "#tip b") == "p0123"
    mouse_event(browser, "mouseMoved", (80, 2))
    wait_for(browser, "return document.getElementById('tip').hidden")


def test_zoom_and_pan_keep_what_is_under_the_pointer(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    place = browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))")
    # A wheel reports its place in whole pixels of the window.
    pointer = np.round(np.add(place, corner_of_map(browser))) - corner_of_map(browser)
    mouse_event(browser, "mouseWheel", pointer, deltaX=0, deltaY=-900)
    factor = wait_for(browser, "const { view, home } = report.map; return view.ky > 2 * home && view.ky / home")
    after = browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))")
    np.testing.assert_allclose(after, pointer + factor * (place - pointer), atol=0.6)
    mouse_event(browser, "mousePressed", (300, 200), "left")
    mouse_event(browser, "mouseMoved", (340, 230), "left")
    mouse_event(browser, "mouseReleased", (340, 230), "left")
    moved = browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))")
    np.testing.assert_allclose(np.subtract(moved, after), (40, 30), atol=0.6)
    assert state(browser)["selected"] == -1
    find_all(browser, "#over")[0].send_keys("0")
    np.testing.assert_allclose(
        browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))"), place, atol=0.6
    )


def test_map_by_keys(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    before = browser.execute_script("return { ...report.map.view }")
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    find_all(browser, "#over")[0].send_keys("+", keys.ARROW_RIGHT)
    after = browser.execute_script("return { ...report.map.view }")
    assert after["ky"] == pytest.approx(1.5 * before["ky"])
    assert after["x"] == pytest.approx(before["x"] + 60 / after["kx"])
    find_all(browser, "#over")[0].send_keys(keys.ENTER)
    selected = browser.execute_script("return report.map.pixelsOf(report.state.selected)")
    middle = browser.execute_script("const { view } = report.map; return [78 + view.width / 2, 1 + view.height / 2]")
    assert np.hypot(*np.subtract(selected, middle)) < 100
    find_all(browser, "#over")[0].send_keys(keys.ESCAPE)
    assert state(browser)["selected"] == -1


def test_map_by_two_fingers(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    left, top = corner_of_map(browser)
    browser.execute_script("window.scrollTo(0, 0)")

    def touch(kind: str, *places: tuple[int, int]) -> None:
        points = [{"x": left + x, "y": top + y, "id": k} for k, (x, y) in enumerate(places)]
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = browser.execute_script("return [report.map.view.ky, ...report.map.stepsAt(400, 250)]")
    touch("touchStart", (350, 250), (450, 250))
    touch("touchMove", (300, 250), (500, 250))
    touch("touchEnd")
    after = browser.execute_script("return [report.map.view.ky, ...report.map.stepsAt(400, 250)]")
    assert after[0] == pytest.approx(2 * before[0], rel=0.02)
    np.testing.assert_allclose(after[1:], before[1:], atol=3 / before[0])
    assert state(browser)["selected"] == -1


def test_other_colours(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    assert _modes(browser) == ["class", "confidence", "velocity"]
    for mode in ("velocity", "confidence", "class"):
        choose_colours(browser, mode)
        assert state(browser)["mode"] == mode
        assert find_all(browser, "#ramp")[0].is_displayed() == (mode != "class")
    assert complaints(browser) == []


def _modes(browser: Browser) -> list[str]:
    return [str(option.get_attribute("value")) for option in find_all(browser, "#modes option")]


def test_colours_by_rates_in_a_range_that_is_chosen(browser: Browser, diagnosed: Path) -> None:
    open_report(browser, diagnosed)
    of_diagnosis = ["velocity_mm_yr", "acceleration_mm_yr2", "season_amp_mm", "v_recent_mm_yr", "recent_change_prob"]
    of_diagnosis += ["rate_change", "jump_mm", "change"]
    assert _modes(browser) == ["class", "confidence", "velocity", *of_diagnosis]
    table = pq.read_table(diagnosed)
    column = np.array(table["velocity_mm_yr"].to_pylist(), dtype=float)
    ids = browser.execute_script("return [...report.points.group.keys()].map((i) => report.points.id(i))")
    rows = [table["pid"].to_pylist().index(one) for one in ids]
    choose_colours(browser, "velocity_mm_yr")
    shown = browser.execute_script(
        "return [...report.points.group.keys()].map((i) => measureOf('velocity_mm_yr').of(i))"
    )
    np.testing.assert_allclose(np.array(shown, dtype=float), column[rows], atol=0.0051)
    low, high = browser.execute_script("return endsOf('velocity_mm_yr')")
    assert -low == high >= np.nanquantile(np.abs(column), 0.9)
    assert "column velocity_mm_yr" in text_of(browser, "#ramp-unit")

    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    for end, value in (("low", "-5"), ("high", "2.5")):
        field = find_all(browser, f"#ramp-{end}")[0]
        field.clear()
        field.send_keys(value, keys.ENTER)
    # Zero is in the middle of the palette, and both sides have one scale.
    codes = np.array(browser.execute_script("return [...report.map.values]"))
    expected = 1 + np.round(254 * (0.5 + np.clip(np.array(shown, dtype=float), -5, 2.5) / 10))
    np.testing.assert_allclose(codes, np.nan_to_num(expected), atol=1)
    # What differs most from zero lies above.
    order, bands = browser.execute_script(
        """const { drawing, bands, values } = report.map;
        const order = drawing.ranges.flatMap(({ start, end }) => [...drawing.order.subarray(start, end)]);
        return [order, order.map((i) => bands[values[i]])];"""
    )
    assert sorted(order) == list(range(len(ids)))
    assert bands == sorted(bands)
    assert np.abs(codes[order] - 128)[-1] > np.median(np.abs(codes - 128))
    field = find_all(browser, "#ramp-high")[0]
    field.clear()
    field.send_keys("-9", keys.ENTER)
    assert "unknown" in field.get_attribute("class")
    assert browser.execute_script("return endsOf('velocity_mm_yr')") == [-5, 2.5]
    find_all(browser, "#ramp-reset")[0].click()
    assert browser.execute_script("return endsOf('velocity_mm_yr')") == [low, high]
    assert not find_all(browser, "#ramp-reset")[0].is_displayed()
    for mode in of_diagnosis:
        choose_colours(browser, mode)
        assert browser.execute_script("return report.map.values.some((value) => value > 0)"), mode
    assert complaints(browser) == []


def test_rare_classes_lie_above(browser: Browser, classified: Path) -> None:
    open_report(browser, classified)
    layers = browser.execute_script(
        "return report.map.drawing.ranges.map(({ group, start, end }) => [group, end - start])"
    )
    assert [group for group, _ in layers][:2] == [len(CLASS_NAMES), 0]
    sizes = [size for _, size in layers[2:]]
    assert sizes == sorted(sizes, reverse=True)


def _million(path: Path) -> None:
    """A classified table of 10**6 points; no network could be quick enough here."""
    rows, rng = 1_000_000, np.random.default_rng(2)
    class_id = np.where(rng.random(rows) < 0.9, 0, rng.integers(-1, len(CLASS_NAMES), rows)).astype(np.int8)
    shares = rng.dirichlet(np.ones(len(CLASS_NAMES)), rows).astype(np.float32)
    columns: dict[str, Any] = {
        "pid": pa.array(np.arange(rows)).cast(pa.string()),
        "longitude": 9 + rng.normal(0, 0.4, rows),
        "latitude": 45 + rng.normal(0, 0.3, rows),
        "mean_velocity": np.round(rng.normal(-1, 2, rows), 1),
        "class_id": class_id,
        "class_name": pa.array(np.array(["", *CLASS_NAMES])[class_id + 1]),
        "class_top": class_id,
        "confidence": shares.max(axis=1),
        **{f"p_{name.lower()}": shares[:, k] for k, name in enumerate(CLASS_NAMES)},
        "status": pa.array(np.where(class_id < 0, "abstained", "ok")),
        "n_epochs": np.full(rows, 200, np.int16),
        "max_gap_days": np.full(rows, 12, np.int16),
    }
    pq.write_table(pa.table(columns), path)


def test_a_million_points_stay_smooth(browser: Browser, tmp_path: Path) -> None:
    """Bounds are those of a busy machine without any graphics card; a card paints all points in a few ms."""
    _million(tmp_path / "million.parquet")
    page = open_report(browser, tmp_path / "million.parquet")
    assert page.stat().st_size < 40e6
    assert state(browser)["shown"] == 1_000_000
    wait_for(browser, "return report.map.fullMs !== undefined")
    frames, part = browser.execute_async_script(
        """const [done] = arguments, { map } = report, times = [];
        const step = (now) => {
          times.push(now);
          map.pan(times.length % 40 < 20 ? 9 : -9, 3);
          if (times.length < 60) requestAnimationFrame(step);
          else done([times.slice(1).map((time, i) => time - times[i]), map.movingPart]);
        };
        requestAnimationFrame(step);"""
    )
    print(f"10**6 points: median {np.median(frames):.0f} ms a frame while moving, {100 * part:.0f} % painted")  # noqa: T201
    assert np.median(frames) < 150
    picked = browser.execute_script(
        """const { map } = report, begin = performance.now();
        let hits = 0;
        for (let k = 0; k < 1000; k++) hits += map.pick(200 + (k % 500), 100 + (k * 7) % 400) >= 0;
        return [(performance.now() - begin) / 1000, hits];"""
    )
    assert picked[0] < 2
    assert picked[1] > 100
    wait_for(browser, "return !report.map.moving && !report.map.pending")


def test_real_points(browser: Browser, tmp_path: Path, real: Callable[[str], Path]) -> None:
    source = real("egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv")
    classify_file(source, tmp_path / "c.parquet", keep_series=True)
    open_report(browser, tmp_path / "c.parquet")
    assert state(browser)["shown"] == 11_590
    # A degree of longitude at 38.7 degrees north is 0.78 of one of latitude.
    assert browser.execute_script("return report.map.aspect") == pytest.approx(0.780, abs=0.001)
    assert complaints(browser) == []
