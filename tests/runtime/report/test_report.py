"""The report's Python side: what it counts, keeps, packs and refuses; the page itself is for the browser's tests."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from insar_runtime import CLASS_NAMES, Classifier, DataError, OutputExistsError, UsageError, classify_file
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.trend.curves import Shape
from insar_runtime._report.counts import GROUPS, Counts
from insar_runtime._report.pack import MISSING, pack, tenths
from insar_runtime._report.sample import GROUP, KEY, EvenSample, UniformSample, even_share
from insar_runtime._report.write import Classification, Report, write_report
from insar_runtime._show.find_point import find_point
from insar_runtime._show.point_plot import PointPlot
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.made_diagnoses import DATES, HALF_WAVELENGTH_MM, MADE, classified
from tests.runtime.report.pages import Page, read_page, unpack, unzigzag
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write


def _never() -> Classifier:
    raise AssertionError("nothing is to be classified")


def _classified(tmp_path: Path, **more: Any) -> Path:
    displacement, dates = series(300)
    displacement[::9, ::4] = np.nan
    displacement[5] = np.nan
    source = write(wide(displacement, dates, **more), tmp_path / "in.parquet")
    classify_file(source, tmp_path / "classified.parquet", keep_series=True, overwrite=True)
    return tmp_path / "classified.parquet"


def _report(source: Path, output: Path, **options: Any) -> Report:
    return write_report(source, output, classification=Classification(_never), overwrite=True, **options)


@given(
    st.sampled_from([np.uint8, np.uint16, np.uint32, np.float32]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=20))
    )
)
def test_packed_arrays_come_back(array: np.ndarray) -> None:
    packed = pack(array)
    assert packed.type == array.dtype.name
    np.testing.assert_array_equal(unpack(packed.type, packed.text), array.reshape(-1))


@given(hnp.arrays(np.float32, 30, elements=st.floats(width=32)))
def test_tenths_lose_nothing_but_what_is_finer(values: np.ndarray) -> None:
    coded = tenths(values)
    with np.errstate(invalid="ignore"):
        kept = np.abs(values) <= 3276
    np.testing.assert_array_equal(coded == MISSING, ~kept)
    np.testing.assert_allclose(unzigzag(coded)[kept], values[kept], atol=0.051)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.integers(0, 100))
def test_even_share_is_the_largest_that_fits(counts: list[int], size: int) -> None:
    share = even_share(np.array(counts), size)
    taken = sum(min(count, share) for count in counts)
    assert taken <= max(size, 0)
    assert share >= max(counts) or sum(min(count, share + 1) for count in counts) > size


def _rows(count: int, seed: int = 0) -> pa.RecordBatch:
    rng = np.random.default_rng(seed)
    group = rng.choice(4, count, p=[0.9, 0.06, 0.03, 0.01]).astype(np.int8)
    return pa.RecordBatch.from_pydict({"row": np.arange(count), GROUP: group, KEY: rng.random(count)})


def _numbers(sample: UniformSample | EvenSample) -> list[int]:
    rows = sample.rows()
    assert rows is not None
    return list(rows["row"].to_pylist())


@given(st.lists(st.integers(0, 400), max_size=5), st.integers(1, 300))
def test_samples_do_not_depend_on_the_batches(cuts: list[int], size: int) -> None:
    rows = _rows(400)
    edges = [0, *sorted(cuts), 400]
    uniform, even = UniformSample(size), EvenSample(size, 4)
    for start, end in pairwise(edges):
        for sample in (uniform, even):
            sample.add(rows.slice(start, end - start))
    keys, group = rows.column(KEY).to_numpy(), rows.column(GROUP).to_numpy()
    assert _numbers(uniform) == sorted(np.argsort(keys)[:size].tolist())
    share = even_share(np.bincount(group, minlength=4), size)
    wanted = sorted(i for g in range(4) for i in np.flatnonzero(group == g)[np.argsort(keys[group == g])[:share]])
    assert _numbers(even) == wanted


def test_counts_are_those_of_the_rows() -> None:
    rng = np.random.default_rng(3)
    counts, parts = Counts(), []
    for rows in (500, 0, 1, 900):
        group = rng.integers(0, GROUPS, rows).astype(np.int8)
        velocity = np.round(rng.normal(-3, 4, rows), 1).astype(np.float32)
        velocity[::7] = np.nan
        confidence = rng.uniform(0.2, 1, rows).astype(np.float32)
        confidence[::5] = np.nan
        counts.add(group, np.zeros(rows, np.int8), confidence, velocity, rng.random(rows) < 0.9)
        parts.append((group, confidence, velocity))
    group, confidence, velocity = (np.concatenate(part) for part in zip(*parts, strict=True))
    facts = counts.to_dict()
    assert facts["groups"] == np.bincount(group, minlength=GROUPS).tolist()
    known = ~np.isnan(confidence)
    assert np.sum(facts["confidence"]["counts"], axis=1).tolist() == np.bincount(group[known]).tolist()
    for k, quantiles in enumerate(facts["velocity"]["quantiles"]):
        of_group = velocity[(group == k) & ~np.isnan(velocity)]
        wanted = np.quantile(of_group, [0.05, 0.25, 0.5, 0.75, 0.95], method="inverted_cdf")
        np.testing.assert_allclose(quantiles, wanted, atol=0.051)


def test_page_holds_the_rows_of_the_file(tmp_path: Path) -> None:
    path = _classified(tmp_path, height=np.arange(300) / 2)
    table = pq.read_table(path)
    done = _report(path, tmp_path / "out.html")
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
    path = _classified(tmp_path)
    done = _report(path, tmp_path / "out.html", most_points=100, series_mb=0.004)
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
    done = _report(_classified(tmp_path), tmp_path / "out.html", series_mb=0)
    assert (done.points, done.series) == (300, 0)
    assert "series" not in read_page(tmp_path / "out.html").arrays


def test_file_without_series(tmp_path: Path) -> None:
    classify_file(write(wide(*series(50)), tmp_path / "in.parquet"), tmp_path / "plain.parquet")
    _report(tmp_path / "plain.parquet", tmp_path / "out.html")
    facts = read_page(tmp_path / "out.html").facts
    assert facts["series"] == {"kept": False, "rows": 0, "trouble": None}
    assert facts["velocityName"] is None
    assert len(facts["dates"]) == 60


def test_points_without_a_position_are_counted(tmp_path: Path) -> None:
    latitude = [None if i % 10 == 0 else 45 + i / 1000 for i in range(300)]
    _report(_classified(tmp_path, latitude=latitude), tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert page.facts["counts"]["unplaced"] == 30 == int((page.arrays["x"] == 0xFFFFFFFF).sum())


def test_table_without_positions(tmp_path: Path) -> None:
    table = wide(*series(40)).drop_columns(["latitude", "longitude"])
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "c.parquet")
    _report(tmp_path / "c.parquet", tmp_path / "out.html")
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
    _report(tmp_path / "c.parquet", tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert page.facts["position"]["kind"] == "degrees"
    assert page.facts["counts"]["unplaced"] == table["geometry"].null_count


@pytest.mark.parametrize(("name", "system"), [("pid", "EPSG:3035"), ("code", "easting, northing")])
def test_metres(tmp_path: Path, name: str, system: str) -> None:
    """EGMS says in which plane its metres are, others do not; both have a map."""
    table = wide(*series(40), easting=4e6 + 100 * np.arange(40.0), northing=np.full(40, 2e6))
    table = table.drop_columns(["latitude", "longitude"]).rename_columns({"pid": name})
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "c.parquet")
    _report(tmp_path / "c.parquet", tmp_path / "out.html")
    position = read_page(tmp_path / "out.html").facts["position"]
    assert position == {"kind": "metres", "system": system, "steps": 10, "x0": 40_000_000, "y0": 20_000_000}


def test_classified_text(tmp_path: Path) -> None:
    table = pq.read_table(_classified(tmp_path)).drop_columns(["geometry", "bbox"])
    pacsv.write_csv(table, tmp_path / "c.csv")
    _report(tmp_path / "c.csv", tmp_path / "csv.html")
    _report(tmp_path / "classified.parquet", tmp_path / "parquet.html")
    text, binary = read_page(tmp_path / "csv.html"), read_page(tmp_path / "parquet.html")
    assert text.facts["counts"] == binary.facts["counts"]
    assert text.ids() == binary.ids()
    assert text.facts["about"][-1] == ["Origin", "the file does not say which model gave the classes"]


def test_classified_text_without_one_class(tmp_path: Path) -> None:
    """Nothing tells a reader of CSV that columns without a value are numbers."""
    table = wide(np.full((20, 60), np.nan), series(1)[1])
    classified = tmp_path / "classified.csv"
    classify_file(write(table, tmp_path / "in.parquet"), classified, units="mm")
    _report(classified, tmp_path / "out.html")
    assert read_page(tmp_path / "out.html").facts["counts"]["groups"] == [0, 0, 0, 0, 0, 0, 20]


def test_no_rows(tmp_path: Path) -> None:
    source = write(wide(*series(5)).slice(0, 0), tmp_path / "in.parquet")
    classify_file(source, tmp_path / "c.parquet", keep_series=True)
    assert _report(tmp_path / "c.parquet", tmp_path / "out.html").points == 0
    assert read_page(tmp_path / "out.html").facts["counts"]["groups"] == [0] * GROUPS


def test_anything_else_is_classified_first(tmp_path: Path) -> None:
    source = write(wide(*series(80)), tmp_path / "in.csv")
    write_report(source, tmp_path / "out.html", classification=Classification(Classifier))
    classify_file(source, tmp_path / "c.parquet", keep_series=True)
    _report(tmp_path / "c.parquet", tmp_path / "same.html")
    found, wanted = read_page(tmp_path / "out.html"), read_page(tmp_path / "same.html")
    assert found.facts["counts"] == wanted.facts["counts"]
    assert found.facts["about"] == wanted.facts["about"]
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.html", "c.parquet", "same.html"}


@pytest.mark.parametrize(
    "evil", ["</script><script>alert(1)</script>", "<!--", "<img src=x onerror=alert(1)>", "/* script */"]
)
def test_nothing_of_the_file_becomes_markup(tmp_path: Path, evil: str) -> None:
    more: dict[str, Any] = {evil: np.arange(300.0), "pid": [f"{evil}{i}" for i in range(300)]}
    path = _classified(tmp_path, **more)
    _report(path, tmp_path / "out.html", title=evil)
    text = (tmp_path / "out.html").read_text()
    page = read_page(tmp_path / "out.html")
    assert page.facts["title"] == evil
    assert page.facts["attributes"] == [evil]
    assert min(page.ids()).startswith(evil)
    _report(path, tmp_path / "plain.html", title="plain")
    plain = (tmp_path / "plain.html").read_text()
    # However evil the title, the page has as many elements of each kind.
    assert [text.count(tag) for tag in ("<script", "</script", "<img", "<!--")] == [
        plain.count(tag) for tag in ("<script", "</script", "<img", "<!--")
    ]


def test_output_stays_as_it_was_when_something_fails(tmp_path: Path) -> None:
    path = _classified(tmp_path)
    (tmp_path / "out.html").write_text("precious")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write_report(path, tmp_path / "out.html", classification=Classification(_never))
    table = pq.read_table(path)
    status = table["status"].to_pylist()
    broken = table.set_column(table.schema.names.index("status"), "status", pa.array([*status[:-1], "dubious"]))
    pq.write_table(broken, tmp_path / "broken.parquet")
    with pytest.raises(DataError, match="dubious"):
        _report(tmp_path / "broken.parquet", tmp_path / "out.html")
    with pytest.raises(UsageError, match="is the input"):
        _report(path, path)
    assert (tmp_path / "out.html").read_text() == "precious"
    assert not list(tmp_path.glob(".*"))


def test_command(tmp_path: Path) -> None:
    source = write(wide(*series(120)), tmp_path / "in.parquet")
    done = run("report", source, "--json", "--title", "Slope above the dam")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 120
    assert read_page(tmp_path / "in.report.html").facts["title"] == "Slope above the dam"
    refused(run("report", source), 73, "in.report.html", "--overwrite")
    refused(run("report", tmp_path / "absent.parquet"), 66, "absent.parquet")
    refused(run("report", "-"), 2, "file")
    classified = _classified(tmp_path)
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


# Diagnosed tables.


def _story(page: Page) -> list[dict[str, Any]]:
    """The diagnosis of each detailed point, in the order of the page, by other code than the browser's."""
    rates = page.arrays["rates"].reshape(-1, 7)
    story = page.arrays["story"].reshape(-1, 5)
    trend = unzigzag(page.arrays["trend"]).reshape(-1, 3)
    breaks = iter(page.arrays["breaks"].reshape(-1, 7))
    jumps = iter(page.arrays["jumps"].reshape(-1, 8))
    origin = np.datetime64(page.facts["diagnosis"]["origin"])
    found = []
    for k, (shape, broken, coded, after, status) in enumerate(story.tolist()):
        bend = next(breaks) if broken else None
        found.append({
            "velocity": rates[k, 0],
            "shape": shape,
            "trend": trend[k],
            "break": None if bend is None else [str(origin + int(day)) for day in bend[:3]],
            "rates": None if bend is None else bend[3:],
            "jumps": [next(jumps) for _ in range(coded - 1)] if coded else None,
            "after": None if not after else CLASS_NAMES[after - 1],
            "status": page.facts["diagnosis"]["statuses"][status],
        })  # fmt: skip
    assert next(breaks, None) is None
    assert next(jumps, None) is None
    return found


