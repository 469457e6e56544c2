"""Numbers by which a page colours its points: those of the table's columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from insar_runtime import classify_file
from insar_runtime._report.measures import find_measures, measured
from tests.runtime.report.pages import Page, page_of, read_page, unzigzag
from tests.runtime.tables import series, wide, write

PLAIN = ("velocity_mm_yr", "acceleration_mm_yr2", "season_amp_mm", "v_recent_mm_yr", "recent_change_prob")
"""Columns of the diagnosis that are measures as they stand."""


def shown(page: Page) -> dict[str, dict[str, float]]:
    """Values by measure and id."""
    ids = page.ids()
    rows = unzigzag(page.arrays["measures"]).reshape(-1, len(ids))
    measures = page.facts["measures"]
    return {
        one["key"]: dict(zip(ids, values / one["scale"], strict=True))
        for one, values in zip(measures, rows, strict=True)
    }


def test_a_diagnosed_table_has_those_of_its_diagnosis(tmp_path: Path, diagnosed: Path) -> None:
    page_of(diagnosed, tmp_path / "page.html")
    found = shown(read_page(tmp_path / "page.html"))
    table = pq.read_table(diagnosed).to_pylist()
    expected: dict[str, dict[str, float]] = {name: {} for name in found}
    for row in table:
        values = {name: row[name] for name in PLAIN}
        values["rate_change"] = None if row["v_after"] is None else row["v_after"] - row["v_before"]
        jumps = [mm for mm in row["jump_mm"] or [] if mm is not None]
        values["jump_mm"] = max(jumps, key=abs) if jumps else None
        for name, value in values.items():
            expected[name][row["pid"]] = np.nan if value is None else value
    assert any(np.isfinite(value) for value in expected["jump_mm"].values())
    for name, values in expected.items():
        for one, value in values.items():
            np.testing.assert_allclose(found[name][one], value, atol=0.051, err_msg=name)


def test_columns_of_the_file_are_named_and_egms_has_units(tmp_path: Path) -> None:
    displacement, dates = series(60)
    more: dict[str, Any] = {
        "acceleration": np.linspace(-2, 2, 60),
        "seasonality": np.full(60, 1.25),
        "height": np.arange(60.0),
    }
    classify_file(write(wide(displacement, dates, **more), tmp_path / "in.parquet"), tmp_path / "c.parquet")
    page_of(tmp_path / "c.parquet", tmp_path / "page.html")
    page = read_page(tmp_path / "page.html")
    assert [(one["column"], one["source"]) for one in page.facts["measures"]] == [
        ("acceleration", "file"),
        ("seasonality", "file"),
    ]
    np.testing.assert_allclose(shown(page)["file_acceleration"]["p0000"], -2, atol=0.0051)
    (rate,) = find_measures(["acceleration"], egms=True, diagnosed=False)
    (unknown,) = find_measures(["acceleration"], egms=False, diagnosed=False)
    assert (rate.unit, unknown.unit) == ("mm/yr²", "")


def with_jump_kinds(diagnosed: Path, output: Path) -> dict[str, str | None]:
    """Add kinds of jumps to a diagnosed table, as ``classify`` spells them; by id."""
    table = pq.read_table(diagnosed)
    kinds = [("point", "shared", "file", None)[row % 4] for row in range(len(table))]
    pq.write_table(table.append_column("jump_kind", pa.array(kinds).dictionary_encode()), output)
    return dict(zip(table["pid"].to_pylist(), kinds, strict=True))


def test_kinds_of_jumps_are_categories(tmp_path: Path, diagnosed: Path) -> None:
    kinds = with_jump_kinds(diagnosed, tmp_path / "kinds.parquet")
    page_of(tmp_path / "kinds.parquet", tmp_path / "page.html")
    page = read_page(tmp_path / "page.html")
    names = {None: np.nan, "point": 0, "shared": 1, "file": 2}
    found = shown(page)["jump_kind"]
    for one, kind in kinds.items():
        np.testing.assert_equal(found[one], names[kind])
    (measure,) = (one for one in page.facts["measures"] if one["key"] == "jump_kind")
    assert measure["categories"] == ["one point", "shared", "whole file"]


def test_missing_infinite_and_extreme_numbers() -> None:
    measures = find_measures(["seasonality"], egms=True, diagnosed=False)
    batch = pa.RecordBatch.from_pydict({"seasonality": [None, np.inf, np.nan, 1e9, -1e9, 2.5]})
    values = unzigzag(measured(measures, batch, {}))[:, 0] / measures[0].scale
    np.testing.assert_allclose(values, [np.nan, np.nan, np.nan, 327.6, -327.6, 2.5])
