"""The committed file of the matrix product is the one that the export writes."""

from __future__ import annotations

from export.row_product import IN_PACKAGE, row_product


def test_file_in_the_package_is_the_exported_one() -> None:
    assert IN_PACKAGE.read_bytes() == row_product().SerializeToString()
