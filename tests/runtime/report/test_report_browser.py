"""The report in a real browser: it renders, filters, hovers, clicks, and loads nothing from outside."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES, Classifier, classify_file, load_model
from insar_runtime._report.write import Classification, write_report
from insar_runtime.class_meanings import describe_classes
from tests.conftest import need_program
from tests.runtime import made_diagnoses
from tests.runtime.tables import series, wide, write

pytestmark = pytest.mark.browser

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)
_SOFTWARE_GL = ("--enable-unsafe-swiftshader", "--use-angle=swiftshader")

Browser = Any


@contextmanager
def browse(folder: Path, *more: str) -> Iterator[Browser]:
    """A browser with an empty profile; selenium is told where the driver is, so that it looks for none."""
    need_program("chromium", "chromedriver")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in (*_ARGUMENTS, *more, f"--user-data-dir={folder}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.set_script_timeout(60)
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browse(tmp_path_factory.mktemp("profile"), *_SOFTWARE_GL) as driver:
        yield driver


@pytest.fixture(scope="module")
def classified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    displacement, dates = series(400)
    displacement[::9, ::4] = np.nan
    displacement[5] = np.nan
    displacement[:, 20:30] = np.nan
    table = wide(displacement, dates, height=np.arange(400) / 2)
    rng = np.random.default_rng(1)
    for name, middle in (("latitude", 45.0), ("longitude", 7.0)):
        place = table.schema.names.index(name)
        table = table.set_column(place, name, pa.array(middle + rng.random(400) / 50))
    classify_file(write(table, folder / "in.parquet"), folder / "c.parquet", keep_series=True)
    return folder / "c.parquet"


def _never() -> Classifier:
    raise AssertionError("nothing is to be classified")


def _open(browser: Browser, path: Path, **options: Any) -> Path:
    """Make the report of a classified table and open it."""
    page = path.with_suffix(".html")
    write_report(path, page, classification=Classification(_never), overwrite=True, **options)
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(page.as_uri())
    _wait(browser, "return !!window.report")
    return page


def _wait(browser: Browser, script: str, seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (found := browser.execute_script(script)):
        assert time.monotonic() < end, browser.get_log("browser")
        time.sleep(0.05)
    return found


def _state(browser: Browser) -> dict[str, Any]:
    return dict(browser.execute_script("return report.state"))


def _complaints(browser: Browser) -> list[str]:
    """What the console says, but for the driver of the software GL about its own speed."""
    return [entry["message"] for entry in browser.get_log("browser") if "GL Driver Message" not in entry["message"]]


def _requests(browser: Browser) -> list[str]:
    """Addresses that were asked for, without those that the page's policy has stopped."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        one["params"]["requestId"]: one["params"]["request"]["url"]
        for one in messages
        if one["method"] == "Network.requestWillBeSent"
    }
    for one in messages:
        if one["method"] == "Network.loadingFailed" and one["params"].get("blockedReason") == "csp":
            del asked[one["params"]["requestId"]]
    return list(asked.values())


def _corner(browser: Browser) -> Any:
    return browser.execute_script(
        "const box = document.getElementById('over').getBoundingClientRect(); return [box.left, box.top]"
    )


def _pointer(browser: Browser, kind: str, place: Any, button: str = "none", **more: Any) -> None:
    """A real event of the mouse at a place of the map."""
    left, top = _corner(browser)
    event = {
        "type": kind,
        "x": float(left + place[0]),
        "y": float(top + place[1]),
        "button": button,
        "clickCount": 1,
        **more,
    }
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def _click(browser: Browser, place: tuple[float, float]) -> None:
    _pointer(browser, "mouseMoved", place)
    _pointer(browser, "mousePressed", place, "left")
    _pointer(browser, "mouseReleased", place, "left")


