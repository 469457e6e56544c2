"""Two releases become one table: each point with one series, all points of both, and reasons where that fails."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import join_files
from insar_runtime._output.run_metadata import read_block
from insar_runtime._pipeline.prepare import open_described
from tests.runtime.releases.releases import Cut, cut
from tests.runtime.run_command import run
from tests.runtime.tables import as_lists, as_long, wide, write


def read(path: Path) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Return the columns of a joined table, its series [N, T], and its dates [T]."""
    with open_described(path) as table:
        batch = pa.concat_batches(list(table.batches))
        columns = batch.to_pydict()
        for name in ("join_offset_mm", "join_distance_m", "join_epochs"):
            # A CSV has text in columns that nothing is known of.
            columns[name] = [None if value is None or value == "" else float(value) for value in columns[name]]
        return columns, table.description.as_stored(batch), table.description.layout.dates


def check(made: Cut, path: Path, *, rounding: float = 0.06) -> None:
    """Compare a joined table with the one that both releases were cut from."""
    columns, series, dates = read(path)
    first, last = (0, len(made.dates)) if made.new_begin <= made.old_end else (made.new_begin, made.old_end)
    assert dates.tolist() == made.dates[first:last].tolist()
    points = np.array([int(name[1:]) for name in columns["pid"]])
    assert sorted(points.tolist()) == sorted(set(made.old_rows.tolist()) | set(made.new_rows.tolist()))
    both = set(made.both.tolist())
    for row, point in enumerate(points.tolist()):
        status, release = columns["join_status"][row], columns["join_release"][row]
        if point in both:
            assert (status, release) == ("joined", "both")
            assert columns["join_offset_mm"][row] == pytest.approx(made.offsets[point], abs=rounding)
            assert columns["join_epochs"][row] == made.old_end - made.new_begin
            expected = made.displacement[point] + made.offsets[point]
            np.testing.assert_allclose(series[row], expected, atol=rounding)
            continue
        old = point in set(made.old_rows.tolist())
        assert (status, release) == (("only_old", "old") if old else ("only_new", "new"))
        assert columns["join_offset_mm"][row] is None
        assert columns["join_epochs"][row] is None
        own = slice(None, made.old_end) if old else slice(made.new_begin, None)
        moved = made.displacement[point, own] + (0 if old else made.offsets[point])
        np.testing.assert_allclose(series[row, own], moved, atol=1e-4)
        assert np.isnan(np.delete(series[row], np.arange(len(dates))[own])).all()


