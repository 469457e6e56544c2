"""Diagnosis of arrays and batches: rows that are searched, columns, options, and bad rows."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import Classifier, DataError, Diagnose, Diagnosis, Result, UsageError, classify_file
from insar_runtime._diagnosis.diagnoser import Diagnoser
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA, DiagnosedRows
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.results import FIT_STATUS_NAMES
from insar_runtime._input.units.sensors import SENTINEL1_MM
from insar_runtime._pipeline import blas
from insar_runtime._pipeline.blas import OneThread
from insar_runtime.classes import TrendClass
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.diagnoses import BENT, BOXED, DATES, EPOCHS, STEADY, STEPPED, by_hand, moving
from tests.runtime.tables import as_lists, wide


@pytest.fixture(scope="module")
def found(classifier: Classifier) -> Diagnosis:
    return classifier.diagnose(moving(), DATES)


def rows_of(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    batch = diagnosis.to_arrow()
    batch.validate(full=True)
    assert batch.schema.equals(DIAGNOSIS_SCHEMA)
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows


def test_known_motion_is_found(found: Diagnosis) -> None:
    rows = rows_of(found)
    assert found.half_wavelength_mm == SENTINEL1_MM
    assert all(row["diagnosis_status"] == "ok" for row in rows)
    for row in rows[STEADY]:
        assert row["n_jumps"] is None
        assert row["jump_dates"] is None
        assert row["break_date"] is None
        assert abs(row["velocity_mm_yr"]) < 6 * row["velocity_std"]
    for row in rows[STEPPED]:
        assert (row["n_jumps"], row["jump_cycles"], row["jump_repaired"]) == (1, [1], [True])
        assert row["jump_dates"] == [DATES[70].item()]
        assert row["class_after_repair"] == "Stable"
    for row in rows[BOXED]:
        assert row["jump_cycles"] == [-2, 2]
        assert row["jump_dates"] == [DATES[40].item(), DATES[60].item()]
    bent = [row for row in rows[BENT] if row["break_date"] is not None]
    assert len(bent) >= 13
    held = [row["break_lo"] <= DATES[75].item() <= row["break_hi"] for row in bent]
    assert np.mean(held) > 0.6
    assert all(row["break_lo"] <= row["break_date"] <= row["break_hi"] for row in bent)
    assert abs(np.median([row["v_after"] - row["v_before"] for row in bent]) - 30) < 3
    counts = found.counts()
    assert (counts["rows"], counts["repaired"], counts["jumps"]) == (60, 30, 45)
    assert (counts["without_whole_cycles"], counts["uncertain"], counts["not_improved"]) == (0, 0, 0)


def test_date_properties_equal_the_columns(found: Diagnosis) -> None:
    columns = found.to_arrow()
    with_break = ~np.isnat(found.break_date)
    assert np.array_equal(np.flatnonzero(with_break), found.break_rows)
    assert pa.array(found.break_date).equals(columns["break_date"])
    assert found.break_interval.shape == (len(found), 2)
    lo, hi = found.break_interval[with_break].T
    assert (lo <= found.break_date[with_break]).all()
    assert (found.break_date[with_break] <= hi).all()
    assert np.abs((found.break_date[BENT] - DATES[75]).astype(int)).max() <= 60
    of_row = [found.jump_date[found.jump_series == row].tolist() for row in range(len(found))]
    assert of_row == [dates or [] for dates in columns["jump_dates"].to_pylist()]


def test_corrected_series_have_no_jumps(found: Diagnosis) -> None:
    displacement = moving()
    clean = displacement.copy()
    clean[STEPPED, 70:] -= SENTINEL1_MM
    clean[BOXED, 40:60] += 2 * SENTINEL1_MM
    np.testing.assert_allclose(found.corrected, clean, atol=1e-4)
    assert found.corrected.dtype == np.float32
    # Untouched rows keep their bits, and the series given stay what they were.
    same = np.setdiff1d(np.arange(60), found.repaired_rows)
    np.testing.assert_array_equal(found.corrected[same], displacement[same].astype(np.float32))
    np.testing.assert_array_equal(found.displacement, displacement.astype(np.float32))


@pytest.mark.parametrize("jumping", [5, 10, 20])
def test_jumps_of_many_rows_at_one_date_are_found(classifier: Classifier, jumping: int) -> None:
    displacement = np.random.default_rng(0).normal(0, 2, (100, EPOCHS))
    displacement[:jumping, 70:] += SENTINEL1_MM
    found = classifier.diagnose(displacement, DATES)
    assert set(found.jump_series) <= set(range(jumping))
    assert len(found.repaired_rows) >= 0.9 * jumping
    assert (np.abs(found.jumps.epoch - 70) <= 1).all()


def test_the_break_of_a_repaired_series_is_found_without_its_jumps(classifier: Classifier) -> None:
    displacement = moving()
    displacement[BENT, 20:35] -= 2 * SENTINEL1_MM
    rows = rows_of(classifier.diagnose(displacement, DATES, jumps="all"))[BENT]
    repaired = [row for row in rows if row["class_after_repair"] == "Bilinear"]
    assert len(repaired) > 8
    for row in repaired:
        assert row["jump_cycles"] == [-2, 2]
        assert abs((row["break_date"] - DATES[75].item()).days) < 60
        assert row["v_after"] - row["v_before"] == pytest.approx(30, abs=6)


def test_unknown_wavelengths_give_no_cycles_and_no_repair(classifier: Classifier) -> None:
    eleven = np.datetime64("2019-01-04") + 11 * np.arange(EPOCHS)
    for found in (
        classifier.diagnose(moving(), eleven),
        classifier.diagnose(moving(), DATES, half_wavelength_mm=None),
    ):
        assert found.half_wavelength_mm is None
        rows = rows_of(found)
        assert {row["n_jumps"] for row in rows[STEPPED]} == {1}
        assert all(row["jump_cycles"] == row["jump_distance"] == [None] for row in rows[STEPPED])
        assert not len(found.repaired_rows)
        counts = found.counts()
        assert counts["without_whole_cycles"] == counts["with_jumps"] >= 30
    known = classifier.diagnose(moving(), eleven, half_wavelength_mm=SENTINEL1_MM)
    assert len(known.repaired_rows) == 30
    damped = classifier.diagnose(moving(), eleven, repair_damped=True)
    assert set(range(15, 45)) <= set(damped.repaired_rows.tolist())
    np.testing.assert_allclose(damped.corrected[STEPPED].std(), 1.5, rtol=0.3)


def _check_reasons(diagnosis: Diagnosis) -> None:
    """Count the series that jump and are not repaired once more, row by row."""
    counts, rows = diagnosis.counts(), rows_of(diagnosis)
    left = [row for row in rows if row["n_jumps"] and not any(row["jump_repaired"])]
    whole = [[p for p, cycles in zip(row["jump_prob"], row["jump_cycles"], strict=True) if cycles] for row in left]
    sure = [max(p) >= diagnosis.options.repair_above for p in whole if p]
    assert counts["without_whole_cycles"] == sum(not p for p in whole)
    assert (counts["uncertain"], counts["not_improved"]) == (sure.count(False), sure.count(True))
    assert len(left) == counts["with_jumps"] - counts["repaired"]


def test_arguments_of_diagnose_take_effect(classifier: Classifier) -> None:
    displacement = moving()
    result = classifier.classify(displacement, DATES)
    given_result = classifier.diagnose(displacement, DATES, result=result)
    assert rows_of(given_result) == rows_of(classifier.diagnose(displacement, DATES))
    everything = classifier.diagnose(displacement, DATES, jumps="all")
    assert everything.counts()["searched_for_jumps"] == 60
    assert all(row["n_jumps"] is not None for row in rows_of(everything))
    for above in (0.0, 0.5, 0.999):
        found = classifier.diagnose(displacement, DATES, repair_above=above)
        assert (found.jumps.probability[found.jump_repaired] >= above).all()
        _check_reasons(found)
    _check_reasons(classifier.diagnose(displacement, DATES, repair_above=1.0))
    _check_reasons(everything)
    noise = FileNoise.typical(np.arange(0, 6 * EPOCHS, 6, dtype=np.float64))
    assert classifier.diagnose(displacement, DATES, noise=noise).noise is noise
    # Of another axis: its kinds count, not its epochs.
    other = FileNoise.typical(np.arange(0, 12 * 90, 12, dtype=np.float64))
    assert len(classifier.diagnose(displacement, DATES, noise=other).noise.days) == EPOCHS
    shuffled = np.random.default_rng(0).permutation(EPOCHS)
    assert rows_of(classifier.diagnose(displacement[:, shuffled], DATES[shuffled])) == rows_of(given_result)


def test_wrong_arguments_raise_an_error_with_a_remedy(classifier: Classifier) -> None:
    displacement = moving()
    with pytest.raises(UsageError, match="some"):
        classifier.diagnose(displacement, DATES, jumps="some")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="probability"):
        Diagnose(repair_above=2)
    with pytest.raises(UsageError, match="auto"):
        classifier.diagnose(displacement, DATES, half_wavelength_mm="C")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="positive"):
        classifier.diagnose(displacement, DATES, half_wavelength_mm=-3)
    with pytest.raises(UsageError, match="60 series"):
        classifier.diagnose(displacement[:4], DATES, result=classifier.classify(displacement, DATES))
    with pytest.raises(UsageError, match="shape"):
        classifier.diagnose(displacement[:, :40], DATES)
    with pytest.raises(DataError, match="twice"):
        classifier.diagnose(displacement, np.repeat(DATES[::2], 2))


def test_a_single_series_is_diagnosed(classifier: Classifier) -> None:
    found = classifier.diagnose(moving()[20], DATES)
    assert len(found) == 1
    assert rows_of(found)[0]["jump_cycles"] == [1]


@settings(max_examples=25)
@given(data=st.data())
def test_bad_rows_have_nulls_and_a_status(classifier: Classifier, data: st.DataObject) -> None:
    """Whatever is missing or infinite, no row fails, and what is reported is finite."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    displacement = moving(60, seed=1)[rng.permutation(60)[:12]]
    for row in range(12):
        kind = data.draw(
            st.sampled_from(["whole", "share", "tail", "head", "gap", "empty", "one", "inf", "constant", "huge"])
        )
        if kind == "share":
            displacement[row, rng.random(EPOCHS) < data.draw(st.floats(0, 1))] = np.nan
        elif kind in {"tail", "head", "gap"}:
            begin, end = sorted(rng.integers(0, EPOCHS + 1, 2))
            displacement[row, {"tail": slice(begin, None), "head": slice(0, end), "gap": slice(begin, end)}[kind]] = (
                np.nan
            )
        elif kind == "empty":
            displacement[row] = np.nan
        elif kind == "one":
            displacement[row, np.arange(EPOCHS) != 7] = np.nan
        elif kind == "inf":
            displacement[row, rng.integers(EPOCHS)] = rng.choice([np.inf, -np.inf])
        elif kind == "constant":
            displacement[row] = 3.0
        elif kind == "huge":
            displacement[row, 3] = 1e30
    found = classifier.diagnose(displacement, DATES, jumps=data.draw(st.sampled_from(["flagged", "all"])))
    for told in rows_of(found):
        assert told["diagnosis_status"] in FIT_STATUS_NAMES
        for name, value in told.items():
            values = value if isinstance(value, list) else [value]
            assert all(np.isfinite(one) for one in values if isinstance(one, float)), name
        lists = [told[name] for name in told if name.startswith("jump_")]
        assert len({None if one is None else len(one) for one in lists}) == 1
        assert told["n_jumps"] == (None if lists[0] is None else len(lists[0]))
        if told["diagnosis_status"] == "ok":
            assert told["velocity_mm_yr"] is not None


