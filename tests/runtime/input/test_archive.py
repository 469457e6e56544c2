"""Zips as downloaded, unpacked and packed again."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from insar_runtime._input.opening import open_source
from insar_runtime._input.source import Source
from insar_runtime.errors import DataError

CSV = "pid,latitude,20200103\na,45.5,1.5\n"
# The elements that the product user manual names; values of the product level as in the names of files.
XML = """<?xml version="1.0" encoding="UTF-8"?>
<egms xmlns="urn:egms">
  <header>
    <product_level>L2b</product_level><track>022</track><burst_id>0845</burst_id><sub_swath>IW2</sub_swath>
    <production_facility>1</production_facility><production_date>14/05/2025</production_date>
    <description>%s</description><geo>not ours</geo><empty/>
  </header>
  <products><product>S1A_IW_SLC_1</product><product>S1A_IW_SLC_2</product></products>
</egms>
"""


def opened(tmp_path: Path, *members: tuple[str, str]) -> Source:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    with open_source(path) as source:
        assert sum(batch.num_rows for batch in source.batches()) == 1
        return source


def test_facts_of_the_xml_beside_the_table(tmp_path: Path) -> None:
    source = opened(tmp_path, ("EGMS.csv", CSV), ("EGMS.xml", XML % ("x" * 300)))
    assert source.metadata == {
        "member": "EGMS.csv",
        "product_level": "L2b",
        "track": "022",
        "burst_id": "0845",
        "sub_swath": "IW2",
        "production_facility": "1",
        "production_date": "14/05/2025",
    }
    assert source.origin.product_level == "L2b"
    assert source.origin.file_names == ("EGMS.csv", "a.zip")


def test_folders_and_the_traces_of_a_mac_do_not_disturb(tmp_path: Path) -> None:
    source = opened(
        tmp_path,
        ("EGMS/", ""),
        ("EGMS/folder.csv/", ""),
        ("EGMS/a.CSV", "\ufeff" + CSV),
        ("EGMS/a.xml", "<r><track>1</track></r>"),
        ("EGMS/other.xml", "<r><track>2</track></r>"),
        ("EGMS/velocity.tiff", "II*"),
        ("__MACOSX/EGMS/._a.CSV", "\0\0"),
        ("EGMS/.hidden.csv", "x"),
    )
    assert source.metadata == {"member": "EGMS/a.CSV", "track": "1"}
    assert source.schema.names == ["pid", "latitude", "20200103"]


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r><track>&b;</track></r>'


@pytest.mark.parametrize(
    "xml", ["no xml", "<r>", BOMB, "<r>\ud800</r>".encode("utf-16", "surrogatepass").decode("latin-1")]
)
def test_xml_that_is_none_is_left_aside_and_told(tmp_path: Path, xml: str) -> None:
    source = opened(tmp_path, ("a.csv", CSV), ("a.xml", xml))
    assert source.metadata == {"member": "a.csv"}
    assert source.origin.notes == ("'a.xml' in the zip is not XML and is ignored",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp037"])
def test_xml_with_entities_is_left_aside_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    beginning = f'<?xml version="1.0" encoding="{encoding}"?>'
    head = beginning.encode("utf-16" if encoding == "utf-16" else "ascii")
    content = head + BOMB.encode("utf-16-le" if encoding == "utf-16" else encoding)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.writestr("a.xml", content)
    with open_source(path) as source:
        assert "track" not in source.metadata


def test_two_archives_in_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", CSV)
    path.write_bytes(2 * path.read_bytes())
    with pytest.raises(DataError, match="bytes stand before the first member"), open_source(path):
        pass


def test_two_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one CSV, it holds 2 \('a/x.csv', 'b/x.csv'\): unpack it"):
        opened(tmp_path, ("a/x.csv", CSV), ("b/x.csv", CSV))
