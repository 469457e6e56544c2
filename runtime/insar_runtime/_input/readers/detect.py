"""Which reader opens a file, by its first bytes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from insar_runtime._input.locations import refuse_irregular
from insar_runtime._input.origin import Origin
from insar_runtime._input.readers.parquet_table import open_parquet
from insar_runtime._input.source import Source, guess_row_bytes
from insar_runtime._input.store_path import StorePath, fetch
from insar_runtime.errors import DataError, InputOutputError

if TYPE_CHECKING:
    from insar_runtime._input.readers.ipc_table import IpcTable

_OF_FILES: Final = (b"SQLite format 3\0", b"\0\0\x27\x0a")
"""First bytes of what is read from files of this machine alone: GeoPackages and shapefiles."""


def open_path(
    path: Path,
    closing: ExitStack,
    roles: Mapping[str, str],
    *,
    exact: bool,
    date_format: str | None,
    reads_json: bool = False,
) -> Source:
    """Open a file; its first bytes identify the container.

    JSON takes two readings of a text that is large for what it holds, so only ``convert`` asks for it.

    Raises
    ------
    InputOutputError, UsageError, DataError
        It is a folder, no regular file, or no table that can be read; others as the readers raise them.
    """
    if path.is_dir():
        raise InputOutputError(
            f"{path} is a folder: give one file (one time axis per file), or --as-table if its files are one table"
        )
    refuse_irregular(path, "give a file, or - and an Arrow stream on standard input")
    with path.open("rb") as file:
        magic = file.read(4096)
    if magic.startswith(b"PAR1"):
        return _open_parquet(path, closing, exact=exact, date_format=date_format)
    if magic.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return _open_ipc_file(path, closing)
    if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_zip(path, closing, roles, date_format)
    if reads_json:
        from insar_runtime._input.readers.json_table import is_json, open_json  # noqa: PLC0415 - of convert alone

        if is_json(magic):
            return open_json(path, date_format)
    if isinstance(path, StorePath) and magic.startswith(_OF_FILES):
        raise DataError(f"{path} is a GeoPackage or a shapefile in a store, read from files of this machine: fetch it")
    return _open_other(path, magic, closing, roles, date_format)


def _open_other(
    path: Path, magic: bytes, closing: ExitStack, roles: Mapping[str, str], date_format: str | None
) -> Source:
    """Open what most runs do not read; each reader is imported where it is needed."""
    if magic.startswith(b"SQLite format 3\0"):
        from insar_runtime._input.readers.gpkg_table import open_geopackage  # noqa: PLC0415

        return open_geopackage(path, date_format)
    if magic.startswith(b"\0\0\x27\x0a"):
        from insar_runtime._input.readers.shapefile import open_shapefile  # noqa: PLC0415

        return open_shapefile(path, date_format)
    from insar_runtime._input.readers.dbf_header import is_dbf  # noqa: PLC0415

    if is_dbf(magic):
        if isinstance(path, StorePath):
            raise DataError(f"{path} is a dBASE table in a store, read from files of this machine: fetch it")
        from insar_runtime._input.readers.shapefile import open_dbf  # noqa: PLC0415

        return open_dbf(path, date_format)
    from insar_runtime._input.readers.compressed import MAGICS  # noqa: PLC0415
    from insar_runtime._input.readers.text_table import open_compressed_text, open_text  # noqa: PLC0415

    kind = next((kind for first, kind in MAGICS.items() if magic.startswith(first)), None)
    if kind is not None:
        return open_compressed_text(path, kind, closing, roles, date_format)
    from insar_runtime._input.readers.refused import refuse_others  # noqa: PLC0415

    refuse_others(path, magic)
    return open_text(path, closing, roles, date_format)


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
    from insar_runtime._input.readers.zip_archive import open_archive  # noqa: PLC0415 - as above

    archive = open_archive(path, closing)
    if archive.member.lower().endswith(".csv"):
        from insar_runtime._input.readers.text_table import open_zipped_text  # noqa: PLC0415 - as above

        return open_zipped_text(path, archive, closing, roles, date_format)
    from insar_runtime._input.readers.shapefile import open_zipped_shapefile  # noqa: PLC0415 - as above

    return open_zipped_shapefile(path, archive, date_format)


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
        Origin((Path(name).name,), notes=table.notes),
        lambda *_: table.batches(),
        table.some_columns,
    )


def _texts(metadata: dict[bytes, bytes] | None) -> dict[str, str]:
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in (metadata or {}).items()}
