"""``insar_runtime.report`` writes the page of ``insar-rt report``, from a raw and from a classified table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from insar_runtime import Classifier, OutputExistsError, Report, UsageError, classify_file, report
from tests.runtime.report.pages import read_page
from tests.runtime.run_command import run


@pytest.fixture
def classified(source: Path, tmp_path: Path, classifier: Classifier) -> Path:
    summary = classify_file(source, tmp_path / "classified.parquet", classifier=classifier, keep_series=True)
    return Path(summary.output)


def test_the_page_is_that_of_the_command(classified: Path, tmp_path: Path) -> None:
    done = report(classified)
    assert isinstance(done, Report)
    page = tmp_path / "classified.report.html"
    assert done.output == str(page)
    assert (done.rows, done.points, done.series, done.size) == (200, 200, 200, page.stat().st_size)
    command = run("report", classified, "-o", tmp_path / "command.html", "-q")
    assert command.returncode == 0
    assert page.read_bytes() == (tmp_path / "command.html").read_bytes()


def test_a_raw_table_is_classified_and_a_summary_names_its_output(
    source: Path, tmp_path: Path, classifier: Classifier
) -> None:
    summary = classify_file(source, tmp_path / "out.parquet", classifier=classifier, units="mm")
    assert Path(report(summary, title="of a summary").output) == tmp_path / "out.report.html"
    rows: list[int] = []
    raw = report(
        str(source),
        str(tmp_path / "raw.html"),
        classifier=classifier,
        units="mm",
        progress=lambda done, _: rows.append(done),
    )
    assert rows[-1] == raw.rows == 200
    of_raw, of_summary = (read_page(tmp_path / name).facts for name in ("raw.html", "out.report.html"))
    # Without series there is no velocity in this table.
    of_raw["counts"]["velocity"] = None
    assert of_raw["counts"] == of_summary["counts"]
    assert of_summary["title"] == "of a summary"


def test_a_raw_table_can_be_diagnosed(source: Path, tmp_path: Path, classifier: Classifier) -> None:
    report(source, tmp_path / "raw.html", classifier=classifier, units="mm", diagnose=True)
    command = run("report", source, "-o", tmp_path / "command.html", "--units", "mm", "--diagnose", "-q")
    assert command.returncode == 0, command.stderr
    of_function, of_command = (read_page(tmp_path / name) for name in ("raw.html", "command.html"))
    assert of_function.facts["diagnosis"] == of_command.facts["diagnosis"]
    assert of_function.facts["diagnosis"] is not None


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"diagnose": True}, "so diagnose would do nothing"),
        ({"units": "mm"}, "classified already, so units would do nothing"),
        ({"priors": "auto"}, "so priors would do nothing"),
        ({"max_points": 0}, "max_points is 0"),
        ({"series_mb": -1.0}, "series_mb -1.0"),
    ],
)
def test_options_that_do_nothing_are_refused(classified: Path, options: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        report(classified, **options)
    assert not list(classified.parent.glob("*.html"))


def test_a_page_that_exists_stays(classified: Path) -> None:
    done = report(classified)
    before = Path(done.output).read_bytes()
    with pytest.raises(OutputExistsError):
        report(classified)
    report(classified, overwrite=True)
    assert Path(done.output).read_bytes() == before
