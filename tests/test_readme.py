"""Numbers in the README are those of the committed benchmark, and tables are of the committed models."""

from __future__ import annotations

import json
import re
from pathlib import Path

from insar_runtime._engine.hac import LAG_DAYS
from insar_runtime.class_meanings import describe_classes
from insar_runtime.definitions import STABLE_RATE_MM_YR
from tests.conftest import ROOT

BENCHMARK = ROOT / "artifacts" / "benchmark"
README = ROOT / "README.md"


def test_the_readme_shows_the_committed_accuracy_on_known_motions() -> None:
    row = next(line for line in _lines(BENCHMARK / "summary.md") if line.startswith("| **trend-net**, int8 |"))
    exact, damped = _cells(row)[5:7]
    assert f"| {exact} %; {damped} % |" in README.read_text(encoding="utf-8")


def test_the_readme_shows_the_committed_scores_on_labelled_rows() -> None:
    """Accuracy and mean recall of networks trained without the file, of a further reader and of EGMSpy's rules."""
    readme = _lines(README)
    scores = _lines(ROOT / "artifacts" / "readings" / "scores.md")
    rows = {"left-out": "| real series", "a further reader": "| a third reader", "EGMSpy rules": "| `EGMSpy`'s rules"}
    for name, beginning in rows.items():
        cells = _cells(next(line for line in scores if line.startswith(f"| {name} |")))
        said = next(line for line in readme if line.startswith(beginning))
        for share in (cells[2], cells[4]):
            number, _, interval = share.partition(" ")
            assert f"{number} % {interval}".strip() in said


def test_the_readme_shows_the_committed_speed_and_memory() -> None:
    rows = _lines(ROOT / "artifacts" / "speed" / "summary.md")
    (speed,) = [_cells(row)[2] for row in rows if row.startswith("| **trend-net int8, `Classifier`**")]
    (large,) = [_cells(row)[2] for row in rows if "2,000,000 series of 139 epochs, wide Parquet" in row]
    readme = README.read_text(encoding="utf-8")
    assert f"(Zen 5), 139 epochs | {speed} |" in readme
    assert f"| memory for 2,000,000 series of 139 epochs in Parquet, two cores | {large.split(', ')[1]} |" in readme


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("|")]


def test_what_is_said_of_real_files_is_said_by_the_committed_models() -> None:
    committed = set()
    for card in ROOT.glob("artifacts/**/model.json"):
        model = json.loads(card.read_text(encoding="utf-8"))
        committed.add(f"{model['name']} {model['version']}")
    found = json.loads((BENCHMARK / "real.json").read_text(encoding="utf-8"))
    said = {name.rsplit(" ", 1)[0] for file in found.values() for name in file["models"]}
    assert said == committed


def test_speed_and_cost_are_those_that_were_measured() -> None:
    speed = ROOT / "artifacts" / "speed"
    for table, page in (("summary.md", "docs/speed.md"), ("cost.md", "docs/cost.md")):
        measured = (speed / table).read_text(encoding="utf-8")
        assert measured.startswith("|")
        assert measured in (ROOT / page).read_text(encoding="utf-8")


def test_docs_link_to_what_is_there() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_pages_define_the_classes_as_the_code_does() -> None:
    table = "".join(f"| {name} | {meaning} |\n" for name, meaning in describe_classes().items())
    for page in ("README.md", "docs/outputs.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert table in text
        assert f"{STABLE_RATE_MM_YR:g} mm/yr" in text
    assert f"Bartlett's weights over {LAG_DAYS:g} days" in (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