def test_columns_of_known_jumps() -> None:
    series = np.zeros((4, EPOCHS))
    found = by_hand(series, DATES, [(1, 5, 1), (1, 9, -1), (3, 140, 2)])
    rows = rows_of(found)
    assert [row["n_jumps"] for row in rows] == [0, 2, 0, 1]
    assert [row["jump_dates"] for row in rows] == [[], [DATES[5].item(), DATES[9].item()], [], [DATES[140].item()]]
    assert rows[3]["jump_mm"] == [round(float(np.float32(2 * SENTINEL1_MM)), 3)] or rows[3]["jump_cycles"] == [2]
    assert [row["class_after_repair"] for row in rows] == [None, "Stable", None, "Stable"]
    np.testing.assert_allclose(found.corrected[3, 140:], -2 * SENTINEL1_MM, rtol=1e-6)
    assert found.taken_out_mm.tolist() == pytest.approx([SENTINEL1_MM, -SENTINEL1_MM, 2 * SENTINEL1_MM])


@pytest.mark.parametrize("step", [1, 7, 60])
def test_results_do_not_depend_on_the_batch_size(classifier: Classifier, step: int) -> None:
    table = wide(moving(), DATES)
    whole = pa.Table.from_batches(classifier.classify_batches(table, diagnose=True))
    assert whole.schema.names == [*table.schema.names[:3], *RESULT_SCHEMA.names, *DIAGNOSIS_SCHEMA.names, "velocity"]
    parts = list(classifier.classify_batches(table.to_batches(max_chunksize=step), diagnose=True))
    assert [part.num_rows for part in parts] == [len(part) for part in table.to_batches(max_chunksize=step)]
    again = pa.Table.from_batches(parts)
    assert again.to_pylist() == whole.to_pylist()
    assert whole["velocity"].to_pylist() == whole["velocity_mm_yr"].to_pylist()
    alone = rows_of(classifier.diagnose(moving(), DATES))
    assert whole.select(DIAGNOSIS_SCHEMA.names).to_pylist() == alone


