"""Tables to the fast format: every layout, the same values, and the same classes to the bit."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from insar_runtime import DataError, UsageError, classify_file
from insar_runtime._convert.companions import CompanionFiles
from insar_runtime._convert.run import convert
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.tables import as_lists, series, wide, write

TRANSPOSED = "egms_l2_wroclaw_transposed/wroclaw_caly_filtered.csv"
POSITIONS = "egms_l2_wroclaw_transposed/wroclaw_geo_filtered.csv"


def _same_classes(one: Path, other: Path, folder: Path) -> pa.Table:
    """Classify both, and compare all that the model says."""
    tables = []
    for source, name in ((one, "one.classified.parquet"), (other, "other.classified.parquet")):
        classify_file(source, folder / name)
        tables.append(pq.read_table(folder / name))
    for column in RESULT_SCHEMA.names:
        assert tables[0][column].equals(tables[1][column]), column
    return tables[1]


@pytest.mark.parametrize("layout", ["csv", "parquet", "zip", "arrows", "list", "fixed_size_list"])
def test_any_layout_gives_the_same_classes(layout: str, tmp_path: Path) -> None:
    displacement, dates = series(200, 60)
    displacement[3, :50] = np.nan
    displacement[5] = np.nan
    velocity = np.polyfit((dates - dates[0]).astype(int) / 365.25, np.nan_to_num(displacement).T, 1)[0]
    table = wide(displacement, dates, mean_velocity=velocity)
    if layout == "zip":
        write(table, tmp_path / "in.csv")
        source = tmp_path / "in.zip"
        with zipfile.ZipFile(source, "w") as archive:
            archive.write(tmp_path / "in.csv", "in.csv")
    elif layout in {"csv", "parquet", "arrows"}:
        source = write(table, tmp_path / f"in.{layout}")
    else:
        source = write(as_lists(table, layout), tmp_path / "in.parquet")
    done = convert([source], tmp_path / "out.parquet")
    assert (done.rows, done.epochs, done.unit_evidence, done.left_out) == (200, 60, "velocity", {})
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.schema.field("displacement").type == pa.list_(pa.float32(), 60)
    assert json.loads(out.schema.metadata[b"insar_runtime:dates"]) == [str(day) for day in dates]
    assert out["pid"].to_pylist() == table["pid"].to_pylist()
    assert out["mean_velocity"].equals(table["mean_velocity"])
    np.testing.assert_array_equal(np.stack(out["displacement"].to_numpy()), displacement.astype(np.float32))
    classified = _same_classes(source, tmp_path / "out.parquet", tmp_path)
    assert {"geometry", "bbox", "mean_velocity"} <= set(classified.schema.names)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 40), st.integers(1, 12)),
        elements=st.one_of(st.floats(-1e4, 1e4, width=32), st.just(np.float32(np.nan)), st.just(np.float32(np.inf))),
    ),
    order=st.randoms(use_true_random=False),
    unit=st.sampled_from(["mm", "cm", "m"]),
)
def test_values_rows_and_dates_are_those_of_the_input(
    values: np.ndarray, order: object, unit: str, tmp_path: Path
) -> None:
    names = [f"D{20200103 + i}" for i in range(values.shape[1])]
    columns = list(range(len(names)))
    order.shuffle(columns)  # type: ignore[attr-defined]
    ids = pa.array([f"p{i}" for i in range(len(values))], pa.string())
    table = pa.table({"CODE": ids, **{names[i]: values[:, i] for i in columns}})
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table, source, row_group_size=7)
    done = convert([source], out, named=CompanionFiles(UserDeclarations(unit)), overwrite=True)  # type: ignore[arg-type]
    read = pq.read_table(out)
    assert done.rows == read.num_rows == len(values)
    assert read["CODE"].equals(table["CODE"])
    seen = np.array(read["displacement"].combine_chunks().values).reshape(values.shape)
    np.testing.assert_array_equal(seen, values * np.float32({"mm": 1, "cm": 10, "m": 1000}[unit]))
    assert done.first_date == "2020-01-03"
    assert json.loads(read.schema.metadata[b"insar_runtime:dates"]) == [
        f"2020-01-{3 + i:02d}" for i in columns_of(values)
    ]


def columns_of(values: np.ndarray) -> range:
    return range(values.shape[1])


def test_the_unit_is_stated_only_where_it_is_known(tmp_path: Path) -> None:
    displacement, dates = series(50, 40)
    assumed = write(wide(displacement, dates, prefix="d"), tmp_path / "assumed.parquet")
    table = as_lists(wide(displacement, dates), "fixed_size_list")
    plain = write(table, tmp_path / "plain.parquet")
    convert([plain], tmp_path / "a.parquet")
    convert([plain], tmp_path / "b.parquet", named=CompanionFiles(UserDeclarations("m")))
    convert([assumed], tmp_path / "c.parquet")
    evidence = {}
    for name in "abc":
        with open_described(tmp_path / f"{name}.parquet") as reading:
            evidence[name] = (reading.description.units.evidence, reading.description.units.unit)
    # What was assumed once stays assumed; what was declared or is the producer's need not be said again.
    assert evidence == {"a": ("assumed", "mm"), "b": ("format", "mm"), "c": ("format", "mm")}
    block = json.loads(pq.read_schema(tmp_path / "b.parquet").metadata[b"insar_runtime"])["converted"]
    assert (block["source_unit"], block["unit_evidence"], block["unit"]) == ("m", "declared", "mm")


def test_a_stated_unit_is_held_against_the_velocities(tmp_path: Path) -> None:
    displacement, dates = series(200, 60)
    velocity = np.polyfit((dates - dates[0]).astype(int) / 365.25, displacement.T, 1)[0]
    table = wide(displacement, dates, mean_velocity=velocity)
    source = write(table, tmp_path / "in.parquet")
    convert([source], tmp_path / "out.parquet", named=CompanionFiles(UserDeclarations("cm")))
    with open_described(tmp_path / "out.parquet") as reading:
        note = reading.description.units.note
    assert note is not None
    assert "the file states mm, but series change by" in note


def test_columns_that_would_be_taken_for_series(tmp_path: Path) -> None:
    displacement, dates = series(50, 40)
    table = wide(displacement, dates).append_column("displacement", pa.array(np.zeros(50)))
    convert([write(table, tmp_path / "in.parquet")], tmp_path / "out.parquet")
    assert pq.read_schema(tmp_path / "out.parquet").names[-3] == "displacements"
    lists = as_lists(wide(displacement, dates), "list")
    epochs = lists.append_column("epochs", lists["dates"])
    with pytest.raises(DataError, match="besides the one that is used"):
        convert([write(epochs, tmp_path / "two.parquet")], tmp_path / "new.parquet")
    assert not (tmp_path / "new.parquet").exists()


def test_series_of_one_decimal_are_kept_small(tmp_path: Path) -> None:
    source = write(wide(*series(2000, 100)), tmp_path / "in.parquet")
    done = convert([source], tmp_path / "out.parquet")
    group = pq.read_metadata(tmp_path / "out.parquet").row_group(0)
    chunk = next(c for c in map(group.column, range(group.num_columns)) if c.path_in_schema.startswith("displacement."))
    assert "RLE_DICTIONARY" in chunk.encodings
    assert done.bytes < 2000 * 100 * 2  # half of what float32 takes


def test_a_file_that_was_converted_can_be_converted(tmp_path: Path) -> None:
    source = write(wide(*series(50, 40)), tmp_path / "in.parquet")
    convert([source], tmp_path / "one.parquet")
    convert([tmp_path / "one.parquet"], tmp_path / "two.parquet")
    one, two = pq.read_table(tmp_path / "one.parquet"), pq.read_table(tmp_path / "two.parquet")
    assert set(one.schema.names) == set(two.schema.names)
    for name in one.schema.names:
        assert one[name].equals(two[name]), name
    assert one.schema.metadata[b"geo"] == two.schema.metadata[b"geo"]


@pytest.mark.parametrize(
    "name",
    [
        "egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv",
        "egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv",
        "egms_l2_wroclaw/124_0770_IW3_VV.csv",
        "egms_l2_carpathians/102_100.csv",
        "egms_l2_wroclaw/022_0771_IW1_VV.csv",
    ],
)
def test_converted_real_tables_get_the_same_classes(name: str, real: Callable[[str], Path], tmp_path: Path) -> None:
    done = convert([real(name)], tmp_path / "out.parquet")
    classified = _same_classes(real(name), tmp_path / "out.parquet", tmp_path)
    assert done.rows == classified.num_rows
    if done.rows > 10_000:
        assert done.bytes < real(name).stat().st_size / 2


def test_real_transposed_table(real: Callable[[str], Path], tmp_path: Path) -> None:
    done = convert([real(TRANSPOSED)], tmp_path / "out.parquet", points=real(POSITIONS))
    assert (done.rows, done.epochs, done.first_date, done.last_date) == (1000, 363, "2015-02-02", "2021-12-27")
    # The same by hand: turned around as text, joined by id.
    text = [line.rstrip("\r").split(",") for line in real(TRANSPOSED).read_text(encoding="utf-8").splitlines()]
    places = pacsv.read_csv(real(POSITIONS))
    at = {pid: i for i, pid in enumerate(places["pid"].to_pylist())}
    rows = np.array([at[pid] for pid in text[0][1:]])
    values = {line[0].replace("-", ""): pa.array([float(cell) for cell in line[1:]]) for line in text[1:]}
    by_hand = pa.table({**{name: places[name].take(rows) for name in places.schema.names}, **values})
    table = _same_classes(write(by_hand, tmp_path / "hand.parquet"), tmp_path / "out.parquet", tmp_path)
    for name in ("pid", "latitude", "longitude", "height"):
        assert table[name].to_pylist() == by_hand[name].to_pylist(), name
    assert table["geometry"].null_count == 0


def _transposed(folder: Path, ids: list[str], dates: list[str], seed: int = 0) -> tuple[Path, np.ndarray]:
    values = np.random.default_rng(seed).normal(0, 4, (len(dates), len(ids))).round(1)
    path = folder / "transposed.csv"
    lines = [
        ",".join(["Date", *ids]),
        *(",".join([day, *map(str, row)]) for day, row in zip(dates, values, strict=True)),
    ]
    path.write_text("\r\n".join(lines), encoding="utf-8")
    return path, values


def test_transposed_tables_are_joined_by_id(tmp_path: Path) -> None:
    ids, dates = ["aB", "Ab", "0012", "7"], [f"2020-0{1 + i % 9}-{10 + i // 9}" for i in range(40)]
    table, values = _transposed(tmp_path, ids, dates)
    points = tmp_path / "points.csv"
    points.write_text(
        "latitude,pid,longitude\n52.1,7,16.1\n52.2,other,16.2\n52.3,aB,16.3\n52.4,0012,16.4\n", encoding="utf-8"
    )
    done = convert([table], tmp_path / "out.parquet", points=points)
    assert any("1 of 4 points has no row" in note for note in done.notes)
    out = pq.read_table(tmp_path / "out.parquet")
    assert out["pid"].to_pylist() == ids
    assert out["latitude"].to_pylist() == [52.3, None, 52.4, 52.1]
    assert [one is None for one in out["geometry"].to_pylist()] == [False, True, False, False]
    order = np.argsort(dates)
    np.testing.assert_array_equal(np.stack(out["displacement"].to_numpy()), values[order].T.astype(np.float32))
    assert json.loads(out.schema.metadata[b"insar_runtime:dates"]) == sorted(dates)


def test_transposed_tables_with_dates_of_a_named_format(tmp_path: Path) -> None:
    days = [f"{day:02d}/03/2020" for day in range(30, 0, -1)]
    table, values = _transposed(tmp_path, ["a", "b"], days)
    with pytest.raises(DataError, match="use --date-format"):
        convert([table], tmp_path / "out.parquet")
    convert([table], tmp_path / "out.parquet", named=CompanionFiles(UserDeclarations("mm", date_format="DD/MM/YYYY")))
    out = pq.read_table(tmp_path / "out.parquet")
    assert json.loads(out.schema.metadata[b"insar_runtime:dates"])[0] == "2020-03-01"
    np.testing.assert_array_equal(np.stack(out["displacement"].to_numpy()), values[::-1].T.astype(np.float32))


def test_transposed_tables_without_positions(tmp_path: Path) -> None:
    table, _ = _transposed(tmp_path, ["a", "b"], [f"2020-01-{day}" for day in range(10, 30)])
    done = convert([table], tmp_path / "out.parquet")
    assert any("--positions" in note for note in done.notes)
    assert pq.read_schema(tmp_path / "out.parquet").names == ["pid", "displacement"]


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ("name,latitude\na,1\n", "no column of ids"),
        ("pid,latitude\na,1\na,2\n", "occur twice"),
        ("pid,latitude\nx,1\n", "none of the 2 points"),
    ],
)
def test_points_that_do_not_fit(points: str, words: str, tmp_path: Path) -> None:
    table, _ = _transposed(tmp_path, ["a", "b"], ["2020-01-03", "2020-01-15"])
    (tmp_path / "points.csv").write_text(points, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        convert([table], tmp_path / "out.parquet", points=tmp_path / "points.csv")


def test_transposed_tables_with_bad_dates(tmp_path: Path) -> None:
    table, _ = _transposed(tmp_path, ["a", "b"], ["2020-01-03", "3 January"])
    with pytest.raises(DataError, match="'3 January' in row 1 of 'Date' is not a date"):
        convert([table], tmp_path / "out.parquet")
    table, _ = _transposed(tmp_path, ["a", "b"], ["2020-01-03", "2020-01-03"])
    with pytest.raises(DataError, match="occurs twice"):
        convert([table], tmp_path / "out.parquet")


@pytest.mark.parametrize("form", ["no name", "index", "nameless index", "times", "day first"])
def test_transposed_tables_as_data_frames_are_written(form: str, tmp_path: Path) -> None:
    dates = [date(2020, 1, 4) + timedelta(12 * i) for i in range(30)]
    values = np.arange(60.0).reshape(30, 2) / 10
    points = {"a1": values[:, 0], "007": values[:, 1]}
    texts = [f"{day:%d/%m/%Y}" if form == "day first" else str(day) for day in dates]
    path, named = tmp_path / "in.parquet", CompanionFiles()
    if form in {"no name", "day first"}:
        path, head = tmp_path / "in.csv", {"no name": "", "day first": "Date"}[form]
        lines = [f"{head},a1,007", *(f"{text},{row[0]},{row[1]}" for text, row in zip(texts, values, strict=True))]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        named = CompanionFiles(UserDeclarations(date_format="DD/MM/YYYY")) if form == "day first" else named
    else:
        name = {"index": "Date", "nameless index": "__index_level_0__", "times": "time"}[form]
        times = pa.array(dates).cast(pa.timestamp("ns"))
        pq.write_table(pa.table({**points, name: times if form != "index" else texts}), path)
    convert([path], tmp_path / "out.parquet", named=named, overwrite=True)
    out = pq.read_table(tmp_path / "out.parquet")
    assert out["pid"].to_pylist() == ["a1", "007"]
    assert json.loads(out.schema.metadata[b"insar_runtime:dates"]) == [str(day) for day in dates]
    np.testing.assert_allclose(np.stack(out["displacement"].to_numpy()), values.T, rtol=1e-6)


def test_options_that_do_not_go_with_tables(tmp_path: Path) -> None:
    source = write(wide(*series(50, 40)), tmp_path / "in.parquet")
    for options in ({"points": source}, {"every": 2}, {"min_coherence": 0.5}, {"named": CompanionFiles(mask="m.h5")}):
        with pytest.raises(UsageError, match="omit it"):
            convert([source], tmp_path / "out.parquet", **options)
