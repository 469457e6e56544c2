"""CSV as a source: as it stands, compressed, or within a zip."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from insar_runtime._input.origin import Origin
from insar_runtime._input.readers.csv_table import CsvTable, open_csv
from insar_runtime._input.source import Kind, Source, guess_row_bytes
from insar_runtime._input.store_path import open_bytes

if TYPE_CHECKING:
    from insar_runtime._input.readers.compressed import Compressed
    from insar_runtime._input.readers.zip_archive import Archive

_INFERENCE_BYTES: Final = 40 << 20
"""What the types of the columns take to be found, and the readers of CSV to be loaded."""
_CODEC_BYTES: Final = 24 << 20
"""What a codec and its buffers take; the window of zstd is 8 MiB as a rule."""


def open_text(path: Path, closing: ExitStack, roles: Mapping[str, str], date_format: str | None) -> Source:
    """Open a CSV.

    Raises
    ------
    DataError
        As ``open_csv``.
    """
    table = open_csv(lambda: open_bytes(path), path.open("rb"), closing, roles, date_format)
    return _of_csv(path, "csv", table, {}, Origin((path.name,)))


def open_compressed_text(
    path: Path, kind: Compressed, closing: ExitStack, roles: Mapping[str, str], date_format: str | None
) -> Source:
    """Open a compressed CSV.

    Raises
    ------
    DataError
        It holds something else, or as ``open_csv``.
    """
    from insar_runtime._input.readers.compressed import open_compressed  # noqa: PLC0415 - of no other container
    from insar_runtime._input.readers.refused import refuse_packed  # noqa: PLC0415

    def reopen() -> Any:
        return open_compressed(path, kind)

    with reopen() as stream:
        refuse_packed(path, stream.read(4096))
    table = open_csv(reopen, reopen(), closing, roles, date_format)
    source = _of_csv(path, kind, table, {}, Origin((path.name,)))
    return replace(source, held_bytes=source.held_bytes + _CODEC_BYTES)


def open_zipped_text(
    path: Path, archive: Archive, closing: ExitStack, roles: Mapping[str, str], date_format: str | None
) -> Source:
    """Open the CSV in a zip.

    Raises
    ------
    DataError
        As ``open_csv``.
    """

    def reopen() -> Any:
        return archive.file.open(archive.member)

    table = open_csv(reopen, reopen(), closing, roles, date_format)
    facts = {"member": archive.member, **archive.facts}
    origin = Origin((archive.member, path.name), archive.facts.get("product_level"), notes=archive.notes)
    return _of_csv(path, "zip", table, facts, origin)


def _of_csv(path: Path, kind: Kind, table: CsvTable, metadata: dict[str, str], origin: Origin) -> Source:
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
