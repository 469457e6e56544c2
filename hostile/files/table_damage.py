"""Damage to the meaning of a table: types, names, dates, lists and values that a valid container may well hold."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa

from hostile.chance import happens, pick
from hostile.files.list_damage import LIST_DAMAGES, with_column

Damage = Callable[[np.random.Generator, pa.Table], pa.Table]
NAMES: Final = (
    "",
    " ",
    "\n",
    "\x1b[31mred\x1b[0m",
    "\0",
    "a" * 5000,
    "class_id",
    "class_name",
    "status",
    "p_stable",
    "geometry",
    "fid",
    "geom",
    "\u202etxt",
    'quo"te',
    "comma,semi;tab\t",
    "20200230",
    "D20209999",
    "00010101",
    "D00010101",
    "18991231",
    "99991231",
    "20200101.1",
    "20200101_x",
    "displacement",
    "dates",
    "insar_runtime",
    "ß" * 300,
    "=cmd()",
    "\ud7ff\ue000\ufeff",
)


def damage_table(rng: np.random.Generator, table: pa.Table) -> tuple[pa.Table, str]:
    """Return a changed table and the name of the change; the table itself where the change does not apply to it."""
    name = pick(rng, tuple(DAMAGES))
    try:
        return DAMAGES[name](rng, table), name
    except Exception:  # what was changed before may be of any type
        return table, f"{name} (not possible)"


def _position(rng: np.random.Generator, table: pa.Table) -> int:
    return int(rng.integers(table.num_columns))


def _shuffle_columns(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    order = [int(i) for i in rng.permutation(table.num_columns)]
    return pa.table(
        [table.column(i) for i in order],
        schema=pa.schema([table.schema.field(i) for i in order], table.schema.metadata),
    )


def _exchange_names(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    names = list(table.schema.names)
    i, j = _position(rng, table), _position(rng, table)
    names[i], names[j] = names[j], names[i]
    return table.rename_columns(names)


def _rename(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    names = list(table.schema.names)
    names[_position(rng, table)] = pick(rng, NAMES)
    return table.rename_columns(names)


def _double_column(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    i = _position(rng, table)
    return table.append_column(table.schema.field(i), table.column(i))


def _double_date(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    dated = [name for name in table.schema.names if sum(map(str.isdigit, name)) >= 8]
    name = pick(rng, dated)
    digits = "".join(filter(str.isdigit, name))[:8]
    other = pick(
        rng, (f"D{digits}", digits, f"{digits[:4]}-{digits[4:6]}-{digits[6:]}", f"{name}.1", f"{digits}T101010")
    )
    return table.append_column(other, table.column(name))


def _drop_column(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    return table.remove_column(_position(rng, table))


def _retype(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """Change the type of a column: one that its values may be cast to, or values of quite another one."""
    i = _position(rng, table)
    column = table.column(i).combine_chunks()
    new = pick(rng, _TYPES)
    try:
        return with_column(table, i, column.cast(new, safe=False))
    except (pa.ArrowException, ValueError):
        return with_column(table, i, _of_type(new, len(table)))


_TYPES: Final = (
    pa.int8(),
    pa.uint64(),
    pa.int64(),
    pa.float16(),
    pa.float32(),
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.binary_view(),
    pa.bool_(),
    pa.null(),
    pa.decimal128(38, 5),
    pa.decimal256(60, 2),
    pa.date32(),
    pa.date64(),
    pa.timestamp("ns", "+02:00"),
    pa.timestamp("s", "Europe/Rome"),
    pa.timestamp("ms", "no/where"),
    pa.time32("s"),
    pa.duration("us"),
    pa.month_day_nano_interval(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.float64()),
    pa.list_(pa.float32()),
    pa.list_(pa.list_(pa.float64())),
    pa.large_list(pa.string()),
    pa.list_view(pa.float32()),
    pa.large_list_view(pa.float64()),
    pa.list_(pa.float32(), 3),
    pa.list_(pa.float32(), 0),
    pa.struct([("a", pa.int32()), ("b", pa.string())]),
    pa.struct([]),
    pa.map_(pa.string(), pa.int32()),
    pa.binary(7),
    pa.run_end_encoded(pa.int32(), pa.float64()),
    pa.uuid(),
    pa.json_(),
    pa.bool8(),
    pa.dense_union([pa.field("a", pa.int32()), pa.field("b", pa.string())]),
)


def _of_type(data_type: pa.DataType, rows: int) -> Any:
    """Return an array of a type: nulls, and a value where that is easy."""
    t = pa.types
    if t.is_run_end_encoded(data_type):
        return pa.RunEndEncodedArray.from_arrays(pa.array([max(rows, 1)], pa.int32()), pa.array([1.5])).slice(0, rows)
    if t.is_union(data_type):
        children = [pa.array([1] * rows, pa.int32()), pa.array(["x"] * rows)]
        return pa.UnionArray.from_dense(
            pa.array([0] * rows, pa.int8()), pa.array(range(rows), pa.int32()), children, ["a", "b"]
        )
    if t.is_decimal(data_type):
        return pa.array([Decimal("1.5")] * rows, data_type)
    if t.is_map(data_type):
        return pa.array([[("k", 1)]] * rows, data_type)
    if t.is_struct(data_type) and data_type.num_fields:
        return pa.array([{"a": 1, "b": "x"}] * rows, data_type)
    if isinstance(data_type, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(data_type, pa.nulls(rows, data_type.storage_type))
    return pa.nulls(rows, data_type)


def _null_column(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    i = _position(rng, table)
    return with_column(table, i, pa.nulls(len(table), table.schema.field(i).type))


def _null_cells(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    i = _position(rng, table)
    rows = np.arange(len(table)).astype(float)
    rows[rng.random(len(table)) < 0.4] = np.nan
    return with_column(table, i, table.column(i).take(pa.array(rows, from_pandas=True).cast(pa.int64())))


def _strange_numbers(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    positions = [i for i, field in enumerate(table.schema) if pa.types.is_floating(field.type)]
    i = pick(rng, positions)
    values = table.column(i).to_numpy().astype(float).copy()
    values[int(rng.integers(len(values)))] = pick(
        rng, (np.nan, np.inf, -np.inf, 1e308, -1e39, 5e-324, -9999.0, 1e30, 91.0)
    )
    return with_column(table, i, pa.array(values).cast(table.schema.field(i).type, safe=False))


def _strange_texts(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    positions = [i for i, field in enumerate(table.schema) if pa.types.is_string(field.type)]
    i = pick(rng, positions)
    values = table.column(i).to_pylist()
    values[int(rng.integers(len(values)))] = pick(rng, (*NAMES, "a\r\nb", "\x07" * 9, "-" * 70000, "@SUM(A1)"))
    return with_column(table, i, pa.array(values, pa.string()))


def _double_ids(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    positions = [i for i, field in enumerate(table.schema) if pa.types.is_string(field.type)]
    i = pick(rng, positions)
    return with_column(table, i, table.column(i).take(pa.array(rng.integers(0, len(table), len(table)))))


def _other_years(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """Move all dates of the names to another century, or some of them."""
    new = pick(rng, ("0001", "0019", "1899", "1990", "2101", "9999", "0000"))
    everywhere = happens(rng, 0.5)
    names, changed = [], 0
    for name in table.schema.names:
        if sum(map(str.isdigit, name)) >= 8 and (everywhere or not changed):
            start = next(k for k, c in enumerate(name) if c.isdigit())
            names.append(name[:start] + new + name[start + 4 :])
            changed += 1
        else:
            names.append(name)
    if not changed:
        raise ValueError("no dates in the names")
    return table.rename_columns(names)


def _bad_utf8(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """Make a text column with bytes that are no UTF-8."""
    positions = [i for i, field in enumerate(table.schema) if pa.types.is_string(field.type)]
    i = pick(rng, positions)
    column = table.column(i).combine_chunks().cast(pa.binary())
    values = column.to_pylist()
    values[int(rng.integers(len(values)))] = pick(rng, (b"\xff\xfe", b"\xc3", b"caf\xe9", b"\xed\xa0\x80", b"\0"))
    return with_column(
        table, i, pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())
    )


def _few_rows(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    return table.slice(0, pick(rng, (0, 0, 1)))


def _shuffle_rows(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    return table.take(pa.array(rng.permutation(len(table))))


def _no_columns(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    keep = pick(rng, (0, 1, 2))
    return table.select(table.schema.names[:keep])


def _many_columns(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    count = pick(rng, (300, 2000))
    column = pa.nulls(len(table), pick(rng, (pa.float32(), pa.string())))
    return pa.table(
        [*table.columns, *[column] * count], [*table.schema.names, *(f"more_{number}" for number in range(count))]
    ).replace_schema_metadata(table.schema.metadata)


def _tenths(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """Write the series in another unit: tenths of a millimetre, metres, radians."""
    factor = pick(rng, (10.0, 0.001, 0.1, -1.0, 1000.0))
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        dated = sum(map(str.isdigit, field.name)) >= 8 or field.name == "displacement"
        changed = dated and pa.types.is_floating(field.type) and not pa.types.is_float16(field.type)
        columns.append(pa.array(column.to_numpy() * factor).cast(field.type) if changed else column)
    return pa.table(columns, names=table.schema.names).replace_schema_metadata(table.schema.metadata)


DAMAGES: Final[dict[str, Damage]] = {
    "columns in another order": _shuffle_columns,
    "names exchanged": _exchange_names,
    "column renamed": _rename,
    "column doubled": _double_column,
    "date doubled": _double_date,
    "column dropped": _drop_column,
    "type changed": _retype,
    "type changed again": _retype,
    "column of nulls": _null_column,
    "cells of nulls": _null_cells,
    "strange number": _strange_numbers,
    "strange text": _strange_texts,
    "ids doubled": _double_ids,
    "other years": _other_years,
    **LIST_DAMAGES,
    "text that is no UTF-8": _bad_utf8,
    "one row or none": _few_rows,
    "rows in another order": _shuffle_rows,
    "hardly a column": _no_columns,
    "thousands of columns": _many_columns,
    "another unit": _tenths,
}