@settings(max_examples=15, deadline=None)
@given(
    points=st.integers(4, 60),
    edges=st.tuples(st.integers(0, 40), st.integers(10, 50)),
    lost=st.sampled_from([0.0, 0.05, 0.2]),
    seed=st.integers(0, 1000),
)
def test_random_cuts_are_joined_to_the_table_they_come_from(
    points: int, edges: tuple[int, int], lost: float, seed: int
) -> None:
    begin, overlap = edges
    made = cut(points, 100, new_begin=begin, old_end=begin + overlap, lost=lost, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        old, new = made.write(Path(folder))
        done = join_files(old, new, Path(folder) / "joined.parquet", units="mm")
        check(made, Path(folder) / "joined.parquet")
    assert done.common_epochs == overlap
    assert done.join_dates == ((str(made.dates[begin]),) if begin else ())
    assert sum(done.statuses.values()) == done.rows


@pytest.mark.parametrize("layout", ["csv", "list", "fixed_size_list", "long"])
def test_releases_of_different_layouts_are_joined(layout: str, tmp_path: Path) -> None:
    made = cut(40)
    old = made.old()
    table = old if layout == "csv" else as_long(old) if layout == "long" else as_lists(old, layout)
    first = write(table, tmp_path / ("old.csv" if layout == "csv" else "old.parquet"))
    second = write(made.new(prefix="D"), tmp_path / "new.parquet")
    join_files(first, second, tmp_path / "joined.parquet", units="mm")
    check(made, tmp_path / "joined.parquet")


@pytest.mark.parametrize("extension", ["csv", "arrow", "gpkg"])
def test_joined_tables_of_other_formats_are_read_back(extension: str, tmp_path: Path) -> None:
    made = cut(30)
    output = tmp_path / f"joined.{extension}"
    join_files(*made.write(tmp_path), output)
    check(made, output)
    block = read_block(output)
    assert block is not None
    assert block["joined"]["dates"] == [str(made.dates[made.new_begin])]


@pytest.mark.usefixtures("scipy")
def test_centimetres_and_millimetres_are_joined(tmp_path: Path) -> None:
    made = cut(60)
    names = [name for name in made.old().schema.names if name.isdigit()]
    old = made.old()
    for name in names:
        old = old.set_column(old.schema.get_field_index(name), name, pa.array(old[name].to_numpy() / 10))
    values = np.stack([old[name].to_numpy() for name in names], axis=1) * 10
    years = (made.dates[: made.old_end] - made.dates[0]).astype(float) / 365.25
    old = old.append_column("mean_velocity", pa.array(np.polyfit(years, values.T, 1)[0]))
    join_files(write(old, tmp_path / "old.parquet"), made.write(tmp_path)[1], tmp_path / "joined.parquet")
    # write() has replaced old.parquet by millimetres: write the centimetres once more.
    first = write(old, tmp_path / "cm.parquet")
    done = join_files(first, tmp_path / "new.parquet", tmp_path / "other.parquet")
    check(made, tmp_path / "other.parquet")
    assert done.notes == ()


def test_columns_of_both_are_kept_under_the_names_of_the_new_release(tmp_path: Path) -> None:
    made = cut(40, lost=0.1)
    old, new = made.old(), made.new()
    old = old.rename_columns(["code", "lat", "lon", *old.schema.names[3:]])
    numbers = pa.array(np.arange(len(old)), pa.int32())
    old = old.append_column("height", numbers).append_column("only", numbers.cast(pa.string()))
    old = old.append_column("odd", numbers)
    new = new.append_column("height", pa.array(np.full(len(new), 0.5)))
    new = new.append_column("odd", pa.array([[True]] * len(new)))
    write(old, tmp_path / "old.parquet")
    write(new, tmp_path / "new.parquet")
    done = join_files(tmp_path / "old.parquet", tmp_path / "new.parquet", tmp_path / "joined.parquet", units="mm")
    table = pq.read_table(tmp_path / "joined.parquet").to_pandas().set_index("pid")
    assert "code" not in table
    assert any("column odd" in note for note in done.notes)
    alone, both = table[table.join_status == "only_old"], table[table.join_status == "joined"]
    source = old.to_pandas().set_index("code")
    assert alone.height.tolist() == source.loc[alone.index].height.tolist()
    assert alone.latitude.tolist() == source.loc[alone.index].lat.tolist()
    assert alone.geometry.notna().all()
    assert (both.height == 0.5).all()
    assert both.only.tolist() == source.loc[both.index].only.tolist()
    assert alone.odd.isna().all()
    assert table[table.join_status == "only_new"].only.isna().all()


@pytest.mark.usefixtures("scipy")
def test_points_that_lose_their_geometry_are_named_in_a_note(tmp_path: Path) -> None:
    made = cut(40, lost=0.1)
    old, new = made.write(tmp_path)
    classified = join_files(old, new, tmp_path / "first.parquet", units="mm")
    assert classified.notes == ()
    table = pq.read_table(tmp_path / "first.parquet")
    pq.write_table(table.drop_columns(["longitude", "latitude"]), tmp_path / "geometry.parquet")
    done = join_files(tmp_path / "geometry.parquet", new, tmp_path / "joined.parquet", units="mm")
    assert [note for note in done.notes if note.startswith("OLD has the positions of its points in a geometry alone")]


def test_a_pair_that_cannot_be_joined_is_two_rows_with_the_reason(tmp_path: Path) -> None:
    made = cut(40, lost=0.0)
    old, new = made.old(), made.new()
    names = [name for name in new.schema.names if name.isdigit()]
    values = np.stack([new[name].to_numpy() for name in names], axis=1)
    values[0, : len(names) // 4] += 30.0
    values[1, :-5] = np.nan
    values[2, : made.old_end - made.new_begin - 3] = np.nan
    columns = {name: new[name] for name in new.schema.names if name not in names}
    new = pa.table({**columns, **{name: pa.array(values[:, i], from_pandas=True) for i, name in enumerate(names)}})
    ids = new["pid"].to_pylist()[:3]
    done = join_files(
        write(old, tmp_path / "old.parquet"), write(new, tmp_path / "new.parquet"), tmp_path / "joined.parquet"
    )
    columns_out, series, _ = read(tmp_path / "joined.parquet")
    assert done.rows == len(series) == 43
    found = {
        name: Counter(
            (columns_out["join_status"][i], columns_out["join_release"][i], columns_out["join_epochs"][i])
            for i, one in enumerate(columns_out["pid"])
            if one == name
        )
        for name in ids
    }
    assert [key[0] for key in found[ids[0]]] == ["series_disagree"] * 2
    assert [key[0] for key in found[ids[1]]] == ["no_common_epochs"] * 2
    assert [key[0] for key in found[ids[2]]] == ["too_few_common_epochs"] * 2
    assert all({key[1] for key in found[name]} == {"old", "new"} for name in ids)
    rows = [i for i, one in enumerate(columns_out["pid"]) if one == ids[0] and columns_out["join_release"][i] == "old"]
    expected = old.slice(old["pid"].to_pylist().index(ids[0]), 1)
    first = np.array([expected[name][0].as_py() for name in expected.schema.names if name.isdigit()])
    np.testing.assert_allclose(series[rows[0], : made.old_end], first, atol=1e-4)


def test_at_common_dates_the_new_value_holds_and_the_old_one_fills_gaps(tmp_path: Path) -> None:
    made = cut(30, lost=0.0)
    new = made.new()
    name = str(made.dates[40]).replace("-", "")
    values = new[name].to_numpy().copy()
    values[:] += 1.5
    values[::2] = np.nan
    new = new.set_column(new.schema.get_field_index(name), name, pa.array(values, from_pandas=True))
    join_files(write(made.old(), tmp_path / "o.parquet"), write(new, tmp_path / "n.parquet"), tmp_path / "j.parquet")
    columns, series, _ = read(tmp_path / "j.parquet")
    points = np.array([int(name[1:]) for name in columns["pid"]])
    expected = (made.displacement + made.offsets[:, None])[points, 40]
    expected[1::2] += 1.5
    np.testing.assert_allclose(series[:, 40], expected, atol=0.06)


def test_the_order_of_rows_changes_nothing_but_the_order(tmp_path: Path) -> None:
    made = cut(50)
    join_files(*made.write(tmp_path), tmp_path / "one.parquet")
    write(made.old().take(pa.array(np.arange(len(made.old_rows))[::-1])), tmp_path / "old.parquet")
    write(made.new().take(pa.array(np.arange(len(made.new_rows))[::-1])), tmp_path / "new.parquet")
    join_files(tmp_path / "old.parquet", tmp_path / "new.parquet", tmp_path / "two.parquet")
    one, two = (pq.read_table(tmp_path / name).sort_by("pid") for name in ("one.parquet", "two.parquet"))
    assert one.drop_columns("displacement").equals(two.drop_columns("displacement"))
    first, second = (np.stack(table["displacement"].to_numpy()) for table in (one, two))
    np.testing.assert_array_equal(first, second)


def test_a_joined_table_is_joined_with_a_third_release(tmp_path: Path) -> None:
    made = cut(40, 120, old_end=70, new_begin=30, lost=0.0)
    third = wide(made.displacement[:, 60:] - 4, made.dates[60:])
    write(wide(made.displacement[:, 20:90], made.dates[20:90]), tmp_path / "b.parquet")
    write(wide(made.displacement[:, :40], made.dates[:40]), tmp_path / "a.parquet")
    join_files(tmp_path / "a.parquet", tmp_path / "b.parquet", tmp_path / "ab.parquet")
    done = join_files(tmp_path / "ab.parquet", write(third, tmp_path / "c.parquet"), tmp_path / "abc.parquet")
    assert done.join_dates == (str(made.dates[20]), str(made.dates[60]))
    names = pq.read_schema(tmp_path / "abc.parquet").names
    assert len(names) == len(set(names))
    _, series, dates = read(tmp_path / "abc.parquet")
    assert dates.tolist() == made.dates.tolist()
    np.testing.assert_allclose(series, made.displacement - 4, atol=0.06)
    metadata = pq.read_metadata(tmp_path / "abc.parquet").metadata
    assert json.loads(metadata[b"insar_runtime:joins"]) == list(done.join_dates)


def test_an_old_release_that_ends_last_has_a_second_join(tmp_path: Path) -> None:
    made = cut(30)
    inner = wide(made.displacement[:, 20:60] + 2, made.dates[20:60])
    done = join_files(
        write(wide(made.displacement, made.dates), tmp_path / "o.parquet"),
        write(inner, tmp_path / "n.parquet"),
        tmp_path / "j.parquet",
    )
    assert done.join_dates == (str(made.dates[20]), str(made.dates[60]))
    assert any("OLD ends after NEW" in note for note in done.notes)
    np.testing.assert_allclose(read(tmp_path / "j.parquet")[1], made.displacement + 2, atol=0.06)


def test_points_are_matched_by_position_where_ids_differ(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    made = cut(40, lost=0.0)
    new = made.new()
    new = new.set_column(0, "pid", pa.array([f"q{name[1:]}" for name in new["pid"].to_pylist()]))
    done = join_files(write(made.old(), tmp_path / "o.parquet"), write(new, tmp_path / "n.parquet"), tmp_path / "j.csv")
    assert (done.matched_by_id, done.matched_by_position, done.statuses) == (0, 40, {"joined": 40})
    columns, _, _ = read(tmp_path / "j.csv")
    assert [name[1:] for name in columns["join_old_id"]] == [name[1:] for name in columns["pid"]]
    assert max(columns["join_distance_m"]) < 0.01


@pytest.mark.parametrize(
    "kinds",
    [
        (pa.int64(), pa.string()),
        (pa.string(), pa.int64()),
        (pa.float64(), pa.string()),
        (pa.float64(), pa.int64()),
        (pa.dictionary(pa.int32(), pa.string()), pa.string()),
    ],
)
def test_no_point_loses_its_id_where_the_releases_have_ids_of_other_types(
    kinds: tuple[pa.DataType, pa.DataType], tmp_path: Path
) -> None:
    made = cut(40, lost=0.1)
    paths = []
    for table, kind, name in zip((made.old(), made.new()), kinds, ("old", "new"), strict=True):
        numbers = pa.array([int(text[1:]) for text in table["pid"].to_pylist()])
        texts = numbers.cast(pa.string())
        ids = texts.dictionary_encode() if pa.types.is_dictionary(kind) else texts.cast(kind)
        paths.append(write(table.set_column(0, "pid", ids), tmp_path / f"{name}.parquet"))
    done = join_files(paths[0], paths[1], tmp_path / "joined.parquet")
    assert done.statuses == {"joined": len(made.both), "only_old": 4, "only_new": 4}
    ids = pq.read_table(tmp_path / "joined.parquet")["pid"].to_pylist()
    assert sorted(ids) == sorted(str(point) for point in set(made.old_rows.tolist()) | set(made.new_rows.tolist()))


def test_points_without_coordinates_do_not_keep_the_others_from_being_matched(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    made = cut(40, lost=0.0)
    new = made.new()
    new = new.set_column(0, "pid", pa.array([f"q{name[1:]}" for name in new["pid"].to_pylist()]))
    for name in ("latitude", "longitude"):
        values = new[name].to_numpy().copy()
        values[: len(values) * 3 // 4] = np.nan
        new = new.set_column(new.schema.get_field_index(name), name, pa.array(values))
    done = join_files(write(made.old(), tmp_path / "o.parquet"), write(new, tmp_path / "n.parquet"), tmp_path / "j.csv")
    assert (done.matched_by_id, done.matched_by_position) == (0, 10)


def test_classes_of_one_release_are_not_those_of_the_join(tmp_path: Path) -> None:
    made = cut(40)
    own = pa.array(np.arange(len(made.old_rows), dtype=np.float32))
    old = write(made.old().append_column("acceleration_std", own), tmp_path / "old.parquet")
    new = write(made.new(), tmp_path / "new.parquet")
    options = ("--units", "mm", "--keep-series", "--diagnose", "--quiet")
    assert run("classify", new, "-o", tmp_path / "classified.parquet", *options).returncode == 0
    done = join_files(old, tmp_path / "classified.parquet", tmp_path / "joined.parquet")
    assert any("NEW is classified" in note for note in done.notes)
    plain = join_files(old, new, tmp_path / "plain.parquet")
    assert done.statuses == plain.statuses
    names = set(pq.read_schema(tmp_path / "joined.parquet").names)
    assert "acceleration_std" in names  # one of the release that is not classified
    assert {"class_name", "p_stable", "velocity_mm_yr", "jump_dates"}.isdisjoint(names)
    again = run("classify", tmp_path / "joined.parquet", "-o", tmp_path / "again.parquet", "--units", "mm")
    assert again.returncode == 0, again.stderr.decode()


@pytest.mark.parametrize("name", ["egms_l2_wroclaw/175_0304_IW1_VV.csv", "egms_l2_carpathians/102_100.csv"])
def test_real_files_that_were_cut_are_joined_again(name: str, real: Any, tmp_path: Path) -> None:
    table = pacsv.read_csv(real(name))
    dates = [column for column in table.schema.names if column.isdigit()]
    columns = [column for column in table.schema.names if not column.isdigit()]
    third = len(dates) // 3
    old = table.select([*columns, *dates[: 2 * third]])
    new = table.select([*columns, *dates[third:]])
    for date in dates[third:]:
        moved = np.round(new[date].to_numpy().astype(float) + 7.3, 1)
        new = new.set_column(new.schema.get_field_index(date), date, pa.array(moved, from_pandas=True))
    done = join_files(write(old, tmp_path / "old.csv"), write(new, tmp_path / "new.csv"), tmp_path / "j.parquet")
    found, series, axis = read(tmp_path / "j.parquet")
    assert len(axis) == len(dates)
    joined = np.array(found["join_status"]) == "joined"
    assert joined.sum() == done.statuses["joined"] >= 0.6 * len(table)
    whole = np.stack([table[date].to_numpy() for date in dates], axis=1).astype(float) + 7.3
    places = [table["pid"].to_pylist().index(name) for name in np.array(found["pid"])[joined]]
    np.testing.assert_allclose(series[joined], whole[places], atol=0.11)
