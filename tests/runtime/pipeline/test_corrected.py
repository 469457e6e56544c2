"""Corrected series lack the repaired jumps and nothing else, and are restored to the last bit."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import (
    Classifier,
    DataError,
    InputNotFoundError,
    OutputExistsError,
    UsageError,
    classify_file,
    restore,
)
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.table import describe_table
from insar_runtime._input.units.sensors import SENTINEL1_MM
from insar_runtime._output.sinks import open_table
from insar_runtime._pipeline.corrected import ORIGINAL, CorrectedTable
from tests.runtime.diagnoses import BOXED, DATES, STEPPED, by_hand, moving
from tests.runtime.run_command import refused, run
from tests.runtime.tables import as_lists, wide, write

NAMES = [str(day).replace("-", "") for day in DATES]
ADDED = ["corrected_dates", "corrected_mm", "corrected_cycles", "corrected_class", ORIGINAL]
TYPES = [
    pa.float32(), pa.float64(), pa.float16(), pa.int8(), pa.int16(), pa.uint8(), pa.int32(), pa.int64(), pa.uint64(),
    pa.decimal128(10, 2), pa.decimal128(30, 4),
]  # fmt: skip


def same(one: pa.Table, other: pa.Table) -> None:
    """Equal schemas with their metadata, and equal bits: NaN by NaN, null by null, -0 by -0."""
    assert one.schema.equals(other.schema, check_metadata=True)
    for name in one.schema.names:
        a, b = (table[name].combine_chunks() for table in (one, other))
        assert a.is_null().equals(b.is_null()), name
        assert bits(a) == bits(b), name


def bits(column: pa.Array) -> list[Any]:
    """Return the values, floats as the bytes that they are."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type) or pa.types.is_fixed_size_list(column.type):
        return [None if not row.is_valid else bits(row.values) for row in column]
    if pa.types.is_floating(column.type):
        numbers = column.fill_null(0) if column.null_count else column
        return [column.is_null().to_pylist(), numbers.to_numpy(zero_copy_only=False).tobytes()]
    return column.to_pylist()