def _find(browser: Browser, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def _text(browser: Browser, selector: str) -> str:
    return str(browser.execute_script("return document.querySelector(arguments[0])?.textContent ?? ''", selector))


def test_page_renders_offline_and_quietly(browser: Browser, classified: Path) -> None:
    page = _open(browser, classified)
    assert _text(browser, "h1") == "c.parquet"
    assert "400 points" in _text(browser, "#lead")
    assert _find(browser, "#confidence rect")
    assert _find(browser, "#velocity path")
    assert "trend-net" in _text(browser, "#about")
    assert len(_find(browser, "#legend .class")) >= len(CLASS_NAMES)
    meanings = browser.execute_script(
        "return [...document.querySelectorAll('#meanings > *')].map((e) => e.textContent)"
    )
    rate = load_model().stable_rate_mm_yr
    assert meanings == [text for line in describe_classes(rate).items() for text in line]
    assert _complaints(browser) == []
    loaded = [url for url in _requests(browser) if not url.startswith(("blob:", "data:", "chrome:"))]
    assert loaded == [page.as_uri()]


def test_policy_forbids_what_is_outside(browser: Browser, classified: Path, tmp_path: Path) -> None:
    _open(browser, classified)
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
    assert not [url for url in _requests(browser) if url.startswith("http")]


@pytest.mark.parametrize("gl", [True, False], ids=["webgl", "canvas"])
def test_points_are_drawn_where_they_are(tmp_path: Path, classified: Path, gl: bool) -> None:
    with browse(tmp_path / "profile", *(_SOFTWARE_GL if gl else ("--disable-3d-apis",))) as browser:
        _open(browser, classified)
        assert browser.execute_script("return report.map.painter.name") == ("webgl" if gl else "canvas")
        seen = browser.execute_script(
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
        assert _complaints(browser) == []


def test_classes_are_filtered(browser: Browser, classified: Path) -> None:
    _open(browser, classified)
    ids = pq.read_table(classified)["class_id"].to_pylist()
    counts = [ids.count(k) for k in (*range(len(CLASS_NAMES)), -1)]
    assert _state(browser)["shown"] == 400
    for group in (0, 1):
        _find(browser, f"#legend .class[data-group='{group}']")[0].click()
    assert _state(browser)["shown"] == 400 - counts[0] - counts[1]
    assert _find(browser, "#legend .class[data-group='0']")[0].get_attribute("aria-pressed") == "false"
    # The ring does the same; a point that is hidden is neither hovered nor chosen.
    browser.execute_script("document.querySelector('#donut [data-group=\"1\"]').dispatchEvent(new Event('click'))")
    assert _state(browser)["shown"] == 400 - counts[0]
    hidden = browser.execute_script(
        "const { map, points } = report; const i = points.group.indexOf(0); return [i, map.pixelsOf(i)]"
    )
    _click(browser, hidden[1])
    assert _state(browser)["selected"] != hidden[0]
    _find(browser, "#legend .only[data-group='1']")[0].click()
    assert _state(browser)["shown"] == counts[1]
    _find(browser, "#all-classes")[0].click()
    assert _state(browser)["shown"] == 400


def test_filter_needs_no_mouse(browser: Browser, classified: Path) -> None:
    _open(browser, classified)
    stable = pq.read_table(classified)["class_id"].to_pylist().count(0)
    button = _find(browser, "#legend .class[data-group='0']")[0]
    browser.execute_script("arguments[0].focus()", button)
    for _ in range(2):
        browser.switch_to.active_element.send_keys(" ")
    assert _state(browser)["shown"] == 400
    browser.switch_to.active_element.send_keys(" ")
    assert _state(browser)["shown"] == 400 - stable


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
    _open(browser, classified)
    table = pq.read_table(classified)
    dates = [name for name in table.schema.names if name.isdigit()]
    for row in (0, 7, 123, 399):
        one = table.slice(row, 1).to_pylist()[0]
        place = browser.execute_script(
            "const { map, points } = report; return map.pixelsOf(points.find(arguments[0]))", one["pid"]
        )
        _click(browser, place)
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
    _open(browser, classified)
    field = _find(browser, "#find-id")[0]
    field.send_keys("p0005\n")
    shown = _shown_point(browser) if _find(browser, "#point .epoch") else None
    assert shown is None
    assert _text(browser, "#point-class") == "No class"
    assert _find(browser, "#point-shares span") == []
    assert "too few epochs" in _text(browser, "#point dl")
    field.clear()
    field.send_keys("nobody\n")
    assert _text(browser, "#point-id") == "pid p0005"
    assert "unknown" in field.get_attribute("class")


def test_hover_names_the_point(browser: Browser, classified: Path) -> None:
    _open(browser, classified)
    place = browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))")
    _pointer(browser, "mouseMoved", (1, 1))
    _pointer(browser, "mouseMoved", place)
    _wait(browser, "return !document.getElementById('tip').hidden")
    assert _text(browser, "#tip b") == "p0123"
    _pointer(browser, "mouseMoved", (80, 2))
    _wait(browser, "return document.getElementById('tip').hidden")