def test_part_of_a_file_with_the_noise_of_the_whole_gives_the_same_rows(classifier: Classifier) -> None:
    """What the parts of a file need to agree, wherever they are worked on."""
    table = wide(moving(), DATES)
    whole = pa.Table.from_batches(classifier.classify_batches(table, diagnose=True)).to_pylist()
    noise = classifier.diagnose(moving(), DATES).noise
    (part,) = classifier.classify_batches(table.slice(20, 7).combine_chunks(), diagnose=True, noise=noise)
    assert part.to_pylist() == whole[20:27]


def test_batches_without_rows_keep_their_place(classifier: Classifier) -> None:
    table = wide(moving(), DATES)
    batches = [table.slice(0, 0).combine_chunks().to_batches(), table.to_batches()]
    empty = pa.RecordBatch.from_pylist([], schema=table.schema)
    out = list(classifier.classify_batches([empty, *batches[1], empty], diagnose=True))
    assert [batch.num_rows for batch in out] == [0, 60, 0]
    assert out[0].schema.equals(out[1].schema)


def test_a_velocity_column_of_the_table_stays_unchanged(classifier: Classifier) -> None:
    for name in ("mean_velocity", "VELOCITY"):
        table = wide(moving(), DATES).append_column(name, pa.array(np.arange(60.0)))
        (out,) = classifier.classify_batches(table, units="mm", diagnose=True)
        assert "velocity" not in out.schema.names
        assert out[name].to_pylist() == list(np.arange(60.0))
    table = wide(moving(), DATES, velocity=["a"] * 60)
    (out,) = classifier.classify_batches(table, diagnose=True)
    assert out["velocity"].to_pylist() == ["a"] * 60


