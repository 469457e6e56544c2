"""What ``classify`` says of a file, wherever it says it: standard error, JSON, metadata, summary, report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insar_runtime import Classifier, Finding, classify_file
from insar_runtime._inspect.inspection import inspect_file
from insar_runtime._inspect.planned_run import InspectOptions
from insar_runtime._output.run_metadata import read_block
from tests.runtime.report.pages import page_of, read_page
from tests.runtime.run_command import run
from tests.runtime.tables import series, wide, write


@pytest.fixture
def doubtful(tmp_path: Path) -> Path:
    """A file with a step at one date in a third of its rows, and a no-data value."""
    displacement, dates = series(300, 150)
    displacement[::3, 75:] += 12
    displacement[:4, 7] = -9999
    return write(wide(displacement, dates), tmp_path / "in.parquet")


CODES = ["level_change", "filler"]


@pytest.fixture(autouse=True)
def _whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where COLUMNS states a width, lines are broken."""
    monkeypatch.delenv("COLUMNS", raising=False)


def test_every_place_has_the_same(tmp_path: Path, doubtful: Path) -> None:
    outputs = [tmp_path / f"out.{kind}" for kind in ("parquet", "gpkg", "csv", "arrow")]
    summary = classify_file(doubtful, outputs[0], also=outputs[1:], classifier=Classifier(device="cpu"))
    assert [finding.code for finding in summary.findings] == CODES
    plain = [finding.to_dict() for finding in summary.findings]
    for output in outputs:
        block = read_block(output)
        assert block is not None
        assert block["findings"] == plain
    assert list(summary.to_dict()["findings"]) == plain
    # What inspect finds, from the same rows.
    assert [one for one in inspect_file(doubtful, InspectOptions())["findings"] if one["code"] != "note"] == plain


def test_lines_of_the_command(tmp_path: Path, doubtful: Path) -> None:
    done = run("classify", doubtful, "-o", tmp_path / "out.parquet", "--json")
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("doubt: ")]
    summary: dict[str, Any] = json.loads(done.stdout)
    assert lines == [f"doubt: {finding['sentence']}" for finding in summary["findings"]]
    assert [finding["code"] for finding in summary["findings"]] == CODES
    assert summary["findings"][0]["value"] == pytest.approx(11, rel=0.2)
    assert "no-data" not in done.stderr.decode().replace(lines[1], "")
    assert done.stderr.decode().count("-9999") == 1
    # A run that is left out has what the first one found.
    again = run("classify", doubtful, "-o", tmp_path / "out.parquet", "--skip-existing", "--json")
    assert json.loads(again.stdout)["skipped"]
    assert json.loads(again.stdout)["findings"] == summary["findings"]


def test_quiet_runs_keep_them_in_the_metadata(tmp_path: Path, doubtful: Path) -> None:
    done = run("classify", doubtful, "-o", tmp_path / "out.parquet", "--quiet")
    assert done.stderr == b""
    block = read_block(tmp_path / "out.parquet")
    assert block is not None
    assert [finding["code"] for finding in block["findings"]] == CODES


def test_log_of_programs(tmp_path: Path, doubtful: Path) -> None:
    done = run("classify", doubtful, "-o", tmp_path / "out.parquet", "--log-format", "json")
    (end,) = [json.loads(line) for line in done.stderr.splitlines() if json.loads(line)["event"] == "done"]
    assert [finding["code"] for finding in end["summary"]["findings"]] == CODES


def test_report(tmp_path: Path, doubtful: Path, classifier: Classifier) -> None:
    summary = classify_file(doubtful, tmp_path / "out.parquet", classifier=classifier)
    page_of(tmp_path / "out.parquet", tmp_path / "out.html")
    assert read_page(tmp_path / "out.html").facts["doubts"] == [finding.sentence for finding in summary.findings]


def test_good_files_have_none(tmp_path: Path, classifier: Classifier) -> None:
    path = write(wide(*series(300, 150)), tmp_path / "in.parquet")
    assert classify_file(path, tmp_path / "out.parquet", classifier=classifier).findings == ()
    page_of(tmp_path / "out.parquet", tmp_path / "out.html")
    assert read_page(tmp_path / "out.html").facts["doubts"] == []
    assert b"doubt" not in run("classify", path, "-o", tmp_path / "again.parquet").stderr


def test_half_of_the_rows_without_a_class(tmp_path: Path, classifier: Classifier) -> None:
    displacement, dates = series(300, 150)
    displacement[:180, 20:] = np.nan
    path = write(wide(displacement, dates), tmp_path / "in.parquet")
    found = {one.code: one for one in classify_file(path, tmp_path / "out.parquet", classifier=classifier).findings}
    assert "with status too_few_epochs: they have fewer than 30 epochs" in found["unclassed"].sentence
    assert found["unclassed"].value == pytest.approx(0.6, abs=0.1)


@pytest.mark.parametrize(("empty", "codes"), [(300, ["empty_rows"]), (100, ["empty_rows", "unclassed"])])
def test_rows_without_a_value_are_said_once(
    tmp_path: Path, classifier: Classifier, empty: int, codes: list[str]
) -> None:
    displacement, dates = series(300, 250)
    displacement[:empty] = np.nan
    displacement[empty:200, 10:] = np.nan
    path = write(wide(displacement, dates), tmp_path / "in.parquet")
    found = [one.code for one in classify_file(path, tmp_path / "out.parquet", classifier=classifier).findings]
    assert [code for code in found if code in {"empty_rows", "unclassed"}] == codes


def test_units_settle_the_doubt(tmp_path: Path, classifier: Classifier) -> None:
    displacement, dates = series(300, 150)
    drift = np.linspace(-4, 4, 300)[:, None] * np.linspace(0, 1, 150)
    path = write(wide(displacement / 10 + drift, dates), tmp_path / "in.parquet")
    codes: dict[str | None, list[str]] = {}
    for units in (None, "cm", "mm"):
        summary = classify_file(path, tmp_path / f"{units}.parquet", classifier=classifier, units=units)
        codes[units] = [finding.code for finding in summary.findings]
        assert not any("centimetres" in note for note in summary.notes)
    assert codes == {None: ["unit_doubt"], "cm": [], "mm": []}


def test_a_finding_is_plain(tmp_path: Path) -> None:
    assert Finding("a", "b", float("nan")).to_dict() == {"code": "a", "sentence": "b", "value": None}
    assert Finding("a", "b", 1 / 3).to_dict()["value"] == 0.333333
