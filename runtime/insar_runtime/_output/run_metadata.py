"""Metadata of a run in its outputs: input, model, parameters and counts, as one block of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from insar_runtime._output.block_shape import MOST_BYTES, parse_block

METADATA_KEY: Final = "insar_runtime"
"""Key of our block in the metadata of an output file; its value is JSON."""

CORRECTED_KEY: Final = "corrected"
"""Key within our block of a table with corrected series, under which stands what ``restore`` needs."""

QUARANTINE_KEY: Final = "quarantine"
"""Key within our block of a table of rows that cannot be classified."""

_ARROW: Final = (b"ARROW1", b"\xff\xff\xff\xff")
"""First bytes of an Arrow file and of a stream."""

_MOST_STEPS: Final = 1_000_000
"""Instructions of SQLite that reading our block may take; it takes some ten."""

METADATA_URI: Final = "urn:insar-runtime:metadata"
"""What a GeoPackage knows our block by."""


def block_beside(path: Path) -> Path:
    """Return the name of the file that holds the block of a format without metadata."""
    return path.with_name(f"{path.name}.json")


def describe_file(written: Path, metadata: Mapping[str, str]) -> str:
    """Return the text of the file that holds the block of a file, which may still have another name."""
    # The size ties both together: a table that was edited is no longer what the block describes.
    content = {METADATA_KEY: json.loads(metadata[METADATA_KEY]), "bytes": written.stat().st_size}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def read_block(path: Path) -> dict[str, Any] | None:
    """Read our block back from an output of any format.

    Parameters
    ----------
    path : Path
        Parquet, GeoPackage, or CSV or Arrow with its ``.json`` beside it. An Arrow file without it still says what was
        known before its first row.

    Returns
    -------
    dict or None
        None if there is no such file, or none that we wrote, or if it is damaged; see ``parse_block``.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(16)
        return parse_block(_read(path, magic))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, pa.ArrowException):
        return None


def _read(path: Path, magic: bytes) -> str | bytes:
    if magic.startswith(b"SQLite format 3"):
        return _read_geopackage(path)
    if magic.startswith(b"PAR1"):
        # By an open file, as names need not be UTF-8.
        with path.open("rb") as file:
            return bytes(pq.read_metadata(file).metadata[METADATA_KEY.encode()])
    if block_beside(path).is_file():
        with block_beside(path).open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        content = json.loads(text) if len(text) <= MOST_BYTES else None
        if isinstance(content, dict) and content["bytes"] == path.stat().st_size:
            return json.dumps(content[METADATA_KEY])
    return _read_arrow(path, magic)


def _read_arrow(path: Path, magic: bytes) -> bytes:
    if not magic.startswith(_ARROW):
        # The first bytes of a text would be taken for the size of a message, of up to some gigabytes.
        raise ValueError("it is no Arrow file")
    with path.open("rb") as file:
        open_table: Any = pa.ipc.open_file if magic.startswith(b"ARROW1") else pa.ipc.open_stream
        return bytes(open_table(file).schema.metadata[METADATA_KEY.encode()])


def _read_geopackage(path: Path) -> str:
    import sqlite3  # noqa: PLC0415 - only where there is one

    with path.open("rb") as file:
        header = file.read(32)
    page_size, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
    # SQLite does not miss pages before it needs them. The size 65536 is written as 1.
    if path.stat().st_size < (65_536 if page_size == 1 else page_size) * pages:
        raise ValueError("the end is missing")
    query = "SELECT metadata FROM gpkg_metadata WHERE md_standard_uri = ?"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            # A view of this name may have no end.
            database.set_progress_handler(lambda: 1, _MOST_STEPS)
            (text,) = database.execute(query, (METADATA_URI,)).fetchone()
    except sqlite3.Error as error:
        raise ValueError(f"no block in {path}") from error
    return str(text)
