"""``insar-rt show`` of what happened to a point: read from the file or made now, in words, marks and pictures."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, DataError, classify_file
from insar_runtime._classified.diagnosis_columns import read_diagnosis
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA, LATER_COLUMNS
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.trend.curves import Shape
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._output.csv_writer import CsvWriter
from insar_runtime._show.find_point import find_point
from insar_runtime._show.png_layers import draw_trend
from insar_runtime._show.point import Point
from insar_runtime._show.point_plot import PointPlot
from insar_runtime._show.point_text import Look, describe_point
from insar_runtime._show.terminal_plot import MARKS, PLAIN_MARKS
from tests.runtime.made_diagnoses import DATES, HALF_WAVELENGTH_MM, MADE, classified, diagnosis_columns
from tests.runtime.run_command import run
from tests.runtime.tables import wide, write

BRAILLE = Look(width=110, plain=False, coloured=False)
PLAIN = Look(width=110, plain=True, coloured=False)


def unasked() -> Classifier:
    raise AssertionError("no model is needed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classified(tmp_path_factory.mktemp("made") / "made.parquet")


def _point(path: Path, row: int) -> Point:
    return find_point(path, row=row, open_classifier=unasked)


def _plot(point: Point) -> PointPlot:
    assert point.series is not None
    return PointPlot.of(point.series, point.answer, point.diagnosis)


@pytest.mark.parametrize("row", range(len(MADE)))
def test_diagnosis_is_that_of_the_file(made: Path, row: int) -> None:
    point, one = _point(made, row), MADE[row]
    assert not set(point.attributes) & set(DIAGNOSIS_SCHEMA.names)
    facts = json.loads(json.dumps(point.to_dict(), allow_nan=False))["diagnosis"]
    assert facts["status"] == one.status
    assert facts["half_wavelength_mm"] == HALF_WAVELENGTH_MM
    assert (facts["velocity_mm_per_year"] is None) == (one.status != "ok")
    if one.bend is None:
        assert facts["break"] is None
    else:
        epoch, before, after = one.bend
        assert facts["break"] == {
            "date": str(DATES[epoch]),
            "interval": [str(DATES[epoch - 8]), str(DATES[epoch + 11])],
            "mm_per_year_before": {"value": before, "std": 0.4},
            "mm_per_year_after": {"value": after, "std": 0.6},
        }
    jumps = facts["jumps"]
    assert (jumps is not None) == one.looked
    assert [(jump["date"], jump["cycles"], jump["repaired"]) for jump in jumps or ()] == [
        (str(DATES[epoch]), cycles, repaired) for epoch, cycles, _, repaired in one.jumps
    ]
    assert facts["class_after_repair"] == one.after_repair


@pytest.mark.parametrize("row", range(len(MADE)))
def test_series_is_corrected_and_its_trend_is_the_one_it_was_made_from(made: Path, row: int) -> None:
    plot, one = _plot(_point(made, row)), MADE[row]
    series = plot.series.displacement.astype(float)
    taken = sum((mm * (np.arange(len(DATES)) >= at) for at, _, mm, repaired in one.jumps if repaired), np.zeros(150))
    if taken.any():
        assert plot.corrected is not None
        np.testing.assert_allclose(plot.corrected, series - taken, atol=1e-3)
    else:
        assert plot.corrected is None
    if not one.drawn:
        assert plot.shape is Shape.NONE
        assert not len(plot.trend)
        return
    drawn = np.interp(DATES.astype(float), plot.trend_dates.astype(float), plot.trend)
    there = np.isfinite(series)
    if one.bend and one.class_name == "Quadratic":
        assert plot.shape is Shape.PARABOLA
        return
    # An epoch that a jump falls on lies on either side of it.
    assert np.quantile(np.abs(drawn - (one.trend + one.steps - taken))[there], 0.95) < 1.5
    # And the other way round: what is left is the noise.
    assert np.std((plot.shown - drawn)[there]) < 2.2


def test_words(made: Path) -> None:
    text = describe_point(_point(made, 7), BRAILLE)
    assert "jumps        2, marked ↑↓ below the dates" in text
    assert "-27.33 ± 0.90 mm, -1 cycle, 0.4 σ from whole ones, probability 0.998, repaired" in text
    assert "+14.40 ± 0.90 mm, no whole cycles, 12.5 σ from whole ones, probability 0.710, not repaired" in text
    assert "repaired     Linear without the repaired jumps" in text
    found = re.search(r"velocity .* (\S+) ± \S+ mm/yr without its jumps", text)
    assert found is not None
    assert float(found[1]) == pytest.approx(6, abs=0.4)
    text = describe_point(_point(made, 4), BRAILLE)
    assert f"break        {DATES[90]} (90 % within {DATES[82]} to {DATES[101]}), -2.00 ± 0.40 before" in text
    assert "18.00 ± 0.60 mm/yr after, marked ┼ below the dates" in text
    assert "jumps        none found" in describe_point(_point(made, 9), BRAILLE)
    assert "too_few_epochs, read from the file" in describe_point(_point(made, 11), BRAILLE)
    plain = describe_point(_point(made, 7), PLAIN)
    assert plain.isascii()
    assert "-27.33 +- 0.90 mm, -1 cycle, 0.4 std from whole ones" in plain


def test_tables_of_earlier_versions_are_read_without_a_recent_change(made: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.parquet"
    pq.write_table(pq.read_table(made).drop_columns(list(LATER_COLUMNS)), old)
    for row in (0, 4, 6):
        new, earlier = _point(made, row).diagnosis, _point(old, row).diagnosis
        assert new is not None
        assert earlier is not None
        assert new.recent is not None
        assert (new.recent.days, new.recent.probability) == (180, 0.25)
        assert earlier == replace(new, recent=None)
        assert "last 180 d" in describe_point(_point(made, row), PLAIN)
        assert "last 180 d" not in describe_point(_point(old, row), PLAIN)


@pytest.mark.parametrize("plain", [True, False])
def test_marks_lie_below_their_dates(made: Path, plain: bool) -> None:
    signs = PLAIN_MARKS if plain else MARKS
    look = PLAIN if plain else BRAILLE
    for row in (4, 7, 6):
        lines = describe_point(_point(made, row), look).split("\n\n")[1].splitlines()
        left = next(len(line) - len(line.lstrip()) for line in lines if line.strip().startswith("+-" if plain else "└"))
        columns = 110 - left - 1
        days = DATES.astype(float)
        cells = np.round((days - days[0]) / (days[-1] - days[0]) * (columns * (1 if plain else 2) - 1))
        cells = left + 1 + cells // (1 if plain else 2)
        one = MADE[row]
        if one.bend:
            marks = lines[-1]
            assert marks.index(signs[3]) == cells[one.bend[0]]
            assert (marks.index(signs[0]), marks.index(signs[2])) == (cells[one.bend[0] - 8], cells[one.bend[0] + 11])
        if one.jumps:
            found = {i: sign for i, sign in enumerate(lines[-1]) if sign != " "}
            assert found == {int(cells[at]): signs[4] if mm > 0 else signs[5] for at, _, mm, _ in one.jumps}


def test_colours_add_nothing_but_themselves(made: Path) -> None:
    for row in range(len(MADE)):
        point = _point(made, row)
        coloured = describe_point(point, Look(width=110, plain=False, coloured=True))
        assert re.sub(r"\033\[[0-9;]*m", "", coloured) == describe_point(point, BRAILLE)


def test_text_holds_the_same(made: Path, tmp_path: Path) -> None:
    """A CSV has lists as text, of one item as a number or a date, and of one null as nothing."""
    table = pq.read_table(made)
    writer = CsvWriter(tmp_path / "made.csv", table.schema)
    for batch in table.to_batches():
        writer.write(batch)
    writer.close({})
    for row in range(len(MADE)):
        binary, text = (_point(path, row).diagnosis for path in (made, tmp_path / "made.csv"))
        assert binary is not None
        assert text is not None
        assert text.change == binary.change
        assert text.jumps == binary.jumps
        assert text.velocity == binary.velocity
        assert (text.class_after_repair, text.status) == (binary.class_after_repair, binary.status)


def test_one_jump_in_all_of_a_text(tmp_path: Path) -> None:
    """Then a reader takes lists for dates and numbers."""
    columns = diagnosis_columns(MADE[8:9])
    batch = pa.RecordBatch.from_pydict({
        **columns,
        "jump_dates": pa.array([columns["jump_dates"][0].as_py()[0]], pa.date32()),
        **{name: pa.array([columns[name][0].as_py()[0]]) for name in ("jump_mm", "jump_mm_std", "jump_prob")},
        "jump_cycles": pa.nulls(1), "jump_distance": pa.array([12.5]), "jump_repaired": pa.array([False]),
    })  # fmt: skip
    wanted = read_diagnosis(pa.RecordBatch.from_pydict(columns)).to_pylist()
    assert read_diagnosis(batch).to_pylist() == wanted


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("class_after_repair", pa.array(["Circular"])),
        ("diagnosis_status", pa.array(["dubious"])),
        ("break_date", pa.array(["soon"])),
        ("jump_dates", pa.array(["2020-01-03;soon"])),
        ("jump_mm", pa.array([[1.0, 2.0, 3.0]])),
        ("velocity_mm_yr", pa.array(["fast"])),
    ],
)
def test_foreign_columns_are_refused(name: str, cell: pa.Array) -> None:
    batch = pa.RecordBatch.from_pydict({**diagnosis_columns(MADE[7:8]), name: cell})
    with pytest.raises(DataError, match=f"column '{name}' was not written by insar-runtime"):
        read_diagnosis(batch)


def test_pictures(made: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from insar_runtime._show.png import write_png
    from insar_runtime._show.png_layers import LAYERS

    for row, one in enumerate(MADE):
        point = _point(made, row)
        write_png(point, tmp_path / f"{row}.png")
        axes: Any = Figure().subplots()
        for layer in LAYERS:
            layer(axes, _plot(point))
        labels = set(axes.get_legend_handles_labels()[1])
        repaired = [jump[3] for jump in one.jumps]
        assert (f"break {DATES[one.bend[0]]}, 90 % interval" in labels) if one.bend else not axes.patches
        assert ("jump, repaired" in labels) == any(repaired)
        assert ("jump, not repaired" in labels) == (not all(repaired))
        assert ("as in the file" in labels) == any(repaired)
        assert len(axes.texts) == len(one.jumps)


def _jumping(path: Path) -> Path:
    """A file of quiet points and one whose level changes by a cycle, and back; its dates prove Sentinel-1."""
    rng = np.random.default_rng(3)
    days = np.cumsum(np.where(rng.random(180) < 0.8, 6, 12))
    values = rng.normal(0, 1.6, (301, 180))
    values[7, 60:120] += 27.73
    return write(wide(np.round(values, 1), np.datetime64("2019-01-04") + days), path)


def test_made_now_as_classify_makes_it(tmp_path: Path) -> None:
    """Of the table alone, or of a file that has its classes, or its diagnosis."""
    source = _jumping(tmp_path / "in.parquet")
    classifier = Classifier(device="cpu", threads=1)
    classify_file(source, tmp_path / "c.parquet", classifier=classifier, keep_series=True)
    classify_file(source, tmp_path / "d.parquet", classifier=classifier, keep_series=True, diagnose=True)
    found = [find_point(tmp_path / name, row=7, open_classifier=lambda: classifier).to_dict()["diagnosis"]
             for name in ("in.parquet", "c.parquet", "d.parquet")]  # fmt: skip
    origins = [one.pop("origin") for one in found]
    assert origins[0] == origins[1]
    assert re.fullmatch(r"made now with the noise of \d+ rows of the file", origins[0])
    assert origins[2] == "read from the file"
    assert found[0] == found[1] == found[2]
    assert [jump["cycles"] for jump in found[0]["jumps"]] == [1, -1]
    assert all(jump["repaired"] for jump in found[0]["jumps"])
    assert found[0]["class_after_repair"] == "Stable"


def test_jumps_are_looked_for_where_they_are_wanted(tmp_path: Path) -> None:
    source = _jumping(tmp_path / "in.parquet")
    classifier = Classifier(device="cpu", threads=1)
    usual = find_point(source, row=8, open_classifier=lambda: classifier)
    wanted = find_point(source, row=8, open_classifier=lambda: classifier, diagnose=Diagnose(jumps="all"))
    assert usual.diagnosis is not None
    assert wanted.diagnosis is not None
    assert usual.diagnosis.jumps is None
    assert wanted.diagnosis.jumps is not None


@pytest.mark.parametrize("epochs", [1, 2, 5, 12, 29])
def test_too_short_for_anything(tmp_path: Path, epochs: int) -> None:
    dates = np.datetime64("2019-01-04") + 6 * np.arange(epochs)
    source = write(wide(np.full((3, epochs), 2.5), dates), tmp_path / "in.parquet")
    point = find_point(
        source, UserDeclarations(units="mm"), row=1, open_classifier=lambda: Classifier(device="cpu", threads=1)
    )
    assert point.diagnosis is not None
    assert point.diagnosis.status in {"too_few_epochs", "span_too_short"}
    assert "diagnosis" in describe_point(point, PLAIN)


def test_command(tmp_path: Path) -> None:
    source = _jumping(tmp_path / "in.parquet")
    facts = json.loads(run("show", source, "--row", 7, "--json").stdout)
    assert len(facts["diagnosis"]["jumps"]) == 2
    assert max(facts["corrected_mm"][60:120]) < 8
    done = run("show", source, "--row", 7, "--ascii", "--jumps", "all", "--repair-damped")
    assert done.returncode == 0, done.stderr
    assert b"Stable without the repaired jumps" in done.stdout


@pytest.mark.parametrize(("name", "lines"), [("Stable", 1), ("Bilinear", 1), ("PUE", 0), ("Other", 0)])
def test_without_a_diagnosis_no_line_is_drawn_of_what_no_line_describes(made: Path, name: str, lines: int) -> None:
    from matplotlib.figure import Figure

    point = _point(made, 0)
    assert point.series is not None
    assert point.answer is not None
    axes: Any = Figure().subplots()
    draw_trend(axes, PointPlot.of(point.series, replace(point.answer, class_name=name), None))
    assert len(axes.lines) == lines