def test_zoom_and_pan_keep_what_is_under_the_pointer(browser: Browser, classified: Path) -> None:
    _open(browser, classified)
    place = browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))")
    # A wheel tells its place in whole pixels of the window.
    pointer = np.round(np.add(place, _corner(browser))) - _corner(browser)
    _pointer(browser, "mouseWheel", pointer, deltaX=0, deltaY=-900)
    factor = _wait(browser, "const { view, home } = report.map; return view.ky > 2 * home && view.ky / home")
    after = browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))")
    np.testing.assert_allclose(after, pointer + factor * (place - pointer), atol=0.6)
    _pointer(browser, "mousePressed", (300, 200), "left")
    _pointer(browser, "mouseMoved", (340, 230), "left")
    _pointer(browser, "mouseReleased", (340, 230), "left")
    moved = browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))")
    np.testing.assert_allclose(np.subtract(moved, after), (40, 30), atol=0.6)
    assert _state(browser)["selected"] == -1
    _find(browser, "#over")[0].send_keys("0")
    np.testing.assert_allclose(
        browser.execute_script("return report.map.pixelsOf(report.points.find('p0123'))"), place, atol=0.6
    )


def test_map_by_keys(browser: Browser, classified: Path) -> None:
    _open(browser, classified)
    before = browser.execute_script("return { ...report.map.view }")
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    _find(browser, "#over")[0].send_keys("+", keys.ARROW_RIGHT)
    after = browser.execute_script("return { ...report.map.view }")
    assert after["ky"] == pytest.approx(1.5 * before["ky"])
    assert after["x"] == pytest.approx(before["x"] + 60 / after["kx"])
    _find(browser, "#over")[0].send_keys(keys.ENTER)
    selected = browser.execute_script("return report.map.pixelsOf(report.state.selected)")
    middle = browser.execute_script("const { view } = report.map; return [78 + view.width / 2, 1 + view.height / 2]")
    assert np.hypot(*np.subtract(selected, middle)) < 100
    _find(browser, "#over")[0].send_keys(keys.ESCAPE)
    assert _state(browser)["selected"] == -1


def test_map_by_two_fingers(browser: Browser, classified: Path) -> None:
    _open(browser, classified)
    left, top = _corner(browser)
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
    assert _state(browser)["selected"] == -1


def test_other_colours(browser: Browser, classified: Path) -> None:
    _open(browser, classified)
    for mode in ("velocity", "confidence", "class"):
        _find(browser, f"#modes [data-mode={mode}]")[0].click()
        assert _state(browser)["mode"] == mode
        assert _find(browser, "#ramp")[0].is_displayed() == (mode != "class")
    assert _complaints(browser) == []


def test_point_without_series_says_how_to_see_it(browser: Browser, classified: Path) -> None:
    _open(browser, classified, series_mb=0.0001)
    _find(browser, "#find-id")[0].send_keys("p0123\n")
    assert _text(browser, "#point code") == f"insar-rt show {classified} --id p0123"


