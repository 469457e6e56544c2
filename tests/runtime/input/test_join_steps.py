"""Joins that a table states: steps of its rows there are taken out, and those at other dates are not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, DataError, classify_file
from insar_runtime._convert.run import convert
from insar_runtime._engine.table_input import table_series
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.join_steps import JOINS_KEY, JoinStep, find_joins, without_join_steps
from insar_runtime._input.plain_types import as_plain
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.classes import TrendClass
from tests.runtime.tables import as_lists, wide, write

DATES = np.datetime64("2018-01-04") + 6 * np.arange(200)
JOIN = 120
METADATA = {JOINS_KEY.encode(): json.dumps([str(DATES[JOIN])]).encode()}


def rows(points: int = 300, seed: int = 0) -> np.ndarray:
    """Noise with memory on some rates and an annual cycle."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1.5, (points, 200))
    for epoch in range(1, 200):
        noise[:, epoch] += 0.4 * noise[:, epoch - 1]
    years = (DATES - DATES[0]).astype(float) / 365.25
    rate = rng.choice([0.0, 0.0, 10.0, -25.0], (points, 1))
    cycle = rng.normal(0, 1.5, (points, 1)) * np.sin(2 * np.pi * years + rng.uniform(0, 6, (points, 1)))
    return np.round(noise + rate * years + cycle, 1).astype(np.float32)


def levelled(series: np.ndarray) -> tuple[np.ndarray, JoinStep]:
    (join,) = find_joins(METADATA, DATES, series)
    return without_join_steps(series, DATES, (join,)), join


