"""CSV compressed by gzip, zstd and bzip2: the same rows, in memory that does not grow, damage in one line."""

from __future__ import annotations

import bz2
import gzip
import resource
import struct
from pathlib import Path

import pyarrow as pa
import pytest

from insar_runtime._input.opening import open_source
from insar_runtime._input.sampling import estimate_rows
from insar_runtime._pipeline.many import OutputNaming, expand_inputs
from insar_runtime.errors import DataError
from tests.runtime import tables

KINDS = {"gz": "gzip", "zst": "zstd", "bz2": "bz2"}


def packed(text: bytes, kind: str) -> bytes:
    return pa.Codec(KINDS[kind]).compress(text, asbytes=True) if kind == "zst" else _module(kind)(text)


def _module(kind: str):  # type: ignore[no-untyped-def]
    return {"gz": gzip.compress, "bz2": bz2.compress}[kind]


def table_text(points: int = 300) -> bytes:
    table = tables.wide(*tables.series(points=points))
    lines = [",".join(table.schema.names)]
    lines += [",".join(map(str, row.values())) for row in table.to_pylist()]
    return ("\n".join(lines) + "\n").encode()


def read(path: Path) -> pa.Table:
    with open_source(path) as source:
        return pa.Table.from_batches(source.batches(), source.schema)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a.csv", "without_extension"])
def test_the_same_rows_as_the_text(tmp_path: Path, kind: str, name: str) -> None:
    text = table_text()
    (tmp_path / "plain.csv").write_bytes(text)
    path = tmp_path / f"{name}.{kind}"
    path.write_bytes(packed(text, kind))
    assert read(path).equals(read(tmp_path / "plain.csv"))
    with open_source(path) as source:
        assert source.kind == f"csv.{kind}"
        assert source.rows is None
        rows = estimate_rows(source)
        assert rows is not None
        assert abs(rows - 300) <= 3


def test_several_members_are_one_text(tmp_path: Path) -> None:
    text = table_text()
    half = text.index(b"\n", len(text) // 2) + 1
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text[:half]) + gzip.compress(text[half:]))
    (tmp_path / "a.csv").write_bytes(text)
    assert read(tmp_path / "a.csv.gz").equals(read(tmp_path / "a.csv"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
def test_a_cut_file_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    content = packed(table_text(3000), kind)
    path = tmp_path / f"a.csv.{kind}"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"a\.csv\..*(damaged or incomplete|fetch or write it again)") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["gz", "bz2"])
def test_a_changed_byte_is_noticed(tmp_path: Path, kind: str) -> None:
    content = bytearray(packed(table_text(3000), kind))
    content[len(content) // 2] ^= 0x10
    path = tmp_path / f"a.csv.{kind}"
    path.write_bytes(content)
    with pytest.raises(DataError):
        read(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PAR1 and more", "Parquet"),
        (b"a" * 257 + b"ustar" + b"\0" * 300, "a tar archive"),
        (b"SQLite format 3\0", "a GeoPackage"),
        (b'{"type": "FeatureCollection"}', "GeoJSON"),
        (b"a\0b", "no text"),
    ],
)
def test_other_content_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=f"a.gz holds {what}, and only CSV is read compressed: unpack it"):
        read(path)


def test_a_frame_without_content_may_come_first(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zst"
    path.write_bytes(struct.pack("<II4x", 0x184D2A50, 4) + packed(table_text(5), "zst"))
    assert read(path).num_rows == 5


def test_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(DataError, match="holds nothing"):
        read(path)


def test_a_bomb_is_refused_in_flat_memory(tmp_path: Path) -> None:
    """A gigabyte of one line in a megabyte: the line is longer than any header."""
    path = tmp_path / "a.csv.gz"
    block = gzip.compress(b"0" * (64 << 20), 1)
    path.write_bytes(block * 16)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match="a line has more than 8 MiB"):
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 << 10


def test_names_of_outputs_and_inputs(tmp_path: Path) -> None:
    assert OutputNaming().output(Path("b/a.csv.gz")) == Path("b/a.classified.parquet")
    for name in ("a.csv.gz", "b.gz", "c.shp", "c.dbf", "d.dbf", "e.gpkg", "f.classified.gpkg"):
        (tmp_path / name).touch()
    assert [path.name for path in expand_inputs([str(tmp_path)])] == ["a.csv.gz", "c.shp", "d.dbf", "e.gpkg"]
