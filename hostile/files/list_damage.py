"""Damage to lists and to the metadata of their dates: lengths, items, types, JSON that is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from hostile.chance import pick

Damage = Callable[[np.random.Generator, pa.Table], pa.Table]


def with_column(table: pa.Table, position: int, column: Any) -> pa.Table:
    """Return a table with other values, and another type, in one column."""
    return table.set_column(position, table.schema.names[position], column)


def _metadata(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """Change the metadata of the dates, or add some of ours."""
    known = json.loads((table.schema.metadata or {}).get(b"insar_runtime:dates", b"[]"))
    value: Any = pick(
        rng,
        (
            "",
            "{}",
            "null",
            "[" * 100_000,
            "[1e999]",
            '["0001-01-01"]',
            json.dumps([*known, "2020-13-45"]),
            json.dumps(known[:-1]),
            json.dumps(known * 2),
            json.dumps([*known[1:], "9999-12-31"]),
            json.dumps([[day] for day in known]),
            json.dumps(known[::-1]),
            b"\xff\xfe",
            '["' + "9" * 5000 + '"]',
            "[" + "9" * 5000 + "]",
        ),
    )
    key = pick(
        rng,
        ("insar_runtime:dates", "insar_runtime:dates", "dates", "insar_runtime", "geo", "pandas", "insar_runtime:unit"),
    )
    return table.replace_schema_metadata({**(table.schema.metadata or {}), key: value})


def _list_position(rng: np.random.Generator, table: pa.Table) -> int:
    return pick(rng, [i for i, field in enumerate(table.schema) if pa.types.is_nested(field.type)])


def _list_lengths(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """Change a row of a list column to fewer or more values, or none."""
    i = _list_position(rng, table)
    rows = table.column(i).to_pylist()
    k = int(rng.integers(len(rows)))
    rows[k] = pick(rng, (None, [], (rows[k] or [])[:-1], (rows[k] or []) * 2, (rows[k] or [])[::-1]))
    data_type = table.schema.field(i).type
    if pa.types.is_fixed_size_list(data_type):
        data_type = pa.list_(data_type.value_type)
    return with_column(table, i, pa.array(rows, data_type))


def _list_items(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """Change an item of a list: a null, the one before, an absurd date."""
    i = _list_position(rng, table)
    rows = table.column(i).to_pylist()
    k = int(rng.integers(len(rows)))
    row = list(rows[k] or [])
    j = int(rng.integers(len(row)))
    absurd = datetime(9999, 12, 31, tzinfo=UTC).replace(tzinfo=None)
    row[j] = pick(rng, (None, row[j - 1], absurd if isinstance(row[j], datetime) else row[0]))
    rows[k] = row
    return with_column(table, i, pa.array(rows, table.schema.field(i).type))


def _list_type(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    i = _list_position(rng, table)
    item = table.schema.field(i).type.value_type
    wanted = pick(
        rng,
        (
            pa.list_view(item),
            pa.large_list_view(item),
            pa.large_list(item),
            pa.list_(pa.string()),
            pa.list_(pa.float16()),
            pa.list_(pa.decimal128(20, 3)),
            pa.list_(pa.int8()),
            pa.list_(pa.dictionary(pa.int32(), item)),
        ),
    )
    column = table.column(i).combine_chunks()
    try:
        return with_column(table, i, column.cast(wanted, safe=False))
    except pa.ArrowException:
        return with_column(table, i, pa.array(column.to_pylist(), wanted))


LIST_DAMAGES: Final[dict[str, Damage]] = {
    "metadata changed": _metadata,
    "list of another length": _list_lengths,
    "item of a list changed": _list_items,
    "type of a list changed": _list_type,
}
