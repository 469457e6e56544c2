"""Sentences of a run's summary agree with their counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from insar_runtime import classify_file
from insar_runtime._terminal.texts import describe_summary


def test_one_row_is_one_point(tmp_path: Path) -> None:
    dates = np.datetime64("2019-01-01") + 12 * np.arange(60)
    steps = np.where(np.arange(60) < 30, 0.0, 27.7) + np.random.default_rng(0).normal(0, 1, 60)
    columns = {str(date).replace("-", ""): [value] for date, value in zip(dates, steps, strict=True)}
    pq.write_table(pa.table(columns), tmp_path / "one.parquet")
    summary = classify_file(tmp_path / "one.parquet", tmp_path / "out.parquet", units="mm", diagnose=True)
    lines = describe_summary(summary)
    assert ": 1 point, 60 epochs" in lines
    assert "1 point is too few to estimate from" in lines
    assert "rates of 1 point, " in lines
    assert "1 of 1 searched points jumps, once" in lines
