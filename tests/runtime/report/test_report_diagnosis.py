"""The report of a diagnosed table: rates, breaks, jumps and trends of its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES, classify_file
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA, LATER_COLUMNS
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.trend.curves import Shape
from insar_runtime._report.pack import MISSING
from insar_runtime._show.find_point import find_point
from insar_runtime._show.point_plot import PointPlot
from tests.runtime.made_diagnoses import DATES, HALF_WAVELENGTH_MM, MADE, classified
from tests.runtime.report.pages import Page, classified_table, never, page_of, read_page, unzigzag
from tests.runtime.tables import series, wide, write


def _story(page: Page) -> list[dict[str, Any]]:
    """The diagnosis of each detailed point, in the order of the page, by other code than the browser's."""
    rates = page.arrays["rates"].reshape(-1, 7)
    story = page.arrays["story"].reshape(-1, 5)
    trend = unzigzag(page.arrays["trend"]).reshape(-1, 3)
    breaks = iter(page.arrays["breaks"].reshape(-1, 7))
    jumps = iter(page.arrays["jumps"].reshape(-1, 8))
    origin = np.datetime64(page.facts["diagnosis"]["origin"])
    found = []
    for k, (shape, broken, coded, after, status) in enumerate(story.tolist()):
        bend = next(breaks) if broken else None
        found.append({
            "velocity": rates[k, 0],
            "shape": shape,
            "trend": trend[k],
            "break": None if bend is None else [str(origin + int(day)) for day in bend[:3]],
            "rates": None if bend is None else bend[3:],
            "jumps": [next(jumps) for _ in range(coded - 1)] if coded else None,
            "after": None if not after else CLASS_NAMES[after - 1],
            "status": page.facts["diagnosis"]["statuses"][status],
        })  # fmt: skip
    assert next(breaks, None) is None
    assert next(jumps, None) is None
    return found


