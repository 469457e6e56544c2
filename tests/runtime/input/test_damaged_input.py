"""Damaged and absurd inputs are refused in one line, before a value of theirs is used."""

from __future__ import annotations

import os
import random
import resource
import signal
import struct
import sys
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import classify_file
from insar_runtime._input.column_types import MOST_COLUMNS
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.opening import open_source
from insar_runtime._input.readers import ipc_table
from insar_runtime._input.readers.ipc_messages import batch_sizes
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError, InsarRuntimeError
from tests.runtime.tables import as_lists, series, wide, write

MM = UserDeclarations("mm")
forks = pytest.mark.skipif(sys.platform != "linux", reason="a crash is looked for in a forked process")


def read(path: Path) -> pa.Table:
    with open_described(path, MM, exact=True) as table:
        batches = list(table.batches)
        for batch in batches:
            table.description.matrix(batch)
        return pa.Table.from_batches(batches, table.description.schema)


def ipc(table: pa.Table, path: Path, rows: int = 25, **options: object) -> Path:
    opening = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
    options_of_writer = pa.ipc.IpcWriteOptions(**options)
    with pa.OSFile(str(path), "wb") as file, opening(file, table.schema, options=options_of_writer) as writer:
        writer.write_table(table, rows)
    return path


def small() -> pa.Table:
    table = wide(*series(60, 30))
    return table.append_column("track", pa.array(["A44", "D22"] * 30).dictionary_encode())


def test_an_offset_that_leads_out_of_its_buffer_is_refused(tmp_path: Path) -> None:
    path = ipc(small(), tmp_path / "a.arrow", 60)
    content = bytearray(path.read_bytes())
    place = bytes(content).find((np.arange(1, 5, dtype="<i4") * 5).tobytes())  # ids have five characters
    assert place > 0
    content[place + 3] = 0x20
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"out of bounds.*damaged or incomplete"):
        read(path)
    with pytest.raises(DataError, match="out of bounds"):
        classify_file(path, tmp_path / "out.csv")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.arrow"]


def _containers(folder: Path) -> dict[str, Path]:
    lists = as_lists(wide(*series(60, 30)), "list")
    delta = folder / "delta.arrows"
    with pa.OSFile(str(delta), "wb") as file, ExitStack() as closing:
        writer = None
        for number, part in enumerate(wide(*series(60, 30)).combine_chunks().to_batches(20)):
            words = pa.array([f"word {i}" for i in range(5 * (number + 1))])
            column = pa.DictionaryArray.from_arrays(pa.array([i % len(words) for i in range(20)], pa.int16()), words)
            batch = pa.RecordBatch.from_arrays([*part.columns, column], [*part.schema.names, "words"])
            if writer is None:
                options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
                writer = closing.enter_context(pa.ipc.new_stream(file, batch.schema, options=options))
            writer.write_batch(batch)
    return {
        "file": ipc(small(), folder / "file.arrow"),
        "stream": ipc(small(), folder / "stream.arrows"),
        "lists": ipc(lists, folder / "lists.arrows", compression="zstd"),
        "deltas": delta,
        "parquet": write(small(), folder / "wide.parquet"),
        "lists parquet": write(lists, folder / "lists.parquet"),
    }