def test_table_without_positions_has_no_map(browser: Browser, tmp_path: Path) -> None:
    table = wide(*series(60)).drop_columns(["latitude", "longitude"])
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "c.parquet", keep_series=True)
    _open(browser, tmp_path / "c.parquet")
    assert not _find(browser, "#map-card")[0].is_displayed()
    assert "60 of 60 points have no position" in _text(browser, "#lead")
    _find(browser, "#next")[0].click()
    assert _find(browser, "#point .epoch")
    _find(browser, "#legend .class[data-group='0']")[0].click()
    assert _complaints(browser) == []


def test_no_rows_at_all(browser: Browser, tmp_path: Path) -> None:
    source = write(wide(*series(5)).slice(0, 0), tmp_path / "in.parquet")
    classify_file(source, tmp_path / "c.parquet", keep_series=True)
    _open(browser, tmp_path / "c.parquet")
    _find(browser, "#next")[0].click()
    assert _state(browser)["shown"] == 0
    assert _complaints(browser) == []


def test_nothing_of_the_file_runs(browser: Browser, tmp_path: Path) -> None:
    evil = "</script><script>window.ran=1</script><img src=x onerror='window.ran=1'>"
    more: dict[str, Any] = {f"{evil}a": np.arange(60.0), "pid": [f"{evil}{i}" for i in range(60)]}
    table = wide(*series(60), **more)
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "c.parquet", keep_series=True)
    _open(browser, tmp_path / "c.parquet", title=evil)
    assert _text(browser, "h1") == browser.title == evil
    _find(browser, "#next")[0].click()
    assert evil in _text(browser, "#point-id")
    assert f"{evil}a" in _text(browser, "#point details")
    _pointer(browser, "mouseMoved", browser.execute_script("return report.map.pixelsOf(report.state.selected)"))
    _wait(browser, "return !document.getElementById('tip').hidden")
    time.sleep(0.1)
    assert browser.execute_script("return [window.ran ?? null, document.querySelectorAll('img').length]") == [None, 0]
    assert _complaints(browser) == []