def test_page_holds_the_diagnosis(tmp_path: Path) -> None:
    path = classified(tmp_path / "made.parquet", copies=3)
    _report(path, tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert page.facts["diagnosis"]["cycle"] == HALF_WAVELENGTH_MM
    assert set(DIAGNOSIS_SCHEMA.names).isdisjoint(page.facts["attributes"])
    origin = np.datetime64(page.facts["diagnosis"]["origin"])
    table = pq.read_table(path).to_pylist()
    for k, (name, found) in enumerate(zip(page.ids(), _story(page), strict=True)):
        row = next(i for i, one in enumerate(table) if one["pid"] == name)
        wanted, made = table[row], MADE[row % len(MADE)]
        assert found["status"] == wanted["diagnosis_status"]
        assert found["after"] == wanted["class_after_repair"]
        velocity = np.nan if wanted["velocity_mm_yr"] is None else wanted["velocity_mm_yr"]
        np.testing.assert_allclose(found["velocity"], velocity, atol=0.01)
        names = ("break_date", "break_lo", "break_hi")
        assert found["break"] == ([str(wanted[name]) for name in names] if made.bend else None)
        changed = page.arrays["changed"][k]
        assert (changed != MISSING) == bool(made.bend)
        if made.bend:
            assert str(origin + int(changed)) == str(wanted["break_date"])
            np.testing.assert_allclose(found["rates"][[0, 2]], made.bend[1:], atol=0.01)
        assert (found["jumps"] is not None) == made.looked
        for got, (epoch, cycles, mm, repaired) in zip(found["jumps"] or (), made.jumps, strict=True):
            assert origin + int(got[0]) == DATES[epoch]
            np.testing.assert_allclose(got[[1, 3]], [mm + 0.4, cycles or np.nan], atol=0.01)
            assert got[6] == repaired
        # The trend at its begin, before any jump.
        if not made.drawn:
            assert found["shape"] == Shape.NONE
        elif not (made.bend and made.class_name == "Quadratic"):
            assert found["trend"][0] == pytest.approx(made.trend[0], abs=1.3)
    spans = [DATES[one.bend[0]] for one in MADE if one.bend]
    assert [origin + days for days in page.facts["diagnosis"]["changed"]] == [min(spans), max(spans)]


def test_trends_of_a_page_are_those_that_show_draws(tmp_path: Path) -> None:
    path = classified(tmp_path / "made.parquet")
    _report(path, tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    for name, found in zip(page.ids(), _story(page), strict=True):
        point = find_point(path, point_id=name, open_classifier=_never)
        assert point.series is not None
        sight = PointPlot.of(point.series, point.answer, point.diagnosis)
        assert found["shape"] == sight.shape
        if len(sight.trend):
            assert found["trend"][0] == pytest.approx(sight.trend[0], abs=0.1)
            left = [jump[7] for jump in found["jumps"] or () if not jump[6]]
            assert found["trend"][2] + sum(left) == pytest.approx(sight.trend[-1], abs=0.1)


def test_diagnosis_without_series(tmp_path: Path) -> None:
    path = classified(tmp_path / "made.parquet", keep_series=False)
    _report(path, tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert [one["shape"] for one in _story(page)] == [0] * len(MADE)
    assert len(page.arrays["jumps"]) == 8 * sum(len(one.jumps) for one in MADE)


def test_diagnosis_is_packed_for_points_with_series_alone(tmp_path: Path) -> None:
    path = classified(tmp_path / "made.parquet", copies=40)
    _report(path, tmp_path / "all.html")
    done = _report(path, tmp_path / "some.html", series_mb=0.02)
    page = read_page(tmp_path / "some.html")
    assert 10 < done.series < 100
    assert len(page.arrays["story"]) == 5 * done.series
    assert len(page.arrays["changed"]) == done.points == 40 * len(MADE)
    everything = read_page(tmp_path / "all.html")
    wanted = dict(zip(everything.ids(), _story(everything), strict=True))
    ids = [name for name, there in zip(page.ids(), page.arrays["detailed"], strict=True) if there]
    for name, found in zip(ids, _story(page), strict=True):
        np.testing.assert_equal(found, wanted[name])


def test_tables_without_diagnosis_have_none(tmp_path: Path) -> None:
    _report(_classified(tmp_path), tmp_path / "out.html")
    page = read_page(tmp_path / "out.html")
    assert page.facts["diagnosis"] is None
    assert {"rates", "story", "trend", "breaks", "jumps", "changed"}.isdisjoint(page.arrays)


def test_diagnosed_by_classify(tmp_path: Path) -> None:
    """What the run writes is what the page takes, in Parquet and in text."""
    displacement, dates = series(200, 90)
    displacement[3, 40:] += 27.7
    source = write(wide(displacement, dates), tmp_path / "in.parquet")
    for name in ("c.parquet", "c.csv"):
        classify_file(source, tmp_path / name, keep_series=True, diagnose=Diagnose(jumps="all"))
        _report(tmp_path / name, tmp_path / f"{name}.html")
    binary, text = (read_page(tmp_path / f"{name}.html") for name in ("c.parquet", "c.csv"))
    assert binary.ids() == text.ids()
    np.testing.assert_equal(_story(binary), _story(text))
    found = _story(binary)[binary.ids().index("p0003")]
    assert [jump[3] for jump in found["jumps"]] == [1]