def _outcome(path: Path) -> int:
    """Read a table in a child of this process; return 0, the code of its error, 99 of a defect, or less than 0."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    code = 99
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(100)
        table = read(path)
        for column in table.columns:
            column.slice(0, 5).to_pylist()
        code = 0
    except InsarRuntimeError as error:
        code = error.exit_code if len(str(error).splitlines()) == 1 else 98
    finally:
        os._exit(code)


@forks
@pytest.mark.parametrize("kind", ["file", "stream", "lists", "deltas", "parquet", "lists parquet"])
def test_a_damaged_byte_never_ends_the_process(kind: str, tmp_path: Path) -> None:
    path = _containers(tmp_path)[kind]
    content, rng = path.read_bytes(), random.Random(kind)
    # Half of them in the beginning and the end, where the headers and the footer are.
    places = [rng.randrange(4, len(content)) for _ in range(12)]
    places += [rng.choice([rng.randrange(4, 2000), len(content) - rng.randrange(1, 2000)]) for _ in range(12)]
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        assert _outcome(path) in {0, 65}, f"bit of byte {place}"


@forks
def test_a_column_whose_statistics_do_not_fit_is_no_abort(tmp_path: Path) -> None:
    """pyarrow ends the process if the chunk of such a column is looked at; the same check as in apache/arrow#45283."""
    table = wide(*series(60, 30))
    path, name = write(table, tmp_path / "a.parquet"), table.schema.names[5].encode()
    content = path.read_bytes()
    # In thrift: that the column may have nulls, and its name. Without nulls there would be one level, not two.
    before, after = b"\x25\x02\x18\x08" + name, b"\x25\x00\x18\x08" + name
    assert content.count(before) == 1
    path.write_bytes(content.replace(before, after))
    assert _outcome(path) == 65


@pytest.mark.parametrize(
    ("method", "place"), [(zipfile.ZIP_LZMA, 30), (zipfile.ZIP_BZIP2, 30), (zipfile.ZIP_DEFLATED, 2)]
)
def test_damage_in_a_zip_is_refused(method: int, place: int, tmp_path: Path) -> None:
    table = write(wide(*series(60, 30)), tmp_path / "a.csv")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.write(table, "a.csv")
    content = bytearray((tmp_path / "a.zip").read_bytes())
    begin = 30 + len("a.csv")
    content[begin + place : begin + place + 400] = bytes(400)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="damaged or incomplete"):
        read(tmp_path / "a.zip")


def _nameless(content: bytearray) -> None:
    at = content.rindex(b"PK\x01\x02")
    content[at + 28 : at + 30] = bytes(2)
    content[at + 46 : at + 51] = b""


def _not_utf8(content: bytearray) -> None:
    for mark, offset, flags in ((b"PK\x03\x04", 30, 6), (b"PK\x01\x02", 46, 8)):
        at = content.index(mark)
        content[at + flags + 1] |= 8  # names are UTF-8
        content[at + offset] = 0xFF


def _before_the_beginning(content: bytearray) -> None:
    at = content.rindex(b"PK\x05\x06")
    content[at + 16 : at + 20] = (len(content) * 2).to_bytes(4, "little")


@pytest.mark.parametrize("damage", [_nameless, _not_utf8, _before_the_beginning])
def test_damage_in_the_directory_of_a_zip_is_refused(damage: Callable[[bytearray], None], tmp_path: Path) -> None:
    table = write(wide(*series(60, 30)), tmp_path / "a.csv")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(table, "a.csv")
    content = bytearray((tmp_path / "a.zip").read_bytes())
    damage(content)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError):
        read(tmp_path / "a.zip")


def test_a_column_whose_name_is_no_utf8_is_refused(tmp_path: Path) -> None:
    path = write(wide(*series(60, 30)).append_column("n\u00e4me", pa.array(range(60))), tmp_path / "a.parquet")
    path.write_bytes(path.read_bytes().replace("n\u00e4me".encode(), b"n\xff\xffme"))
    with pytest.raises(DataError, match=r"n\\\\xff\\\\xffme.*not UTF-8"):
        read(path)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.arrow"])
