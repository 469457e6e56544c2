"""Which reader opens a file: Parquet, CSV, a zip with a CSV or Arrow IPC, by its first bytes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from insar_runtime._input.origin import Origin
from insar_runtime._input.readers.parquet_table import open_parquet
from insar_runtime._input.source import Source, guess_row_bytes
from insar_runtime._input.store_path import StorePath, fetch, open_bytes
from insar_runtime.errors import DataError, InputOutputError, UsageError

if TYPE_CHECKING:
    from insar_runtime._input.readers.csv_table import CsvTable
    from insar_runtime._input.readers.ipc_table import IpcTable


_INFERENCE_BYTES: Final = 40 << 20
"""What the types of the columns take to be found, and the readers of CSV to be loaded."""
_HDF5: Final = b"\x89HDF"
_UNPACK: Final = "unpack it, and give the Parquet or CSV file that it holds"
_OGR: Final = (
    "bring it to CSV: ogr2ogr -t_srs EPSG:4326 -lco GEOMETRY=AS_XY OUT.csv IN, and name the columns of the position "
    "with --lon-column X --lat-column Y"
)
_TABLE: Final = "convert it to Parquet or UTF-8 CSV, one row a point"
_REFUSED: Final = (
    (b"SQLite format 3", "a GeoPackage or SQLite file", _OGR),
    (b"\x00\x00\x27\x0a", "a shapefile", _OGR),
    (b"fgb\x03", "a FlatGeobuf file", _OGR),
    (b"\x1f\x8b", "a gzip file", _UNPACK),
    (b"BZh", "a bzip2 file", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz file", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd file", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z file", _UNPACK),
    (b"Rar!", "a rar file", _UNPACK),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", _TABLE),
    (b"\xff\xfe", "UTF-16 text", _TABLE),
    (b"\xfe\xff", "UTF-16 text", _TABLE),
)
"""First bytes, the kind of file, and the remedy."""
_AGAIN: Final = "fetch the file again"
_MARKUP: Final = (
    (b"<", "a web page or XML", _AGAIN),
    (b"{", "JSON", f"{_AGAIN} if a service has sent this, or {_TABLE}"),
    (b"[{", "JSON", _TABLE),
)
"""First characters of text that is no table: what a service sends in place of a file, when a token has expired."""


def open_path(
    path: Path, closing: ExitStack, roles: Mapping[str, str], *, exact: bool, date_format: str | None
) -> Source:
    """Open a file; its first bytes identify the container.

    Raises
    ------
    InputOutputError, UsageError, DataError
        It is a folder, no regular file, or no table that can be read; others as the readers raise them.
    """
    if path.is_dir():
        raise InputOutputError(
            f"{path} is a folder: give one file (one time axis per file), or --as-table if its files are one table"
        )
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no regular file: give a file, or - and an Arrow stream on standard input")
    with path.open("rb") as file:
        magic = file.read(4096)
    if magic.startswith(b"PAR1"):
        return _open_parquet(path, closing, exact=exact, date_format=date_format)
    if magic.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return _open_ipc_file(path, closing)
    if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_zip(path, closing, roles, date_format)
    _refuse_others(path, magic)
    if isinstance(path, StorePath) and magic.startswith(b"SQLite format 3"):
        raise DataError(f"{path} is a database in a store, and SQLite reads files of this machine: fetch it first")
    return _open_text(path, closing, roles, date_format)


def _refuse_others(path: Path, magic: bytes) -> None:
    """Refuse what is no text, or no table, by its first bytes, with what to do about it."""
    if not magic:
        raise DataError(f"{path} is empty: fetch or write it again")
    extension = path.suffix.lower()
    text = magic.removeprefix(b"\xef\xbb\xbf").lstrip()
    known = [found for found in _REFUSED if magic.startswith(found[0])]
    if not known and extension in {".parquet", ".geoparquet", ".pq", ".zip", ".arrow", ".arrows", ".ipc"}:
        raise DataError(f"{path} is no {extension[1:]} file by its content: fetch or write it again")
    if magic.startswith(_HDF5):
        raise DataError(
            f"{path} is an HDF5 or NetCDF file: bring maps of MintPy, LiCSBAS or OPERA DISP-S1 to Parquet with "
            f"insar-rt convert {path} -o OUT.parquet"
        )
    known += [found for found in _MARKUP if text.startswith(found[0])]
    if b"\0" in magic:
        known.append((b"", "no text", _TABLE))
    if known:
        _, what, remedy = known[0]
        raise DataError(f"{path} is {what}: {remedy}")


def _open_text(path: Path, closing: ExitStack, roles: Mapping[str, str], date_format: str | None) -> Source:
    # Parquet, of which most runs are, needs none of what CSV and zips take.
    from insar_runtime._input.readers.csv_table import open_csv  # noqa: PLC0415

    table = open_csv(lambda: open_bytes(path), path.open("rb"), closing, roles, date_format)
    return _of_csv(path, "csv", table, {}, Origin((path.name,)))


def _open_parquet(path: Path, closing: ExitStack, *, exact: bool, date_format: str | None) -> Source:
    table = open_parquet(path, closing, exact=exact, date_format=date_format)
    return Source(
        str(path),
        "parquet",
        table.schema,
        table.rows,
        _texts(table.schema.metadata),
        table.row_bytes,
        table.held_bytes,
        Origin((path.name,)),
        table.batches,
        table.some_columns,
        search=table.search,
    )


def _open_ipc_file(path: Path, closing: ExitStack) -> Source:
    from insar_runtime._input.readers.ipc_table import open_ipc_path  # noqa: PLC0415 - as above

    if isinstance(path, StorePath):
        # The sizes of its batches stand all over the file, and large batches are mapped.
        return _of_ipc(str(path), open_ipc_path(fetch(path, closing), closing))
    return _of_ipc(str(path), open_ipc_path(path, closing))


def open_stream(stream: Any, closing: ExitStack, name: str) -> Source:
    """Open an Arrow IPC stream, such as standard input.

    Raises
    ------
    DataError
        Its first bytes are those of something else.
    """
    from insar_runtime._input.readers.ipc_table import open_ipc_stream  # noqa: PLC0415 - as above

    return _of_ipc(name, open_ipc_stream(stream, closing))


def _open_zip(path: Path, closing: ExitStack, roles: Mapping[str, str], date_format: str | None) -> Source:
    from insar_runtime._input.readers.csv_table import open_csv  # noqa: PLC0415
    from insar_runtime._input.readers.zip_archive import open_archive  # noqa: PLC0415 - as above

    archive = open_archive(path, closing)

    def reopen() -> Any:
        return archive.file.open(archive.member)

    table = open_csv(reopen, reopen(), closing, roles, date_format)
    facts = {"member": archive.member, **archive.facts}
    origin = Origin((archive.member, path.name), archive.facts.get("product_level"), notes=archive.notes)
    return _of_csv(path, "zip", table, facts, origin)


def _of_ipc(name: str, table: IpcTable) -> Source:
    schema = table.schema
    return Source(
        name,
        "ipc",
        schema,
        None,
        _texts(schema.metadata),
        guess_row_bytes(schema) if table.row_bytes is None else table.row_bytes,
        table.held_bytes,
        Origin((Path(name).name,)),
        lambda *_: table.batches(),
        table.some_columns,
    )


def _of_csv(
    path: Path, kind: Literal["csv", "zip"], table: CsvTable, metadata: dict[str, str], origin: Origin
) -> Source:
    header = table.header
    origin = replace(origin, form=header.form, notes=(*origin.notes, *header.notes))
    # A block of text is parsed to doubles before its dates become float32.
    return Source(
        str(path),
        kind,
        table.schema,
        table.rows,
        metadata,
        guess_row_bytes(table.schema),
        3 * table.block + _INFERENCE_BYTES,
        origin,
        lambda *_: table.batches(),
        table.batches,
        header.names,
        table.search,
        retyped=lambda schema: _of_csv(path, kind, table.with_types(schema), metadata, origin),
    )


def _texts(metadata: dict[bytes, bytes] | None) -> dict[str, str]:
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in (metadata or {}).items()}