def values_of(data_type: pa.DataType, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return numbers that such a column can hold, also odd ones."""
    if pa.types.is_floating(data_type):
        numbers = rng.normal(0, 30, shape)
        if pa.types.is_float64(data_type):
            numbers[rng.random(shape) < 0.1] = rng.choice([1 / 3, 1e-300, -0.0, np.nan, np.inf])
        elif pa.types.is_float32(data_type):
            numbers[rng.random(shape) < 0.1] = rng.choice([0.1, -0.0, np.nan, 1e38])
        return numbers
    if pa.types.is_decimal(data_type):
        digits = 7 if data_type.precision < 20 else 18
        whole = rng.integers(-(10**digits), 10**digits, shape)
        return np.vectorize(lambda number: Decimal(int(number)).scaleb(-data_type.scale), otypes=[object])(whole)
    limits = np.iinfo(data_type.to_pandas_dtype())
    low, high = (limits.min, limits.max) if rng.random() < 0.5 else (max(limits.min, -90), 90)
    return rng.integers(low, high, shape, dtype=data_type.to_pandas_dtype(), endpoint=True)


def column_of(numbers: np.ndarray, missing: np.ndarray, data_type: pa.DataType) -> pa.Array:
    if data_type == pa.float16():
        numbers = numbers.astype(np.float16)
    elif pa.types.is_decimal(data_type):
        return pa.array([None if gone else one for one, gone in zip(numbers, missing, strict=True)], data_type)
    return pa.array(numbers, data_type, mask=missing)


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, list[int]]:
    """Return a table of any of the layouts and types, and how it is cut into batches."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, epochs = draw(st.integers(1, 9)), draw(st.integers(2, 12))
    layout = draw(st.sampled_from(["wide", "mixed", "list", "large_list", "fixed"]))
    attributes = {
        "pid": [f"p{row}" for row in range(rows)],
        "code": pa.array(["a", None, "b"] * 3, pa.string()).slice(0, rows).dictionary_encode(),
    }
    missing = rng.random((rows, epochs)) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    names = NAMES[:epochs]
    if layout in {"wide", "mixed"}:
        one = draw(st.sampled_from([*TYPES, pa.null()]))
        some = [pa.float32(), pa.float64(), pa.int32(), pa.int64(), pa.null()]
        types = (
            [one] * epochs
            if layout == "wide"
            else draw(st.lists(st.sampled_from(some), min_size=epochs, max_size=epochs))
        )
        order = rng.permutation(epochs)
        for place in order:
            data_type = types[place]
            if pa.types.is_null(data_type):
                attributes[names[place]] = pa.nulls(rows)
                continue
            numbers = values_of(data_type, (rows, 1), rng)[:, 0]
            if layout == "mixed" and pa.types.is_int64(data_type):
                numbers %= 2**50  # with floats beside it, a double has to hold them
            attributes[names[place]] = column_of(numbers, missing[:, place], data_type)
        table = pa.table(attributes)
    else:
        data_type = draw(st.sampled_from(TYPES))
        numbers = values_of(data_type, (rows, epochs), rng)
        items = column_of(numbers.ravel(), missing.ravel(), data_type)
        # pyarrow before 26 does not read lists of fixed size from Parquet that are null.
        some_gone = layout != "fixed" or int(pa.__version__.partition(".")[0]) >= 26
        gone = pa.array((rng.random(rows) < 0.2) & some_gone)
        item = pa.field("element", data_type)
        if layout == "fixed":
            lists = pa.FixedSizeListArray.from_arrays(items, type=pa.list_(item, epochs), mask=gone)
        else:
            kind, offset = (pa.LargeListArray, pa.int64()) if layout == "large_list" else (pa.ListArray, pa.int32())
            whole = pa.large_list(item) if layout == "large_list" else pa.list_(item)
            lists = kind.from_arrays(pa.array(np.arange(rows + 1) * epochs, offset), items, type=whole, mask=gone)
        order = rng.permutation(epochs)
        dates = [str(DATES[place]) for place in order]
        table = pa.table({**attributes, "displacement": lists}).replace_schema_metadata(
            {"insar_runtime:dates": json.dumps(dates), "more": "of theirs"}
        )
    if rng.random() < 0.5:  # a slice of a longer table
        table = pa.concat_tables([table, table]).combine_chunks().slice(int(rng.integers(0, rows)), rows)
    cuts = draw(st.lists(st.integers(1, 5), min_size=1, max_size=9))
    return table, cuts


def cut(table: pa.Table, sizes: list[int]) -> list[pa.RecordBatch]:
    (batch,) = table.combine_chunks().to_batches()
    begins = [begin for begin in [0, *np.cumsum(sizes).tolist()] if begin < len(table)]
    return [batch.slice(begin, end - begin) for begin, end in pairwise([*begins, len(table)])]


@settings(max_examples=150)
@given(drawn=tables(), data=st.data())
@pytest.mark.parametrize("ending", ["parquet", "arrow", "arrows"])
def test_whatever_is_corrected_comes_back(
    tmp_path_factory: pytest.TempPathFactory, ending: str, drawn: tuple[pa.Table, list[int]], data: st.DataObject
) -> None:
    table, sizes = drawn
    folder = tmp_path_factory.mktemp("corrected")
    source, back = folder / f"corrected.{ending}", folder / f"back.{ending}"
    batches = cut(table, sizes)
    known = describe_table(table.schema, batches[0], UserDeclarations("mm"))
    corrected = CorrectedTable(known)
    block = {"insar_runtime": json.dumps(corrected.described())}
    epochs, changed = len(known.layout.dates), 0
    with open_table(source, corrected.schema, lambda: block, overwrite=True) as sink:
        for batch in batches:
            series = known.matrix(batch)
            rows = data.draw(st.lists(st.integers(0, batch.num_rows - 1), unique=True))
            # A row without a list has no jumps.
            rows = [row for row in sorted(rows) if np.isfinite(series[row]).any()]
            jumps = [(row, data.draw(st.integers(1, epochs - 1)), data.draw(st.sampled_from([-2, 1]))) for row in rows]
            changed += len(rows)
            out = corrected.make(batch, by_hand(series, known.layout.dates, jumps))
            out.validate(full=True)
            told = out.column("corrected_mm").is_valid().to_numpy(zero_copy_only=False)
            assert np.flatnonzero(told).tolist() == rows
            kept = out.column(ORIGINAL).is_valid().to_numpy(zero_copy_only=False)
            assert kept[rows].all()
            sink.write(out)
    done = restore(source, back)
    assert done.rows == len(table)
    assert done.restored >= changed
    read = (
        pq.read_table
        if ending == "parquet"
        else lambda path: (
            pa.ipc.open_stream(path).read_all() if ending == "arrows" else pa.ipc.open_file(path).read_all()
        )
    )
    same(read(back), table)


def corrected_of(source: Path, classifier: Classifier, **options: Any) -> Path:
    path = source.with_name(f"{source.stem}.corrected{options.pop('ending', '.parquet')}")
    classify_file(
        source, source.with_name("out.parquet"), classifier=classifier, corrected=path, overwrite=True, **options
    )
    return path


@pytest.mark.parametrize("factor", [1.0, 1000.0, 10.0])
def test_jumps_are_taken_out_in_the_unit_of_the_file(tmp_path: Path, classifier: Classifier, factor: float) -> None:
    unit: Any = {1.0: "mm", 10.0: "cm", 1000.0: "m"}[factor]
    displacement = moving() / factor
    table = wide(displacement, DATES, height=np.arange(60.0))
    source = write(table, tmp_path / "in.parquet")
    out = pq.read_table(corrected_of(source, classifier, units=unit))
    assert out.schema.names == [*table.schema.names, *ADDED]
    assert out.drop_columns([*ADDED, *NAMES]).equals(table.drop_columns(NAMES))
    series = np.stack([out[name].to_numpy() for name in NAMES], axis=1)
    clean = displacement.copy()
    clean[STEPPED, 70:] -= SENTINEL1_MM / factor
    clean[BOXED, 40:60] += 2 * SENTINEL1_MM / factor
    np.testing.assert_allclose(series, clean, atol=1e-9)
    rows = out.select(ADDED).to_pylist()
    assert all(set(row.values()) == {None} for row in (rows[0], rows[50]))
    assert rows[20]["corrected_dates"] == [DATES[70].item()]
    assert rows[20]["corrected_cycles"] == [1]
    assert rows[20]["corrected_mm"] == pytest.approx([SENTINEL1_MM])
    assert rows[20]["corrected_class"] == "Stable"
    assert rows[20][ORIGINAL] == displacement[20].tolist()
    assert rows[35]["corrected_cycles"] == [-2, 2]
    restore(tmp_path / "in.corrected.parquet", tmp_path / "back.parquet")
    same(pq.read_table(tmp_path / "back.parquet"), table)


@pytest.mark.parametrize("kind", ["fixed_size_list", "list"])
@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".arrows"])
def test_corrected_lists_are_restored_to_the_last_bit(
    tmp_path: Path, classifier: Classifier, kind: str, ending: str
) -> None:
    table = as_lists(wide(moving(), DATES), kind)
    source = write(table, tmp_path / "in.parquet")
    path = corrected_of(source, classifier, ending=ending)
    restore(path, tmp_path / "back.parquet")
    same(pq.read_table(tmp_path / "back.parquet"), pq.read_table(source))
    # What is corrected is a table like any other.
    summary = classify_file(path, tmp_path / "again.parquet", classifier=classifier, diagnose=True)
    assert summary.classes["PUE"] == 0
    assert summary.diagnosis is not None
    assert summary.diagnosis["repaired"] == 0


