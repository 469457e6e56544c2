"""A folder of files with one schema as one table, as Spark, Dask and Hive write it; its files in the order of names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.layout import DATES_KEY
from insar_runtime._input.origin import Origin
from insar_runtime._input.plain_types import as_plain, plain_schema
from insar_runtime._input.source import Source, guess_row_bytes
from insar_runtime._input.store_path import StorePath
from insar_runtime.errors import DataError, InputNotFoundError

_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
"""What stands in the name of a folder for a missing value."""
_PARTS: Final = 16
"""Files that a sample is taken from."""


class OpenFile(Protocol):
    """Opens a file of the folder."""

    def __call__(self, path: Path, closing: ExitStack, /) -> Source:
        """Return the open table."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of the folder, with the values that the names of its folders state."""

    path: Path
    keys: dict[str, str | None]


def files_of(folder: Path) -> list[Path]:
    """Return the files of a folder that hold rows, in the order of their names.

    Hidden files, those that begin with ``_`` (``_SUCCESS``, ``_metadata``) and empty ones are none of them, nor is what
    lies in such folders.
    """
    sized: Iterable[tuple[Path, int]]
    if isinstance(folder, StorePath):
        sized = folder.objects()
    else:
        sized = ((path, path.stat().st_size) for path in folder.rglob("*") if path.is_file())
    found = [path for path, size in sized if size and not _is_hidden(path.parts[len(folder.parts) :])]
    return sorted(found, key=lambda path: path.parts)


def _is_hidden(names: Sequence[str]) -> bool:
    # Also what a dataset keeps beside its rows, such as _delta_log.
    return any(name.startswith((".", "_")) for name in names)


def open_folder(folder: Path, open_file: OpenFile, date_format: str | None) -> Source:
    """Open a folder as one table; one file is open at a time.

    Parameters
    ----------
    folder : Path
        Its files, also those of folders within, hold parts of the rows. ``key=value`` in the name of a folder becomes a
        column of text, unless the files have a column of this name.
    open_file : callable
        Opens one file.
    date_format : str or None
        Spelling of dates that the user named.

    Raises
    ------
    InputNotFoundError
        If it holds no files.
    DataError
        If two files differ in their columns or dates, or in the keys of their folders.
    """
    parts = [_Part(path, _keys(path.parent, folder)) for path in files_of(folder)]
    if not parts:
        raise InputNotFoundError(f"folder {folder} holds no table: no file but hidden and empty ones")
    first: _Table | None = None
    rows: int | None = 0
    kept: list[_Part] = []
    row_bytes, held_bytes = 0.0, 0
    for part in parts:
        with ExitStack() as closing:
            source = open_file(part.path, closing)
            source = replace(source, schema=plain_schema(source.schema))
            if source.rows == 0 and first is None and part is not parts[-1]:
                continue  # the types of a text without rows are unknown
            if first is None:
                first = _Table(folder, part, source)
            first.check(part, source)
            rows = None if rows is None or source.rows is None else rows + source.rows
            if source.rows != 0:
                kept.append(part)
                row_bytes, held_bytes = max(row_bytes, source.row_bytes), max(held_bytes, source.held_bytes)
    if first is None:
        raise AssertionError("the last file counts whatever it holds")
    return first.source(kept, open_file, rows, max(row_bytes, guess_row_bytes(first.schema)), held_bytes, date_format)


