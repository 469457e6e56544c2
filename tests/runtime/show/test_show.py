"""``insar-rt show``: the right row, an honest class, plots that can be read, one line where something is wrong."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, classify_file
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._show.find_point import find_point
from insar_runtime._show.point import Point
from insar_runtime._show.point_text import Look, describe_point
from insar_runtime._show.series import Series
from insar_runtime.errors import DataError, UsageError
from tests.runtime.run_command import refused, run, run_process
from tests.runtime.tables import series, wide, write

PLAIN = Look(width=80, plain=True, coloured=False)


def unasked() -> Classifier:
    raise AssertionError("no model is needed")


def test_says_what_classify_says(
    source: Path, tmp_path: Path, find: Callable[..., Point], classifier: Classifier
) -> None:
    """Row by row: class, probabilities, status, epochs, longest gap, and the series itself."""
    table = pq.read_table(source)
    name = table.schema.names[10]
    values = table[name].to_pylist()
    values[5] = None
    table = table.set_column(10, name, pa.array(values))
    write(table, source)
    classify_file(source, tmp_path / "o.parquet", classifier=classifier)
    rows = pq.read_table(tmp_path / "o.parquet").to_pylist()
    for number in (0, 5, 150):
        facts = find(source, row=number).to_dict()
        wanted = rows[number]
        answer = facts["answer"]
        assert (facts["id"], answer["class_name"], answer["status"]) == (
            wanted["pid"],
            wanted["class_name"],
            wanted["status"],
        )
        assert list(answer["probabilities"]) == list(classifier.model.classes)
        for known in classifier.model.classes:
            assert answer["probabilities"][known] == pytest.approx(wanted[f"p_{known.lower()}"], abs=1e-6)
        assert answer["confidence"] == pytest.approx(wanted["confidence"], abs=1e-6)
        assert (facts["n_epochs"], facts["max_gap_days"]) == (wanted["n_epochs"], wanted["max_gap_days"])
        given = [table[column][number].as_py() for column in table.schema.names[3:]]
        assert facts["displacement_mm"] == pytest.approx([np.nan if v is None else v for v in given], nan_ok=True) or (
            facts["displacement_mm"] == given
        )
        assert len(facts["dates"]) == 60


def test_a_classified_file_keeps_its_classes(
    source: Path, tmp_path: Path, find: Callable[..., Point], classifier: Classifier
) -> None:
    """Those of the run that wrote it, priors and all; no model is opened."""
    output = tmp_path / "o.parquet"
    tilted = [0.01, 0.96, 0.01, 0.01, 0.01]
    classify_file(source, output, classifier=classifier, keep_series=True, priors=tilted)
    point = find_point(output, point_id="p0003", open_classifier=unasked)
    assert point.answer is not None
    assert point.answer.from_file
    assert point.answer.model == f"{classifier.model.name} {classifier.model.version} {classifier.precision}"
    assert point.answer.probabilities is not None
    stored = pq.read_table(output).slice(3, 1).to_pylist()[0]
    assert point.answer.probabilities["Linear"] == pytest.approx(stored["p_linear"], abs=1e-6)
    assert point.series is not None
    assert "class_id" not in point.attributes
    assert "read from the file" in describe_point(point, PLAIN)

    again = find(output, point_id="p0003", reclassify=True)
    assert again.answer is not None
    assert not again.answer.from_file
    assert again.stored == point.answer
    assert again.answer.probabilities != point.answer.probabilities
    text = describe_point(again, PLAIN)
    assert "in the file" in text
    assert "classified now" in text


def test_a_classified_file_without_series(source: Path, tmp_path: Path, classifier: Classifier) -> None:
    output = tmp_path / "o.parquet"
    classify_file(source, output, classifier=classifier)
    point = find_point(output, point_id="p0003", open_classifier=unasked)
    assert point.series is None
    assert point.answer is not None
    assert point.answer.probabilities is not None
    assert any("--keep-series" in note for note in point.notes)
    assert point.position == {"longitude": 7.003, "latitude": 45.003}
    assert "60, longest gap 12 days" in describe_point(point, PLAIN)
    facts = point.to_dict()
    assert facts["dates"] is facts["displacement_mm"] is None
    with pytest.raises(DataError, match="keep-series"):
        find_point(output, row=3, open_classifier=unasked, reclassify=True)


def test_a_classified_file_that_others_wrote_again(source: Path, tmp_path: Path, classifier: Classifier) -> None:
    """As CSV, without our metadata: classes are text and numbers, and stay what they were."""
    classify_file(source, tmp_path / "o.parquet", classifier=classifier, keep_series=True)
    table = pq.read_table(tmp_path / "o.parquet").drop_columns(["geometry", "bbox"])
    pacsv.write_csv(table, tmp_path / "o.csv")
    options: Any = {"row": 9, "open_classifier": unasked}
    from_csv, from_parquet = find_point(tmp_path / "o.csv", **options), find_point(tmp_path / "o.parquet", **options)
    assert from_csv.answer is not None
    assert from_parquet.answer is not None
    assert from_csv.answer.class_name == from_parquet.answer.class_name
    assert from_csv.answer.probabilities == pytest.approx(from_parquet.answer.probabilities)
    assert from_csv.answer.model is None


def test_a_classified_csv(source: Path, tmp_path: Path, classifier: Classifier) -> None:
    """What model it was stands in the file beside it."""
    classify_file(source, tmp_path / "o.csv", classifier=classifier, keep_series=True)
    point = find_point(tmp_path / "o.csv", point_id="p0003", open_classifier=unasked)
    assert point.answer is not None
    assert point.answer.model == f"{classifier.model.name} {classifier.model.version} {classifier.precision}"
    assert point.series is not None


def test_units_of_the_run_are_kept(tmp_path: Path, classifier: Classifier) -> None:
    """Metres that were declared when the file was classified need not be declared again."""
    values, dates = series(50)
    source = write(wide(values / 1000, dates), tmp_path / "in.parquet")
    classify_file(source, tmp_path / "o.parquet", classifier=classifier, keep_series=True, units="m")
    point = find_point(tmp_path / "o.parquet", row=4, open_classifier=unasked)
    assert point.series is not None
    np.testing.assert_allclose(point.series.displacement, values[4], atol=1e-4)
    assert (point.unit, point.unit_evidence) == ("m", "declared")


def test_rows_without_a_class(tmp_path: Path, find: Callable[..., Point]) -> None:
    values, dates = series(6)
    values[0] = np.nan
    values[1, 1:] = np.nan
    values[2, 7] = np.inf
    source = write(wide(values, dates), tmp_path / "in.parquet")
    for row, status in enumerate(["too_few_epochs", "too_few_epochs", "non_finite"]):
        point = find(source, row=row)
        assert point.answer is not None
        assert (point.answer.status, point.answer.class_name, point.answer.probabilities) == (status, None, None)
        text = describe_point(point, PLAIN)
        assert f"none ({status})" in text
        facts = json.loads(json.dumps(point.to_dict(), allow_nan=False))
        assert facts["displacement_mm"][7] is None


def test_more_epochs_than_the_model_takes(tmp_path: Path, find: Callable[..., Point]) -> None:
    """The series is shown all the same."""
    point = find(write(wide(*series(20, 10)), tmp_path / "in.parquet"), row=3)
    assert point.answer is None
    assert any("epochs are too few" in note for note in point.notes)
    assert "class        none" in describe_point(point, PLAIN)


def test_without_a_column_of_ids(tmp_path: Path, find: Callable[..., Point]) -> None:
    table = wide(*series(20))
    source = write(table.drop_columns(["pid"]), tmp_path / "in.parquet")
    assert find(source, row=3).id is None
    with pytest.raises(DataError, match=r"no column of ids: .*--row"):
        find(source, point_id="p0003")
    named = write(table.rename_columns(["Punkt", *table.schema.names[1:]]), tmp_path / "named.parquet")
    assert find(named, point_id="p0003", declared=UserDeclarations(columns={"id": "Punkt"})).row == 3


@pytest.mark.parametrize("options", [{}, {"row": 1, "point_id": "a"}])
def test_one_point_at_a_time(source: Path, find: Callable[..., Point], options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"--id.*--row"):
        find(source, **options)


def test_facts_of_a_series() -> None:
    dates = np.array(["2020-01-01", "2020-01-13", "2020-03-01", "2021-01-01", "2021-01-07"], dtype="datetime64[D]")
    line = (10 * dates.astype(float) / 365.25 + 3).astype(np.float32)
    whole = Series(dates, line)
    assert whole.slope == pytest.approx(10, rel=1e-3)
    assert whole.longest_gap == (dates[2], dates[3])
    holes = Series(dates, np.where([True, False, False, True, True], line, np.nan).astype(np.float32))
    assert holes.longest_gap == (dates[0], dates[3])
    assert holes.slope == pytest.approx(10, rel=1e-3)
    assert Series(dates[:1], line[:1]).slope is None
    assert Series(dates[:1], line[:1]).longest_gap is None


def test_colours(source: Path, find: Callable[..., Point]) -> None:
    """They add nothing but themselves: what is left without them is the same text."""
    point = find(source, row=1)
    bare = describe_point(point, Look(width=80, plain=False, coloured=False))
    coloured = describe_point(point, Look(width=80, plain=False, coloured=True))
    assert "\033[38;5;" in coloured
    assert re.sub(r"\033\[[0-9;]*m", "", coloured) == bare


# The command.


def test_command(source: Path) -> None:
    done = run_process(
        "show", source, "--id", "p0007", env={**os.environ, "COLUMNS": "70", "PYTHONIOENCODING": "utf-8"}
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    text = done.stdout.decode()
    assert text.startswith("p0007  ")
    assert any(0x2800 < ord(sign) < 0x2900 for sign in text)
    assert "\033" not in text
    plot = text.split("\n\n")[1]
    assert max(map(len, plot.splitlines())) == 70
    for word in ("class  ", "Stable", "PUE", "60 of 60", "longest gap", "least squares", "position", "unit"):
        assert word in text


@pytest.mark.parametrize("how", ["option", "encoding"])
def test_plain_where_nothing_else_can_be_shown(source: Path, how: str) -> None:
    encoding = "ascii" if how == "encoding" else "utf-8"
    more = ["--ascii"] if how == "option" else []
    done = run_process("show", source, "--row", 0, *more, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_json_has_everything(source: Path) -> None:
    facts = json.loads(run("show", source, "--row", 7, "--json").stdout)
    assert (facts["id"], facts["row"], facts["epochs"]) == ("p0007", 7, 60)
    assert len(facts["dates"]) == len(facts["displacement_mm"]) == 60
    assert sum(facts["answer"]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert facts["position"] == {"longitude": 7.007, "latitude": 45.007}
    assert facts["attributes"]["pid"] == "p0007"


def test_arrow_on_standard_input(source: Path, tmp_path: Path) -> None:
    stream = write(pq.read_table(source), tmp_path / "in.arrows").read_bytes()
    facts = json.loads(run("show", "-", "--id", "p0150", "--json", input=stream).stdout)
    assert (facts["row"], facts["file"]) == (150, "-")


def test_an_id_that_is_not_there(source: Path) -> None:
    refused(run("show", source, "--id", "p007x"), 65, "'p007x'", "did you mean 'p007")
    refused(run("show", source), 2, "--id", "--row")
    refused(run("show", source, "--row", 200), 65, "rows 0 to 199")
    refused(run("show", "none.csv", "--row", 0), 66, "none.csv")


# Real files.


@pytest.mark.parametrize(
    ("name", "options", "row", "epochs", "words"),
    [
        (
            "egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv",
            {"point_id": "166ax5O7dE"},
            19,
            210,
            ["Linear", "-2.90 mm/yr in column 'mean_velocity'", "proven by column", "210 of 210"],
        ),
        (
            "egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv",
            {"row": 7},
            7,
            304,
            ["easting 4598850", "304 of 304", "mixes tracks"],
        ),
        (
            "egms_l2_wroclaw/124_0770_IW3_VV.csv",
            {"point_id": "3Y9Gx4Pugt"},
            0,
            386,
            ["265 of 386, 2018-01-02", "121 epochs, marked x", "30 days, 2021-12-18 to 2022-01-17"],
        ),
    ],
)
def test_real_files(
    real: Callable[[str], Path],
    find: Callable[..., Point],
    name: str,
    options: dict[str, Any],
    row: int,
    epochs: int,
    words: list[str],
) -> None:
    point = find(real(name), **options)
    assert point.row == row
    assert point.series is not None
    assert len(point.series.dates) == epochs
    text = describe_point(point, PLAIN)
    for word in words:
        assert word in text
    rate = point.velocity
    if rate is not None:
        assert point.series.slope == pytest.approx(rate, abs=0.2)


def test_words_are_not_broken_where_the_terminal_ends(source: Path, find: Callable[..., Point]) -> None:
    point = find(source, row=1)
    for width in (110, 70, 50):
        texts = [
            describe_point(point, Look(width, plain=True, coloured=False, wrapped=wrapped)) for wrapped in (False, True)
        ]
        whole, broken = (text[text.index("\nclass ") :] for text in texts)
        assert broken.split() == whole.split()
        assert max(map(len, broken.splitlines())) <= width
    assert max(map(len, whole.splitlines())) > width