def test_whole_numbers_become_floats_and_come_back(tmp_path: Path, classifier: Classifier) -> None:
    table = wide(np.round(moving() * 10).astype(np.int16), DATES)
    source = write(table, tmp_path / "in.parquet")
    path = corrected_of(source, classifier, units="mm")
    out = pq.read_table(path)
    assert out.schema.field(NAMES[0]).type == pa.float32()
    assert out.schema.field(ORIGINAL).type == pa.list_(pa.int16())
    restore(path, tmp_path / "back.parquet")
    same(pq.read_table(tmp_path / "back.parquet"), table)


def test_corrected_csv_is_restored_with_its_text(tmp_path: Path, classifier: Classifier) -> None:
    table = wide(moving(), DATES, name=[None, "", 'say "a;b"', "two\nlines"] * 15, code=["007"] * 60)
    source = tmp_path / "in.csv"
    pacsv.write_csv(table, source)
    path = corrected_of(source, classifier, ending=".csv")
    assert path.with_name("in.corrected.csv.json").is_file()
    restore(path, tmp_path / "back.csv")
    restore(path, tmp_path / "back.parquet")
    read = pacsv.ConvertOptions(
        strings_can_be_null=True, quoted_strings_can_be_null=False, column_types={"code": pa.string()}
    )
    lines = pacsv.ParseOptions(newlines_in_values=True)
    back, wanted = (
        pacsv.read_csv(p, convert_options=read, parse_options=lines) for p in (tmp_path / "back.csv", source)
    )
    # No text and an empty text are the same to who reads a CSV.
    assert back.to_pylist() == [{**row, "name": row["name"] or ""} for row in wanted.to_pylist()]
    assert pq.read_table(tmp_path / "back.parquet")["code"].to_pylist() == ["007"] * 60
    summary = classify_file(path, tmp_path / "again.parquet", classifier=classifier)
    assert summary.classes["PUE"] == 0
    path.with_name("in.corrected.csv.json").unlink()
    with pytest.raises(DataError, match="json"):
        restore(path, tmp_path / "more.csv")