def test_columns_of_classes_and_of_a_diagnosis_have_different_names() -> None:
    assert not set(RESULT_SCHEMA.names) & set(DIAGNOSIS_SCHEMA.names)


def test_every_way_to_diagnose_runs_products_in_one_thread(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    threads, seen = [3], []
    library = OneThread(lambda: threads[0], lambda count: threads.__setitem__(0, count))
    monkeypatch.setattr(blas, "_openblas", lambda: library)
    diagnose = Diagnoser.diagnose_selected

    def watched(*args: Any) -> list[DiagnosedRows]:
        seen.append(threads[0])
        return diagnose(*args)

    monkeypatch.setattr(Diagnoser, "diagnose_selected", watched)
    displacement = moving()
    classifier.diagnose(displacement, DATES)
    (_,) = classifier.classify_batches(wide(displacement, DATES), diagnose=True)
    pq.write_table(wide(displacement, DATES), tmp_path / "a.parquet")
    classify_file(tmp_path / "a.parquet", tmp_path / "b.parquet", classifier=classifier, diagnose=True)
    assert seen == [1] * 3
    assert threads == [3]


def test_rows_with_their_own_dates_are_diagnosed_on_these_dates(classifier: Classifier) -> None:
    from insar_runtime.engines.job import plan

    other = np.datetime64("2016-02-03") + 12 * np.arange(90)
    displacement = moving()
    second = np.random.default_rng(5).normal(0, 1.5, (20, 90))
    second[5, 40:] += SENTINEL1_MM
    one, two = as_lists(wide(displacement, DATES), "list"), as_lists(wide(second, other), "list")
    short = as_lists(wide(second[:3, :5], other[:5]), "list")
    # The last two have no dates at all.
    dateless = pa.table(
        {name: pa.nulls(2, kind) for name, kind in zip(one.schema.names, one.schema.types, strict=True)}
    )
    table = pa.concat_tables([one, two, short, dateless])
    order = np.random.default_rng(2).permutation(len(table))
    table = table.take(order)
    job = plan(table, units="mm", diagnose=True, device="cpu")
    job = pickle.loads(pickle.dumps(job))
    out = pa.Table.from_batches(list(job(table.to_batches(max_chunksize=30))))
    assert out.schema.equals(job.schema)
    rows = out.take(np.argsort(order)).to_pylist()
    assert [row["jump_cycles"] for row in rows[15:30]] == [[1]] * 15
    assert (rows[65]["jump_cycles"], rows[65]["jump_dates"]) == ([1], [other[40].item()])
    assert [row["diagnosis_status"] for row in rows[80:]] == ["too_few_epochs"] * 5
    assert [row["status"] for row in rows[80:]] == ["too_few_epochs"] * 5


def _told(classifier: Classifier, series: np.ndarray, class_id: int, p_pue: float) -> Result:
    """Have all series called one class."""
    result = classifier.classify(series, DATES)
    probabilities = np.full_like(result.probabilities, (1 - p_pue) / 4)
    probabilities[:, TrendClass.PUE] = p_pue
    called = np.full(len(series), class_id, dtype=np.int8)
    return replace(result, class_id=called, class_top=called, probabilities=probabilities)


def test_rates_that_differ_insignificantly_are_no_break(classifier: Classifier) -> None:
    displacement = moving()
    found = classifier.diagnose(displacement, DATES, result=_told(classifier, displacement, TrendClass.BILINEAR, 0.0))
    broken = set(found.break_rows.tolist())
    assert broken >= set(range(BENT.start, BENT.stop))
    # Chance makes two standard deviations of some rows.
    assert len(broken & set(range(STEADY.start, STEADY.stop))) <= 4
    change = np.abs(found.breaks.v_after - found.breaks.v_before)
    assert (change >= 2 * found.breaks.change_std).all()
    assert all(row["v_before"] is None for i, row in enumerate(rows_of(found)) if i not in broken)


def test_rows_of_class_pue_have_a_jump(classifier: Classifier) -> None:
    """Fewer rows have one if the classifier is unsure of the class, or excludes it."""
    rng = np.random.default_rng(3)
    displacement = rng.normal(0, 2.5, (60, EPOCHS)).round(1)
    displacement[:, 80:] += 11
    displacement[50:] = rng.normal(0, 0.5, (10, EPOCHS)).round(1)
    counts = [
        np.bincount(found.jump_series, minlength=60)
        for found in (
            classifier.diagnose(
                displacement, DATES, result=_told(classifier, displacement, class_id, p_pue), jumps="all"
            )
            for class_id, p_pue in ((TrendClass.PUE, 0.9), (TrendClass.STABLE, 0.4), (TrendClass.STABLE, 0.001))
        )
    ]
    told, doubted, denied = ((count[:50] > 0).mean() for count in counts)
    assert told > 0.9
    assert denied < doubted <= told
    # Nothing in these can be a jump, whatever their class.
    assert not counts[0][50:].any()


def test_a_class_without_probabilities_does_not_change_jump_probabilities(classifier: Classifier) -> None:
    displacement = moving()
    result = classifier.classify(displacement, DATES)
    unknown = replace(result, probabilities=np.full_like(result.probabilities, np.nan))
    found = classifier.diagnose(displacement, DATES, result=unknown)
    assert set(found.repaired_rows) >= set(range(15, 45))
