"""Columns of classified tables, forged: other types, numbers out of range, texts that harm a page, names twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from hostile.chance import happens, pick
from hostile.json_damage import SCRIPT

_VALUES: Final[dict[str, tuple[pa.DataType, tuple[Any, ...]]]] = {
    "whole numbers": (pa.int64(), (2**63 - 1, 2**31, 40_000, 255, 6, 0, -1, -2, -(2**63))),
    "unsigned numbers": (pa.uint64(), (2**64 - 1, 2**63, 7)),
    "numbers": (pa.float64(), (float("nan"), float("inf"), 1e308, -1e308, 1e39, 1e-320, 1.5, 2.0**31)),
    "text": (
        pa.string(),
        (SCRIPT, "\x1b[31m\x07\n", "\u202e", "\0", "", "1e400", "nan", "0x10", "1;2", ";;", "a" * 9999),
    ),
    "bytes": (pa.binary(), (b"\xff\xfe", b"")),
    "flags": (pa.bool_(), (True, False, None)),
    "days": (pa.date32(), (-719_162, 2_932_896, -(2**31), 2**31 - 1)),
    "times": (pa.timestamp("us", "UTC"), (0, 2**62, -(2**62))),
    "lengths of time": (pa.duration("us"), (0, 2**62)),
    "lists": (pa.list_(pa.float64()), ([], [1.0], [float("nan"), None, 1e308], None)),
    "lists of lists": (pa.list_(pa.list_(pa.string())), ([[SCRIPT]], [])),
    "structures": (pa.struct({"a": pa.string()}), ({"a": SCRIPT}, None)),
    "nothing": (pa.null(), (None,)),
}
_NAMES: Final = (SCRIPT, "\x1b[31m", "", "class_id", "20200101", "x" * 3000)


def forge_columns(rng: np.random.Generator, table: pa.Table) -> tuple[pa.Table, str]:
    """Return a table with one to three columns that hold something else, are missing, named otherwise or twice there.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : pyarrow.Table
        As the command has written it.
    """
    done = []
    for _ in range(pick(rng, (1, 1, 3))):
        # Columns of dates are many, and the attack on files has them.
        names = [name for name in table.schema.names if not name[:2].isdigit()]
        name = pick(rng, names)
        how = pick(rng, tuple(_CHANGES))
        table, what = _CHANGES[how](rng, table, table.schema.names.index(name))
        done.append(f"{name} {how}{what}")
    return table, "; ".join(done)


def _other_values(rng: np.random.Generator, table: pa.Table, place: int) -> tuple[pa.Table, str]:
    kind = pick(rng, tuple(_VALUES))
    data_type, values = _VALUES[kind]
    same = pick(rng, values)
    cells = [same if happens(rng, 0.5) else pick(rng, values) for _ in range(len(table))]
    column = pa.array(cells, data_type)
    return table.set_column(place, pa.field(table.schema.names[place], data_type), column), kind


def _other_order(rng: np.random.Generator, table: pa.Table, place: int) -> tuple[pa.Table, str]:
    order = pa.array(rng.permutation(len(table)))
    return table.set_column(place, table.schema.field(place), table.column(place).take(order)), ""


def _is_missing(rng: np.random.Generator, table: pa.Table, place: int) -> tuple[pa.Table, str]:
    del rng
    return table.remove_column(place), ""


def _other_name(rng: np.random.Generator, table: pa.Table, place: int) -> tuple[pa.Table, str]:
    names: Sequence[str] = table.schema.names
    new = pick(rng, _NAMES)
    return table.rename_columns([new if k == place else name for k, name in enumerate(names)]), f"{new[:9]!a}"


def _twice(rng: np.random.Generator, table: pa.Table, place: int) -> tuple[pa.Table, str]:
    del rng
    return table.append_column(table.schema.field(place), table.column(place)), ""


_CHANGES: Final[dict[str, Callable[[np.random.Generator, pa.Table, int], tuple[pa.Table, str]]]] = {
    "is of ": _other_values,
    "is of other ": _other_values,
    "in another order": _other_order,
    "is missing": _is_missing,
    "is called ": _other_name,
    "is there twice": _twice,
}
