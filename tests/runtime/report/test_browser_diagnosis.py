"""The diagnosis of points in a real browser: trend, break and jumps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runtime import made_diagnoses
from tests.runtime.report.browsing import (
    Browser,
    choose_colours,
    complaints,
    find_all,
    open_report,
    text_of,
)
from tests.runtime.report.test_measures import with_jump_kinds

pytestmark = pytest.mark.browser


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
        open_report(browser, diagnosed)
    one, dates = made_diagnoses.MADE[row], made_diagnoses.DATES.astype(float)
    field = find_all(browser, "#find-id")[0]
    field.clear()
    field.send_keys(f"p{row:04}\n")
    shown = _drawn_story(browser) if find_all(browser, "#point .axis") else None
    told = text_of(browser, "#point")
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
    assert len(find_all(browser, "#point .jumps li")) == len(one.jumps)
    assert ("none found" in told) == (one.looked and not one.jumps)
    assert complaints(browser) == []


def _ends(browser: Browser) -> list[str]:
    return [str(find_all(browser, f"#ramp-{end}")[0].get_property("value")) for end in ("low", "high")]


def test_map_by_date_of_break(browser: Browser, diagnosed: Path, classified: Path) -> None:
    open_report(browser, diagnosed)
    choose_colours(browser, "change")
    ends = sorted(made_diagnoses.DATES[one.bend[0]] for one in made_diagnoses.MADE if one.bend)
    assert _ends(browser) == [str(ends[0]), str(ends[-1])]
    coloured = browser.execute_script(
        "return [...report.map.values].map((value, i) => value ? report.points.id(i) : '').filter(Boolean)"
    )
    assert sorted(coloured) == [f"p{row:04}" for row, one in enumerate(made_diagnoses.MADE) if one.bend]
    open_report(browser, classified)
    assert not find_all(browser, "#modes [value=change]")
    assert complaints(browser) == []


def test_kinds_of_jumps_colour_the_map_and_stand_in_the_panel(
    browser: Browser, diagnosed: Path, tmp_path: Path
) -> None:
    kinds = with_jump_kinds(diagnosed, tmp_path / "kinds.parquet")
    open_report(browser, tmp_path / "kinds.parquet")
    choose_colours(browser, "jump_kind")
    named = [element.text for element in find_all(browser, "#ramp .named")]
    assert named == ["one point", "shared", "whole file"]
    swatches = [element.value_of_css_property("background-color") for element in find_all(browser, "#ramp .swatch")]
    drawn = browser.execute_script(
        """const { points, map } = report;
        return Object.fromEntries([...points.group.keys()].map((i) => {
          const code = map.values[i];
          return [points.id(i), code ? `rgba(${[...map.ramp.subarray(4 * code, 4 * code + 3)].join(", ")}, 1)` : null];
        }));"""
    )
    colours = {"point": swatches[0], "shared": swatches[1], "file": swatches[2], None: None}
    assert drawn == {one: colours[kind] for one, kind in kinds.items()}
    assert len(set(swatches)) == 3
    one = next(one for one, kind in kinds.items() if kind == "shared")
    find_all(browser, "#find-id")[0].send_keys(one + "\n")
    assert "Kind of the jumpsshared" in text_of(browser, "#point .side")
    assert complaints(browser) == []
