"""Columns of a classified table may be from anyone: what ``classify`` does not write is refused in one line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import DataError, classify_file
from insar_runtime._classified.class_columns import (
    read_class_ids,
    read_counts,
    read_numbers,
    read_probabilities,
    read_statuses,
)
from insar_runtime._classified.scalars import plain_row
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write

POINTS = 12


@pytest.fixture(scope="module")
def classified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classified")
    source = write(wide(*series(POINTS)), folder / "in.parquet")
    classify_file(source, folder / "table.parquet", keep_series=True, diagnose=True)
    return folder / "table.parquet"


def forged(classified: Path, folder: Path, name: str, values: pa.Array) -> Path:
    """Write the table with another column in the place of one of its own."""
    table = pq.read_table(classified)
    place = table.schema.get_field_index(name)
    path = folder / "forged.parquet"
    pq.write_table(table.set_column(place, pa.field(name, values.type), values), path)
    return path


LISTS = pa.array([[1.0, None]] * POINTS)
TEXTS = pa.array(["a\x1b[31m"] * POINTS)
CALLS: list[tuple[str, ...]] = [
    ("report", "{}", "-o", "page.html"),
    ("compare", "{}", "table.parquet", "-o", "out.parquet"),
    ("compare", "table.parquet", "{}", "-o", "out.parquet"),
    ("show", "{}", "--row", "3"),
    ("areas", "{}", "-o", "out.geojson"),
]


FORGED: list[tuple[str, pa.Array, str]] = [
    ("confidence", LISTS, "report compare show"),
    ("confidence", pa.array([np.float32(1e30)] * POINTS), "report compare show"),
    ("p_stable", TEXTS, "report compare"),
    ("p_pue", pa.array([-(1 << 63)] * POINTS), "report compare show"),
    ("p_linear", pa.array([date(2020, 1, 1)] * POINTS), "report compare"),
    ("class_id", LISTS, "report compare areas"),
    ("class_id", pa.array([1.5] * POINTS), "report compare areas"),
    ("class_id", pa.array([(1 << 64) - 1] * POINTS, pa.uint64()), "report compare areas"),
    ("class_top", LISTS, "report show"),
    ("status", LISTS, "report show"),
    ("status", pa.array([7] * POINTS), "report"),
    ("n_epochs", TEXTS, "report"),
    ("max_gap_days", pa.array([1 << 40] * POINTS), "report"),
    ("break_lo", LISTS, "report compare show areas"),
    ("break_date", pa.array([date(1, 1, 1)] * POINTS), "report compare show areas"),
    ("break_hi", pa.array([date(9999, 1, 1)] * POINTS), "report compare show areas"),
    ("break_lo", pa.array([(1 << 31) - 1] * POINTS, pa.int32()).view(pa.date32()), "report compare areas"),
    ("velocity_mm_yr", pa.array([float("inf")] * POINTS), "report compare show"),
    ("recent_change_prob", pa.array([-0.1] * POINTS), "report compare show"),
    ("n_jumps", pa.array([-1] * POINTS), "report compare show"),
]
"""Column, its values, and the commands that read it."""


def require_extra(call: tuple[str, ...]) -> None:
    if call[0] == "areas":
        pytest.importorskip("scipy", reason="extra spatial is not installed")


@pytest.mark.parametrize(
    ("name", "values", "call"),
    [(name, values, call) for name, values, commands in FORGED for call in CALLS if call[0] in commands.split()],
)
def test_other_values_are_refused(
    classified: Path, tmp_path: Path, name: str, values: pa.Array, call: tuple[str, ...]
) -> None:
    require_extra(call)
    path = forged(classified, tmp_path, name, values)
    places = {"{}": str(path), "table.parquet": str(classified)}
    done = run(*(places.get(part, part) for part in call), cwd=tmp_path)
    refused(done, 65, name)
    assert done.stderr.decode().strip().isprintable()
    assert {entry.name for entry in tmp_path.iterdir()} == {"forged.parquet"}


@pytest.mark.parametrize("call", [*CALLS, ("join", "{}", "table.parquet", "-o", "out.parquet")], ids=" ".join)
@pytest.mark.parametrize("name", ["n_epochs", "jump_dates", "longitude"])
def test_a_column_that_occurs_twice_is_refused(
    classified: Path, tmp_path: Path, call: tuple[str, ...], name: str
) -> None:
    require_extra(call)
    table = pq.read_table(classified)
    path = tmp_path / "forged.parquet"
    pq.write_table(table.append_column(name, table[name]), path)
    places = {"{}": str(path), "table.parquet": str(classified)}
    done = run(*(places.get(part, part) for part in call), cwd=tmp_path)
    refused(done, 65, f"column '{name}' occurs twice")


def batch(values: pa.Array) -> pa.RecordBatch:
    return pa.record_batch({"x": values})


def test_what_other_software_writes_is_read() -> None:
    assert read_class_ids(batch(pa.array(["3", "", None])), "x").tolist() == [3, -1, -1]
    assert read_class_ids(batch(pa.array([3.0, float("nan"), None])), "x").tolist() == [3, -1, -1]
    assert read_class_ids(batch(pa.nulls(2, pa.list_(pa.int8()))), "x").tolist() == [-1, -1]
    assert read_counts(batch(pa.array([60, None], pa.int64())), "x").tolist() == [60, 0]
    numbers = read_numbers(batch(pa.array(["1.5", "", None]).dictionary_encode()), "x")
    assert numbers.dtype == np.float32
    np.testing.assert_array_equal(numbers, [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(read_probabilities(batch(pa.array([0, 1, None])), "x"), [0, 1, np.nan])
    for words in (pa.array(["ok", "abstained"]), pa.array(["ok", "abstained"], pa.large_string())):
        assert (
            read_statuses(batch(words), "x").tolist() == read_statuses(batch(words.dictionary_encode()), "x").tolist()
        )


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (read_class_ids, pa.array([6])),
        (read_class_ids, pa.array([-2])),
        (read_class_ids, pa.array(["x"])),
        (read_class_ids, pa.array([float("inf")])),
        (read_class_ids, pa.array([True])),
        (read_counts, pa.array([-1])),
        (read_counts, pa.array([40_000])),
        (read_numbers, pa.array(["1,5"])),
        (read_numbers, pa.array([b"1"])),
        (read_numbers, pa.array([1], pa.duration("s"))),
        (read_probabilities, pa.array([1.01])),
        (read_probabilities, pa.array([float("inf")])),
        (read_statuses, pa.array(["fine"])),
        (read_statuses, pa.array([None], pa.string())),
    ],
)
def test_what_classify_does_not_write_is_refused(read: Any, values: pa.Array) -> None:
    with pytest.raises(DataError, match=r"is no column of numbers|is unknown"):
        read(batch(values), "x")


def test_a_row_of_any_types_is_plain() -> None:
    record = pa.record_batch(
        {
            "list": LISTS[:1],
            "bytes": pa.array([b"\xff"]),
            "far": pa.array([(1 << 31) - 1], pa.int32()).view(pa.date32()),
            "later": pa.array([1 << 62], pa.int64()).view(pa.timestamp("us", "UTC")),
            "day": pa.array([date(2020, 1, 1)]),
        }
    )
    row = plain_row(record)
    assert row.keys() == {"far", "later", "day"}
    assert str((1 << 31) - 1) in row["far"]  # a day that neither Python nor Arrow can name
    assert str(row["later"]).startswith("17036-07-06 14:00:27")
    assert row["day"] == "2020-01-01"
