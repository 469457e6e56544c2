"""A note says why no point of a file has a recent change, whether the window or the series is too short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, Diagnose, classify_file
from tests.runtime.run_command import run
from tests.runtime.tables import series, wide, write

DATES = np.datetime64("2019-01-04") + 10 * np.arange(120)


@pytest.mark.parametrize(
    ("recent_days", "words"),
    [
        (40, "the window of 40 days holds 4 epochs, and 5 are needed"),
        (1, "the window of 1 day holds 1 epoch, and 5 are needed"),
        (1100, "the window of 1,100 days leaves 10 epochs over 90 days before it, and 12 over a year are needed"),
        (900, "the window of 900 days leaves 30 epochs over 290 days before it, and 12 over a year are needed"),
        (1200, "the window of 1,200 days leaves 0 epochs before it, and 12 over a year are needed"),
        (180, None),
        (50, None),
    ],
)
def test_a_window_that_no_series_meets_is_noted(
    tmp_path: Path, classifier: Classifier, recent_days: int, words: str | None
) -> None:
    displacement, _ = series(points=20, epochs=120)
    source = write(wide(displacement, DATES), tmp_path / "in.parquet")
    out = tmp_path / "out.parquet"
    done = classify_file(source, out, classifier=classifier, units="mm", diagnose=Diagnose(recent_days=recent_days))
    notes = [note for note in done.notes if "recent change" in note]
    expected = [f"no point has a recent change: {words}; --recent-days changes it"]
    assert notes == ([] if words is None else expected)
    # The note holds of the rows.
    assert (pq.read_table(out)["recent_change_prob"].null_count == 20) == (words is not None)


def test_the_command_shows_the_note_and_without_a_diagnosis_there_is_none(tmp_path: Path) -> None:
    source = write(wide(*series(points=20)), tmp_path / "in.parquet")
    for options, noted in ((["--recent-days", "5000"], True), ([], False)):
        done = run("classify", source, "-o", tmp_path / "out.parquet", "--units", "mm", "--overwrite", *options)
        assert done.returncode == 0, done.stderr
        assert ("note: no point has a recent change" in done.stderr.decode()) is noted
