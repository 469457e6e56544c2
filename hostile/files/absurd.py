"""Files that are valid and absurd: a hundred thousand columns, one endless line, types within types, bombs, rows."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from hostile.chance import pick

Absurd = Callable[[np.random.Generator], tuple[str, bytes]]
"""Returns the extension of the file, and its bytes."""


def make_absurd(rng: np.random.Generator) -> tuple[str, bytes, str]:
    """Return the extension and the bytes of an absurd file, and what is absurd in it."""
    name = pick(rng, tuple(ABSURD))
    extension, content = ABSURD[name](rng)
    return extension, content, name


def _many_columns(rng: np.random.Generator) -> tuple[str, bytes]:
    count = pick(rng, (30_000, 100_000))
    lines = [",".join(["pid", *(f"c{k}" for k in range(count))]), ",".join(["p1", *["1.5"] * count])]
    return ".csv", ("\n".join(lines) + "\n").encode()


def _many_fields(rng: np.random.Generator) -> tuple[str, bytes]:
    count = pick(rng, (3000, 20_000))
    schema = pa.schema([("pid", pa.string()), *((f"c{k}", pa.float32()) for k in range(count))])
    table = schema.empty_table()
    sink = io.BytesIO()
    if rng.random() < 0.5:
        pq.write_table(table, sink)
        return ".parquet", sink.getvalue()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(table)
    return ".arrows", sink.getvalue()


def _many_dates(rng: np.random.Generator) -> tuple[str, bytes]:
    days = np.datetime64("1995-01-01") + np.arange(pick(rng, (513, 3000, 20_000)))
    names = ["pid", *(str(day).replace("-", "") for day in days)]
    return ".csv", (",".join(names) + "\np1" + ",1.5" * len(days) + "\n").encode()


def _separators(rng: np.random.Generator) -> tuple[str, bytes]:
    line = pick(rng, (b",", b";", b'"', b"\0", b" ", b"a")) * pick(rng, (100_000, 5_000_000))
    return ".csv", pick(rng, (line, b"pid,20200101\n" + line, b"pid,20200101\np1," + line + b"\n"))


def _nested_types(rng: np.random.Generator) -> tuple[str, bytes]:
    data_type = pa.float32()
    for _ in range(pick(rng, (10, 40, 60))):
        data_type = pa.list_(data_type) if rng.random() < 0.7 else pa.struct([("a", data_type)])
    schema = pa.schema([("pid", pa.string()), ("displacement", data_type)])
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays([pa.array(["a"]), pa.nulls(1, data_type)], schema=schema))
    return ".arrows", sink.getvalue()


def _rows(rng: np.random.Generator) -> tuple[str, bytes]:
    """Columns of runs or of nulls, which take no room, with a count of rows that no writer states."""
    rows = 123_457
    column = pa.nulls(rows)
    if rng.random() < 0.5:
        column = pa.RunEndEncodedArray.from_arrays(pa.array([rows], pa.int64()), pa.array([1.5]))
    batch = pa.RecordBatch.from_arrays(
        [column] * 41, ["pid", *(f"D2020{k // 28 + 1:02}{k % 28 + 1:02}" for k in range(40))]
    )
    extension, opening = pick(rng, ((".arrows", pa.ipc.new_stream), (".arrow", pa.ipc.new_file)))
    sink = io.BytesIO()
    with opening(sink, batch.schema) as writer:
        writer.write_batch(batch)
    stated = pick(rng, (-1, 1 << 31, 1 << 40, (1 << 63) - 1))
    return extension, sink.getvalue().replace(rows.to_bytes(8, "little"), stated.to_bytes(8, "little", signed=True))


def _bomb(rng: np.random.Generator) -> tuple[str, bytes]:
    filling = pick(rng, (bytes(1 << 20), b"1," * (1 << 19), b"\n" * (1 << 20), b"p1,1.5\n" * 100_000))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("table.csv", (2024, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w") as member:
            member.write(b"pid,20200101\n")
            for _ in range(100):
                member.write(filling)
    return ".zip", sink.getvalue()


def _metadata(rng: np.random.Generator) -> tuple[str, bytes]:
    text = pick(rng, (b"[" * (1 << 20), b'["2020-01-01",' * (1 << 18), b"9" * (8 << 20)))
    column = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(40, np.float32)), 40)
    table = pa.table({"pid": ["a"], "displacement": column})
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"insar_runtime:dates": text}), sink)
    return ".parquet", sink.getvalue()


ABSURD: Final[dict[str, Absurd]] = {
    "a hundred thousand columns": _many_columns,
    "thousands of fields": _many_fields,
    "thousands of dates": _many_dates,
    "one endless line": _separators,
    "types within types": _nested_types,
    "a bomb": _bomb,
    "endless metadata": _metadata,
    "rows without number": _rows,
}