class _Table:
    """The table that the first file with rows describes.

    Parameters
    ----------
    folder : Path
    part : _Part
    source : Source
        The open file.
    """

    def __init__(self, folder: Path, part: _Part, source: Source) -> None:
        self._folder = folder
        self._part = part
        self._names = source.schema.names
        self._keys = [name for name in part.keys if name not in source.schema.names]
        self._metadata = source.metadata
        self._origin = source.origin
        keys = [pa.field(name, pa.string()) for name in self._keys]
        self.schema = pa.schema([*source.schema, *keys], metadata=_without_bounds(source.schema.metadata))

    def check(self, part: _Part, source: Source) -> None:
        """Refuse a file that is no part of this table."""
        both = f"{self._part.path} and {part.path}"
        schema = source.schema
        if schema.names != self._names:
            mine, other = set(self._names), set(schema.names)
            what = next(iter(sorted(mine ^ other)), None)
            how = f"column '{what}' is in one of them only" if what else "their columns have another order"
            raise DataError(f"{both} are no parts of one table: {how}; give each file by itself, without --as-table")
        for field in schema:
            known = self.schema.field(field.name)
            if not _fits(field.type, known.type, source):
                raise DataError(
                    f"{both} are no parts of one table: column '{field.name}' is {known.type} and {field.type}; write "
                    f"it with one type"
                )
            if _dates(known.metadata) != _dates(field.metadata):
                raise DataError(f"{both} have other dates; give each file by itself, without --as-table")
        if _dates(self.schema.metadata) != _dates(schema.metadata):
            raise DataError(f"{both} have other dates; give each file by itself, without --as-table")
        if list(part.keys) != list(self._part.keys):
            raise DataError(f"{both} lie in folders with other keys; give the folder of one table")

    def source(
        self,
        parts: Sequence[_Part],
        open_file: OpenFile,
        rows: int | None,
        row_bytes: float,
        held_bytes: int,
        date_format: str | None,
    ) -> Source:
        """Return the table, whose files are opened one after another when they are read."""

        def each(columns: Sequence[str] | None, chosen: Sequence[_Part], batches: Any) -> Iterator[pa.RecordBatch]:
            for part in chosen:
                with ExitStack() as closing:
                    source = open_file(part.path, closing)
                    if source.retyped is not None:
                        own = pa.schema([self.schema.field(name) for name in self._names])
                        source = source.retyped(own)
                    for batch in batches(source):
                        yield self._completed(as_plain(batch), part, columns)

        def read(batch_rows: int, threads: int) -> Iterable[pa.RecordBatch]:
            return each(None, parts, lambda source: source.batches(batch_rows, threads))

        def read_again(columns: Sequence[str]) -> Iterable[pa.RecordBatch]:
            # A file without a column of its own still says how many rows it has.
            own = [name for name in columns if name in self._names] or self._names[:1]
            return each(columns, parts, lambda source: source.read_again(own))

        def spread(columns: Sequence[str], count: int) -> Iterator[pa.RecordBatch]:
            from insar_runtime._input.sampling import spread_batches  # noqa: PLC0415 - which knows of containers

            places = np.linspace(0, len(parts) - 1, min(_PARTS, len(parts))).astype(int).tolist()
            chosen = [parts[place] for place in sorted(set(places))]
            own = [name for name in columns if name in self._names]
            share = -(-count // max(len(chosen), 1))
            return each(columns, chosen, lambda source: spread_batches(source, own, share))

        return Source(
            str(self._folder),
            "folder",
            self.schema,
            rows,
            _texts(self.schema.metadata),
            row_bytes,
            held_bytes,
            Origin((self._folder.name,), self._origin.product_level, self._origin.form, self._origin.notes),
            read,
            read_again,
            search=DateSearch.among(self.schema.names, date_format),
            spread=spread,
        )

    def _completed(self, batch: pa.RecordBatch, part: _Part, columns: Sequence[str] | None) -> pa.RecordBatch:
        """Return a batch with the types of the table, and the values that the names of folders state."""
        wanted = self.schema.names if columns is None else columns
        arrays = []
        for name in wanted:
            kind = self.schema.field(name).type
            if name in self._keys:
                arrays.append(pa.repeat(pa.scalar(part.keys[name], pa.string()), batch.num_rows))
            else:
                column = batch.column(name)
                arrays.append(column if column.type == kind else column.cast(kind, safe=False))
        schema = self.schema if columns is None else pa.schema([self.schema.field(name) for name in wanted])
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _keys(folder: Path, root: Path) -> dict[str, str | None]:
    """Return keys and values of the folders below the root that are named ``key=value``."""
    found: dict[str, str | None] = {}
    for name in folder.parts[len(root.parts) :]:
        key, sign, value = name.partition("=")
        if sign and key:
            found[unquote(key)] = None if value == _NULL else unquote(value)
    return found


def _fits(kind: pa.DataType, known: pa.DataType, source: Source) -> bool:
    """Whether a column of a file has the type of the table; a text gets it when it is read."""
    # Series are read as float32 where that takes less memory, which depends on the file.
    both_numbers = pa.types.is_floating(kind) and pa.types.is_floating(known)
    return bool(kind == known) or both_numbers or source.retyped is not None


def _dates(metadata: dict[bytes, bytes] | None) -> bytes | None:
    """Return the dates of list columns, where metadata hold them."""
    metadata = metadata or {}
    return metadata.get(DATES_KEY.encode(), metadata.get(b"dates"))


def _without_bounds(metadata: dict[bytes, bytes] | None) -> dict[bytes, bytes] | None:
    """Return metadata whose geometry has no bounds: those of one file are not those of the table."""
    if not metadata or b"geo" not in metadata:
        return metadata
    try:
        geo = json.loads(metadata[b"geo"])
        for column in geo["columns"].values():
            column.pop("bbox", None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return metadata
    return {**metadata, b"geo": json.dumps(geo).encode()}


def _texts(metadata: dict[bytes, bytes] | None) -> dict[str, str]:
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in (metadata or {}).items()}