def test_too_many_columns_are_refused_before_they_are_looked_at(name: str, tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(MOST_COLUMNS + 1)]
    path = tmp_path / name
    if name == "a.csv":
        path.write_text(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n", "utf-8")
    else:
        schema = pa.schema([(column, pa.int8()) for column in names])
        table = schema.empty_table()
        if name == "a.arrow":
            ipc(table, path)
        else:
            pq.write_table(table, path)
    with pytest.raises(DataError, match=f"{MOST_COLUMNS + 1} columns, more than the {MOST_COLUMNS} that are read"):
        read(path)


@pytest.mark.parametrize("before", ["", "p1,1.5,2.5\n", "p1,1.5,2.5\n" * 200_000], ids=["first", "second", "later"])
def test_a_line_of_millions_of_commas_is_refused(before: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"pid,20200103,20200109\n" + before.encode() + b"," * (9 << 20) + b"\n")
    with pytest.raises(DataError, match=r"more than 8 MiB|longer than those before"):
        read(path)


@pytest.mark.parametrize("name", ["a.arrow", "a.arrows"])
def test_a_large_batch_is_mapped_and_read_in_slices(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = small().combine_chunks()
    path = ipc(table, tmp_path / name, 60)
    as_it_is = read(path)
    monkeypatch.setattr(ipc_table, "_MAPPED_BYTES", 1000)
    monkeypatch.setattr(ipc_table, "_WINDOW_BYTES", 4000)
    with ExitStack() as closing:
        opened = ipc_table.open_ipc_path(path, closing)
        parts = list(opened.batches())
        assert len(parts) > 10
        assert opened.held_bytes == 8000 + ipc_table._SLICING_BYTES
        assert opened.some_columns is not None
        assert pa.Table.from_batches(opened.some_columns(["pid"])).column(0).to_pylist() == table["pid"].to_pylist()
    assert read(path).equals(as_it_is)
    damaged = bytearray(path.read_bytes())
    place = bytes(damaged).find((np.arange(1, 5, dtype="<i4") * 5).tobytes())
    damaged[place + 3] = 0x20
    path.write_bytes(damaged)
    with pytest.raises(DataError, match="out of bounds"):
        read(path)


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_sizes_of_batches_are_known_from_their_headers(compression: str | None, tmp_path: Path) -> None:
    table = pa.table({"a": np.zeros(1000), "b": np.zeros(1000, dtype=np.float32)})
    path = ipc(table, tmp_path / "a.arrow", 400, compression=compression)
    sizes = list(batch_sizes(pa.py_buffer(path.read_bytes())))
    assert [size.rows for size in sizes] == [400, 400, 200]
    assert [size.compressed for size in sizes] == [compression is not None] * 3
    for size in sizes:
        assert 12 * size.rows <= size.decoded < 12 * size.rows + 200
        assert (size.stored < size.decoded) == (compression is not None)


def test_sizes_of_batches_are_known_where_only_the_footer_leads_to_them(tmp_path: Path) -> None:
    """As in files of Polars, which begin with no stream."""
    path = ipc(pa.table({"20200103": np.zeros(1000)}), tmp_path / "a.arrow", 400)
    content = bytearray(path.read_bytes())
    content[8:16] = b"\x04\0\0\0\xf2\xff\xff\xff"
    assert [size.rows for size in batch_sizes(pa.py_buffer(bytes(content)))] == [400, 400, 200]
    path.write_bytes(content)
    with ExitStack() as closing:
        opened = ipc_table.open_ipc_path(path, closing)
        assert opened.held_bytes >= 2 * 400 * 8
        assert sum(batch.num_rows for batch in opened.batches()) == 1000


def test_a_batch_without_rows_has_none(tmp_path: Path) -> None:
    """FlatBuffers leaves out numbers that are zero."""
    schema = pa.schema([("20200103", pa.float64())])
    path = tmp_path / "a.arrow"
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as writer:
        for rows in (3, 0, 2):
            writer.write_batch(pa.record_batch([np.zeros(rows)], schema=schema))
    assert [size.rows for size in batch_sizes(pa.py_buffer(path.read_bytes()))] == [3, 0, 2]


def test_a_file_with_a_batch_whose_header_is_damaged_is_refused(tmp_path: Path) -> None:
    path = ipc(pa.table({"20200103": np.zeros(1000)}), tmp_path / "a.arrow", 400)
    content = path.read_bytes()
    first = content.index(b"\xff\xff\xff\xff", 16)
    second = content.index(b"\xff\xff\xff\xff", first + 400 * 8)
    path.write_bytes(content[: second + 4] + bytes(4) + content[second + 8 :])
    with pytest.raises(DataError, match="only 1 of the 3 batches"):
        read(path)


def test_the_rows_of_batches_are_known_without_reading_one(tmp_path: Path) -> None:
    path = ipc(pa.table({"20200103": np.arange(1000.0)}), tmp_path / "a.arrow", 400, compression="zstd")
    content = path.read_bytes()
    frame = (0xFD2FB528).to_bytes(4, "little")
    assert frame in content
    path.write_bytes(content.replace(frame, bytes(4), 1))
    found = ipc_table.spread_parts(path, ["20200103"])
    assert found is not None
    rows, first_rows = found
    assert rows == [400, 400, 200]
    assert first_rows(2, 5)["20200103"].to_pylist() == [800, 801, 802, 803, 804]
    with pytest.raises(OSError, match=r"(?i)zstd"):
        first_rows(0, 5)


def test_a_batch_that_claims_a_size_beyond_all_reason_is_refused(tmp_path: Path) -> None:
    path = ipc(pa.table({"20200103": np.zeros(5000)}), tmp_path / "a.arrows", 5000, compression="zstd")
    content = path.read_bytes()
    claim = (40_000).to_bytes(8, "little")
    assert claim in content
    path.write_bytes(content.replace(claim, (1 << 50).to_bytes(8, "little")))
    with pytest.raises(DataError, match="GiB: it is damaged"):
        read(path)


def test_streams_joined_in_a_file_are_refused(tmp_path: Path) -> None:
    path = ipc(small(), tmp_path / "a.arrows")
    content = path.read_bytes()
    for behind in (content, b"x"):
        path.write_bytes(content + behind)
        with pytest.raises(DataError, match=f"{len(behind)} bytes follow the end of its Arrow stream"):
            read(path)
    path.write_bytes(content + bytes(64))
    assert read(path).num_rows == 60


def test_a_stream_without_an_end_is_read_with_a_note(tmp_path: Path) -> None:
    path = ipc(small(), tmp_path / "a.arrows")
    for content, words in ((path.read_bytes(), False), (path.read_bytes()[:-8], True)):
        path.write_bytes(content)
        with open_described(path, MM, exact=True) as table:
            assert sum(batch.num_rows for batch in table.batches) == 60
            assert any("no mark at its end" in note for note in table.source.origin.notes) is words


def test_runs_of_millions_of_rows_are_read_in_pieces(tmp_path: Path) -> None:
    rows = 3_000_000
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([rows], pa.int32()), pa.array(["x"]))
    batch = pa.RecordBatch.from_arrays([runs, pa.nulls(rows)], ["pid", "20200101"])
    path = tmp_path / "a.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
    with open_source(path) as source:
        pieces = source.column("pid")
        assert pieces is not None
        lengths = [len(piece) for piece in pieces]
    assert sum(lengths) == rows
    assert max(lengths) <= 1 << 16


def test_a_batch_of_more_rows_than_arrow_writes_is_refused(tmp_path: Path) -> None:
    rows = 123_457
    batch = pa.RecordBatch.from_arrays([pa.nulls(rows)] * 2, ["pid", "20200101"])
    for opening in (pa.ipc.new_file, pa.ipc.new_stream):
        path = tmp_path / "a.arrow"
        with pa.OSFile(str(path), "wb") as file, opening(file, batch.schema) as writer:
            writer.write_batch(batch)
        path.write_bytes(path.read_bytes().replace(struct.pack("<q", rows), struct.pack("<q", 1 << 40)))
        with pytest.raises(DataError, match="a batch of 1099511627776 rows"), open_source(path) as source:
            next(iter(source.batches()))


def test_encrypted_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PARE" + bytes(100) + b"PARE")
    with pytest.raises(DataError, match="is an encrypted Parquet file"):
        read(path)