def test_what_cannot_be_restored_from_text_is_refused(tmp_path: Path, classifier: Classifier) -> None:
    source = write(as_lists(wide(moving(), DATES), "list"), tmp_path / "in.parquet")
    with pytest.raises(UsageError, match=r"parquet or \.arrow"):
        corrected_of(source, classifier, ending=".csv")
    assert not (tmp_path / "out.parquet").exists()
    path = corrected_of(source, classifier)
    with pytest.raises(UsageError, match=r"parquet or \.arrow"):
        restore(path, tmp_path / "back.csv")


def test_rows_may_be_filtered_before_they_are_restored(tmp_path: Path, classifier: Classifier) -> None:
    table = wide(moving(), DATES)
    path = corrected_of(write(table, tmp_path / "in.parquet"), classifier)
    out = pq.read_table(path).take([40, 3, 20])
    pq.write_table(out, path)
    restore(path, tmp_path / "back.parquet")
    same(pq.read_table(tmp_path / "back.parquet"), table.take([40, 3, 20]))
    pq.write_table(out.drop_columns([NAMES[3]]), path)
    with pytest.raises(DataError, match=f"lacks column '{NAMES[3]}'"):
        restore(path, tmp_path / "more.parquet")
    assert not (tmp_path / "more.parquet").exists()