def test_page_holds_the_diagnosis(tmp_path: Path) -> None:
    path = classified(tmp_path / "made.parquet", copies=3)
    page_of(path, tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert page.facts["diagnosis"]["cycle"] == HALF_WAVELENGTH_MM
    assert set(DIAGNOSIS_SCHEMA.names).isdisjoint(page.facts["attributes"])
    origin = np.datetime64(page.facts["diagnosis"]["origin"])
    table = pq.read_table(path).to_pylist()
    for k, (name, found) in enumerate(zip(page.ids(), _story(page), strict=True)):
        row = next(i for i, one in enumerate(table) if one["pid"] == name)
        wanted, made = table[row], MADE[row % len(MADE)]
        assert found["status"] == wanted["diagnosis_status"]
        assert found["after"] == wanted["class_after_repair"]
        velocity = np.nan if wanted["velocity_mm_yr"] is None else wanted["velocity_mm_yr"]
        np.testing.assert_allclose(found["velocity"], velocity, atol=0.01)
        names = ("break_date", "break_lo", "break_hi")
        assert found["break"] == ([str(wanted[name]) for name in names] if made.bend else None)
        changed = page.arrays["changed"][k]
        assert (changed != MISSING) == bool(made.bend)
        if made.bend:
            assert str(origin + int(changed)) == str(wanted["break_date"])
            np.testing.assert_allclose(found["rates"][[0, 2]], made.bend[1:], atol=0.01)
        assert (found["jumps"] is not None) == made.looked
        for got, (epoch, cycles, mm, repaired) in zip(found["jumps"] or (), made.jumps, strict=True):
            assert origin + int(got[0]) == DATES[epoch]
            np.testing.assert_allclose(got[[1, 3]], [mm + 0.4, cycles or np.nan], atol=0.01)
            assert got[6] == repaired
        # The trend at its begin, before any jump.
        if not made.drawn:
            assert found["shape"] == Shape.NONE
        elif not (made.bend and made.class_name == "Quadratic"):
            assert found["trend"][0] == pytest.approx(made.trend[0], abs=1.3)
    spans = [DATES[one.bend[0]] for one in MADE if one.bend]
    assert [origin + days for days in page.facts["diagnosis"]["changed"]] == [min(spans), max(spans)]


@pytest.mark.parametrize("abstained", [False, True])
def test_trends_of_a_page_are_those_that_show_draws(tmp_path: Path, abstained: bool) -> None:
    """Also of points without a class: the most probable one decides what is drawn."""
    path = classified(tmp_path / "made.parquet")
    if abstained:
        _without_classes(path)
    page_of(path, tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    shapes = set()
    for name, found in zip(page.ids(), _story(page), strict=True):
        point = find_point(path, point_id=name, open_classifier=never)
        assert point.series is not None
        plot = PointPlot.of(point.series, point.answer, point.diagnosis)
        assert found["shape"] == plot.shape
        shapes.add(plot.shape)
        if len(plot.trend):
            assert found["trend"][0] == pytest.approx(plot.trend[0], abs=0.1)
            left = [jump[7] for jump in found["jumps"] or () if not jump[6]]
            assert found["trend"][2] + sum(left) == pytest.approx(plot.trend[-1], abs=0.1)
    assert shapes == set(Shape)


def _without_classes(path: Path) -> None:
    """Make all rows of a classified table abstain; their classes stay the most probable ones."""
    table = pq.read_table(path)
    columns = {
        "class_top": table["class_id"],
        "class_id": pa.array([-1] * len(table), pa.int8()),
        "class_name": pa.nulls(len(table), pa.string()).cast(table.schema.field("class_name").type),
    }
    for name, column in columns.items():
        table = table.set_column(table.schema.names.index(name), name, column)
    pq.write_table(table, path)


def test_diagnosis_without_series(tmp_path: Path) -> None:
    path = classified(tmp_path / "made.parquet", keep_series=False)
    page_of(path, tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert [one["shape"] for one in _story(page)] == [0] * len(MADE)
    assert len(page.arrays["jumps"]) == 8 * sum(len(one.jumps) for one in MADE)


def test_diagnosis_is_packed_for_points_with_series_alone(tmp_path: Path) -> None:
    path = classified(tmp_path / "made.parquet", copies=40)
    page_of(path, tmp_path / "all.html")
    done = page_of(path, tmp_path / "some.html", series_mb=0.02)
    page = read_page(tmp_path / "some.html")
    assert 10 < done.series < 100
    assert len(page.arrays["story"]) == 5 * done.series
    assert len(page.arrays["changed"]) == done.points == 40 * len(MADE)
    everything = read_page(tmp_path / "all.html")
    wanted = dict(zip(everything.ids(), _story(everything), strict=True))
    ids = [name for name, there in zip(page.ids(), page.arrays["detailed"], strict=True) if there]
    for name, found in zip(ids, _story(page), strict=True):
        np.testing.assert_equal(found, wanted[name])


def test_a_table_of_an_earlier_version_has_its_diagnosis(tmp_path: Path) -> None:
    table = pq.read_table(classified(tmp_path / "new.parquet"))
    pq.write_table(table.drop_columns(list(LATER_COLUMNS)), tmp_path / "old.parquet")
    pages = []
    for name in ("new", "old"):
        page_of(tmp_path / f"{name}.parquet", tmp_path / f"{name}.html")
        pages.append(read_page(tmp_path / f"{name}.html"))
    new, old = pages
    assert old.facts["diagnosis"] == new.facts["diagnosis"] is not None
    assert old.arrays["rates"].tobytes() == new.arrays["rates"].tobytes()
    assert old.arrays["jumps"].tobytes() == new.arrays["jumps"].tobytes()


def test_tables_without_diagnosis_have_none(tmp_path: Path) -> None:
    page_of(classified_table(tmp_path), tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert page.facts["diagnosis"] is None
    assert {"rates", "story", "trend", "breaks", "jumps", "changed"}.isdisjoint(page.arrays)


def test_diagnosed_by_classify(tmp_path: Path) -> None:
    """What the run writes is what the page takes, in Parquet and in text."""
    displacement, dates = series(200, 90)
    displacement[3, 40:] += 27.7
    source = write(wide(displacement, dates), tmp_path / "in.parquet")
    for name in ("c.parquet", "c.csv"):
        classify_file(source, tmp_path / name, keep_series=True, diagnose=Diagnose(jumps="all"))
        page_of(tmp_path / name, tmp_path / f"{name}.html")
    binary, text = (read_page(tmp_path / f"{name}.html") for name in ("c.parquet", "c.csv"))
    assert binary.ids() == text.ids()
    np.testing.assert_equal(_story(binary), _story(text))
    found = _story(binary)[binary.ids().index("p0003")]
    assert [jump[3] for jump in found["jumps"]] == [1]
