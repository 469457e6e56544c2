"""Commands of the page on cost run, and numbers in the text of the pages are those of the records."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from insar_runtime.engines import ray, spark
from tests.chains import make_folder, sh
from tests.runtime.tables import series, wide

PAGE = Path(__file__).parents[1] / "docs" / "cost.md"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_the_loop_over_a_folder_classifies_all_but_the_broken_file(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (script,) = _blocks("sh")
    done = sh(script, folder)
    assert done.returncode == 123, done.stderr
    assert done.stderr.count("insar-rt: error:") == 1
    assert sorted(path.name for path in folder.glob("egms/*.parquet")) == [
        "a.classified.parquet",
        "b.classified.parquet",
    ]
    assert "exists" in sh(script, folder).stderr


class _Engine:
    """As much of a DataFrame and of a Dataset as the page's lines touch; the real ones have tests of their own."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def take_batch(self, rows: int, batch_format: str) -> pa.Table:
        assert batch_format == "pyarrow"
        return self._table.slice(0, rows)

    def map_batches(self, actor: Any, *, fn_constructor_kwargs: dict[str, Any], **_: Any) -> pa.Table:
        return actor(**fn_constructor_kwargs)(self._table)


def test_the_lines_for_spark_and_ray_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for_spark, for_ray = _blocks("python")
    table = wide(*series(300, 40))
    names: dict[str, Any] = {"dataset": _Engine(table)}
    exec(for_ray, names)
    assert names["classified"].num_rows == 300
    assert names["classify_dataset"] is ray.classify_dataset
    monkeypatch.setattr(spark, "classify_dataframe", lambda table, units: (table, units))
    names = {"table": "table"}
    exec(for_spark, names)
    assert names["classified"] == ("table", "mm")


def test_every_example_is_linked_from_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGE.parent.glob("*.md"))
    for example in filter(Path.is_file, (PAGE.parent / "examples").rglob("*")):
        assert f"{example.relative_to(PAGE.parent).as_posix()})" in pages


def test_speed_of_the_diagnosis_is_that_of_its_record() -> None:
    record = json.loads((PAGE.parents[1] / "artifacts" / "diagnosis" / "speed.json").read_text())
    text = (PAGE.parent / "diagnosis.md").read_text(encoding="utf-8")
    for name in ("jumps", "breaks"):
        assert f"{round(record['fits'][name]['per_core_second'], -2):,.0f}" in text


def test_rates_agree_with_egms_as_the_page_says() -> None:
    record = json.loads((PAGE.parents[1] / "artifacts" / "diagnosis" / "rates.json").read_text())
    shares = {(file, rate): facts["equal"] for file, rates in record.items() for rate, facts in rates.items()}
    (below,) = [(key, share) for key, share in shares.items() if share < 99]
    assert below[0] == ("EGMS_L2b_022_0845_IW2_VV_2020_2024_1", "velocity")
    assert round(below[1]) == 75


def test_joins_are_as_exact_as_the_page_says() -> None:
    record = json.loads((PAGE.parents[1] / "artifacts" / "releases" / "join.json").read_text())
    assert record["largest difference, mm"] <= 0.2
    assert f"{record['same class, %']:.1f} % of all" in (PAGE.parent / "releases.md").read_text(encoding="utf-8")
    assert all(found["joined"] == found["in both"] for found in record["files"].values())
    others = record["joined by others"]
    jumps = [others[case]["jumps within 14 days of the join"] for case in ("unknown", "known")]
    pue, linear = ([others[case]["classes"][name] for case in ("unknown", "known")] for name in ("PUE", "Linear"))
    text = " ".join((PAGE.parent / "releases.md").read_text(encoding="utf-8").split())
    assert f"{jumps[0]} jumps are found within 14 days of the join, and {pue[0]} rows are of class PUE" in text
    assert f"these are {jumps[1]} and {pue[1]}, and Linear rows are {linear[1]} instead of {linear[0]}" in text
    level_2 = [found for name, found in record["files"].items() if "L3" not in name]
    assert min(found["same class where both have one, %"] for found in level_2) >= 99.6
