"""The report's Python side: what it counts, keeps, packs and refuses; the page itself is for the browser's tests."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES, Classifier, DataError, OutputExistsError, UsageError, classify_file
from insar_runtime._classified.classify_first import Classification
from insar_runtime._report.counts import GROUPS
from insar_runtime._report.pack import MISSING
from insar_runtime._report.write import write_report
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.report.pages import classified_table, never, page_of, read_page, unzigzag
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write


def test_page_holds_the_rows_of_the_file(tmp_path: Path) -> None:
    path = classified_table(tmp_path, height=np.arange(300) / 2)
    table = pq.read_table(path)
    done = page_of(path, tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert (done.rows, done.points, done.series) == (300, 300, 300)
    assert done.size == (tmp_path / "out.html").stat().st_size
    ids = page.ids()
    assert sorted(ids) == table["pid"].to_pylist()
    order = [table["pid"].to_pylist().index(one) for one in ids]
    # Stable is drawn before the other classes, and what has no class before all.
    assert page.arrays["group"].tolist() == sorted(page.arrays["group"], key=lambda group: (group + 1) % GROUPS)
    class_id = table["class_id"].to_numpy()[order]
    np.testing.assert_array_equal(page.arrays["group"], np.where(class_id < 0, GROUPS - 1, class_id))
    longitude = (page.facts["position"]["x0"] + page.arrays["x"].astype(float)) / page.facts["position"]["steps"]
    np.testing.assert_allclose(longitude, table["longitude"].to_numpy()[order], atol=6e-7)
    shares = np.where(page.arrays["shares"] == MISSING, np.nan, page.arrays["shares"] / 1000).reshape(
        len(CLASS_NAMES), -1
    )
    for name, share in zip(CLASS_NAMES, shares, strict=True):
        np.testing.assert_allclose(share, table[f"p_{name.lower()}"].to_numpy()[order], atol=5.1e-4)
    dates = [name for name in table.schema.names if name.isdigit()]
    matrix = np.stack([table[name].to_numpy() for name in dates], axis=1)[order]
    np.testing.assert_allclose(unzigzag(page.arrays["series"]).reshape(300, -1), matrix, atol=1e-6)
    assert page.facts["attributes"] == ["height"]
    np.testing.assert_array_equal(page.arrays["values"], table["height"].to_numpy()[order])
    assert page.facts["counts"]["statuses"]["too_few_epochs"] == 1
    assert page.facts["velocityName"] == "least-squares slope of the series"
    assert page.facts["dates"] == [f"{name[:4]}-{name[4:6]}-{name[6:]}" for name in dates]


def test_more_points_than_the_map_takes(tmp_path: Path) -> None:
    path = classified_table(tmp_path)
    done = page_of(path, tmp_path / "out.html", most_points=100, series_mb=0.004)
    page = read_page(tmp_path / "out.html")
    assert (done.rows, done.points) == (300, 100)
    assert 10 <= done.series < 100
    assert done.series == int(page.arrays["detailed"].sum()) == len(page.arrays["series"]) // 60
    classes = pq.read_table(path)["class_id"].to_pylist()
    assert page.facts["counts"]["groups"] == [classes.count(k) for k in (0, 1, 2, 3, 4, 5, -1)]
    # The rare groups have all of theirs.
    group, detailed = page.arrays["group"], page.arrays["detailed"]
    shown = np.bincount(group, minlength=GROUPS)
    rare = int(np.argmin(np.where(shown, shown, 1000)))
    assert detailed[group == rare].all()


def test_series_can_be_left_out(tmp_path: Path) -> None:
    done = page_of(classified_table(tmp_path), tmp_path / "out.html", series_mb=0)
    assert (done.points, done.series) == (300, 0)
    assert "series" not in read_page(tmp_path / "out.html").arrays


def test_file_without_series(tmp_path: Path) -> None:
    classify_file(write(wide(*series(50)), tmp_path / "in.parquet"), tmp_path / "plain.parquet")
    page_of(tmp_path / "plain.parquet", tmp_path / "out.html")
    facts = read_page(tmp_path / "out.html").facts
    assert facts["series"] == {"kept": False, "rows": 0, "trouble": None}
    assert facts["velocityName"] is None
    assert len(facts["dates"]) == 60


def test_points_without_a_position_are_counted(tmp_path: Path) -> None:
    latitude = [None if i % 10 == 0 else 45 + i / 1000 for i in range(300)]
    page_of(classified_table(tmp_path, latitude=latitude), tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert page.facts["counts"]["unplaced"] == 30 == int((page.arrays["x"] == 0xFFFFFFFF).sum())


def test_table_without_positions(tmp_path: Path) -> None:
    table = wide(*series(40)).drop_columns(["latitude", "longitude"])
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "c.parquet")
    page_of(tmp_path / "c.parquet", tmp_path / "out.html")
    facts = read_page(tmp_path / "out.html").facts
    assert facts["position"] is None
    assert (facts["points"], facts["counts"]["unplaced"]) == (40, 40)


def test_positions_by_geometry_alone(tmp_path: Path) -> None:
    points = [struct.pack("<BIdd", 1, 1, 7 + i / 100, 45.5) if i % 2 else None for i in range(1, 41)]
    points[-2] = struct.pack(">BIdd", 0, 1, 7, 45)  # the other byte order counts as well
    table = wide(*series(40), geometry=pa.array(points, pa.binary())).drop_columns(["latitude", "longitude"])
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {}}}
    table = table.replace_schema_metadata({"geo": json.dumps(geo)})
    # Most of the first rows need a place.
    table = table.filter(pa.array([i < 20 or i % 2 == 0 for i in range(40)]))
    pq.write_table(table, tmp_path / "in.parquet")
    classify_file(tmp_path / "in.parquet", tmp_path / "c.parquet")
    page_of(tmp_path / "c.parquet", tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert page.facts["position"]["kind"] == "degrees"
    assert page.facts["counts"]["unplaced"] == table["geometry"].null_count


@pytest.mark.parametrize(("name", "system"), [("pid", "EPSG:3035"), ("code", "easting, northing")])
def test_metres(tmp_path: Path, name: str, system: str) -> None:
    """EGMS says in which plane its metres are, others do not; both have a map."""
    table = wide(*series(40), easting=4e6 + 100 * np.arange(40.0), northing=np.full(40, 2e6))
    table = table.drop_columns(["latitude", "longitude"]).rename_columns({"pid": name})
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "c.parquet")
    page_of(tmp_path / "c.parquet", tmp_path / "out.html")
    position = read_page(tmp_path / "out.html").facts["position"]
    corner = {"x0": 40_000_000, "y0": 20_000_000, "size": [39_000, 0]}
    assert position == {"kind": "metres", "system": system, "steps": 10, **corner}


def test_classified_text(tmp_path: Path) -> None:
    table = pq.read_table(classified_table(tmp_path)).drop_columns(["geometry", "bbox"])
    pacsv.write_csv(table, tmp_path / "c.csv")
    page_of(tmp_path / "c.csv", tmp_path / "csv.html")
    page_of(tmp_path / "classified.parquet", tmp_path / "parquet.html")
    text, binary = read_page(tmp_path / "csv.html"), read_page(tmp_path / "parquet.html")
    assert text.facts["counts"] == binary.facts["counts"]
    assert text.ids() == binary.ids()
    assert text.facts["about"][-1] == ["Origin", "the file does not say which model gave the classes"]


def test_classified_text_without_one_class(tmp_path: Path) -> None:
    """No reader of CSV can know that columns without a value are numbers."""
    table = wide(np.full((20, 60), np.nan), series(1)[1])
    classified = tmp_path / "classified.csv"
    classify_file(write(table, tmp_path / "in.parquet"), classified, units="mm")
    page_of(classified, tmp_path / "out.html")
    assert read_page(tmp_path / "out.html").facts["counts"]["groups"] == [0, 0, 0, 0, 0, 0, 20]


def test_no_rows(tmp_path: Path) -> None:
    source = write(wide(*series(5)).slice(0, 0), tmp_path / "in.parquet")
    classify_file(source, tmp_path / "c.parquet", keep_series=True)
    assert page_of(tmp_path / "c.parquet", tmp_path / "out.html").points == 0
    assert read_page(tmp_path / "out.html").facts["counts"]["groups"] == [0] * GROUPS


def test_anything_else_is_classified_first(tmp_path: Path) -> None:
    source = write(wide(*series(80)), tmp_path / "in.csv")
    write_report(source, tmp_path / "out.html", classification=Classification(Classifier))
    classify_file(source, tmp_path / "c.parquet", keep_series=True)
    page_of(tmp_path / "c.parquet", tmp_path / "same.html")
    found, wanted = read_page(tmp_path / "out.html"), read_page(tmp_path / "same.html")
    assert found.facts["counts"] == wanted.facts["counts"]
    assert found.facts["about"] == wanted.facts["about"]
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.html", "c.parquet", "same.html"}


@pytest.mark.parametrize(
    "evil", ["</script><script>alert(1)</script>", "<!--", "<img src=x onerror=alert(1)>", "/* script */"]
)
def test_nothing_of_the_file_becomes_markup(tmp_path: Path, evil: str) -> None:
    more: dict[str, Any] = {evil: np.arange(300.0), "pid": [f"{evil}{i}" for i in range(300)]}
    path = classified_table(tmp_path, **more)
    page_of(path, tmp_path / "out.html", title=evil)
    text = (tmp_path / "out.html").read_text()
    page = read_page(tmp_path / "out.html")
    assert page.facts["title"] == evil
    assert page.facts["attributes"] == [evil]
    assert min(page.ids()).startswith(evil)
    page_of(path, tmp_path / "plain.html", title="plain")
    plain = (tmp_path / "plain.html").read_text()
    # However evil the title, the page has as many elements of each kind.
    assert [text.count(tag) for tag in ("<script", "</script", "<img", "<!--")] == [
        plain.count(tag) for tag in ("<script", "</script", "<img", "<!--")
    ]


def test_output_stays_as_it_was_when_something_fails(tmp_path: Path) -> None:
    path = classified_table(tmp_path)
    (tmp_path / "out.html").write_text("precious")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write_report(path, tmp_path / "out.html", classification=Classification(never))
    table = pq.read_table(path)
    status = table["status"].to_pylist()
    broken = table.set_column(table.schema.names.index("status"), "status", pa.array([*status[:-1], "dubious"]))
    pq.write_table(broken, tmp_path / "broken.parquet")
    with pytest.raises(DataError, match="dubious"):
        page_of(tmp_path / "broken.parquet", tmp_path / "out.html")
    with pytest.raises(UsageError, match="is the input"):
        page_of(path, path)
    assert (tmp_path / "out.html").read_text() == "precious"
    assert not list(tmp_path.glob(".*"))


def test_command(tmp_path: Path) -> None:
    source = write(wide(*series(120)), tmp_path / "in.parquet")
    done = run("report", source, "--json", "--title", "Slope above the dam")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 120
    assert b"120 of 120 points, 120 with their series, " in done.stderr
    without = run("report", source, "--series-mb", "0", "-o", tmp_path / "without.html")
    assert b"120 of 120 points, 0.2 MB" in without.stderr
    assert read_page(tmp_path / "in.report.html").facts["title"] == "Slope above the dam"
    refused(run("report", source), 73, "in.report.html", "--overwrite")
    refused(run("report", tmp_path / "absent.parquet"), 66, "absent.parquet")
    refused(run("report", "-"), 2, "file")
    classified = classified_table(tmp_path)
    refused(run("report", classified, "--model", "paper-cnn"), 2, "--model", "classified already")


def test_real_files(tmp_path: Path, real: Callable[[str], Path]) -> None:
    source = real("egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv")
    write_report(source, tmp_path / "out.html", classification=Classification(Classifier))
    facts = read_page(tmp_path / "out.html").facts
    assert facts["position"]["system"] == "EPSG:3035"
    assert facts["velocityName"] == "column mean_velocity"
    assert "Copernicus" in facts["attribution"]
    assert any("EGMS L3" in note for note in facts["notes"])
    assert set(RESULT_SCHEMA.names).isdisjoint(facts["attributes"])


def test_messages_for_programs(tmp_path: Path) -> None:
    source = write(wide(*series(120)), tmp_path / "in.parquet")
    done = run("report", source, "--log-format", "json", "--log-every", "0")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["event"] for event in events] == ["start", "progress", "progress", "done"]
    # The page is the last tenth of the work.
    assert [event["share"] for event in events[1:3]] == [0.9, 0.9]
    assert events[-1]["summary"]["series"] == 120
    again = run("report", source, "--log-format", "json")
    assert again.returncode == 73
    assert [json.loads(line)["event"] for line in again.stderr.splitlines()][-1] == "error"


def test_series_are_counted_only_where_they_are(tmp_path: Path) -> None:
    classified = tmp_path / "classified.parquet"
    assert run("classify", write(wide(*series(120)), tmp_path / "in.parquet"), "-o", classified).returncode == 0
    assert b"120 of 120 points, 0.2 MB" in run("report", classified).stderr