def left(series: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the steps at the join that are left, [N]."""
    difference = series - truth
    return difference[:, JOIN] - difference[:, JOIN - 1]


def test_rows_that_do_not_step_stay_as_they_are() -> None:
    series = rows()
    series[5, 150:] += 20  # a jump at another date
    series[6, JOIN + 4 :] += 20
    found, join = levelled(series)
    assert found is series
    assert (join.common_mm, join.rms_mm, join.limit) == (0.0, 0.0, np.inf)


def test_a_step_of_all_rows_is_taken_out_of_all() -> None:
    truth = rows()
    series = truth.copy()
    series[:, JOIN:] += 8
    series[3, JOIN - 9 : JOIN + 9] = np.nan  # nothing is known of its own step
    found, join = levelled(series)
    assert join.common_mm == pytest.approx(8, abs=0.5)
    assert np.abs(np.nanmedian(found[:, :JOIN] - truth[:, :JOIN] - 8)) < 0.5
    np.testing.assert_array_equal(found[:, JOIN:], series[:, JOIN:])


def test_own_steps_are_taken_out_as_far_as_they_are_known() -> None:
    truth = rows(800)
    steps = np.random.default_rng(2).normal(0, 8, 800).astype(np.float32)
    series = truth.copy()
    series[:, JOIN:] += steps[:, None]
    found, join = levelled(series)
    assert join.rms_mm == pytest.approx(8, rel=0.2)
    assert np.std(left(found, truth)) < 0.3 * np.std(steps)


def test_a_step_of_some_rows_is_taken_out_of_these() -> None:
    truth = rows(600)
    series = truth.copy()
    series[:60, JOIN:] += 25
    found, join = levelled(series)
    assert np.isfinite(join.limit)
    assert np.median(np.abs(left(found, truth)[:60])) < 2.5
    assert np.count_nonzero((found[60:] != series[60:]).any(axis=1)) < 10


def test_the_bits_of_a_row_do_not_depend_on_the_others() -> None:
    series = rows()
    series[:, JOIN:] += np.random.default_rng(2).normal(3, 6, (300, 1)).astype(np.float32)
    series[::7, ::5] = np.nan
    series[11, 3] = np.inf
    (join,) = find_joins(METADATA, DATES, series)
    whole = without_join_steps(series, DATES, (join,))
    for row in range(0, 300, 17):
        np.testing.assert_array_equal(without_join_steps(series[row : row + 1], DATES, (join,))[0], whole[row])


@pytest.mark.parametrize("text", ["no list", "[1]", '["2020-13-01"]', '{"a": 1}'])
def test_metadata_that_are_no_dates_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="insar_runtime:joins"):
        find_joins({JOINS_KEY.encode(): text.encode()}, DATES, rows(3))


def test_joins_outside_of_the_dates_are_none() -> None:
    text = json.dumps([str(DATES[0]), str(DATES[-1] + 1), "1995-01-01"])
    assert find_joins({JOINS_KEY.encode(): text.encode()}, DATES, rows(3)) == ()
    assert find_joins({}, DATES, rows(3)) == ()
    assert find_joins(None, DATES, rows(3)) == ()
    (few,) = find_joins(METADATA, DATES, rows(3))
    assert np.isfinite(few.limit), "few rows are judged one by one"


def joined_table(step: float) -> tuple[pa.Table, pa.Table]:
    """A table with a step of all rows at one date, without and with the statement that it is a join."""
    series = rows(400)
    series[:, JOIN:] += step
    table = as_lists(wide(series, DATES, prefix="D"), "fixed_size_list")
    return table, table.replace_schema_metadata({**table.schema.metadata, **METADATA})


@pytest.fixture(scope="module")
def plain() -> Classifier:
    return Classifier(device="cpu").with_priors(None)


def test_a_common_step_at_a_join_is_no_pue_no_jump_and_no_break(plain: Classifier) -> None:
    truth = plain.classify(joined_table(0.0)[0])
    unknown, known = (plain.classify(table) for table in joined_table(14.0))
    assert np.mean(unknown.class_id == TrendClass.PUE) > 0.5
    assert np.mean(known.class_id == TrendClass.PUE) <= np.mean(truth.class_id == TrendClass.PUE) + 0.01
    assert np.mean(known.class_id == truth.class_id) > 0.95
    jumps = [
        np.count_nonzero(np.abs(plain.diagnose(table, jumps="all").jumps.epoch - JOIN) <= 2)
        for table in joined_table(14.0)
    ]
    assert jumps[0] > 200
    assert jumps[1] <= 4
    breaks = plain.diagnose(joined_table(14.0)[1]).break_date
    assert np.count_nonzero(np.abs((breaks - DATES[JOIN]).astype(float)) < 60) <= 4


def test_files_state_their_joins_through_the_chain(tmp_path: Path) -> None:
    unknown, known = joined_table(14.0)
    write(known, tmp_path / "known.parquet")
    write(unknown, tmp_path / "unknown.parquet")
    done = classify_file(tmp_path / "known.parquet", tmp_path / "out.parquet", keep_series=True, diagnose=True)
    other = classify_file(tmp_path / "unknown.parquet", tmp_path / "other.parquet", diagnose=True)
    assert done.classes["PUE"] <= 8
    assert other.classes["PUE"] > 200
    assert any(f"releases are joined at {DATES[JOIN]}" in note for note in done.notes)
    assert "level_change" in {finding.code for finding in other.findings}
    assert not {finding.code for finding in done.findings} & {"level_change", "joined_releases", "missing_block"}
    metadata = pq.read_metadata(tmp_path / "out.parquet").metadata
    block = json.loads(metadata[b"insar_runtime"])
    assert block["input"]["joins"] == [str(DATES[JOIN])]
    assert json.loads(metadata[JOINS_KEY.encode()]) == [str(DATES[JOIN])]
    (step,) = block["diagnosis"]["noise"]["steps"]
    assert (step["date"], step["joined"]) == (str(DATES[JOIN]), True)
    # The series of the file are kept as they are.
    kept = pq.read_table(tmp_path / "out.parquet")["displacement"]
    assert kept.equals(known["displacement"])
    assert "joins" not in json.loads(pq.read_metadata(tmp_path / "other.parquet").metadata[b"insar_runtime"])["input"]


def by_place(count: int = 15_000) -> pa.Table:
    """A table sorted by place: the first rows do not step at the join, the last 6,000 do by 14 mm."""
    rng = np.random.default_rng(4)
    series = np.round(rng.normal(0, 1.5, (count, 100)) + rng.choice([0.0, 8.0], (count, 1)) * np.arange(100) / 60, 1)
    series[-6000:, 60:] += 14
    dates = DATES[:100]
    table = as_lists(wide(series, dates, prefix="D"), "fixed_size_list")
    joins = {JOINS_KEY.encode(): json.dumps([str(dates[60])]).encode()}
    return table.replace_schema_metadata({**table.schema.metadata, **joins})


def test_a_join_is_judged_by_rows_of_the_whole_table(tmp_path: Path, plain: Classifier) -> None:
    """Whatever it lies in, or in memory."""
    table = by_place()
    found = []
    for name in ("in.parquet", "in.arrow"):
        with open_described(write(table, tmp_path / name)) as opened:
            found.append(opened.description.joins)
            last = opened.description.matrix(as_plain(table.slice(len(table) - 300).combine_chunks().to_batches()[0]))
    assert found[0] == found[1] == table_joins(table)
    (join,) = found[0]
    assert join.rms_mm > 2
    assert np.isfinite(join.limit)
    steps = np.median(last[:, 60:75], axis=1) - np.median(last[:, 45:60], axis=1)
    assert np.abs(np.median(steps)) < 2
    assert np.mean(plain.classify(table).class_id[-6000:] == TrendClass.PUE) < 0.02


def test_a_table_of_few_rows_is_judged_by_all_of_them(tmp_path: Path) -> None:
    _, known = joined_table(14.0)
    with open_described(write(known, tmp_path / "in.parquet")) as opened:
        assert opened.description.joins == table_joins(known)


def table_joins(table: pa.Table) -> tuple[JoinStep, ...]:
    description = table_series(table, units="mm", half_wavelength_mm=27.7).description
    assert description is not None
    return description.joins


def test_convert_hands_joins_on_and_changes_no_value(tmp_path: Path) -> None:
    _, known = joined_table(14.0)
    convert([write(known, tmp_path / "in.parquet")], tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["displacement"].equals(known["displacement"])
    with open_described(tmp_path / "out.parquet") as table:
        assert [join.date for join in table.description.joins] == [DATES[JOIN]]


def test_points_of_one_release_alone_are_no_doubt_where_the_join_is_known(tmp_path: Path) -> None:
    series = rows(400)
    series[:30, :JOIN] = np.nan
    series[30:60, JOIN + 30 :] = np.nan
    table = as_lists(wide(series, DATES, prefix="D"), "fixed_size_list")
    write(table, tmp_path / "unknown.parquet")
    write(table.replace_schema_metadata({**table.schema.metadata, **METADATA}), tmp_path / "known.parquet")
    codes = [
        {finding.code for finding in classify_file(tmp_path / name, tmp_path / f"out.{name}").findings}
        for name in ("unknown.parquet", "known.parquet")
    ]
    assert "joined_releases" in codes[0]
    assert not codes[1] & {"joined_releases", "missing_block"}


def test_rows_of_one_release_alone_have_no_step_to_take_out(tmp_path: Path) -> None:
    truth = rows()
    series = truth.copy()
    series[20:, JOIN:] += 8
    release = ["old"] * 10 + ["new"] * 10 + ["both"] * 280
    table = wide(series, DATES, join_release=release, mean_velocity=np.zeros(300))
    with open_described(
        write(table.replace_schema_metadata(METADATA), tmp_path / "in.parquet"), UserDeclarations(units="mm")
    ) as opened:
        batch = table.to_batches()[0]
        found = opened.description.matrix(batch)
    assert np.array_equal(found[:20], series[:20])
    assert abs(np.median(left(found, truth)[20:])) < 0.5