@pytest.mark.parametrize("width", [1400, 700, 360])
def test_nothing_is_wider_than_the_screen(browser: Browser, classified: Path, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        _open(browser, classified)
        _find(browser, "#next")[0].click()
        time.sleep(0.2)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        overlap = browser.execute_script(
            """const cards = [...document.querySelectorAll(".card")].filter((e) => e.offsetParent);
            const boxes = cards.map((e) => e.getBoundingClientRect());
            return boxes.some((a, i) => boxes.some((b, k) => i < k && a.left < b.right - 1 &&
              b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));"""
        )
        assert not overlap
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_diagnoses.classified(tmp_path_factory.mktemp("diagnosed") / "made.parquet")


def _drawn_story(browser: Browser) -> dict[str, Any]:
    """What the series of the chosen point shows, in days since 1970 and mm, from the ticks of its own axes."""
    return dict(
        browser.execute_script(
            """const all = (selector) => [...document.querySelectorAll(`#point svg ${selector}`)];
            const number = (e, name) => Number(e.getAttribute(name));
            const scale = (ticks) => {
              const [a, b] = [ticks[0], ticks[ticks.length - 1]];
              return (at) => a[1] + ((at - a[0]) * (b[1] - a[1])) / (b[0] - a[0]);
            };
            const day = scale(all("text[text-anchor=middle]").map((e) =>
              [number(e, "x"), Date.parse(`${e.textContent}-01-01`) / 86400000]));
            const mm = scale(all("text[text-anchor=end]").filter((e) => /^[−\\d]/.test(e.textContent))
              .map((e) => [number(e, "y") - 4, Number(e.textContent.replace("−", "-"))]));
            const path = (e) => e.getAttribute("d").slice(1).split("L").map((pair) => pair.split(" ").map(Number));
            return {
              trend: all(".trend").flatMap(path).map(([x, y]) => [day(x), mm(y)]),
              changes: all(".break").map((e) => day(number(e, "x1"))),
              bands: all(".break-band").map((e) => [number(e, "x"), number(e, "x") + number(e, "width")].map(day)),
              jumps: all(".jump").map((e) => [day(number(e, "x1")), !e.classList.contains("left")]),
              dots: all(".epoch").map((e) => mm(number(e, "cy"))),
              moved: all(".moved").map((e) => Number(e.dataset.epoch)),
            };"""
        )
    )


@pytest.mark.parametrize("row", range(len(made_diagnoses.MADE)))
def test_series_shows_its_diagnosis(browser: Browser, diagnosed: Path, row: int) -> None:
    if f"{diagnosed.stem}.html" not in browser.current_url:
        _open(browser, diagnosed)
    one, dates = made_diagnoses.MADE[row], made_diagnoses.DATES.astype(float)
    field = _find(browser, "#find-id")[0]
    field.clear()
    field.send_keys(f"p{row:04}\n")
    shown = _drawn_story(browser) if _find(browser, "#point .axis") else None
    told = _text(browser, "#point")
    if one.status != "ok":
        assert "too few epochs" in told
        assert shown is None or not shown["trend"]
        return
    assert shown is not None
    repaired = [(epoch, mm) for epoch, _, mm, taken in one.jumps if taken]
    taken = sum((mm * (np.arange(len(dates)) >= epoch) for epoch, mm in repaired), np.zeros(len(dates)))
    series = made_diagnoses.made_series()[row]
    there = np.isfinite(series)
    np.testing.assert_allclose(shown["dots"], (series - taken)[there], atol=0.15)
    assert shown["moved"] == np.flatnonzero(taken != 0).tolist()
    assert [flag for _, flag in shown["jumps"]] == [flag for *_, flag in one.jumps]
    np.testing.assert_allclose([day for day, _ in shown["jumps"]], [dates[jump[0]] for jump in one.jumps], atol=3)
    epochs = [one.bend[0]] if one.bend else []
    np.testing.assert_allclose(shown["changes"], dates[epochs], atol=3)
    np.testing.assert_allclose(np.ravel(shown["bands"]), [dates[k + by] for k in epochs for by in (-8, 11)], atol=3)
    if not one.drawn:
        assert not shown["trend"]
    elif not (one.bend and one.class_name == "Quadratic"):
        line = np.interp(dates, *np.transpose(shown["trend"]))
        assert np.quantile(np.abs(line - (one.trend + one.steps - taken)), 0.95) < 1.5
    assert len(_find(browser, "#point .jumps li")) == len(one.jumps)
    assert ("none found" in told) == (one.looked and not one.jumps)
    assert _complaints(browser) == []


def test_map_by_date_of_break(browser: Browser, diagnosed: Path, classified: Path) -> None:
    _open(browser, diagnosed)
    _find(browser, "#modes [data-mode=change]")[0].click()
    ends = sorted(made_diagnoses.DATES[one.bend[0]] for one in made_diagnoses.MADE if one.bend)
    assert _text(browser, "#ramp") == f"{ends[0]}{ends[-1]}"
    coloured = browser.execute_script(
        "return [...report.map.values].map((value, i) => value ? report.points.id(i) : '').filter(Boolean)"
    )
    assert sorted(coloured) == [f"p{row:04}" for row, one in enumerate(made_diagnoses.MADE) if one.bend]
    _open(browser, classified)
    assert not _find(browser, "#modes [data-mode=change]")
    assert _complaints(browser) == []


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
    page = _open(browser, tmp_path / "million.parquet")
    assert page.stat().st_size < 40e6
    assert _state(browser)["shown"] == 1_000_000
    _wait(browser, "return report.map.fullMs !== undefined")
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
    _wait(browser, "return !report.map.moving && !report.map.pending")


def test_real_points(browser: Browser, tmp_path: Path, real: Callable[[str], Path]) -> None:
    source = real("egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv")
    classify_file(source, tmp_path / "c.parquet", keep_series=True)
    _open(browser, tmp_path / "c.parquet")
    assert _state(browser)["shown"] == 11_590
    # A degree of longitude at 38.7 degrees north is 0.78 of one of latitude.
    assert browser.execute_script("return report.map.aspect") == pytest.approx(0.780, abs=0.001)
    assert _complaints(browser) == []
