"""The independent readers take what the command rightly takes, and nothing else."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest

from hostile.files.independent import PlainTable, read_plain
from tests.runtime.input.shapefiles import dbf


def read(path: Path, content: bytes) -> PlainTable:
    path.write_bytes(content)
    table = read_plain(path)
    assert table is not None
    return table


@pytest.mark.parametrize("before", [b"# note\n", b"sep=\t\n", b"sep=\t\n# note\n", b"# a, b\n", b""])
def test_lines_before_the_header_of_a_csv(tmp_path: Path, before: bytes) -> None:
    table = read(tmp_path / "a.csv", before + b"#pid\t20200103\t20200109\t20200115\np1\t1\t2\t3\n")
    assert table.names == ["#pid", "20200103", "20200109", "20200115"]
    assert table.rows == 1


def test_a_cell_of_a_csv_may_be_long(tmp_path: Path) -> None:
    usual = csv.field_size_limit()
    table = read(tmp_path / "a.csv", b"pid,note\np1," + b"x" * 200_000 + b"\n")
    assert len(table.columns[1][0]) == 200_000
    assert csv.field_size_limit() == usual


FIELDS = [("pid", "C", 8, 0), ("D20200103", "N", 8, 2)]


@pytest.mark.parametrize(
    ("page", "texts", "wanted"),
    [
        (b"UTF-8", ["Ä¹ ñ1".encode()], ["Ä¹ ñ1"]),
        (None, ["Ä¹ ñ1".encode(), b"p"], ["Ä¹ ñ1", "p"]),
        (None, ["Ä¹ ñ1".encode("latin-1"), b"p"], ["Ä¹ ñ1", "p"]),
        (b" ", ["ñ1".encode(), "ñ2".encode("latin-1")], ["Ã±1", "ñ2"]),
    ],
)
def test_the_encoding_of_a_dbase_table(
    tmp_path: Path, page: bytes | None, texts: list[bytes], wanted: list[str]
) -> None:
    content = dbf(FIELDS, [[text, b"1.5"] for text in texts])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("points.dbf", content)
        if page is not None:
            archive.writestr("points.cpg", page)
    table = read_plain(tmp_path / "a.zip")
    assert table is not None
    assert table.column("pid") == wanted
    if page is None:
        assert read(tmp_path / "a.dbf", content).column("pid") == wanted


def test_other_code_pages_are_not_judged(tmp_path: Path) -> None:
    content = dbf(FIELDS, [["ñ".encode("cp850"), b"1.5"]], language=2)
    with pytest.raises(ValueError, match="code page"):
        read(tmp_path / "a.dbf", content)
