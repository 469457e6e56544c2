"""A real browser that opens reports: Chromium, driven by Selenium."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from insar_runtime._classified.classify_first import Classification
from insar_runtime._report.write import write_report
from tests.conftest import need_program
from tests.runtime.report.pages import never

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
SOFTWARE_GL = ("--enable-unsafe-swiftshader", "--use-angle=swiftshader")
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


def open_report(browser: Browser, path: Path, **options: Any) -> Path:
    """Make the report of a classified table and open it."""
    page = path.with_suffix(".html")
    write_report(path, page, classification=Classification(never), overwrite=True, **options)
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(page.as_uri())
    wait_for(browser, "return !!window.report")
    return page


def wait_for(browser: Browser, script: str, seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (found := browser.execute_script(script)):
        assert time.monotonic() < end, browser.get_log("browser")
        time.sleep(0.05)
    return found


def state(browser: Browser) -> dict[str, Any]:
    return dict(browser.execute_script("return report.state"))


def complaints(browser: Browser) -> list[str]:
    """What the console says, but for the driver of the software GL about its own speed."""
    return [entry["message"] for entry in browser.get_log("browser") if "GL Driver Message" not in entry["message"]]


def requests(browser: Browser) -> list[str]:
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


def corner_of_map(browser: Browser) -> Any:
    return browser.execute_script(
        "const box = document.getElementById('over').getBoundingClientRect(); return [box.left, box.top]"
    )


def mouse_event(browser: Browser, kind: str, place: Any, button: str = "none", **more: Any) -> None:
    """A real event of the mouse at a place of the map."""
    left, top = corner_of_map(browser)
    event = {
        "type": kind,
        "x": float(left + place[0]),
        "y": float(top + place[1]),
        "button": button,
        "clickCount": 1,
        **more,
    }
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def click(browser: Browser, place: tuple[float, float]) -> None:
    mouse_event(browser, "mouseMoved", place)
    mouse_event(browser, "mousePressed", place, "left")
    mouse_event(browser, "mouseReleased", place, "left")


def find_all(browser: Browser, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def choose_colours(browser: Browser, mode: str) -> None:
    """Choose what the colours of the map stand for."""
    find_all(browser, f"#modes option[value={mode}]")[0].click()


def text_of(browser: Browser, selector: str) -> str:
    return str(browser.execute_script("return document.querySelector(arguments[0])?.textContent ?? ''", selector))
