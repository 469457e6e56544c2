"""A joined table states its join in any format, and what is made of it states it as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from insar_runtime import Classifier, classify_file, join_files
from insar_runtime._pipeline.prepare import open_described
from insar_runtime._report.classified_table import open_classified
from tests.runtime.releases.releases import cut
from tests.runtime.run_command import run


@pytest.mark.parametrize("extension", ["csv", "gpkg", "arrow", "parquet"])
def test_a_joined_table_and_its_classified_series_state_the_join(
    extension: str, tmp_path: Path, classifier: Classifier
) -> None:
    made = cut(60)
    joined, out = tmp_path / f"joined.{extension}", tmp_path / f"classified.{extension}"
    join_files(*made.write(tmp_path), joined)
    at = made.dates[made.new_begin]
    with open_described(joined) as table:
        assert [join.date for join in table.description.joins] == [at]
    done = classify_file(joined, out, classifier=classifier, units="mm", keep_series=True)
    assert any(f"releases are joined at {at}" in note for note in done.notes)
    with open_classified(out) as classified:
        assert classified.series is not None
        assert [join.date for join in classified.series.joins] == [at]
    shown = run("show", joined, "--row", "0", "--units", "mm")
    assert f"releases are joined at {at}" in " ".join(shown.stdout.decode().split())


def test_a_table_that_was_edited_since_states_no_join(tmp_path: Path) -> None:
    joined = tmp_path / "joined.csv"
    join_files(*cut(30).write(tmp_path), joined)
    lines = joined.read_text().splitlines(keepends=True)
    joined.write_text("".join(lines[:-1]))
    with open_described(joined) as table:
        assert table.description.joins == ()