def test_the_input_is_never_written_over(tmp_path: Path, classifier: Classifier, source: Path) -> None:
    before = source.read_bytes()
    hard, soft = tmp_path / "hard.parquet", tmp_path / "soft.parquet"
    os.link(source, hard)
    soft.symlink_to(source)
    for path in (source, hard, soft):
        with pytest.raises(UsageError, match="is the input"):
            classify_file(source, tmp_path / "out.parquet", classifier=classifier, corrected=path, overwrite=True)
    with pytest.raises(UsageError, match="twice"):
        classify_file(source, tmp_path / "a.parquet", classifier=classifier, corrected=tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="go to a file"):
        classify_file(source, tmp_path / "out.parquet", classifier=classifier, corrected="-")
    with pytest.raises(UsageError, match="GeoPackage"):
        classify_file(source, tmp_path / "a.parquet", classifier=classifier, corrected=tmp_path / "a.gpkg")
    assert source.read_bytes() == before
    assert not (tmp_path / "a.parquet").exists()


def test_tables_that_cannot_be_restored_are_refused(tmp_path: Path, classifier: Classifier, source: Path) -> None:
    with pytest.raises(DataError, match="does not say what was corrected"):
        restore(source, tmp_path / "back.parquet")
    with pytest.raises(InputNotFoundError):
        restore(tmp_path / "none.parquet", tmp_path / "back.parquet")
    path = corrected_of(source, classifier)
    with pytest.raises(UsageError, match="is the input"):
        restore(path, path, overwrite=True)
    with pytest.raises(OutputExistsError):
        restore(path, source)
    with pytest.raises(UsageError, match="GeoPackage"):
        restore(path, tmp_path / "back.gpkg")
    with pytest.raises(DataError, match="corrected_dates already"):
        classify_file(path, tmp_path / "twice.parquet", classifier=classifier, corrected=tmp_path / "c.parquet")
    refused(run("restore", source, "-o", tmp_path / "back.parquet"), 65, "--corrected-out")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a POSIX file system")
def test_a_pipe_is_not_waited_for(tmp_path: Path, classifier: Classifier, source: Path) -> None:
    os.mkfifo(tmp_path / "pipe.parquet")
    with pytest.raises(UsageError, match="is not a regular file"):
        restore(tmp_path / "pipe.parquet", tmp_path / "back.parquet")
    path = corrected_of(source, classifier, ending=".csv")
    path.with_name(f"{path.name}.json").unlink()
    os.mkfifo(path.with_name(f"{path.name}.json"))
    with pytest.raises(UsageError, match="is not a regular file"):
        restore(path, tmp_path / "back.csv")


def _other_lengths(kept: pa.Array, change: int) -> pa.Array:
    """Return the same number of values, a row more and the next one fewer, in the rows that keep any."""
    lists = kept.to_pylist()
    full = [row for row, values in enumerate(lists) if values is not None]
    first, second = full[:2]
    lists[first], lists[second] = lists[first] + lists[second][:change], lists[second][change:]
    return pa.array(lists, kept.type)


@pytest.mark.parametrize("as_list", [False, True])
def test_values_that_are_not_those_of_the_rows_are_not_put_back(
    tmp_path: Path, classifier: Classifier, *, as_list: bool
) -> None:
    table = wide(moving(), DATES)
    source = write(as_lists(table, "list") if as_list else table, tmp_path / "in.parquet")
    path = corrected_of(source, classifier)
    out = pq.read_table(path)
    place = out.schema.get_field_index("corrected_original")
    kept = out["corrected_original"].combine_chunks()
    assert kept.is_valid().sum().as_py() > 1
    latitude = pa.array([(1 << 60) + 1] * len(out))
    forged = {
        "another number of values": out.set_column(place, "corrected_original", _other_lengths(kept, 1)),
        "corrected_original is of type": out.set_column(place, "corrected_original", pa.array([1.5] * len(out))),
        "not those that its metadata describe": out.set_column(1, "latitude", latitude),
    }
    for what, other in forged.items():
        pq.write_table(other, path)
        with pytest.raises(DataError, match=what):
            restore(path, tmp_path / "back.parquet")
        assert not (tmp_path / "back.parquet").exists()
