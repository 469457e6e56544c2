"""Inspection of a table that states a join of releases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from insar_runtime._input.join_steps import JOINS_KEY
from tests.runtime.run_command import run
from tests.runtime.tables import as_lists, wide, write


def test_a_stated_join_is_a_note_and_no_doubt(tmp_path: Path) -> None:
    dates = np.datetime64("2018-01-04") + 6 * np.arange(160)
    series = np.random.default_rng(0).normal(0, 2, (300, 160)).round(1)
    series[:, 90:] += 12.0
    table = as_lists(wide(series, dates, prefix="D"), "fixed_size_list")
    stated = {**table.schema.metadata, JOINS_KEY.encode(): json.dumps([str(dates[90])]).encode()}
    found = []
    for name, metadata in (("unknown", table.schema.metadata), ("known", stated)):
        path = write(table.replace_schema_metadata(metadata), tmp_path / f"{name}.parquet")
        found.append(json.loads(run("inspect", path, "--json").stdout))
    codes = [{one["code"] for one in facts["findings"]} for facts in found]
    assert "level_change" in codes[0]
    assert "level_change" not in codes[1]
    assert any(f"releases are joined at {dates[90]}" in one["sentence"] for one in found[1]["findings"])
    (step,) = found[1]["noise"]["steps"]
    assert step["joined"]
    assert step["rms_mm"] < 1
    assert found[0]["noise"]["steps"][0]["rms_mm"] > 8
