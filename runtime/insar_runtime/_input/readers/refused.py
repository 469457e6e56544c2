"""Refusal of files that are no tables, by their first bytes, with what to do about each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from insar_runtime.errors import DataError

UNPACK: Final = "unpack it, and give the table that it holds"
SAVE_AS_CSV: Final = "save its sheet as CSV UTF-8, one row per point"
_HDF5: Final = b"\x89HDF"
_OGR: Final = "bring it to a GeoPackage: ogr2ogr OUT.gpkg {path}"
_TABLE: Final = "convert it to Parquet or UTF-8 CSV, one row per point"
_BINARY: Final = (
    (b"PARE", "an encrypted Parquet file", "write it again without encryption"),
    (b"fgb\x03", "a FlatGeobuf file", _OGR),
    (b"\xfd7zXZ\x00", "an xz file", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z file", UNPACK),
    (b"Rar!", "a rar file", UNPACK),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", SAVE_AS_CSV),
    (b"\xff\xfe", "UTF-16 text", _TABLE),
    (b"\xfe\xff", "UTF-16 text", _TABLE),
)
"""First bytes, the kind of file, and the remedy."""
_OTHER_CONTAINERS: Final = (
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
    (b"PK\x03\x04", "a zip"),
    (b"SQLite format 3", "a GeoPackage"),
    (b"\x00\x00\x27\x0a", "a shapefile"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
"""First bytes of what is read, but not within a compressed file."""
_AGAIN: Final = "fetch the file again"
_CONTAINERS: Final = frozenset(
    {
        ".parquet",
        ".geoparquet",
        ".pq",
        ".zip",
        ".arrow",
        ".arrows",
        ".ipc",
        ".shp",
        ".dbf",
        ".gpkg",
        ".gz",
        ".zst",
        ".bz2",
    }
)
"""Extensions of files that are not text."""


def refuse_others(path: Path, magic: bytes) -> None:
    """Refuse what is not text, or no table; nothing happens if it may be a CSV.

    Parameters
    ----------
    path : Path
        Of the file.
    magic : bytes
        Its first bytes.

    Raises
    ------
    DataError
        It is not a table that is read.
    """
    if not magic:
        raise DataError(f"{path} is empty: fetch or write it again")
    extension = path.suffix.lower()
    known = [(what, remedy) for first, what, remedy in _BINARY if magic.startswith(first)]
    if not known and extension in _CONTAINERS:
        raise DataError(f"{path} is no {extension[1:]} file by its content: fetch or write it again")
    if magic.startswith(_HDF5):
        raise DataError(
            f"{path} is an HDF5 or NetCDF file: bring maps of MintPy, LiCSBAS or OPERA DISP-S1 to Parquet with "
            f"insar-rt convert {path} -o OUT.parquet"
        )
    known += _text_that_is_no_table(path, magic)
    if b"\0" in magic:
        known.append(("no text", _TABLE))
    if known:
        what, remedy = known[0]
        raise DataError(f"{path} is {what}: {remedy.format(path=path)}")


def refuse_packed(path: Path, magic: bytes) -> None:
    """Refuse a compressed file whose content is not text; arguments as of ``refuse_others``, of the content.

    Raises
    ------
    DataError
        It is no CSV.
    """
    if not magic:
        raise DataError(f"{path} holds nothing: fetch or write it again")
    found = [what for first, what in _OTHER_CONTAINERS if magic.startswith(first)]
    if magic[257:262] == b"ustar":
        found = ["a tar archive"]
    if not found:
        found = [what for what, _ in _text_that_is_no_table(path, magic)]
    if not found and (b"\0" in magic or any(magic.startswith(first) for first, _, _ in _BINARY)):
        found = ["no text"]
    if found:
        raise DataError(f"{path} holds {found[0]}, and only CSV is read compressed: {UNPACK}")


def _text_that_is_no_table(path: Path, magic: bytes) -> list[tuple[str, str]]:
    """Return the kind and the remedy of markup, as a service sends it in place of a file when a token has expired."""
    text = magic.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return [("a web page or XML", _AGAIN)]
    convert = f"insar-rt convert {path} -o OUT.parquet"
    if text.startswith(b"{") and b'"FeatureCollection"' in text[:512]:
        return [("GeoJSON", f"bring it to Parquet: {convert}")]
    if text.startswith(b"{"):
        return [
            ("JSON", f"bring it to Parquet if it holds points: {convert}; {_AGAIN} if a service has sent an answer")
        ]
    if text.startswith(b"[") and text[1:].lstrip().startswith(b"{"):
        return [("JSON", f"bring it to Parquet: {convert}")]
    return []
