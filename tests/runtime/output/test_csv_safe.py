"""Cells of a CSV that a spreadsheet would take for formulas, escaped if that is asked for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from insar_runtime import Classifier, UsageError, classify_file
from insar_runtime._output.run_metadata import read_block
from tests.runtime.tables import series, wide, write

FORMULAS = ["=1+1", "+SUM(A1)", "-2+3", "@x", "\tx", "\rx", "-", "+49 30 1234", "=", "-1;=2"]
PLAIN = ["-5", "+4.5e-3", "-.5", "-5;3;-1.5;", "x=1", " =1", "p-1", "", "3", "-12.25;"]


@pytest.fixture
def table() -> pa.Table:
    texts = [*FORMULAS, *PLAIN]
    displacement, dates = series(len(texts))
    displacement[-1, 3] = np.inf
    more: dict[str, Any] = {"note": texts, "low": np.linspace(-1, 1, len(texts)), "=cmd": ["-1"] * len(texts)}
    return wide(displacement, dates, **more).append_column("list", pa.array([[-1.5, 2.5]] * len(texts)))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_formulas_get_an_apostrophe_and_numbers_do_not(table: pa.Table, tmp_path: Path) -> None:
    source, classifier = write(table, tmp_path / "in.parquet"), Classifier(device="cpu")
    plain, safe, bad = (tmp_path / f"{name}.csv" for name in ("plain", "safe", "bad"))
    classify_file(source, plain, classifier=classifier)
    classify_file(source, safe, classifier=classifier, csv_safe=True, quarantine=bad)
    before, after = rows(plain), rows(safe)
    assert [row["note"] for row in before] == [*FORMULAS, *PLAIN]
    assert [row["note"] for row in after] == [*(f"'{text}" for text in FORMULAS), *PLAIN]
    renamed = [{name.removeprefix("'"): cell for name, cell in row.items()} for row in after]
    assert "'=cmd" in after[0]
    assert [{**row, "note": ""} for row in renamed] == [{**row, "note": ""} for row in before]
    assert "'=cmd" in rows(bad)[0]


def test_the_option_is_part_of_the_run(table: pa.Table, tmp_path: Path) -> None:
    source, output, classifier = write(table, tmp_path / "in.parquet"), tmp_path / "o.csv", Classifier(device="cpu")
    classify_file(source, output, classifier=classifier)
    block = read_block(output)
    assert block is not None
    assert "csv_safe" not in block["parameters"]
    for expected in (False, True):
        options: dict[str, Any] = {"classifier": classifier, "csv_safe": True, "skip_existing": True}
        assert classify_file(source, output, **options).skipped is expected
    block = read_block(output)
    assert block is not None
    assert block["parameters"]["csv_safe"] is True


def test_where_it_would_do_nothing_or_harm_it_is_refused(table: pa.Table, tmp_path: Path) -> None:
    source, classifier = write(table, tmp_path / "in.parquet"), Classifier(device="cpu")
    with pytest.raises(UsageError, match="csv_safe"):
        classify_file(source, tmp_path / "o.parquet", classifier=classifier, csv_safe=True)
    with pytest.raises(UsageError, match=r"c\.csv.* restored"):
        classify_file(source, tmp_path / "o.csv", corrected=tmp_path / "c.csv", classifier=classifier, csv_safe=True)
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
