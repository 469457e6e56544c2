"""Compressed text: gzip, zstd and bzip2 as streams, by the codecs of pyarrow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from insar_runtime._input.store_path import open_bytes
from insar_runtime.errors import DataError

Compressed = Literal["csv.gz", "csv.zst", "csv.bz2"]

MAGICS: Final[dict[bytes, Compressed]] = {
    b"\x1f\x8b": "csv.gz",
    b"\x28\xb5\x2f\xfd": "csv.zst",
    b"\x50\x2a\x4d\x18": "csv.zst",  # a frame without content, which pzstd writes first
    b"BZh": "csv.bz2",
}
"""First bytes of a compressed file, and the container that it is with a CSV in it."""
_CODECS: Final[dict[Compressed, str]] = {"csv.gz": "gzip", "csv.zst": "zstd", "csv.bz2": "bz2"}
_LOOK: Final = 4 << 20
"""Text by which the size of the whole is estimated."""


def open_compressed(path: Path, kind: Compressed) -> io.BufferedReader:
    """Open the text of a compressed file from its beginning.

    Raises
    ------
    DataError
        This pyarrow was built without the codec.
    OSError
        The file cannot be opened; while reading: it is damaged or cut.
    """
    return _open(open_bytes(path), path, kind)


def estimate_size(path: Path, kind: Compressed) -> int:
    """Return the bytes of the text, estimated from its first megabytes.

    Raises
    ------
    DataError, OSError
        As ``open_compressed``.
    """
    raw = open_bytes(path)
    with raw, _open(raw, path, kind) as stream:
        length = len(stream.read(_LOOK))
        return length if length < _LOOK else round(length * raw.size() / max(raw.tell(), 1))


def _open(raw: Any, path: Path, kind: Compressed) -> io.BufferedReader:
    codec = _CODECS[kind]
    if not pa.Codec.is_available(codec):
        raise DataError(f"{path} is a {codec} file, which this pyarrow does not read: unpack it")
    return io.BufferedReader(pa.CompressedInputStream(raw, codec), 1 << 20)
