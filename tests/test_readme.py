"""Numbers in the README are those of the committed benchmark, and tables are of the committed models."""

from __future__ import annotations

import json
import re
from pathlib import Path

from insar_runtime._engine.hac import LAG_DAYS
from insar_runtime._views.class_lines import describe_classes
from insar_runtime.definitions import STABLE_RATE_MM_YR

ROOT = Path(__file__).resolve().parents[1]
BENCHMARK = ROOT / "artifacts" / "benchmark"


def test_the_readme_shows_the_committed_benchmark() -> None:
    table = (BENCHMARK / "summary.md").read_text(encoding="utf-8")
    assert table.count("\n") == 13
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_shows_the_committed_scores_on_read_rows() -> None:
    """Accuracy and mean recall with their intervals, then the recall of PUE."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    scores = (ROOT / "artifacts" / "readings" / "scores.md").read_text(encoding="utf-8")
    for name in ("left-out", "trend-net-1.2.0-int8", "EGMSpy rules", "a further reader"):
        row = next(line for line in scores.splitlines() if line.startswith(f"| {name} |"))
        cells = [cell.strip() for cell in row.split("|")]
        assert f"| {cells[2]} | {cells[4]} | {cells[9]} |" in readme


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
    for table, page in (("summary.md", "README.md"), ("cost.md", "docs/cost.md")):
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
